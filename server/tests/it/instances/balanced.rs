//! Three servers behind a balancer: any may be killed at any moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivateRedis;
use resilient_core::submission::answer::{Answer, Outcome};
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{PATIENCE, SECRET, until};
use crate::support::balancer::Balancer;
use crate::support::drawn_form::DrawnForm;
use crate::support::exchange::{Caller, exchange};
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::Answered;

/// As the balancer calls them in its cookie.
const SERVERS: [&str; 3] = ["one", "two", "three"];
const FORM: &str = "application/x-www-form-urlencoded";

struct Balanced {
    address: SocketAddr,
    servers: Vec<RunningServer>,
    /// From each server to the database.
    ways: Vec<FaultProxy>,
    database: PrivateDatabase,
    cookie: String,
    redis: PrivateRedis,
    _balancer: Balancer,
}

impl Balanced {
    async fn started() -> Arc<Self> {
        let (database, redis) = (PrivateDatabase::postgres(), PrivateRedis::start().expect("Redis"));
        database.make_schema();
        let port = fault_proxy::free_port().expect("a free port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (mut servers, mut ways) = (Vec::new(), Vec::new());
        for _ in SERVERS {
            let way = FaultProxy::start(([127, 0, 0, 1], database.port()).into()).await;
            let way = way.expect("a proxy");
            let settings = [
                ("DATABASE_URL", database.url_at(way.address())),
                ("REDIS_URL", redis.url()),
                ("INKFAST_SECRET", SECRET.to_owned()),
                ("INKFAST_PUBLIC_URL", format!("http://{address}")),
                ("RUST_LOG", "off".to_owned()),
            ];
            let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
            servers.push(RunningServer::over(&settings).await);
            ways.push(way);
        }
        let addresses: Vec<_> = servers.iter().map(RunningServer::address).collect();
        let balanced = Self {
            address,
            cookie: servers[0].cookie().to_owned(),
            _balancer: Balancer::start(address, &addresses),
            servers,
            ways,
            database,
            redis,
        };
        for server in 0..SERVERS.len() {
            let answers = async || {
                let got = balanced
                    .ask(server, Method::GET, "/drafts", (FORM, String::new()))
                    .await;
                got.is_some_and(|got| got.status == StatusCode::OK)
            };
            until("the balancer and the servers behind it answer", answers).await;
        }
        Arc::new(balanced)
    }

    /// By the balancer, to this server as long as it is there.
    async fn ask(&self, server: usize, method: Method, path: &str, body: (&str, String)) -> Option<Answered> {
        let caller = Caller {
            host: self.address.to_string(),
            cookie: format!("{}; inkfast-server={}", self.cookie, SERVERS[server]),
        };
        let json = [("accept", "application/json")];
        let headers = if method == Method::GET { &[][..] } else { &json[..] };
        exchange(self.address, &caller, method, path, body, headers).await
    }

    async fn form(&self, server: usize, path: &str) -> DrawnForm {
        let page = self.ask(server, Method::GET, path, (FORM, String::new())).await;
        DrawnForm::read(&page.expect("an answer").body)
    }

    /// One press of Save, as a page does it: sent again under its id until there is an answer that ends it.
    async fn saved(&self, server: usize, form: &DrawnForm) -> Answer {
        let begun = Instant::now();
        loop {
            let answered = self.pressed(server, form).await;
            match answered.as_ref().and_then(answer_in) {
                Some(answer) if answer.outcome == Outcome::Saved => return answer,
                Some(answer) if !matches!(answer.outcome, Outcome::Kept | Outcome::InProgress) => {
                    panic!("{answer:?}")
                }
                _ => {}
            }
            assert!(begun.elapsed() < PATIENCE, "not saved");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn pressed(&self, server: usize, form: &DrawnForm) -> Option<Answered> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.controls)
            .finish();
        self.ask(server, Method::POST, &form.action, (FORM, body)).await
    }

    fn effects(&self, id: &str) -> String {
        let audit = self.database.own("audit");
        let count = format!("SELECT count(*) FROM {audit} WHERE submission = '{id}'");
        self.database.query(&count)
    }

    /// Whether this field of the form is in Redis itself.
    fn redis_has(&self, form_key: &str, field: &str) -> bool {
        let keys = self.redis.keys(&format!("*:form:{form_key}")).unwrap_or_default();
        keys.iter().any(|key| {
            let fields = self.redis.command(&["HKEYS", key]).unwrap_or_default();
            fields.lines().any(|found| found == field)
        })
    }

    async fn until_in_the_database(&self, what: &str, sql: &str, wanted: &str) {
        until(what, async || self.database.query(sql) == wanted).await;
    }
}

/// `None` for what no server of ours has said.
fn answer_in(answered: &Answered) -> Option<Answer> {
    let envelope: Value = serde_json::from_str(&answered.body).ok()?;
    serde_json::from_value(envelope["data"].clone()).ok()
}

fn id_of(form: &DrawnForm) -> String {
    form.value("_id").expect("a form has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_before_it_could_commit_leaves_the_save_to_another() {
    let balanced = Balanced::started().await;
    let form = balanced
        .form(0, "/records/activity/1")
        .await
        .with("v.title", "Saved by another");
    // Somebody else holds the record: the save gets as far as that.
    let mut holder = sqlx::PgConnection::connect(&balanced.database.url())
        .await
        .expect("a connection");
    let mut held = holder.begin().await.expect("a transaction");
    let lock = sqlx::query("SELECT id FROM activity WHERE id = 1 FOR UPDATE");
    lock.execute(&mut *held).await.expect("the lock");

    let saving = {
        let (balanced, form) = (Arc::clone(&balanced), form.clone());
        tokio::spawn(async move { balanced.saved(0, &form).await })
    };
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    balanced.until_in_the_database("the save waits", waiting, "1").await;
    balanced.servers[0].kill();
    balanced
        .until_in_the_database("another server has it now", waiting, "2")
        .await;
    held.rollback().await.expect("the lock is given back");

    let answer = saving.await.expect("it is saved");
    assert_eq!(answer.key.as_deref(), Some("1"));
    assert_eq!(balanced.effects(&id_of(&form)), "1");
    let title = balanced.database.query("SELECT title FROM activity WHERE id = 1");
    assert_eq!(title, "Saved by another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_after_it_has_committed_has_another_say_so() {
    let balanced = Balanced::started().await;
    let new = format!("/records/activity/new?form={}", uuid::Uuid::new_v4());
    let form = balanced.form(1, &new).await.with("v.title", "Made once");
    // The database commits, and the server does not hear it.
    let way = &balanced.ways[1];
    let before = way.counters().cut;
    let cut = Fault::CutAfterForwarding {
        pattern: balanced.database.commit().to_vec(),
        times: 1,
    };
    way.set(cut).await;
    let saving = {
        let (balanced, form) = (Arc::clone(&balanced), form.clone());
        tokio::spawn(async move { balanced.pressed(1, &form).await })
    };
    until("its commit was cut", async || way.counters().cut > before).await;
    way.set(Fault::Cut).await;
    until("it is committed", async || balanced.effects(&id_of(&form)) == "1").await;
    balanced.servers[1].kill();

    // Pressed once: the balancer has asked another one, which is safe because of the id.
    let answered = saving.await.expect("it came to its end").expect("an answer");
    let answer = answer_in(&answered).unwrap_or_else(|| panic!("not ours: {}", answered.body));
    assert_eq!((answer.outcome, answer.replayed), (Outcome::Saved, true), "{answer:?}");
    assert_eq!(balanced.effects(&id_of(&form)), "1");
    let made = balanced
        .database
        .query("SELECT count(*) FROM activity WHERE title = 'Made once'");
    assert_eq!(made, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_on_one_is_restored_by_another_and_what_is_saved_there_is_told_here() {
    let balanced = Balanced::started().await;
    let form = balanced.form(0, "/records/activity/2").await;
    let draft = json!({
        "version": form.value("_version"), "base": {"title": "Activity 2"}, "values": {"title": "Typed on one"},
        "seq": 1, "writer": "page", "on": null,
    });
    let body = ("application/json", draft.to_string());
    let kept = balanced.ask(0, Method::POST, "/api/drafts/activity/2", body).await;
    assert_eq!(kept.expect("an answer").status, StatusCode::OK);
    // One late reply keeps it at the server for a while.
    until("Redis has it", async || {
        balanced.redis_has("activity/2", "draft:1:page")
    })
    .await;
    balanced.servers[0].kill();
    let begun = Instant::now();
    let restored = loop {
        let form = balanced.form(1, "/records/activity/2").await;
        if form.value("v.title") == Some("Typed on one") {
            break form;
        }
        assert!(begun.elapsed() < PATIENCE, "another one does not show it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(restored.state, "dirty");

    let mut stream = TcpStream::connect(balanced.address).await.expect("it listens");
    let (host, cookie) = (balanced.address, &balanced.cookie);
    let request = format!("GET /events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}; inkfast-server=three\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut lines = BufReader::new(stream).lines();
    let hello = after(&mut lines, "event: hello").await;
    let opened: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("stream", hello["stream"].as_str().expect("a token"))
        .append_pair("open", "activity/2")
        .finish();
    let present = balanced.ask(2, Method::POST, "/api/presence", (FORM, opened)).await;
    assert_eq!(present.expect("an answer").status, StatusCode::OK);
    assert_eq!(after(&mut lines, "event: presence").await["who"], json!(["admin"]));
    balanced.saved(1, &restored).await;
    assert_eq!(
        after(&mut lines, "event: record").await["id"],
        id_of(&restored).as_str()
    );
}

type Lines = tokio::io::Lines<BufReader<TcpStream>>;

/// What is said with the next event of this name.
async fn after(lines: &mut Lines, event: &str) -> Value {
    let heard = async {
        while lines.next_line().await.expect("a way").expect("a stream") != event {}
        let said = lines.next_line().await.expect("a way").expect("a stream");
        serde_json::from_str(said.strip_prefix("data: ").expect("data")).expect("JSON")
    };
    tokio::time::timeout(PATIENCE, heard)
        .await
        .unwrap_or_else(|_| panic!("no {event}"))
}

/// None of them can save then, and all of them go on keeping what is typed.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_starts_again_every_save_is_kept_and_then_done_once() {
    let balanced = Balanced::started().await;
    let form = balanced
        .form(0, "/records/activity/3")
        .await
        .with("v.title", "Pressed meanwhile");
    balanced.database.kill();
    let begun = Instant::now();
    let mut kept = 0;
    // Longer than the balancer takes to learn that none of them can save.
    while begun.elapsed() < Duration::from_secs(5) {
        for server in 0..SERVERS.len() {
            let answered = balanced.pressed(server, &form).await.expect("an answer");
            let answer = answer_in(&answered).unwrap_or_else(|| panic!("not ours: {}", answered.body));
            match answer.outcome {
                Outcome::Kept => kept += u32::from(answer.kept_in.is_some()),
                Outcome::InProgress => {}
                other => panic!("{other:?}"),
            }
        }
        let page = balanced.ask(0, Method::GET, "/drafts", (FORM, String::new())).await;
        assert_eq!(page.expect("an answer").status, StatusCode::OK);
    }
    assert!(kept > 0);
    balanced.database.restart();
    balanced.saved(1, &form).await;
    assert_eq!(balanced.effects(&id_of(&form)), "1");
    for server in &balanced.servers {
        let ready = async || {
            let ready = server.form("/records/activity/3").await;
            ready.is_some_and(|form| form.value("v.title") == Some("Pressed meanwhile"))
        };
        until("each has it", ready).await;
    }
}
