//! Servers, their database, what counts in it, and the people.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use private_servers::PrivateRedis;
use serde_json::Value;

use super::life::{End, Life};
use super::person::Person;
use super::{PRESSES, Plan, Queue};
use crate::support::exchange::{Caller, exchange};
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::{Answered, PASSWORD};

/// Longer than anything here takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(180);
const SECRET: &str = "one secret for all servers of this scene";
const TOKEN: &str = "a token for the metrics of this scene";
pub const FORM: &str = "application/x-www-form-urlencoded";

pub struct Scene {
    pub database: PrivateDatabase,
    redis: Option<PrivateRedis>,
    servers: Vec<RunningServer>,
    arguments: &'static [&'static str],
}

impl Scene {
    pub async fn set(database: PrivateDatabase, plan: Plan) -> Self {
        database.make_schema();
        make_records(&database, plan.people() * plan.records_of_each());
        let redis = (plan.queue != Queue::File).then(|| PrivateRedis::start().expect("Redis is installed"));
        assert!(redis.is_some() || plan.servers == 1, "one server has one file");
        let (url, redis_url) = (database.url(), redis.as_ref().map(PrivateRedis::url));
        let mut settings = vec![
            ("DATABASE_URL", url.as_str()),
            ("INKFAST_SECRET", SECRET),
            ("INKFAST_API_TOKEN", TOKEN),
            ("INKFAST_REPLAY_PER_SECOND", "1000"),
            ("RUST_LOG", "off"),
        ];
        settings.extend(redis_url.as_deref().map(|url| ("REDIS_URL", url)));
        let mut servers = Vec::new();
        for _ in 0..plan.servers {
            servers.push(RunningServer::over(&settings).await);
        }
        Self {
            database,
            redis,
            servers,
            arguments: plan.arguments,
        }
    }

    /// Each is known to every server, and has the forms of all records of their own.
    pub async fn people(&mut self, plan: Plan, random: &mut fastrand::Rng) -> Vec<Person> {
        let mut people = Vec::new();
        for number in 0..plan.people() {
            let name = format!("person-{number}");
            self.add_account(&name);
            let cookie = self.servers[0].signed_in_as(&name).await;
            for server in 0..self.servers.len() {
                self.until_known(server, &cookie).await;
            }
            let first = number * plan.records_of_each() + 1;
            let records = first..first + plan.records_of_each();
            people.push(Person::with_forms(self, &name, &cookie, records, random.u64(..)).await);
        }
        people
    }

    fn add_account(&self, name: &str) {
        let mut adding = self.servers[0].command(&["account", "add", name, "--role", "editor", "--password-stdin"]);
        let adding = adding.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut adding = adding.expect("the program was built");
        let stdin = adding.stdin.take();
        let typed = stdin.map(|mut stdin| stdin.write_all(PASSWORD.as_bytes()));
        typed.expect("it reads").expect("it reads");
        assert!(adding.wait().expect("it ends").success(), "{name} was added");
    }

    async fn until_known(&self, server: usize, cookie: &str) {
        let begun = Instant::now();
        let is_known = async || {
            let seen = self.get(server, cookie, "/drafts").await;
            seen.is_some_and(|seen| seen.status == StatusCode::OK)
        };
        while !is_known().await {
            assert!(
                begun.elapsed() < PATIENCE,
                "server {server} does not know a new account"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// With the servers as they were so far.
    pub fn take_the_database_away(&self) {
        self.servers.iter().for_each(RunningServer::kill);
        self.database.kill();
    }

    pub fn begin(&self, server: usize, ends: &[End]) -> Life {
        Life::begin(&self.servers[server], self.arguments, ends)
    }

    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    pub fn redis(&self) -> &PrivateRedis {
        self.redis.as_ref().expect("the plan has a Redis")
    }

    pub async fn get(&self, server: usize, cookie: &str, path: &str) -> Option<Answered> {
        self.ask(server, cookie, Method::GET, path, String::new(), &[]).await
    }

    /// As the page's script.
    pub async fn post(&self, server: usize, cookie: &str, path: &str, body: String) -> Option<Answered> {
        let json = [("accept", "application/json")];
        self.ask(server, cookie, Method::POST, path, body, &json).await
    }

    async fn ask(
        &self,
        server: usize,
        cookie: &str,
        method: Method,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> Option<Answered> {
        let address = self.servers[server].address();
        let caller = Caller {
            host: address.to_string(),
            cookie: cookie.to_owned(),
        };
        exchange(address, &caller, method, path, (FORM, body), headers).await
    }

    /// What Redis has of the only line there is.
    pub fn line(&self) -> BTreeMap<String, Value> {
        let keys = self.redis().keys("*}:queue").expect("Redis is there");
        let [key] = &keys[..] else { panic!("{keys:?}") };
        let fields = self.redis().command(&["HGETALL", key]).expect("Redis is there");
        let fields: Vec<&str> = fields.lines().collect();
        let read = |two: &[&str]| Some((two[0].to_owned(), serde_json::from_str(two[1]).ok()?));
        fields.chunks_exact(2).filter_map(read).collect()
    }

    /// Where Redis was slow, a server has kept a press beside it, and moves it there.
    pub async fn until_redis_has(&self, presses: usize) {
        let begun = Instant::now();
        while self.waiting_in_redis() < presses {
            assert!(begun.elapsed() < PATIENCE, "not all of {presses} presses came to Redis");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn waiting_in_redis(&self) -> usize {
        let keys = self.redis().keys("*}:queue").expect("Redis is there");
        let fields = keys.iter().map(|key| {
            let fields = self.redis().command(&["HKEYS", key]).expect("Redis is there");
            fields.lines().filter(|field| field.starts_with("entry:")).count()
        });
        fields.sum()
    }

    /// How many changes the database has made.
    pub fn done(&self) -> usize {
        let both = "SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM made)";
        self.database.query(both).parse().expect("a number")
    }

    /// How often each submission is in the audit, by its id.
    pub fn effects(&self) -> HashMap<String, usize> {
        let audit = self.database.own("audit");
        let rows = self.rows(&format!("SELECT submission, count(*) FROM {audit} GROUP BY submission"));
        rows.into_iter()
            .map(|row| (row[0].clone(), row[1].parse().expect("a number")))
            .collect()
    }

    /// Ids of what was done for each person, in the order of the audit.
    pub fn order(&self) -> HashMap<String, Vec<String>> {
        let audit = self.database.own("audit");
        let mut order = HashMap::<_, Vec<_>>::new();
        for row in self.rows(&format!("SELECT account, submission FROM {audit} ORDER BY id")) {
            order.entry(row[0].clone()).or_default().push(row[1].clone());
        }
        order
    }

    /// What stood in each record after each change of it, in the order in which the database made them.
    pub fn written(&self) -> HashMap<String, Vec<String>> {
        let mut written = HashMap::<_, Vec<_>>::new();
        for row in self.rows("SELECT record, texts FROM written ORDER BY n") {
            written.entry(row[0].clone()).or_default().push(row[1].clone());
        }
        written
    }

    /// How many records there are of each text.
    pub fn made(&self) -> HashMap<String, usize> {
        let rows = self.rows("SELECT word, count(*) FROM made GROUP BY word");
        rows.into_iter()
            .map(|row| (row[0].clone(), row[1].parse().expect("a number")))
            .collect()
    }

    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let said = self.database.query(sql);
        said.lines()
            .map(|line| line.split(['|', '\t']).map(str::to_owned).collect())
            .collect()
    }

    /// As the metrics of a server say that has just looked at everything. Where it never comes to that, the comparison
    /// says what is missing.
    pub async fn until_nothing_waits(&self, server: usize) {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str())];
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let metrics = self
                .ask(server, "", Method::GET, "/metrics", String::new(), &headers)
                .await;
            if metrics.is_some_and(|metrics| metrics.body.contains("\ninkfast_replay_waiting 0\n")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Records that are changed column by column. The database itself notes each change, past anything a server could say.
fn make_records(database: &PrivateDatabase, count: usize) {
    let columns = |each: &dyn Fn(usize) -> String| (0..PRESSES).map(each).collect::<Vec<_>>();
    let texts = columns(&|n| format!("c{n} varchar(60) NOT NULL DEFAULT '-'")).join(", ");
    let new = columns(&|n| format!("NEW.c{n}")).join(", ");
    let sql = match database {
        PrivateDatabase::Postgres(_) => format!(
            "CREATE TABLE task (id integer PRIMARY KEY, {texts});
             CREATE TABLE made (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, word varchar(60) NOT NULL);
             CREATE TABLE written (n bigserial PRIMARY KEY, record integer NOT NULL, texts text NOT NULL);
             INSERT INTO task (id) SELECT generate_series(1, {count});
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO written (record, texts) VALUES (NEW.id, concat_ws(' ', {new})); RETURN NEW; END $$;
             CREATE TRIGGER note AFTER UPDATE ON task FOR EACH ROW EXECUTE FUNCTION note();"
        ),
        PrivateDatabase::MariaDb(_) => format!(
            "CREATE TABLE task (id int PRIMARY KEY, {texts});
             CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, word varchar(60) NOT NULL);
             CREATE TABLE written (n bigint AUTO_INCREMENT PRIMARY KEY, record int NOT NULL, texts text NOT NULL);
             INSERT INTO task (id) SELECT seq FROM seq_1_to_{count};
             CREATE TRIGGER note AFTER UPDATE ON task FOR EACH ROW
                 INSERT INTO written (record, texts) VALUES (NEW.id, CONCAT_WS(' ', {new}));"
        ),
    };
    database.query(&sql);
}
