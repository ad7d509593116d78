//! The primary is lost and a standby promoted, while people save.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{PATIENCE, Pair, STANDBYS, eventually, servers};
use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;

const CLIENTS: usize = 8;
/// On each of the servers, before and after.
const SAVES: usize = 60;

/// What people were told is saved, by title, and when.
#[derive(Default)]
struct Acknowledged {
    titles: Mutex<BTreeMap<String, Instant>>,
    /// Answers that were anything else.
    unsaved: AtomicUsize,
    over: AtomicBool,
}

impl Acknowledged {
    fn count(&self) -> usize {
        self.titles.lock().expect("no panic").len()
    }

    fn since(&self, moment: Instant) -> Vec<(String, Instant)> {
        let titles = self.titles.lock().expect("no panic");
        let mut later: Vec<_> = titles.iter().filter(|(_, at)| **at > moment).collect();
        later.sort_by_key(|(_, at)| **at);
        later.into_iter().map(|(title, at)| (title.clone(), *at)).collect()
    }
}

/// Makes records one after the other, each until it is acknowledged, as a page does: the same form, the same id.
async fn saves_on(server: Arc<RunningServer>, client: usize, acknowledged: Arc<Acknowledged>) {
    for n in 0.. {
        let title = format!("saved {client} {n}");
        let id = uuid::Uuid::new_v4();
        let form = loop {
            if acknowledged.over.load(Ordering::Relaxed) {
                return;
            }
            match server.form(&format!("/records/activity/new?form={id}")).await {
                Some(form) => break form.with("v.title", &title),
                None => sleep(Duration::from_millis(50)).await,
            }
        };
        // What was begun is brought to its end, over or not.
        while !is_saved(&server, &form, &acknowledged).await {
            sleep(Duration::from_millis(50)).await;
        }
        acknowledged
            .titles
            .lock()
            .expect("no panic")
            .insert(title, Instant::now());
    }
}

async fn is_saved(server: &RunningServer, form: &DrawnForm, acknowledged: &Acknowledged) -> bool {
    let answer = server.save(form).await;
    match answer.map(|answer| (answer.outcome, answer.errors)) {
        Some((Outcome::Saved, _)) => return true,
        None | Some((Outcome::Kept | Outcome::InProgress, _)) => {}
        Some(other) => panic!("a wrong answer: {other:?}"),
    }
    acknowledged.unsaved.fetch_add(1, Ordering::Relaxed);
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledged_save_is_there_once_after_a_promotion() {
    survive_a_promotion("PostgreSQL", PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledged_save_is_there_once_after_a_promotion_of_mariadb() {
    survive_a_promotion("MariaDB", PrivateDatabase::mariadb_primary()).await;
}

async fn survive_a_promotion(name: &str, north: PrivateDatabase) {
    north.make_schema();
    let south = north.standby();
    north.keeps_in_step(&south);
    let (north, south) = (Arc::new(north), Arc::new(south));
    let settings = [
        ("DATABASE_URL", north.url()),
        (STANDBYS, south.url()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Arc::new(RunningServer::over(&settings).await);
    let acknowledged = Arc::new(Acknowledged::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(saves_on(Arc::clone(&server), client, Arc::clone(&acknowledged))))
        .collect();
    eventually("people save", async || acknowledged.count() >= SAVES).await;

    on(&north, PrivateDatabase::kill).await;
    on(&south, PrivateDatabase::promote).await;
    let promoted = Instant::now();
    eventually("people save again", async || !acknowledged.since(promoted).is_empty()).await;
    let (first, at) = acknowledged.since(promoted).remove(0);
    println!(
        "{name}: the first save {:?} after the promotion ({first})",
        at - promoted
    );
    eventually("people go on", async || acknowledged.since(promoted).len() >= SAVES).await;

    // It comes back as if nothing had happened, and would take changes.
    let before = south.query("SELECT count(*) FROM activity WHERE title LIKE 'saved %'");
    on(&north, PrivateDatabase::restart).await;
    let back = Instant::now();
    let is_barred = |log: &str| log.contains("two servers take writes at the same time");
    eventually("it is told", async || is_barred(&server.log())).await;
    eventually("people go on", async || acknowledged.since(back).len() >= SAVES).await;
    acknowledged.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no wrong answer");
    }

    let count = |database: &PrivateDatabase, sql: &str| -> usize { database.query(sql).parse().expect("a number") };
    let made = "SELECT count(*) FROM activity WHERE title LIKE 'saved %'";
    let distinct = "SELECT count(DISTINCT title) FROM activity WHERE title LIKE 'saved %'";
    let audit = format!(
        "SELECT count(*) FROM {} WHERE changes LIKE '%\"saved %'",
        south.own("audit")
    );
    let told = acknowledged.count();
    println!(
        "{name}: {told} acknowledged, {} other answers, {before} there when the old primary came back",
        acknowledged.unsaved.load(Ordering::Relaxed)
    );
    let there = [made, distinct, &audit].map(|sql| count(&south, sql));
    assert_eq!(there, [told; 3], "there, told apart, in the history");
    let titles: Vec<_> = acknowledged
        .since(promoted)
        .into_iter()
        .map(|(title, _)| format!("'{title}'"))
        .collect();
    let strayed = format!("SELECT count(*) FROM activity WHERE title IN ({})", titles.join(", "));
    assert!(count(&south, &strayed) == titles.len() && titles.len() >= 2 * SAVES);
    let back = acknowledged
        .since(back)
        .into_iter()
        .map(|(title, _)| format!("'{title}'"));
    let after_its_return = back.collect::<Vec<_>>().join(", ");
    let strayed = format!("SELECT count(*) FROM activity WHERE title IN ({after_its_return})");
    assert_eq!(count(&north, &strayed), 0, "written to the old primary");
}

async fn on(database: &Arc<PrivateDatabase>, does: fn(&PrivateDatabase)) {
    let database = Arc::clone(database);
    spawn_blocking(move || does(&database)).await.expect("no panic");
}

/// The answer to COMMIT is lost with the primary, and the standby has it: found there, under the same id.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_whose_answer_was_lost_with_the_primary_is_found_on_the_next() {
    // An answer waits until the standby has done the same, which stands still.
    let waits = "ALTER ROLE postgres SET synchronous_commit = 'remote_apply'";
    let pair = Pair::with(PrivateDatabase::postgres(), STANDBYS, waits).await;
    pair.primary.keeps_in_step(&pair.other);
    pair.other.hold_back(true);
    let it_has_it = || {
        let position = pair.primary.query("SELECT pg_current_wal_flush_lsn()");
        pair.other
            .until(&format!("SELECT pg_last_wal_receive_lsn() >= '{position}'"), "t");
    };
    pair.is_saved_over_a_promotion("Found on the next", it_has_it).await;
}

/// The same, and the standby never got it: what was typed is still there, and is saved on the new primary, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_the_new_primary_never_got_is_done_there_once() {
    let pair = Pair::of(PrivateDatabase::postgres(), STANDBYS).await;
    pair.other.query("ALTER SYSTEM SET primary_conninfo = ''");
    pair.other.query("SELECT pg_reload_conf()");
    pair.primary.until("SELECT count(*) FROM pg_stat_replication", "0");
    pair.primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    pair.primary.query("SELECT pg_reload_conf()");
    let position = pair.primary.query("SELECT pg_current_wal_flush_lsn()");
    let it_has_it_not = || {
        let before = format!("SELECT pg_last_wal_receive_lsn() <= '{position}'");
        pair.other.until(&before, "t");
    };
    pair.is_saved_over_a_promotion("Done on the next", it_has_it_not).await;
}

impl Pair {
    /// Presses Save, loses the primary while it has committed and not answered yet, promotes the other one, and presses
    /// again as long as it is not saved. `then` is the last moment before the loss.
    async fn is_saved_over_a_promotion(&self, title: &str, then: impl FnOnce()) {
        // A new record: done a second time, there would be two of them.
        let new = format!("/records/activity/new?form={}", uuid::Uuid::new_v4());
        let form = self.app.form(&new).await.with("v.title", title);
        let losing = async {
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
            eventually("it waits for the standby", async || self.primary.query(waits) == "1").await;
            then();
            self.primary.kill();
            self.other.hold_back(false);
            self.other.promote();
        };
        let ((_, first), ()) = tokio::join!(self.app.save(&form), losing);
        println!("{title}: first {:?} {:?}", first.outcome, first.reason);
        let mut answer = first;
        let begun = Instant::now();
        while answer.outcome != Outcome::Saved {
            assert_eq!(answer.outcome, Outcome::Kept);
            assert!(begun.elapsed() < PATIENCE, "{answer:?}");
            sleep(Duration::from_millis(50)).await;
            answer = self.app.save(&form).await.1;
        }
        let made = format!("/records/activity/{}", answer.key.expect("a saved record has a key"));
        let page = self.app.form(&made).await;
        assert_eq!(page.value("v.title"), Some(title), "what is said to be saved is there");
        let records = format!("SELECT count(*) FROM activity WHERE title = '{title}'");
        assert_eq!(self.other.query(&records), "1", "made once");
        let lines = format!(
            "SELECT count(*) FROM {} WHERE changes LIKE '%\"{title}\"%'",
            self.other.own("audit")
        );
        assert_eq!(self.other.query(&lines), "1", "saved once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_primary_is_barred_until_somebody_says_otherwise() {
    let pair = Pair::of(PrivateDatabase::postgres(), STANDBYS).await;
    let app = &pair.app;
    let of = |servers: &[Value], name: &str| servers.iter().find(|server| server["name"] == name).cloned();
    pair.primary.kill();
    pair.other.promote();
    eventually("the new primary is found", async || {
        of(&servers(app).await, "standby1").is_some_and(|server| server["takes_changes"] == true)
    })
    .await;
    // The command line finds it, too.
    let added = Command::new(env!("CARGO_BIN_EXE_inkfast"))
        .args(["account", "add", "zoe", "--role", "viewer"])
        .env_clear()
        .envs([("DATABASE_URL", pair.primary.url()), (STANDBYS, pair.other.url())])
        .output()
        .expect("the program was built");
    assert!(added.status.success(), "{added:?}");
    let zoe = "SELECT count(*) FROM inkfast.account WHERE name = 'zoe'";
    assert_eq!(pair.other.query(zoe), "1");
    pair.primary.restart();
    eventually("the old one is barred", async || {
        let main = of(&servers(app).await, "main");
        main.is_some_and(|server| server["is_barred"] == true && server["is_rival"] == true)
    })
    .await;
    let with_token = [("authorization", "Bearer a token of sixteen and more")];
    let metrics = app
        .request_as("", Method::GET, "/metrics", None, &with_token)
        .await
        .body;
    for series in [
        "inkfast_database_takes_changes{database=\"standby1\"} 1",
        "inkfast_database_takes_changes{database=\"main\"} 0",
        "inkfast_database_is_barred{database=\"main\"} 1",
        "db_two_writers_total{database=\"all\",other=\"main\"}",
        "db_writer_changes_total{database=\"all\",to=\"standby1\"}",
        "db_breaker_state{database=\"standby1\",role=\"write\"} 0",
    ] {
        assert!(metrics.contains(series), "{series} is missing: {metrics}");
    }
    let page = app.get("/monitoring").await.body;
    for words in [
        "standby1",
        &format!("127.0.0.1:{}", pair.other.port()),
        "left alone",
        "takes changes<",
    ] {
        assert!(page.contains(words), "{words} is missing: {page}");
    }
    pair.other.kill();
    eventually("nothing can be saved", async || !pair.is_ready().await).await;
    sleep(Duration::from_millis(1_500)).await;
    assert!(!pair.is_ready().await, "what the old one holds is another history");

    let trust = async |cookie: &str, server: &str| {
        let form = [("server".to_owned(), server.to_owned())];
        let json = [("accept", "application/json")];
        let answer = app.request_as(cookie, Method::POST, "/api/database/trust", Some(&form), &json);
        answer.await.status
    };
    assert_eq!(trust("", "main").await, StatusCode::UNAUTHORIZED);
    assert_eq!(trust(&app.cookie, "north").await, StatusCode::NOT_FOUND);
    assert!(!pair.is_ready().await);
    assert_eq!(trust(&app.cookie, "main").await, StatusCode::OK);
    eventually("it is written to again", async || pair.is_ready().await).await;
}
