//! What programs are told of the server's health: everything, at once, and never in the words of a driver.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use serde_json::Value;

use crate::support::test_app::{Answered, Outage, TestApp};

const DETAILED: &str = "/health/detailed";

fn json(answer: &Answered) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

async fn detailed(app: &TestApp) -> Value {
    let answer = app.get(DETAILED).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    json(&answer)["data"].take()
}

/// The report once it says so.
async fn until(app: &TestApp, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let report = detailed(app).await;
        if is_it(&report) {
            return report;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {report}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_detailed_report_has_all_numbers() {
    let app = TestApp::embedded().await;
    let is_whole = |report: &Value| {
        let details = &report["details"];
        details["own_tables"]["state"] == "there" && !details["machine"].is_null() && !details["last_probe"].is_null()
    };
    let report = until(&app, "it has looked at everything", is_whole).await;
    assert_eq!(
        (&report["status"], &report["version"]),
        (&"healthy".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert_eq!(report["details"]["cause"], Value::Null);
    for (pointer, least) in [
        ("/details/uptime_ms", 1.0),
        ("/details/last_probe/took_ms", 0.0),
        ("/details/last_probe/age_ms", 0.0),
        ("/details/probes/answered", 1.0),
        ("/details/probes/p50_ms", 0.001),
        ("/details/probes/p95_ms", 0.001),
        ("/details/probes/slowest_ms", 0.001),
        ("/details/own_tables/looked_ms_ago", 0.0),
        ("/details/read/pool/size", 0.0),
        ("/details/read/pool/max", 1.0),
        ("/details/write/pool/max", 1.0),
        ("/details/process/memory_bytes", 1e6),
        ("/details/process/cpu_percent_of_one", 0.0),
        ("/details/machine/cpus", 1.0),
        ("/details/machine/cpu_percent", 0.0),
        ("/details/machine/memory_total_bytes", 1e6),
        ("/details/machine/memory_available_bytes", 1.0),
        ("/details/data_dir_disk/total_bytes", 1e6),
        ("/details/data_dir_disk/available_bytes", 1.0),
        ("/details/looked_ms_ago", 0.0),
    ] {
        let number = report.pointer(pointer).and_then(Value::as_f64);
        assert!(number.is_some_and(|number| number >= least), "{pointer}: {report}");
    }
    for role in ["read", "write"] {
        assert_eq!(report["details"][role]["breaker"], "closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_waits_for_no_database_and_repeats_no_word_of_its_driver() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    until(app, "it has looked", |report| {
        report["details"]["own_tables"]["state"] == "there"
    })
    .await;
    outage.database.freeze();
    for path in [DETAILED, "/health", "/health-check", "/readyz", "/api/database/health"] {
        let mut took = Vec::new();
        for _ in 0..15 {
            let begun = Instant::now();
            app.get(path).await;
            took.push(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        took.sort();
        // A question to the frozen database would take 500 ms each time, at the least.
        assert!(took[7] < Duration::from_millis(250), "{path}: {took:?}");
    }
    outage.database.thaw();
    outage.proxy.set(Fault::Cut).await;
    let down = until(app, "it is down", |report| report["status"] == "unhealthy").await;
    let (cause, port) = (&down["details"]["cause"], outage.proxy.address().port().to_string());
    assert!(
        matches!(cause.as_str(), Some("unreachable" | "timed_out" | "failed_probes")),
        "{down}"
    );
    let text = down.to_string().to_lowercase();
    for word in ["refused", "os error", "connection", &port, "postgres@", "maintenance"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    outage.proxy.set(Fault::Pass).await;
    let well = until(app, "it is back", |report| report["status"] == "healthy").await;
    assert_eq!(
        well["details"]["cause"],
        Value::Null,
        "the cause of what is over is none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tables_that_are_gone_are_missed() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    until(app, "they are there", |report| {
        report["details"]["own_tables"]["state"] == "there"
    })
    .await;
    assert_eq!(json(&app.get("/health").await)["status"], "healthy");
    outage.database.query("ALTER TABLE inkfast.audit RENAME TO elsewhere");
    let report = until(app, "they are missed", |report| {
        report["details"]["own_tables"]["state"] == "missing"
    });
    assert_eq!(report.await["status"], "degraded");
    assert_eq!(json(&app.get("/health").await)["status"], "degraded");
    outage.database.query("ALTER TABLE inkfast.elsewhere RENAME TO audit");
    let back = until(app, "they are back", |report| {
        report["details"]["own_tables"]["state"] == "there"
    });
    assert_eq!(back.await["status"], "healthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_for_who_is_signed_in_or_has_the_token() {
    let app = TestApp::with(&[("INKFAST_API_TOKEN", "a token of sixteen and more")]).await;
    let with_token = [("authorization", "Bearer a token of sixteen and more")];
    for (headers, status) in [(&with_token[..], 200), (&[][..], 401)] {
        let answer = app.request_as("", Method::GET, DETAILED, None, headers).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
