//! 200, Redis goes, 200: what the server does while Redis is away, and that nothing is there twice
//! when it is back.

mod devices;
mod troubles;
mod without_script;

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request, StatusCode};
use private_servers::{Lateness, PrivatePostgres, PrivateRedis};
use resilient_core::submission::answer::Outcome;
use serde_json::{Value, json};

use crate::support::SCHEMA;
use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::{Answered, PASSWORD, TestApp};

const PAGES: [&str; 4] = ["/", "/records/activity", "/records/activity/1", "/drafts"];
const DRAFT: &str = "/api/drafts/activity/1";
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often each trouble is made, one after the other.
const OUTAGES: usize = 3;
/// One call waits no longer than this for Redis.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

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
            assert!(began.elapsed() < PATIENCE, "not kept in {place}");
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
            assert!(began.elapsed() < PATIENCE, "{drafts:?} instead of {revision}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until Redis has this revision, nothing waits here to be moved there, and the server uses it. One reply
    /// that is late on a busy machine is enough for a draft to be kept here for a while.
    async fn until_all_is_in_redis(&self, revision: &str) {
        self.until_redis_alone_has(revision).await;
        troubles::until_everything_is_moved(&self.app).await;
    }

    /// Presses Save again under the same id until it is kept in Redis: one reply that is late keeps it here.
    async fn saved_until_kept_in_redis(&self, form: &DrawnForm) {
        let began = Instant::now();
        loop {
            let (_, answer) = self.app.save(form).await;
            if (answer.outcome, answer.kept_in.as_deref()) == (Outcome::Kept, Some("redis")) {
                return;
            }
            assert!(
                matches!(answer.outcome, Outcome::Kept | Outcome::InProgress) && began.elapsed() < PATIENCE,
                "{answer:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
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

    /// The same once all of Redis is seen: one reply that is late leaves something out.
    async fn listed_in_all(&self) -> usize {
        let began = Instant::now();
        while self.app.get("/drafts").await.body.contains("There may be more") {
            assert!(began.elapsed() < PATIENCE, "not all is seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.listed().await
    }

    /// Writes a draft and asks for each page: what each of these took, in this order.
    async fn round(&self, version: &str, seq: u64, on: Option<u64>) -> (Vec<Duration>, (StatusCode, Value)) {
        let began = Instant::now();
        let written = self.write(version, seq, on).await;
        let mut took = vec![began.elapsed()];
        for page in PAGES {
            let began = Instant::now();
            let answered = self.app.get(page).await;
            took.push(began.elapsed());
            assert_eq!(answered.status, StatusCode::OK, "{page}: {}", answered.body);
        }
        (took, written)
    }

    /// The slowest request of three rounds with Redis there, which has all of it afterwards. A round whose draft Redis
    /// did not take in time is none of them.
    async fn usual_request(&self, version: &str, seq: &mut u64) -> Duration {
        let (began, mut usual) = (Instant::now(), Vec::new());
        while usual.len() < 3 {
            *seq += 1;
            let (took, (status, kept)) = self.round(version, *seq, Some(*seq - 1)).await;
            assert_eq!(status, StatusCode::OK, "{kept}");
            if kept["kept_in"] == "redis" {
                usual.extend(took.into_iter().max());
            }
            assert!(began.elapsed() < PATIENCE, "Redis takes no drafts: {kept}");
            self.until_all_is_in_redis(&format!("{seq}:page")).await;
        }
        usual.into_iter().max().unwrap_or_default()
    }
}

/// The slowest request of one outage after the other, less what the machine was late in that outage. What waits for Redis,
/// be it only the first one to find out, does so in every outage.
#[derive(Default)]
struct Slowest(Vec<Duration>);

impl Slowest {
    async fn add(&mut self, outage: impl Future<Output = Vec<Duration>>) {
        let lateness = Lateness::watch();
        let slowest = outage.await.into_iter().max().unwrap_or_default();
        self.0.push(slowest.saturating_sub(lateness.most()));
    }

    /// `usual` is the slowest request with Redis there, where the machine was late least.
    fn waits_for_no_redis(&self, trouble: &str, usual: Duration) {
        println!("{trouble}: slowest requests {:?}; {usual:?} with Redis there", self.0);
        let least = self.0.iter().min().copied().unwrap_or_default();
        assert!(
            least <= usual + LONGEST_WAIT,
            "{trouble}: {:?} instead of {usual:?}",
            self.0
        );
    }
}

fn data_of(answered: &Answered) -> Value {
    let envelope: Value = serde_json::from_str(&answered.body).expect("JSON");
    envelope["data"].clone()
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
    assert_eq!(status, StatusCode::OK, "{kept}");
    panel.until_all_is_in_redis("1:page").await;
    let mut seq = 1;

    for trouble in ["killed", "frozen"] {
        let (mut usual, mut slowest) = (Duration::MAX, Slowest::default());
        for _ in 0..OUTAGES {
            usual = usual.min(panel.usual_request(&version, &mut seq).await);
            match trouble {
                "killed" => panel.redis.kill(),
                _ => panel.redis.freeze(),
            }
            slowest.add(panel.types_without_redis(&version, &mut seq)).await;
            panel.goes_on_without_redis(seq).await;
            match trouble {
                "killed" => panel.redis.restart().expect("it starts again"),
                _ => panel.redis.thaw(),
            }
            let back = panel.until_drafts_are_kept_in("redis").await;
            println!("{trouble}: used again {back:?} after it was back");
            panel.until_all_is_in_redis(&format!("{seq}:page")).await;
            assert_eq!(panel.listed_in_all().await, 1, "once");
        }
        slowest.waits_for_no_redis(trouble, usual);
    }

    let (mut usual, mut slowest) = (Duration::MAX, Slowest::default());
    for _ in 0..OUTAGES {
        usual = usual.min(panel.usual_request(&version, &mut seq).await);
        slowest
            .add(panel.is_told_that_all_was_flushed(&version, &mut seq))
            .await;
        assert!(panel.app.sign_in("admin", PASSWORD).await.is_some(), "signing in");
        let (status, kept) = panel.write(&version, seq, None).await;
        assert_eq!(status, StatusCode::OK, "{kept}");
        panel.until_all_is_in_redis(&format!("{seq}:page")).await;
        assert_eq!(panel.listed_in_all().await, 1);
    }
    slowest.waits_for_no_redis("flushed", usual);

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

impl Panel {
    /// Three rounds of requests, as soon as Redis is away; what each took.
    async fn types_without_redis(&self, version: &str, seq: &mut u64) -> Vec<Duration> {
        let mut all = Vec::new();
        for _ in 0..3 {
            *seq += 1;
            let (took, (status, kept)) = self.round(version, *seq, Some(*seq - 1)).await;
            assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("server")), "{kept}");
            all.extend(took);
        }
        all
    }

    async fn goes_on_without_redis(&self, seq: u64) {
        let told = self.until_drafts_are_kept_in("spill");
        let (seen, late) = Lateness::during(told).await;
        assert!(
            seen < Duration::from_secs(3) + late,
            "told after {seen:?}, the machine was late by {late:?}"
        );
        let health = self.health().await;
        assert_eq!(
            (&health["status"], &health["drafts"]),
            (&json!("degraded"), &json!("up"))
        );
        assert_eq!(self.app.get("/readyz").await.status, StatusCode::OK, "it can save");
        assert!(
            self.app.sign_in("admin", PASSWORD).await.is_some(),
            "signing in needs no Redis"
        );
        let page = self.app.form("/records/activity/1").await;
        assert_eq!(page.value("v.title"), Some(format!("Typed {seq}").as_str()));
        assert_eq!(self.listed().await, 1);
        let dashboard = self.app.get("/").await.body;
        assert!(
            dashboard.contains("Redis cannot be reached"),
            "the page says where it is kept"
        );
    }

    /// Redis has lost everything, and says so to whoever types on; what each request of a round took.
    async fn is_told_that_all_was_flushed(&self, version: &str, seq: &mut u64) -> Vec<Duration> {
        let began = Instant::now();
        loop {
            self.redis.command(&["FLUSHALL"]).expect("Redis is there");
            assert_eq!(self.listed_in_all().await, 0);
            *seq += 1;
            let (took, (status, stored)) = self.round(version, *seq, Some(*seq - 1)).await;
            if (status, &stored["kept_in"]) != (StatusCode::OK, &json!("server")) {
                assert_eq!(
                    (status, stored),
                    (StatusCode::CONFLICT, Value::Null),
                    "told that nothing is stored"
                );
                return took;
            }
            // A reply that was late: it could not be said what Redis has.
            assert!(began.elapsed() < PATIENCE, "Redis was not asked in time");
            self.until_all_is_in_redis(&format!("{seq}:page")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saved_while_redis_is_away_the_draft_in_it_does_not_come_back() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Typed 1");
    let version = form.value("_version").expect("a version").to_owned();
    panel.write(&version, 1, None).await;
    panel.until_all_is_in_redis("1:page").await;
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
    assert_eq!(panel.listed_in_all().await, 0);
    let form = panel.app.form("/records/activity/1").await;
    assert_eq!((form.state.as_str(), form.value("v.title")), ("clean", Some("Typed 1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_fails_says_whether_it_is_kept_in_redis_or_here() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Kept");
    panel.postgres.kill();
    panel.saved_until_kept_in_redis(&form).await;
    panel.redis.kill();
    panel.until_drafts_are_kept_in("spill").await;
    let (_, answer) = panel.app.save(&form).await;
    assert_eq!(
        (answer.outcome, answer.kept_in.as_deref()),
        (Outcome::Kept, Some("server"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_waits_in_a_redis_that_is_away_is_still_said_to_wait() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await.with("v.title", "Kept");
    panel.postgres.kill();
    panel.saved_until_kept_in_redis(&form).await;
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
    // A server that waits for Redis after its start does so after each.
    let (mut slowest, mut starts) = (Slowest::default(), 0);
    let (panel, version) = loop {
        let redis = PrivateRedis::start().expect("Redis is installed");
        redis.kill();
        let panel = Panel::with(redis).await;
        assert_eq!(panel.health().await["drafts_kept_in"], "spill");
        let form = panel.app.form("/records/activity/1").await;
        let version = form.value("_version").expect("a version").to_owned();
        let typing = async {
            let mut all = Vec::new();
            for seq in 1..=3 {
                let on = (seq > 1).then(|| seq - 1);
                let (took, (status, kept)) = panel.round(&version, seq, on).await;
                assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("server")), "{kept}");
                all.extend(took);
            }
            all
        };
        slowest.add(typing).await;
        starts += 1;
        if starts == OUTAGES {
            break (panel, version);
        }
    };
    assert!(panel.app.sign_in("admin", PASSWORD).await.is_some(), "signing in");
    let page = panel.app.form("/records/activity/1").await;
    assert_eq!(page.value("v.title"), Some("Typed 3"));
    let dashboard = panel.app.get("/").await.body;
    assert!(dashboard.contains("Redis cannot be reached"), "{dashboard}");
    panel.redis.restart().expect("it starts");
    panel.until_all_is_in_redis("3:page").await;
    assert_eq!(panel.listed_in_all().await, 1);
    let usual = panel.usual_request(&version, &mut 3).await;
    slowest.waits_for_no_redis("not there at the start", usual);
}
