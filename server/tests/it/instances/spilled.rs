//! Unsaved work that one server keeps by itself: no other one says that there is none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use private_servers::PrivateRedis;
use serde_json::{Value, json};

use super::{Two, until};
use crate::support::test_app::TestApp;

const DRAFT: &str = "/api/drafts/activity/1";
const BETWEEN_WRITES: Duration = Duration::from_millis(300);

/// Hardly any memory is left: it takes no more than drafts of failed saves.
fn nearly_fill(redis: &PrivateRedis) {
    let info = redis.command(&["INFO", "memory"]).expect("Redis is there");
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.and_then(|used| used.trim().parse().ok()).expect("a number");
    let most = (used * 100 / 95).to_string();
    redis
        .command(&["CONFIG", "SET", "maxmemory", &most])
        .expect("Redis is there");
}

/// Where it is kept.
async fn types(app: &TestApp, seq: u64) -> Value {
    let on = (seq > 1).then(|| json!({"seq": seq - 1, "writer": "page"}));
    let typed =
        json!({"version": "v", "values": {"title": format!("Typed {seq}")}, "seq": seq, "writer": "page", "on": on});
    let written = app.post_json(DRAFT, &typed.to_string()).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
    let told: Value = serde_json::from_str(&written.body).expect("JSON");
    told["data"]["kept_in"].clone()
}

/// Whether this is the text that it sees.
async fn has(app: &TestApp, text: &str) -> bool {
    let told: Value = serde_json::from_str(&app.get(DRAFT).await.body).expect("JSON");
    told["data"]["values"]["title"] == text
}

/// What the page of unsaved work says.
async fn says(app: &TestApp, words: &str) -> bool {
    app.get("/drafts").await.body.contains(words)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_keeps_beside_a_nearly_full_redis_is_not_said_to_be_nowhere_by_another() {
    let two = Two::started().await;
    let mira = two.one.signed_in_as("mira", Role::Editor).await;
    two.other.services().auth.refresh().await.expect("the accounts");
    until("all is well", async || says(&two.other, "Nothing is waiting").await).await;
    nearly_fill(&two.redis);
    let seq = AtomicU64::new(0);
    let spills = async || {
        // As often as a page writes: whoever writes more often is refused for that.
        tokio::time::sleep(BETWEEN_WRITES).await;
        types(&two.one, seq.fetch_add(1, Ordering::AcqRel) + 1).await == "server"
    };
    until("it keeps it by itself", spills).await;
    until("the other one says so", async || {
        says(&two.other, "There may be more").await
    })
    .await;
    assert!(!says(&two.other, "Nothing is waiting").await);
    let nothing = two.other.get("/api/drafts/activity/2").await.status;
    assert_eq!(
        nothing,
        StatusCode::SERVICE_UNAVAILABLE,
        "it cannot be said that there is none"
    );
    // Each server has to have said so since Redis was there last.
    until("nobody keeps anything of hers", async || {
        let hers = two.other.request_as(&mira, Method::GET, "/drafts", None, &[]).await;
        hers.body.contains("Nothing is waiting")
    })
    .await;
    assert!(
        says(&two.other, "There may be more").await,
        "for whoever typed it that stays so"
    );

    two.redis
        .command(&["CONFIG", "SET", "maxmemory", "0"])
        .expect("Redis is there");
    let typed = format!("Typed {}", seq.load(Ordering::Acquire));
    let has_all = async || has(&two.other, &typed).await && !says(&two.other, "There may be more").await;
    until("it is moved, and seen there", has_all).await;
    assert_eq!(
        two.other.get("/api/drafts/activity/2").await.status,
        StatusCode::NOT_FOUND
    );
}
