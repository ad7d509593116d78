//! Saving a form, as anybody who posts one may expect.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::{Outage, TestApp};

const ACTIVITY: &str = "/records/activities/1";

async fn audit_lines(app: &TestApp, path: &str) -> usize {
    let page = app.get(&format!("{path}/history")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.body.matches("class=\"history-entry\"").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_posted_back_untouched_changes_nothing() {
    let app = TestApp::embedded().await;
    for path in [
        "/records/activities/1",
        "/records/equipment/1",
        "/records/technicians/1",
        "/records/schedules/1",
    ] {
        let form = app.form(path).await;
        let (status, answer) = app.save(&form).await;
        assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved), "{path}");
        assert_eq!(
            answer.version.as_deref(),
            form.value("_version"),
            "{path}: nothing changed, the version neither"
        );
        assert!(answer.current.is_empty(), "{path}: {:?}", answer.current);
        assert_eq!(audit_lines(&app, path).await, 0, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_field_is_saved_once_however_often_it_is_sent() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Repair the gate");
    let (status, first) = app.save(&form).await;
    assert_eq!(
        (status, first.outcome, first.replayed),
        (StatusCode::OK, Outcome::Saved, false)
    );
    let (status, second) = app.save(&form).await;
    assert_eq!(
        (status, second.outcome, second.replayed),
        (StatusCode::OK, Outcome::Saved, true)
    );
    assert_eq!(first.version, second.version);
    assert_eq!(app.form(ACTIVITY).await.value("v.title"), Some("Repair the gate"));
    assert_eq!(audit_lines(&app, ACTIVITY).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_presses_at_the_same_moment_are_one_save() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Pressed twice");
    let ((_, one), (_, other)) = tokio::join!(app.save(&form), app.save(&form));
    let outcomes = [one.outcome, other.outcome];
    assert!(outcomes.contains(&Outcome::Saved), "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Saved | Outcome::InProgress)),
        "{outcomes:?}"
    );
    assert_eq!(audit_lines(&app, ACTIVITY).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_refused() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await;
    app.save(&form.clone().with("v.title", "First")).await;
    let (status, answer) = app.save(&form.clone().with("v.title", "Second")).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Mismatch)
    );
    // Undone after it was saved: that is other content too, not "nothing changed".
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Mismatch)
    );
    assert_eq!(app.form(ACTIVITY).await.value("v.title"), Some("First"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_change_different_fields_are_both_kept() {
    let app = TestApp::embedded().await;
    let (mine, theirs) = (app.form(ACTIVITY).await, app.form(ACTIVITY).await);
    app.save(&theirs.with("v.title", "Theirs")).await;
    let (status, answer) = app.save(&mine.with("v.notes", "Mine")).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert!(answer.merged.contains(&"title".to_owned()), "{:?}", answer.merged);
    assert_eq!(answer.current.get("title"), Some(&Some("Theirs".to_owned())));
    let now = app.form(ACTIVITY).await;
    assert_eq!(
        (now.value("v.title"), now.value("v.notes")),
        (Some("Theirs"), Some("Mine"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_change_the_same_field_are_asked() {
    let app = TestApp::embedded().await;
    let (mine, theirs) = (app.form(ACTIVITY).await, app.form(ACTIVITY).await);
    app.save(&theirs.with("v.title", "Theirs")).await;
    let mine = mine.with("v.title", "Mine").with("v.notes", "Mine too");
    let (status, answer) = app.save(&mine).await;
    assert_eq!((status, answer.outcome), (StatusCode::CONFLICT, Outcome::Conflict));
    let conflict = &answer.conflicts[..];
    assert_eq!(conflict.len(), 1);
    assert_eq!(
        (conflict[0].mine.as_deref(), conflict[0].theirs.as_deref()),
        (Some("Mine"), Some("Theirs"))
    );
    let now = app.form(ACTIVITY).await;
    assert_eq!(now.value("v.title"), Some("Theirs"));
    assert_ne!(
        now.value("v.notes"),
        Some("Mine too"),
        "nothing of a conflicting save is written"
    );

    // Without script: the page again, mine in the field, and a version on which mine can be chosen.
    let page = app.post(&mine).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.state.as_str(), drawn.value("v.title")),
        ("conflict", Some("Mine"))
    );
    let saved = app.post(&drawn).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(app.form(ACTIVITY).await.value("v.title"), Some("Mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_said_at_its_field() {
    let app = TestApp::embedded().await;
    let refused = [
        (ACTIVITY, "v.duration_hours", "a while"),
        ("/records/activities/2", "v.planned_on", "2026-02-30"),
        ("/records/activities/3", "v.equipment_id", "999999"),
    ];
    for (path, control, text) in &refused {
        let form = app.form(path).await.with(control, text);
        let (status, answer) = app.save(&form).await;
        assert_eq!(
            (status, answer.outcome),
            (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid),
            "{control}"
        );
        assert!(
            answer.errors.contains_key(&control[2..]),
            "{control}: {:?}",
            answer.errors
        );
        let page = app.post(&form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            DrawnForm::read(&page.body).value(control),
            Some(*text),
            "what was typed stays"
        );
        assert!(
            app.get("/drafts").await.body.contains(path),
            "{control}: and is kept as a draft"
        );
    }
    let email = app
        .form("/records/technicians/1")
        .await
        .value("v.email")
        .expect("an address")
        .to_owned();
    let (_, answer) = app
        .save(&app.form("/records/technicians/2").await.with("v.email", &email))
        .await;
    assert_eq!(
        answer.errors.get("email").map(String::as_str),
        Some("This value is already in use.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_is_made_once_and_its_form_then_leads_to_it() {
    let app = TestApp::embedded().await;
    let new = app.get("/records/sites/new").await;
    assert_eq!(new.status, StatusCode::SEE_OTHER);
    let address = new.location().to_owned();
    let form = app
        .form(&address)
        .await
        .with("v.name", "Harbour")
        .with("v.code", "HBR-9");
    let (status, first) = app.save(&form).await;
    assert_eq!(
        (status, first.outcome),
        (StatusCode::CREATED, Outcome::Saved),
        "{:?}",
        first.errors
    );
    let (_, second) = app.save(&form).await;
    assert_eq!((second.key.clone(), second.replayed), (first.key.clone(), true));
    let record = format!("/records/sites/{}", first.key.expect("a key"));
    assert_eq!(app.get(&address).await.location(), record);
    // Back, changed, pressed again: the same id with other content. Nothing is made, nothing lost.
    let page = app.post(&form.clone().with("v.name", "Harbour two")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.action.as_str(), drawn.value("v.name")),
        (record.as_str(), Some("Harbour two"))
    );
    assert_eq!(
        app.post(&drawn).await.status,
        StatusCode::SEE_OTHER,
        "from there it goes on as the record's form"
    );
    assert_eq!(app.form(&record).await.value("v.name"), Some("Harbour two"));

    // The same with script: the answer names the record and a version that fits it.
    let (status, answer) = app.save(&form.with("v.name", "Harbour three")).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Mismatch)
    );
    assert_eq!(answer.current.get("name"), Some(&Some("Harbour two".to_owned())));
    let version = answer.version.expect("the made record's version");
    let on = app
        .form(&record)
        .await
        .with("_version", &version)
        .with("v.name", "Harbour three");
    assert_eq!(app.save(&on).await.1.outcome, Outcome::Saved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_deleted_meanwhile_is_said_to_be_gone() {
    let app = TestApp::embedded().await;
    let new = app.get("/records/sites/new").await.location().to_owned();
    let (_, made) = app
        .save(
            &app.form(&new)
                .await
                .with("v.name", "Short-lived")
                .with("v.code", "SHL-1"),
        )
        .await;
    let record = format!("/records/sites/{}", made.key.expect("a key"));
    let form = app.form(&record).await.with("v.name", "Changed");

    let confirm = app.get(&format!("{record}/delete")).await;
    assert_eq!(confirm.status, StatusCode::OK);
    let page = scraper::Html::parse_document(&confirm.body);
    let inputs = scraper::Selector::parse("form[action$='/delete'] input[name]").expect("a selector");
    let controls: Vec<_> = page
        .select(&inputs)
        .map(|input| {
            (
                input.attr("name").unwrap_or_default().to_owned(),
                input.attr("value").unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let deleted = app
        .request(Method::POST, &format!("{record}/delete"), Some(&controls), &[])
        .await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.body);

    let (status, answer) = app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::GONE, Outcome::Gone));
    assert_eq!(app.get(&record).await.status, StatusCode::NOT_FOUND);
    let again = app
        .request(Method::POST, &format!("{record}/delete"), Some(&controls), &[])
        .await;
    assert_eq!(
        again.status,
        StatusCode::SEE_OTHER,
        "the same press again is the same delete"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_written_and_never_shown() {
    let app = TestApp::embedded().await;
    let path = "/records/technicians/1";
    let form = app.form(path).await;
    let secret = form
        .controls
        .iter()
        .find(|(name, _)| name.contains("pin"))
        .expect("a secret column")
        .0
        .clone();
    assert_eq!(form.value(&secret), Some(""), "it is never drawn");
    let (_, answer) = app.save(&form.with(&secret, "canary-4711")).await;
    assert_eq!(answer.outcome, Outcome::Saved);
    for page in [
        path,
        "/records/technicians",
        "/records/technicians/1/history",
        "/",
        "/drafts",
    ] {
        assert!(!app.get(page).await.body.contains("canary-4711"), "{page}");
    }
    assert_eq!(audit_lines(&app, path).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_and_the_empty_text_are_two_things() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await;
    let with_null = |form: &DrawnForm| {
        let mut form = form.clone().with("v.notes", "");
        form.controls.push(("n.notes".to_owned(), "1".to_owned()));
        form
    };
    app.save(&with_null(&form)).await;
    let drawn = app.form(ACTIVITY).await;
    assert!(drawn.value("n.notes").is_some(), "NULL is drawn as NULL");
    let (_, answer) = app.save(&drawn.clone().with("v.notes", "text beside the tick")).await;
    assert!(answer.errors.contains_key("notes"), "{:?}", answer.errors);
    let (_, answer) = app.save(&drawn.without("n.notes")).await;
    assert_eq!(answer.outcome, Outcome::Saved);
    let drawn = app.form(ACTIVITY).await;
    assert_eq!((drawn.value("v.notes"), drawn.value("n.notes")), (Some(""), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_somebody_else_is_not_saved_under_ones_own_name() {
    let mut app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Typed by admin");
    let admin = app.cookie.clone();
    app.cookie = app.signed_in_as("otto", Role::Superuser).await;
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNAUTHORIZED, Outcome::Unauthenticated)
    );
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("Typed by admin"), "the sign-in page carries it");
    assert_ne!(app.form(ACTIVITY).await.value("v.title"), Some("Typed by admin"));
    app.cookie = admin;
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_withdrawn_while_typing_costs_nothing_typed_and_nothing_saved() {
    let mut app = TestApp::embedded().await;
    app.cookie = app.signed_in_as("sam", Role::Superuser).await;
    let saved = app.form(ACTIVITY).await.with("v.title", "Saved before");
    assert_eq!(app.save(&saved).await.1.outcome, Outcome::Saved);
    let form = app.form("/records/activities/2").await.with("v.title", "Typed before");
    app.now_only_looks("sam").await;

    let (_, again) = app.save(&saved).await;
    assert_eq!(
        (again.outcome, again.replayed),
        (Outcome::Saved, true),
        "what was done stays done"
    );
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("Typed before"), "the text is there to copy");
    assert!(
        app.get("/records/activities/2").await.body.contains("Typed before"),
        "also later"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_typed_before_signing_in_again_is_asked_for_again() {
    let mut app = TestApp::embedded().await;
    let form = app.form("/records/technicians/1").await;
    let secret = form
        .controls
        .iter()
        .find(|(name, _)| name.contains("pin"))
        .expect("a secret column")
        .0
        .clone();
    let form = form.with(&secret, "canary-4712").with("v.phone", "555-0199");
    let cookie = std::mem::take(&mut app.cookie);
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("555-0199") && !page.body.contains("canary-4712"));
    let signed_in = app.sign_in_on(&page.body).await;
    assert_eq!(signed_in.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(signed_in.body.contains("Please type this again"));
    assert_eq!(DrawnForm::read(&signed_in.body).value("v.phone"), Some("555-0199"));
    app.cookie = cookie;
    assert_ne!(
        app.form("/records/technicians/1").await.value("v.phone"),
        Some("555-0199"),
        "not saved by halves"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_form_makes_one_record_even_under_another_id() {
    let app = TestApp::embedded().await;
    let address = app.get("/records/sites/new").await.location().to_owned();
    let form = app
        .form(&address)
        .await
        .with("v.name", "Quarry")
        .with("v.code", "QRY-1");
    let (_, made) = app.save(&form).await;
    let other_id = uuid::Uuid::new_v4().to_string();
    let (status, answer) = app.save(&form.with("_id", &other_id).with("v.code", "QRY-2")).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Mismatch)
    );
    assert_eq!(answer.key, made.key, "it names the record that was made");
    let list = app.get("/records/sites?q=Quarry").await;
    assert_eq!(list.body.matches("QRY-").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_a_form_whose_record_was_made_and_deleted_goes_on_in_a_form_of_its_own() {
    let outage = Outage::prepared().await;
    let app = &outage.app;
    let address = app.get("/records/activity/new").await.location().to_owned();
    let form = app.form(&address).await.with("v.title", "Made in another tab");
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    outage
        .database
        .query("DELETE FROM activity WHERE title = 'Made in another tab'");
    // As its script, which then offers a new form, and as a browser without one, which is given it.
    let typed_on = form.with("v.title", "Typed on");
    let (status, answer) = app.save(&typed_on).await;
    assert_eq!((status, answer.outcome), (StatusCode::GONE, Outcome::Gone));
    let page = app.post(&typed_on).await;
    assert_eq!(page.status, StatusCode::GONE, "{}", page.body);
    let drawn = DrawnForm::read(&page.body);
    assert_ne!(drawn.action, typed_on.action);
    assert_eq!(drawn.value("v.title"), Some("Typed on"));
    assert_eq!(app.post(&drawn).await.status, StatusCode::SEE_OTHER);
    let count = |title: &str| outage.count(&format!("SELECT count(*) FROM activity WHERE title = '{title}'"));
    assert_eq!((count("Typed on"), count("Made in another tab")), (1, 0));
    // What was saved is answered as it was, and nothing comes back.
    let first = typed_on.with("v.title", "Made in another tab");
    let (_, again) = app.save(&first).await;
    assert_eq!((again.outcome, again.replayed), (Outcome::Saved, true));
    assert_eq!(count("Made in another tab"), 0);
}
