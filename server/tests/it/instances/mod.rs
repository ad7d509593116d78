//! Several servers over one database and one Redis.

mod accounts;
mod balanced;
mod sessions;
mod spilled;
mod telling;

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use fault_proxy::FaultProxy;
use private_servers::PrivateRedis;

use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::TestApp;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "the same for every one of these servers";

/// Two servers; the second one's way to the database can be broken.
struct Two {
    one: TestApp,
    other: TestApp,
    way_of_other: FaultProxy,
    redis: PrivateRedis,
    database: PrivateDatabase,
}

impl Two {
    async fn started() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let (database, redis) = (PrivateDatabase::postgres(), PrivateRedis::start().expect("Redis"));
        database.make_schema();
        let way_of_other = FaultProxy::start(([127, 0, 0, 1], database.port()).into()).await;
        let way_of_other = way_of_other.expect("a proxy");
        let (url, redis_url) = (database.url(), redis.url());
        let shared = [("REDIS_URL", redis_url.as_str()), ("INKFAST_SECRET", SECRET)];
        let one = TestApp::with(&[&[("DATABASE_URL", url.as_str())], &shared[..], settings].concat()).await;
        let url = database.url_at(way_of_other.address());
        let other = TestApp::with(&[&[("DATABASE_URL", url.as_str())], &shared[..], settings].concat()).await;
        let two = Self {
            one,
            other,
            way_of_other,
            redis,
            database,
        };
        two.until_they_hear_each_other().await;
        two
    }

    async fn until_they_hear_each_other(&self) {
        let listening = || {
            let channels = self.redis.command(&["PUBSUB", "CHANNELS", "*"]).unwrap_or_default();
            let heard = self.redis.command(&["PUBSUB", "NUMSUB", channels.trim()]);
            heard.is_ok_and(|heard| heard.ends_with("\n2"))
        };
        until("both listen", async || listening()).await;
    }
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether this cookie is somebody here.
async fn is_signed_in(app: &TestApp, cookie: &str) -> bool {
    let asked = app.request_as(cookie, Method::GET, "/admin/connection-status", None, &[]);
    match asked.await.status {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("{other}"),
    }
}
