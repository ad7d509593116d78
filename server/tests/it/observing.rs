//! What staff and programs can see and steer: errors, breakers, routes, the database, and the switch of monitoring.

use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request, StatusCode};
use fault_proxy::Fault;
use serde_json::{Value, json};

use crate::support::test_app::{Answered, Outage, TestApp};

const ALL: [&str; 7] = [
    "/api/database/health",
    "/api/database/info",
    "/api/database/status",
    "/api/errors/statistics",
    "/api/errors/recent?limit=1000",
    "/api/circuit-breakers",
    "/api/endpoint-metrics",
];

fn data(answer: &Answered) -> Value {
    let mut envelope: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body));
    assert_eq!(envelope["success"], answer.status.is_success(), "{}", answer.body);
    envelope["data"].take()
}

async fn asked(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    data(&answer)
}

async fn switch(app: &TestApp, cookie: &str, body: &str) -> Answered {
    let request = Request::post("/api/toggle-monitoring")
        .header(HOST, "127.0.0.1:3000")
        .header(COOKIE, cookie)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()));
    app.raw(request.expect("a request")).await
}

fn count_of(endpoints: &Value, route: &str, method: &str) -> u64 {
    let endpoints = endpoints["endpoints"].as_array().expect("a list");
    let found = endpoints
        .iter()
        .find(|line| line["route"] == route && line["method"] == method);
    found.map_or(0, |line| line["count"].as_u64().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_seen_in_all_of_them_and_none_repeats_the_driver_or_what_was_typed() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let well = asked(app, "/api/database/health").await;
    assert_eq!((&well["status"], &well["can_save"]), (&"healthy".into(), &true.into()));
    assert!(well["probes"]["p50_ms"].is_f64(), "{well}");
    let info = asked(app, "/api/database/info").await;
    assert_eq!((&info["kind"], &info["tables"]), (&"PostgreSQL".into(), &2.into()));
    assert_eq!(asked(app, "/api/errors/statistics").await["total"], 0);
    let form = app.form("/records/activity/1").await.with("v.title", "Typed4711");

    outage.proxy.set(Fault::Cut).await;
    assert_eq!(app.save(&form).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let begun = Instant::now();
    while asked(app, "/api/database/health").await["status"] != "unhealthy" {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is not down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..5 {
        assert_eq!(app.get("/records/activity?q=Sought4711").await.status, 503);
    }
    let down = asked(app, "/api/database/health").await;
    assert_eq!(down["can_save"], false);
    assert!(down["retry_after_ms"].is_u64() && down["cause"].is_string(), "{down}");
    let breakers = asked(app, "/api/circuit-breakers").await;
    for (at, role) in ["read", "write"].into_iter().enumerate() {
        let breaker = &breakers["breakers"][at];
        assert_eq!(
            (&breaker["role"], breaker["state"] == "closed"),
            (&role.into(), false),
            "{breakers}"
        );
        assert!(breaker["retry_after_ms"].is_u64(), "{breakers}");
    }
    assert_eq!(breakers["changes"][0]["to"], "open", "{breakers}");
    let statistics = asked(app, "/api/errors/statistics").await;
    assert!(statistics["by_kind"]["unreachable"].as_u64() >= Some(5), "{statistics}");
    assert!(statistics["by_severity"]["high"].as_u64() >= Some(5), "{statistics}");
    let by_hour = statistics["by_hour"].as_array().expect("hours");
    assert_eq!(by_hour.len(), 24);
    assert!(by_hour[23]["count"].as_u64() >= Some(1) || by_hour[22]["count"].as_u64() >= Some(1));
    let recent = asked(app, "/api/errors/recent").await;
    let first = &recent["errors"][0];
    assert!(
        first["kind"] == "unreachable" && first["severity"] == "high" && first["error_id"].is_string(),
        "{recent}"
    );
    assert_eq!(
        asked(app, "/api/errors/recent?limit=1").await["errors"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        app.get("/api/errors/recent?limit=all").await.status,
        StatusCode::BAD_REQUEST
    );
    let status = asked(app, "/api/database/status").await;
    assert!(status["saves"]["kept"] == 1 && status["waiting"] == 1, "{status}");
    let port = outage.proxy.address().port().to_string();
    for path in ALL {
        let text = asked(app, path).await.to_string().to_lowercase();
        for word in [
            "refused",
            "os error",
            "typed4711",
            "sought4711",
            "postgres@",
            "activity/1",
            &port,
        ] {
            assert!(!text.contains(word), "{path} has {word}: {text}");
        }
    }

    let reconnect = app.request(Method::POST, "/api/database/reconnect", None, &[]).await;
    assert_eq!(reconnect.status, StatusCode::SERVICE_UNAVAILABLE, "{}", reconnect.body);
    assert!(reconnect.retry_after().is_some());
    assert_eq!(data(&reconnect)["status"], "unhealthy");
    outage.proxy.set(Fault::Pass).await;
    // The one probe may have been on its way while the way was still cut.
    let begun = Instant::now();
    let back = loop {
        let answer = app.request(Method::POST, "/api/database/reconnect", None, &[]).await;
        if answer.status == StatusCode::OK {
            break data(&answer);
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", answer.body);
    };
    assert_eq!((&back["status"], &back["cause"]), (&"healthy".into(), &Value::Null));
    let changes = asked(app, "/api/circuit-breakers").await;
    assert_eq!(changes["changes"][0]["to"], "closed", "{changes}");
}

/// SQLite writes through one connection, whatever is switched on.
#[tokio::test(flavor = "multi_thread")]
async fn how_many_calls_may_run_and_what_gets_worse_is_told() {
    let fixed = json!({ "max": 10, "limit": 10, "limit_least": 10, "limit_most": 10 });
    let moving = json!({ "max": 10, "limit": 10, "limit_least": 2, "limit_most": 20 });
    let one = json!({ "max": 1, "limit": 1, "limit_least": 1, "limit_most": 1 });
    for (setting, of_reads) in [("0", fixed), ("1", moving)] {
        let app = TestApp::with(&[("INKFAST_ADAPTIVE_LIMITS", setting)]).await;
        let status = asked(&app, "/api/database/status").await;
        let detailed = asked(&app, "/health/detailed").await["details"].take();
        for told in [status, detailed] {
            for (role, expected) in [("read", &of_reads), ("write", &one)] {
                for (name, number) in expected.as_object().expect("numbers") {
                    assert_eq!(&told[role]["pool"][name], number, "{role} {name}: {told}");
                }
                assert_eq!(
                    told[role]["trends"],
                    json!({ "failing": false, "slowing": false }),
                    "{told}"
                );
            }
        }
        let page = app.get("/monitoring").await.body;
        let line = "Calls fail and take as usual. At once 10 may read and 1 may write.";
        assert!(page.contains(line), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monitoring_can_be_switched_off_and_says_so_and_on_again() {
    let app = TestApp::embedded().await;
    let staff = app.signed_in_as("sam", Role::Staff).await;
    let editor = app.signed_in_as("ed", Role::Editor).await;
    assert_eq!(switch(&app, &editor, "{}").await.status, StatusCode::FORBIDDEN);
    app.get("/drafts").await;
    let before = asked(&app, "/api/endpoint-metrics").await;
    assert_eq!(before["enabled"], true);
    let drafts_asked = count_of(&before, "/drafts", "GET");
    assert!(drafts_asked > 0, "{before}");

    assert_eq!(
        data(&switch(&app, &staff, r#"{"enabled":false}"#).await)["enabled"],
        false
    );
    app.get("/drafts").await;
    let off = asked(&app, "/api/endpoint-metrics").await;
    assert_eq!(count_of(&off, "/drafts", "GET"), drafts_asked, "nothing is counted");
    assert_eq!((&off["enabled"], &off["disabled_by"]), (&false.into(), &"sam".into()));
    let page = app.get("/monitoring").await.body;
    assert!(page.contains("Monitoring is switched off"), "{page}");
    // What it does not switch: whether this server can save.
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    assert_eq!(asked(&app, "/health/detailed").await["status"], "healthy");

    assert_eq!(
        data(&switch(&app, &staff, "").await)["enabled"],
        true,
        "without a word it is turned over"
    );
    app.get("/drafts").await;
    let on = asked(&app, "/api/endpoint-metrics").await;
    assert_eq!(count_of(&on, "/drafts", "GET"), drafts_asked + 1);
    assert!(!app.get("/monitoring").await.body.contains("switched off"));
    for wrong in ["[]", r#"{"enabled":"no"}"#, r#"{"enable":true}"#, "false"] {
        let refused = switch(&app, &staff, wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.body);
    }
    assert_eq!(asked(&app, "/api/endpoint-metrics").await["enabled"], json!(true));
}
