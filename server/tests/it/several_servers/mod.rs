//! The server over several database servers: what is read from which of them, and what a promotion does to saves.

mod promotion;
mod reading;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use fault_proxy::FaultProxy;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::TestApp;

/// Nothing here takes as long, even beside many other tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// Everybody reads from the primary for so long after a start.
const SETTLING: Duration = Duration::from_secs(12);
const STANDBYS: &str = "INKFAST_DATABASE_STANDBYS";
const REPLICAS: &str = "INKFAST_DATABASE_REPLICAS";
const ACTIVITY: &str = "/records/activity/1";

/// A primary that is reached through a proxy, and another server that follows it.
struct Pair {
    app: TestApp,
    proxy: FaultProxy,
    primary: PrivateDatabase,
    other: PrivateDatabase,
    started: Instant,
}

impl Pair {
    /// `setting` says what the other one is.
    async fn of(primary: PrivateDatabase, setting: &str) -> Self {
        Self::with(primary, setting, "SELECT 1").await
    }

    /// `settings` are told to the primary first.
    async fn with(primary: PrivateDatabase, setting: &str, settings: &str) -> Self {
        primary.make_schema();
        primary.query(settings);
        let other = primary.standby();
        let proxy = FaultProxy::start(([127, 0, 0, 1], primary.port()).into())
            .await
            .expect("a proxy");
        let settings = [
            ("DATABASE_URL", primary.url_at(proxy.address())),
            (setting, other.url()),
            ("INKFAST_API_TOKEN", "a token of sixteen and more".to_owned()),
        ];
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = TestApp::with(&settings).await;
        Self {
            app,
            proxy,
            primary,
            other,
            started: Instant::now(),
        }
    }

    /// From now on replicas are read from.
    async fn settled(&self) {
        tokio::time::sleep_until(self.started + SETTLING).await;
        let name = |server: &Value| server["name"] != "main" && server["is_read_from"] == true;
        eventually("the other one is in time", async || {
            servers(&self.app).await.iter().any(name)
        })
        .await;
    }

    async fn is_ready(&self) -> bool {
        self.app.get("/readyz").await.status == StatusCode::OK
    }
}

/// As the detailed report has them.
async fn servers(app: &TestApp) -> Vec<Value> {
    let report = app.request(Method::GET, "/health/detailed", None, &[]).await;
    let report: Value = serde_json::from_str(&report.body).expect("JSON");
    let servers = report["data"]["details"]["servers"].as_array();
    servers.unwrap_or_else(|| panic!("no servers: {report}")).clone()
}

async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}
