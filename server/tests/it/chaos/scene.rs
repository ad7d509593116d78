//! Servers over one database and one Redis, with an account for each client.

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use private_servers::PrivateRedis;

use super::Plan;
use crate::support::exchange::{Caller, exchange};
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::{Answered, PASSWORD};

/// Longer than starting anything takes.
const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: &str = "one secret for all servers of this scene";

/// The database itself counts how often a title was written, past anything a server could say.
const POSTGRES_TRIGGER: &str = "
    CREATE FUNCTION count_saves() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.saves := OLD.saves + 1; RETURN NEW; END $$;
    CREATE TRIGGER count_saves BEFORE UPDATE OF title ON activity FOR EACH ROW EXECUTE FUNCTION count_saves();
";
const MARIADB_TRIGGER: &str = "
    CREATE TRIGGER count_saves BEFORE UPDATE ON activity FOR EACH ROW SET NEW.saves = OLD.saves + 1;
";

pub struct Scene {
    pub database: Arc<PrivateDatabase>,
    pub redis: Arc<PrivateRedis>,
    pub servers: Vec<RunningServer>,
    pub cookies: Vec<String>,
}

impl Scene {
    pub async fn set(database: PrivateDatabase, plan: Plan) -> Self {
        database.make_schema();
        database.query(match &database {
            PrivateDatabase::Postgres(_) => POSTGRES_TRIGGER,
            PrivateDatabase::MariaDb(_) => MARIADB_TRIGGER,
        });
        let redis = PrivateRedis::start().expect("Redis is installed");
        let (url, redis_url) = (database.url(), redis.url());
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("REDIS_URL", redis_url.as_str()),
            ("INKFAST_SECRET", SECRET),
            ("RUST_LOG", "off"),
        ];
        let mut servers = Vec::new();
        for _ in 0..plan.servers {
            servers.push(RunningServer::over(&settings).await);
        }
        let mut scene = Self {
            database: Arc::new(database),
            redis: Arc::new(redis),
            servers,
            cookies: Vec::new(),
        };
        for n in 0..plan.clients {
            let cookie = scene.signed_in(&account(n)).await;
            scene.cookies.push(cookie);
        }
        scene
    }

    async fn signed_in(&self, name: &str) -> String {
        let mut adding = self.servers[0].command(&["account", "add", name, "--role", "editor", "--password-stdin"]);
        let adding = adding.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut adding = adding.expect("the program was built");
        let typed = adding
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(PASSWORD.as_bytes()));
        typed.expect("it reads").expect("it reads");
        assert!(adding.wait().expect("it ends").success(), "{name} was added");
        let cookie = self.servers[0].signed_in_as(name).await;
        let begun = Instant::now();
        for server in 0..self.servers.len() {
            while self
                .get(server, &cookie, "/drafts")
                .await
                .is_none_or(|got| got.status != StatusCode::OK)
            {
                assert!(begun.elapsed() < PATIENCE, "{name} is not known to server {server}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        cookie
    }

    pub async fn get(&self, server: usize, cookie: &str, path: &str) -> Option<Answered> {
        self.ask(server, cookie, Method::GET, path, ("text/plain", String::new()))
            .await
    }

    /// `None` where no whole answer came.
    pub async fn ask(
        &self,
        server: usize,
        cookie: &str,
        method: Method,
        path: &str,
        body: (&str, String),
    ) -> Option<Answered> {
        let address = self.servers[server].address();
        let caller = Caller {
            host: address.to_string(),
            cookie: cookie.to_owned(),
        };
        let json = [("accept", "application/json")];
        let headers = if method == Method::GET { &[][..] } else { &json[..] };
        exchange(address, &caller, method, path, body, headers).await
    }

    /// All servers can save, and all of them keep drafts in Redis.
    pub async fn until_all_is_well(&self) {
        let begun = Instant::now();
        for server in 0..self.servers.len() {
            let is_well = async || {
                let ready = self.get(server, "", "/readyz").await;
                let health = self.get(server, "", "/health").await;
                ready.is_some_and(|ready| ready.status == StatusCode::OK)
                    && health.is_some_and(|health| health.body.contains("\"drafts_kept_in\":\"redis\""))
            };
            while !is_well().await {
                assert!(begun.elapsed() < PATIENCE, "server {server} is not well again");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

pub fn account(n: usize) -> String {
    format!("client-{n}")
}
