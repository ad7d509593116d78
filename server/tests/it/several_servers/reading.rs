//! What may be a little old, what may not, and what becomes of a form that is.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use fault_proxy::Fault;
use resilient_core::submission::answer::Outcome;
use serde_json::Value;

use super::{ACTIVITY, Pair, REPLICAS, STANDBYS, eventually};
use crate::support::event_stream::EventStream;
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::PASSWORD;

/// On every page that is drawn meanwhile.
const LOOKING_ONLY: &str = "When this page was loaded, the database took no changes.";
/// The record in a list.
const FOUND: &str = "href=\"/records/activity/1\"";

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_saved_they_see_at_once_though_the_replica_is_late() {
    is_seen_at_once(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_saved_they_see_at_once_though_the_mariadb_replica_is_late() {
    is_seen_at_once(PrivateDatabase::mariadb_primary()).await;
}

async fn is_seen_at_once(primary: PrivateDatabase) {
    let pair = Pair::of(primary, REPLICAS).await;
    let app = &pair.app;
    let other_tab = app.sign_in("admin", PASSWORD).await.expect("signed in");
    pair.settled().await;
    pair.other.hold_back(true);
    // A new account can sign in although the replica has never heard of it: accounts are the primary's to know.
    let vera = app.signed_in_as("vera", Role::Viewer).await;
    let of = async |cookie: &str, path: &str| app.request_as(cookie, Method::GET, path, None, &[]).await.body;
    for round in 1..=3 {
        let title = format!("Seen {round}");
        let list = format!("/records/activity?q=Seen+{round}");
        let form = app.form(ACTIVITY).await.with("v.title", &title);
        assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
        // In the tab that saved and in another one, in the list, the form, and the history.
        for cookie in [&app.cookie, &other_tab] {
            for path in [list.as_str(), ACTIVITY, "/records/activity/1/history"] {
                assert!(of(cookie, path).await.contains(&title), "{path}, round {round}");
            }
        }
        // Before it is too late to be read from.
        if round == 1 {
            assert!(!of(&vera, &list).await.contains(FOUND), "nobody reads from the replica");
        }
    }
    // Where saving and looking is one step, the page that follows has it.
    let form = app.form(ACTIVITY).await.with("v.title", "Seen after the redirect");
    let saved = app.post(&form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert!(app.get(saved.location()).await.body.contains("Seen after the redirect"));

    pair.other.hold_back(false);
    eventually("the others see it", async || {
        of(&vera, "/records/activity?q=Seen+after").await.contains(FOUND)
    })
    .await;
}

/// The primary is away, and the replica has not heard of what somebody else changed before that.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_drawn_from_a_late_replica_undoes_nobodys_change() {
    let pair = Pair::of(PrivateDatabase::postgres(), REPLICAS).await;
    let app = &pair.app;
    pair.settled().await;
    pair.other.hold_back(true);
    pair.primary.query("UPDATE activity SET title = 'Theirs' WHERE id = 1");
    pair.primary
        .query("INSERT INTO activity (id, title) VALUES (9000, 'Made since')");
    assert_eq!(
        app.form(ACTIVITY).await.value("v.title"),
        Some("Theirs"),
        "the primary knows"
    );

    pair.proxy.set(Fault::Cut).await;
    eventually("nothing can be saved", async || !pair.is_ready().await).await;
    let drawn = app.form(ACTIVITY).await;
    assert_eq!(drawn.value("v.title"), Some("Activity 1"), "the form is late indeed");
    // What a late replica does not have is not said to be gone.
    let unknown = app.get("/records/activity/9000").await;
    assert_eq!(unknown.status, StatusCode::SERVICE_UNAVAILABLE, "{}", unknown.body);
    let (status, kept) = app.save(&drawn.clone().with("v.notes", "Mine")).await;
    assert_eq!((status, kept.outcome), (StatusCode::SERVICE_UNAVAILABLE, Outcome::Kept));

    pair.proxy.set(Fault::Pass).await;
    eventually("it can save again", async || pair.is_ready().await).await;
    // Another field: merged.
    let (_, merged) = app.save(&drawn.clone().with("v.notes", "Mine")).await;
    assert_eq!(
        (merged.outcome, merged.merged),
        (Outcome::Saved, vec!["title".to_owned()])
    );
    let now = || {
        pair.primary
            .query("SELECT title || ', ' || notes FROM activity WHERE id = 1")
    };
    assert_eq!(now(), "Theirs, Mine");
    // The same field: both are shown, and nothing is written.
    let again = drawn
        .with("v.title", "Mine, too")
        .with("_id", &uuid::Uuid::new_v4().to_string());
    let (status, conflict) = app.save(&again).await;
    assert_eq!((status, conflict.outcome), (StatusCode::CONFLICT, Outcome::Conflict));
    assert_eq!(conflict.conflicts[0].theirs.as_deref(), Some("Theirs"));
    assert_eq!(now(), "Theirs, Mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_forms_open_while_no_server_takes_changes() {
    let pair = Pair::of(PrivateDatabase::postgres(), STANDBYS).await;
    let app = &pair.app;
    pair.settled().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Typed without a primary");
    pair.primary.kill();
    eventually("nothing can be saved", async || !pair.is_ready().await).await;
    for path in [
        "/records/activity?q=Activity+44",
        "/records/activity/44",
        "/records/activity/new?form=7b6f1f5e-0d8a-4a53-9b8e-5e6f0c1d2a3b",
        "/",
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(page.body.contains(LOOKING_ONLY), "{path}: {}", page.body);
    }
    // Not the list as it was once: nobody has asked for it before.
    assert!(
        app.get("/records/activity?q=Activity+44")
            .await
            .body
            .contains("Activity 44")
    );
    let (status, kept) = app.save(&form).await;
    assert_eq!((status, kept.outcome), (StatusCode::SERVICE_UNAVAILABLE, Outcome::Kept));
    assert_eq!(
        (kept.reason.as_deref(), kept.kept_in.as_deref()),
        (Some("database"), Some("server"))
    );
    // Programs and open pages are told what can be done and what cannot.
    let json = async |path: &str| {
        let answer = app.get(path).await;
        serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{path}: {}", answer.body))
    };
    let health = json("/health").await;
    assert_eq!(
        (&health["status"], &health["database"]),
        (&"degraded".into(), &"slow".into())
    );
    assert_eq!(health["can_save"], false);
    let database = json("/api/database/health").await["data"].take();
    assert_eq!(
        (&database["can_save"], &database["status"]),
        (&false.into(), &"degraded".into())
    );
    assert_eq!(database["servers"][1]["is_read_from"], true, "{database}");
    assert_eq!(
        json("/readyz").await["data"]["database"],
        "down",
        "a page would wait with saving"
    );
    let mut stream = EventStream::open(app, &app.cookie).await;
    let status = stream.until("status").await;
    assert_eq!(
        (&status["database"], &status["breaker"]),
        (&"down".into(), &"open".into())
    );
    assert!(app.get("/").await.body.contains("Lists and forms still open"));
    assert!(app.get("/monitoring").await.body.contains("lists and forms still open"));
    // What a right or a decision hangs on is not taken from a standby.
    let sign_in = [("username", "admin"), ("password", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let refused = app.request(Method::POST, "/login", Some(&sign_in), &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let id = form.value("_id").expect("an id");
    let asked = app.get(&format!("/api/submissions/{id}")).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE, "{}", asked.body);

    pair.other.promote();
    eventually("it can save again", async || pair.is_ready().await).await;
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    assert!(!app.get(ACTIVITY).await.body.contains(LOOKING_ONLY));
    let found = "SELECT count(*) FROM activity WHERE title = 'Typed without a primary'";
    assert_eq!(pair.other.query(found), "1");
}
