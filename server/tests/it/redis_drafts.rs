//! 200, Redis goes, 200: what the server does while Redis is away, and that nothing is there twice
//! when it is back.

mod devices;
mod troubles;
mod without_script;

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request, StatusCode};
use private_servers::{PrivatePostgres, PrivateRedis};
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use crate::support::SCHEMA;
use crate::support::test_app::{Answered, PASSWORD, TestApp};

const PAGES: [&str; 4] = ["/", "/records/activity", "/records/activity/1", "/drafts"];
const DRAFT: &str = "/api/drafts/activity/1";

/// A server over a private PostgreSQL, with a private Redis in front of its drafts.
struct Panel {
    app: TestApp,
    redis: PrivateRedis,
    postgres: PrivatePostgres,
}

impl Panel {
    async fn prepared() -> Self {
        let redis = PrivateRedis::start().expect("Redis is installed");
        Self::with(redis).await
    }

    async fn with(redis: PrivateRedis) -> Self {
        let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
        postgres.create_database("maintenance").expect("a new database");
        postgres.query("maintenance", SCHEMA).expect("the schema");
        let url = format!("{}?sslmode=disable", postgres.url("maintenance"));
        let app = TestApp::with(&[("DATABASE_URL", &url), ("REDIS_URL", &redis.url())]).await;
        Self { app, redis, postgres }
    }

    async fn health(&self) -> Value {
        serde_json::from_str(&self.app.get("/health").await.body).expect("JSON")
    }

    async fn until_drafts_are_kept_in(&self, place: &str) -> Duration {
        let began = Instant::now();
        while self.health().await["drafts_kept_in"] != place {
            assert!(began.elapsed() < Duration::from_secs(20), "not kept in {place}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }

    /// Waits until Redis itself has this revision and no other of the form.
    async fn until_redis_alone_has(&self, revision: &str) {
        let began = Instant::now();
        loop {
            let keys = self.redis.keys("*:form:activity/1").expect("Redis is there");
            let fields = keys
                .first()
                .and_then(|key| self.redis.command(&["HKEYS", key]).ok())
                .unwrap_or_default();
            let drafts: Vec<&str> = fields
                .lines()
                .filter_map(|field| field.strip_prefix("draft:"))
                .collect();
            if drafts == [revision] {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{drafts:?} instead of {revision}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What a page's script sends while somebody types.
    async fn write(&self, version: &str, seq: u64, on: Option<u64>) -> (StatusCode, Value) {
        let on = on.map(|seq| json!({"seq": seq, "writer": "page"}));
        let draft = json!({
            "version": version, "base": {"title": "Activity 1"}, "values": {"title": format!("Typed {seq}")},
            "seq": seq, "writer": "page", "on": on,
        });
        let request = Request::post(DRAFT)
            .header(COOKIE, &self.app.cookie)
            .header(HOST, "127.0.0.1:3000")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(draft.to_string()))
            .expect("a request");
        let answered = self.app.raw(request).await;
        (answered.status, data_of(&answered))
    }

    /// How often the record is listed under Unsaved work.
    async fn listed(&self) -> usize {
        let page = self.app.get("/drafts").await;
        assert_eq!(page.status, StatusCode::OK);
        page.body.matches(r#"href="/records/activity/1""#).count()
    }

    /// Asks for each page and for a draft; the slowest.
    async fn slowest_request(&self, version: &str, seq: u64, on: Option<u64>) -> (Duration, (StatusCode, Value)) {
        let began = Instant::now();
        let written = self.write(version, seq, on).await;
        let mut slowest = began.elapsed();
        for page in PAGES {
            let began = Instant::now();
            let answered = self.app.get(page).await;
            slowest = slowest.max(began.elapsed());
            assert_eq!(answered.status, StatusCode::OK, "{page}: {}", answered.body);
        }
        (slowest, written)
    }
}

fn data_of(answered: &Answered) -> Value {
    let envelope: Value = serde_json::from_str(&answered.body).expect("JSON");
    envelope["data"].clone()
}

/// The longest that the machine itself was late while `work` was done.
async fn lateness_during<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let pause = Duration::from_millis(2);
    let latest = Cell::new(Duration::ZERO);
    let ticking = async {
        loop {
            let began = Instant::now();
            tokio::time::sleep(pause).await;
            latest.set(latest.get().max(began.elapsed().saturating_sub(pause)));
        }
    };
    tokio::select! {
        done = work => (done, latest.get()),
        () = ticking => unreachable!("it ticks forever"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_frozen_and_flushed_and_no_request_waits_for_it() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let version = panel
        .app
        .form("/records/activity/1")
        .await
        .value("_version")
        .expect("a version")
        .to_owned();
    let (status, kept) = panel.write(&version, 1, None).await;
    assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("redis")));
    let mut seq = 1;

    for trouble in ["killed", "frozen"] {
        let mut usual = Duration::ZERO;
        for _ in 0..3 {
            seq += 1;
            let (slowest, (status, kept)) = panel.slowest_request(&version, seq, Some(seq - 1)).await;
            assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("redis")), "{kept}");
            usual = usual.max(slowest);
        }
        match trouble {
            "killed" => panel.redis.kill(),
            _ => panel.redis.freeze(),
        }
        let typing = async {
            let mut slowest = Duration::ZERO;
            for _ in 0..3 {
                seq += 1;
                let (took, (status, kept)) = panel.slowest_request(&version, seq, Some(seq - 1)).await;
                assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("server")), "{kept}");
                slowest = slowest.max(took);
            }
            slowest
        };
        let (slowest, late) = lateness_during(typing).await;
        println!(
            "{trouble}: slowest request {slowest:?}; {usual:?} with Redis there; the machine was late by {late:?}"
        );
        assert!(
            slowest <= usual + Duration::from_millis(200) + late,
            "{trouble}: {slowest:?} instead of {usual:?}, late {late:?}"
        );

        let seen = panel.until_drafts_are_kept_in("spill").await;
        assert!(seen < Duration::from_secs(3), "told after {seen:?}");
        let health = panel.health().await;
        assert_eq!(
            (&health["status"], &health["drafts"]),
            (&json!("degraded"), &json!("up"))
        );
        assert_eq!(panel.app.get("/readyz").await.status, StatusCode::OK, "it can save");
        assert!(
            panel.app.sign_in("admin", PASSWORD).await.is_some(),
            "signing in needs no Redis"
        );
        let page = panel.app.form("/records/activity/1").await;
        assert_eq!(page.value("v.title"), Some(format!("Typed {seq}").as_str()));
        assert_eq!(panel.listed().await, 1);
        let dashboard = panel.app.get("/").await.body;
        assert!(
            dashboard.contains("Redis cannot be reached"),
            "the page says where it is kept"
        );

        match trouble {
            "killed" => panel.redis.restart().expect("it starts again"),
            _ => panel.redis.thaw(),
        }
        let back = panel.until_drafts_are_kept_in("redis").await;
        println!("{trouble}: used again {back:?} after it was back");
        panel.until_redis_alone_has(&format!("{seq}:page")).await;
        assert_eq!(panel.listed().await, 1, "once");
    }

    let (usual, _) = panel.slowest_request(&version, seq, Some(seq - 1)).await;
    panel.redis.command(&["FLUSHALL"]).expect("Redis is there");
    assert_eq!(panel.listed().await, 0);
    seq += 1;
    let typing = panel.slowest_request(&version, seq, Some(seq - 1));
    let ((slowest, (status, stored)), late) = lateness_during(typing).await;
    assert!(
        slowest <= usual + Duration::from_millis(200) + late,
        "flushed: {slowest:?} instead of {usual:?}, late {late:?}"
    );
    assert!(panel.app.sign_in("admin", PASSWORD).await.is_some(), "signing in");
    assert_eq!(
        (status, stored),
        (StatusCode::CONFLICT, Value::Null),
        "told that nothing is stored"
    );
    let (status, kept) = panel.write(&version, seq, None).await;
    assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("redis")));
    assert_eq!(panel.listed().await, 1);

    // Saved once, and done with everywhere.
    let form = panel.app.form("/records/activity/1").await;
    assert_eq!(form.value("v.title"), Some(format!("Typed {seq}").as_str()));
    let (status, answer) = panel.app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert_eq!(panel.listed().await, 0);
    let rows = panel
        .postgres
        .query("maintenance", "SELECT count(*) FROM inkfast.audit")
        .expect("the witness");
    assert_eq!(rows, "1");
    let (status, _) = panel.write(&version, seq, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "a late message brings nothing back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saved_while_redis_is_away_the_draft_in_it_does_not_come_back() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Typed 1");
    let version = form.value("_version").expect("a version").to_owned();
    panel.write(&version, 1, None).await;
    panel.redis.kill();
    panel.until_drafts_are_kept_in("spill").await;
    let hidden = panel.app.get(DRAFT).await;
    assert_eq!(
        hidden.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "it cannot be said that there is none"
    );
    assert_eq!(panel.listed().await, 0);
    let page = panel.app.get("/drafts").await.body;
    assert!(
        page.contains("There may be more") && !page.contains("Nothing is waiting"),
        "the page says that some may be missing"
    );
    for (page, shown) in [("/", ">?<"), ("/records/activity", ">?<"), ("/drafts", ">?<")] {
        let body = panel.app.get(page).await.body;
        assert!(body.contains(shown) && !body.contains("data-unsaved="), "{page}");
        assert!(!body.contains("Nothing is waiting"), "{page}");
    }
    // Typed meanwhile, elsewhere: what is seen is not all there is.
    let typed = json!({"version": version, "values": {"title": "Another"}, "seq": 1, "writer": "other"});
    let written = panel.app.post_json("/api/drafts/activity/2", &typed.to_string()).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
    let page = panel.app.get("/drafts").await.body;
    assert!(page.contains("There may be more") && page.contains(">1+<"), "{page}");
    let drawn = panel.app.get("/records/activity/2").await.body;
    assert!(drawn.contains("Not all unsaved work on the server"), "{drawn}");
    let discarded = panel
        .app
        .request(Method::DELETE, "/api/drafts/activity/2?seq=1&writer=other", None, &[])
        .await;
    assert_eq!(discarded.status, StatusCode::OK);
    // As the page's script names what it saves.
    let (status, answer) = panel.app.save(&form.with("_seq", "1").with("_writer", "page")).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));

    panel.redis.restart().expect("it starts again");
    panel.until_drafts_are_kept_in("redis").await;
    assert_eq!(panel.listed().await, 0);
    let form = panel.app.form("/records/activity/1").await;
    assert_eq!((form.state.as_str(), form.value("v.title")), ("clean", Some("Typed 1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_fails_says_whether_it_is_kept_in_redis_or_here() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Kept");
    panel.postgres.kill();
    for (place, word) in [("redis", "redis"), ("spill", "server")] {
        panel.until_drafts_are_kept_in(place).await;
        let (_, answer) = panel.app.save(&form).await;
        assert_eq!((answer.outcome, answer.kept_in.as_deref()), (Outcome::Kept, Some(word)));
        panel.redis.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_waits_in_a_redis_that_is_away_is_still_said_to_wait() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Kept");
    panel.postgres.kill();
    let (_, answer) = panel.app.save(&form).await;
    assert_eq!(
        (answer.outcome, answer.kept_in.as_deref()),
        (Outcome::Kept, Some("redis"))
    );
    let waiting = async || {
        let status = data_of(&panel.app.get("/admin/connection-status").await);
        status["waiting"].as_array().expect("a list").len()
    };
    assert_eq!(waiting().await, 1);
    panel.redis.kill();
    panel.until_drafts_are_kept_in("spill").await;
    assert_eq!(waiting().await, 1, "what cannot be seen is not gone");
    panel.redis.restart().expect("it starts again");
    panel.until_drafts_are_kept_in("redis").await;
    assert_eq!(waiting().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_starts_without_redis_and_uses_it_once_it_is_there() {
    let redis = PrivateRedis::start().expect("Redis is installed");
    redis.kill();
    let panel = Panel::with(redis).await;
    assert_eq!(panel.health().await["drafts_kept_in"], "spill");
    let version = panel
        .app
        .form("/records/activity/1")
        .await
        .value("_version")
        .expect("a version")
        .to_owned();
    let typing = async {
        let mut slowest = Duration::ZERO;
        for seq in 1..=3 {
            let on = (seq > 1).then(|| seq - 1);
            let (took, (status, kept)) = panel.slowest_request(&version, seq, on).await;
            assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("server")), "{kept}");
            slowest = slowest.max(took);
        }
        slowest
    };
    let (slowest, late) = lateness_during(typing).await;
    assert!(panel.app.sign_in("admin", PASSWORD).await.is_some(), "signing in");
    let page = panel.app.form("/records/activity/1").await;
    assert_eq!(page.value("v.title"), Some("Typed 3"));
    let dashboard = panel.app.get("/").await.body;
    assert!(dashboard.contains("Redis cannot be reached"), "{dashboard}");
    panel.redis.restart().expect("it starts");
    panel.until_redis_alone_has("3:page").await;
    panel.until_drafts_are_kept_in("redis").await;
    assert_eq!(panel.listed().await, 1);
    let mut usual = Duration::ZERO;
    for seq in 4..=6 {
        let (took, (status, kept)) = panel.slowest_request(&version, seq, Some(seq - 1)).await;
        assert_eq!(status, StatusCode::OK, "{kept}");
        usual = usual.max(took);
    }
    assert!(
        slowest <= usual + Duration::from_millis(200) + late,
        "{slowest:?} instead of {usual:?}, late {late:?}"
    );
}
