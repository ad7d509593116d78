//! What one server tells its pages, pages of another hear, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use app::auth::model::Role;
use axum::http::StatusCode;
use fault_proxy::Fault;
use inkfast_server::events::{Place, Places};
use private_servers::PrivateRedis;
use resilient_core::submission::answer::Outcome;
use resilient_drafts::redis::{Channel, Heard};
use serde_json::json;

use super::{PATIENCE, Two, until};
use crate::support::event_stream::EventStream;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::{PASSWORD, TestApp};

const ACTIVITY: &str = "/records/activity/1";

async fn opens(app: &TestApp, cookie: &str, stream: &EventStream, form_keys: &[&str]) {
    let mut pairs = vec![("stream".to_owned(), stream.token.clone())];
    pairs.extend(form_keys.iter().map(|key| ("open".to_owned(), (*key).to_owned())));
    let answered = app.post_as(cookie, "/api/presence", &pairs).await;
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.body);
}

/// `mira`, who only looks, known to both servers.
async fn mira(two: &Two) -> String {
    let cookie = two.one.signed_in_as("mira", Role::Viewer).await;
    two.other.services().auth.refresh().await.expect("the accounts");
    cookie
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_told_to_pages_of_the_other_server_once() {
    let two = Two::started().await;
    let mira = mira(&two).await;
    let mut hers = EventStream::open(&two.other, &mira).await;
    let mut mine = EventStream::open(&two.one, &two.one.cookie).await;
    let mut mine_there = EventStream::open(&two.other, &two.one.cookie).await;
    opens(&two.other, &mira, &hers, &["activity/1"]).await;
    opens(&two.one, &two.one.cookie, &mine, &["activity/1"]).await;
    hers.until_one("presence", |told| told["who"] == json!(["admin", "mira"]))
        .await;

    let form = two.one.form(ACTIVITY).await.with("v.title", "Saved on one server");
    let id = form.value("_id").expect("an id").to_owned();
    assert_eq!(two.one.save(&form).await.1.outcome, Outcome::Saved);
    let told = json!({ "table": "activity", "key": "1", "by": "admin" });
    assert_eq!(hers.until("record").await, told);
    let answered = json!({ "id": id, "outcome": "saved" });
    assert_eq!(mine_there.until("submission").await, answered);
    // Who said it does not hear it again.
    let said = [mine.said_in_a_second().await, mine.said_in_a_second().await].concat();
    let of = |name: &str| said.iter().filter(|said| said.starts_with(name)).count();
    assert_eq!((of("record"), of("submission")), (1, 1), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_record_open_is_known_on_both_and_goes_with_the_page() {
    let two = Two::started().await;
    let mira = mira(&two).await;
    let mut mine = EventStream::open(&two.one, &two.one.cookie).await;
    opens(&two.one, &two.one.cookie, &mine, &["activity/1"]).await;
    let hers = EventStream::open(&two.other, &mira).await;
    opens(&two.other, &mira, &hers, &["activity/1"]).await;
    let both = |told: &serde_json::Value| told["who"] == json!(["admin", "mira"]);
    mine.until_one("presence", both).await;
    drop(hers);
    mine.until_one("presence", |told| told["who"] == json!(["admin"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_tells_its_own_and_when_it_is_back_they_are_joined_again() {
    let two = Two::started().await;
    let mira = mira(&two).await;
    let mut hers = EventStream::open(&two.other, &mira).await;
    let mut mine = EventStream::open(&two.one, &two.one.cookie).await;
    opens(&two.other, &mira, &hers, &["activity/1"]).await;
    opens(&two.one, &two.one.cookie, &mine, &["activity/1"]).await;
    mine.until_one("presence", |told| told["who"] == json!(["admin", "mira"]))
        .await;

    two.redis.kill();
    // Whoever is not heard any more is not there.
    mine.until_one("presence", |told| told["who"] == json!(["admin"])).await;
    let form = two
        .one
        .form(ACTIVITY)
        .await
        .with("v.title", "Saved while Redis is away");
    assert_eq!(two.one.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(mine.until("record").await["by"], "admin");
    let said = hers.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");

    two.redis.restart().expect("it starts again");
    mine.until_one("presence", |told| told["who"] == json!(["admin", "mira"]))
        .await;
    let form = two.one.form(ACTIVITY).await.with("v.title", "Saved when it is back");
    assert_eq!(two.one.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(hers.until("record").await["by"], "admin");
}

/// While people open and close pages all the time.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_pages_holds_up_nothing_else_that_is_told() {
    const SAVES: usize = 1500;
    let redis = PrivateRedis::start().expect("Redis");
    let url = redis.url();
    let app = TestApp::with(&[("REDIS_URL", &url)]).await;
    let listens = || {
        let channels = redis.command(&["PUBSUB", "CHANNELS", "*"]).unwrap_or_default();
        channels.trim().to_owned()
    };
    until("it listens", async || !listens().is_empty()).await;
    let (_channel, mut heard) =
        Channel::open(&url.parse().expect("an address"), &listens()).expect("anybody can listen");
    assert_eq!(heard.recv().await, Some(Heard::Connected));
    let counted = Arc::new(AtomicUsize::new(0));
    let counting = tokio::spawn({
        let counted = Arc::clone(&counted);
        async move {
            while let Some(heard) = heard.recv().await {
                counted.fetch_add(usize::from(matches!(heard, Heard::Message(_))), Ordering::AcqRel);
            }
        }
    });

    let hub = Arc::clone(&app.services().events);
    let mut stream = hub.subscribe("admin").expect("a stream");
    let token = stream.token.clone();
    let reading = tokio::spawn(async move { while stream.next().await.is_some() {} });
    let mut heard_of_each = Vec::new();
    let is_all_told = loop {
        let before = counted.load(Ordering::Acquire);
        for n in 0..SAVES {
            let open = Places::from([Place::read(&format!("activity/{}", n % 2)).expect("a record")]);
            assert!(hub.opened("admin", &token, open));
            hub.submission_answered("mira", &n.to_string(), Outcome::Saved);
            // Others of the process have their turn.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let begun = Instant::now();
        let heard = || counted.load(Ordering::Acquire) - before;
        while heard() < SAVES && begun.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        heard_of_each.push(heard());
        // Where Redis does not answer for a second, what is told meanwhile is dropped, and has to be: it is told again.
        // Whoever opens pages does so each time.
        if heard() >= SAVES || heard_of_each.len() == 3 {
            break heard() >= SAVES;
        }
    };
    assert!(is_all_told, "of {SAVES} each time: {heard_of_each:?}");
    reading.abort();
    counting.abort();
}

/// Redis, and whoever can write to it, is trusted with nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_read_forge_or_repeat_what_servers_tell_each_other() {
    let two = Two::started().await;
    let mira = mira(&two).await;
    let mut hers = EventStream::open(&two.other, &mira).await;
    opens(&two.other, &mira, &hers, &["activity/1"]).await;
    let channel = two.redis.command(&["PUBSUB", "CHANNELS", "*"]).expect("Redis is there");
    let address = two.redis.url().parse().expect("an address");
    let (intruder, mut heard) = Channel::open(&address, channel.trim()).expect("anybody can listen");
    assert_eq!(heard.recv().await, Some(Heard::Connected));

    let form = two.one.form(ACTIVITY).await.with("v.title", "A title nobody tells");
    assert_eq!(two.one.save(&form).await.1.outcome, Outcome::Saved);
    hers.until("record").await;
    let mut messages = Vec::new();
    loop {
        // Of the save, and of what became of it: only what comes beyond these two may not come.
        let patience = match messages.len() {
            0 | 1 => PATIENCE,
            _ => Duration::from_millis(300),
        };
        match tokio::time::timeout(patience, heard.recv()).await {
            Ok(Some(Heard::Message(message))) => messages.push(message),
            Ok(Some(Heard::Connected | Heard::Lost)) => {}
            Ok(None) => panic!("nobody listens any more"),
            Err(_) => break,
        }
    }
    assert!(messages.len() >= 2, "{}", messages.len());
    for message in &messages {
        for word in ["activity", "admin", "mira", "title", "nobody"] {
            assert!(!message.contains(word), "{message}");
        }
    }
    hers.said_in_a_second().await;
    let forged = [
        r#"{"from":"x","number":1,"at_ms":1,"told":"saved","table":"activity","key":"1","by":"eve","submission":"s"}"#,
        "",
        "rubbish",
    ];
    for message in messages.iter().map(String::as_str).chain(forged) {
        assert!(intruder.say(message.to_owned()));
    }
    let all = async {
        for _ in 0..messages.len() + forged.len() {
            while !matches!(heard.recv().await, Some(Heard::Message(_))) {}
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("all was said");
    let said = hers.saves_told_in_a_second().await;
    assert!(said.is_empty(), "{said:?}");
    // And they go on.
    let form = two.one.form(ACTIVITY).await.with("v.title", "Told after all that");
    assert_eq!(two.one.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(hers.until("record").await["by"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_settings_do_not_fit_the_others_says_so_in_its_log() {
    let (database, redis) = (PrivateDatabase::postgres(), PrivateRedis::start().expect("Redis"));
    database.make_schema();
    let (url, redis_url) = (database.url(), redis.url());
    let shared = [
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", redis_url.as_str()),
        ("RUST_LOG", "warn"),
        ("INKFAST_PUBLIC_URL", "http://127.0.0.1:3000"),
    ];
    let with_secret = |secret| [&shared[..], &[("INKFAST_SECRET", secret)]].concat();
    let first = RunningServer::over(&with_secret("a secret that only one of them has")).await;
    let other = RunningServer::over(&with_secret("a secret that only the other one has")).await;
    until("it is said", async || other.log().contains("INKFAST_SECRET")).await;
    let says_so = async || first.log().contains("INKFAST_SECRET");
    until("the first one learns it, too", says_so).await;
    assert!(!other.log().contains("INKFAST_PUBLIC_URL"), "{}", other.log());
}

/// Its own server cannot reach the database; the other one sends the save.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_the_other_server_has_sent_is_told_to_the_page_and_on_the_next_one() {
    let two = Two::started().await;
    let cookie = two.other.sign_in("admin", PASSWORD).await.expect("admin");
    let mut page = EventStream::open(&two.other, &cookie).await;
    let form = two
        .other
        .form(ACTIVITY)
        .await
        .with("v.title", "Sent by the other server");
    let id = form.value("_id").expect("an id").to_owned();
    two.way_of_other.set(Fault::Cut).await;
    let (_, answer) = two.other.save(&form).await;
    assert!(answer.outcome == Outcome::Kept && answer.server_retries, "{answer:?}");
    until("the other server has sent it", async || {
        let listed = two.other.services().drafts.waiting().list("admin").await;
        let entries = listed.expect("the queue").entries;
        entries.iter().all(|entry| !entry.is_waiting())
    })
    .await;
    let told = page.until_one("submission", |told| told["outcome"] == "saved").await;
    assert_eq!(told["id"], id.as_str());
    let home = two.other.get("/drafts").await.body;
    assert!(
        home.contains("While you were away: 1 change of yours was saved."),
        "{home}"
    );
    two.way_of_other.set(Fault::Pass).await;
    until("its own server can save again", async || {
        two.other.get("/readyz").await.status == StatusCode::OK
    })
    .await;
    let (_, again) = two.other.save(&form).await;
    assert!(again.outcome == Outcome::Saved && again.replayed, "{again:?}");
    let audited = format!("SELECT count(*) FROM {}", two.database.own("audit"));
    assert_eq!(two.database.query(&audited), "1");
    let home = two.other.get("/").await.body;
    assert!(!home.contains("While you were away"), "its page was answered: {home}");
}
