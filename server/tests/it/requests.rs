//! Bad requests get a clear answer, foreign ones reach nothing, and signing in is what it says.

use app::auth::model::Role;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::TestApp;

const ACTIVITY: &str = "/records/activities/1";

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tables_and_keys_are_not_found() {
    let app = TestApp::embedded().await;
    for path in [
        "/records/nothing",
        "/records/nothing/1",
        "/records/activities/999999",
        "/records/activities/abc",
        "/records/activities/1,2",
        "/records/activities/~zz",
        "/records/inkfast_account",
        "/records/activities/1/history/further",
        "/nowhere",
    ] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_malformed_version_or_id_is_refused() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Not saved");
    let broken = [
        form.clone().without("_id"),
        form.clone().without("_version"),
        form.clone().without("_seq"),
        form.clone().with("_id", "1"),
        form.clone().with("_version", "rubbish"),
        form.clone().with("_version", ""),
    ];
    for form in broken {
        let (status, answer) = app.save(&form).await;
        assert_eq!((status, answer.outcome), (StatusCode::BAD_REQUEST, Outcome::Malformed));
    }
    let other = app.form("/records/activities/2").await;
    let foreign = form
        .clone()
        .with("_version", other.value("_version").expect("a version"));
    assert_eq!(
        app.save(&foreign).await.0,
        StatusCode::BAD_REQUEST,
        "another record's version"
    );
    assert_ne!(app.form(ACTIVITY).await.value("v.title"), Some("Not saved"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_another_secret_shows_what_differs_instead_of_guessing() {
    let (app, other) = (TestApp::embedded().await, TestApp::embedded().await);
    let foreign = other
        .form(ACTIVITY)
        .await
        .value("_version")
        .expect("a version")
        .to_owned();
    let form = app
        .form(ACTIVITY)
        .await
        .with("_version", &foreign)
        .with("v.title", "Typed before");
    let (status, answer) = app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::CONFLICT, Outcome::Conflict));
    assert_eq!(
        answer
            .conflicts
            .iter()
            .map(|conflict| conflict.column.as_str())
            .collect::<Vec<_>>(),
        ["title"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_form_is_read_to_its_end_and_refused() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.notes", &"x".repeat(33 * 1024 * 1024));
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::PAYLOAD_TOO_LARGE, Outcome::TooLarge)
    );
    let large = app.form(ACTIVITY).await.with("v.notes", &"y".repeat(1024 * 1024));
    assert_eq!(app.save(&large).await.0, StatusCode::OK, "a large text fits");
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_site_requests_have_no_effect() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "From elsewhere");
    let foreign: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:3001")],
        &[("host", "evil.example")],
    ];
    for headers in foreign {
        let answer = app
            .request(Method::POST, &form.action, Some(&form.controls), headers)
            .await;
        assert!(
            matches!(answer.status.as_u16(), 403 | 421),
            "{headers:?}: {}",
            answer.status
        );
    }
    assert_ne!(app.form(ACTIVITY).await.value("v.title"), Some("From elsewhere"));
    assert!(
        !app.get("/drafts").await.body.contains("From elsewhere"),
        "not even as a draft"
    );
    let own = [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3000")];
    let answer = app
        .request(Method::POST, &form.action, Some(&form.controls), &own)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_no_longer_signed_in_loses_nothing_typed() {
    let mut app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Typed while signed out");
    let cookie = std::mem::take(&mut app.cookie);
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::UNAUTHORIZED, Outcome::Unauthenticated)
    );
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(
        page.body.contains("Typed while signed out"),
        "the sign-in page carries the form"
    );
    assert_eq!(app.get(ACTIVITY).await.status, StatusCode::SEE_OTHER);

    // Signing in on that page saves what it carries.
    let signed_in = app.sign_in_on(&page.body).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    assert!(
        signed_in.location().starts_with("/records/activities/1?saved="),
        "{}",
        signed_in.location()
    );
    app.cookie = cookie;
    assert_eq!(
        app.form(ACTIVITY).await.value("v.title"),
        Some("Typed while signed out")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_stays_ended() {
    let app = TestApp::embedded().await;
    assert_eq!(app.get("/").await.status, StatusCode::OK);
    let left = app.request(Method::POST, "/logout", Some(&[]), &[]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(
        app.get("/").await.status,
        StatusCode::SEE_OTHER,
        "the old cookie no longer counts"
    );
    assert_eq!(app.sign_in("admin", "wrong").await, None);
    assert_eq!(app.sign_in("nobody", "wrong").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_their_protections() {
    let app = TestApp::embedded().await;
    let page = app.get("/").await;
    let header = |name: &str| {
        page.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let policy = header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .expect("a nonce");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline"));
    let html = scraper::Html::parse_document(&page.body);
    let scripts = scraper::Selector::parse("script").expect("a selector");
    assert!(html.select(&scripts).count() > 0);
    assert!(
        html.select(&scripts).all(|script| script.attr("nonce") == Some(nonce)),
        "each script has it"
    );
    assert!(!page.body.contains(" style=\""));
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let other = app.get("/").await;
    assert_ne!(
        other.headers.get("content-security-policy"),
        page.headers.get("content-security-policy")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_what_is_known_without_signing_in() {
    let app = TestApp::embedded().await;
    for (path, status) in [
        ("/livez", 200),
        ("/health/simple", 200),
        ("/readyz", 200),
        ("/health", 200),
        ("/health/detailed", 401),
    ] {
        let request = Request::get(path)
            .header("host", "127.0.0.1:3000")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(app.raw(request).await.status.as_u16(), status, "{path}");
    }
    assert_eq!(app.get("/health/detailed").await.status, StatusCode::OK);
    let put = Request::put("/livez")
        .header("host", "127.0.0.1:3000")
        .header("origin", "http://127.0.0.1:3000")
        .body(Body::empty())
        .expect("a request");
    let refused = app.raw(put).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers["allow"], "GET");
    let submission = app.get("/api/submissions/00000000-0000-4000-8000-000000000000").await;
    assert_eq!(submission.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/api/submissions/1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_a_record_is_shown_and_never_run() {
    let app = TestApp::embedded().await;
    let attack = "</textarea></form><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let (_, answer) = app
        .save(
            &app.form(ACTIVITY)
                .await
                .with("v.notes", attack)
                .with("v.title", "<b>bold</b>"),
        )
        .await;
    assert_eq!(answer.outcome, Outcome::Saved);
    for path in [
        ACTIVITY,
        "/records/activities",
        "/records/activities/1/history",
        "/",
        "/records/activities/1/delete",
    ] {
        let page = app.get(path).await;
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img src=x"),
            "{path}"
        );
    }
    let page = app.get(ACTIVITY).await;
    assert_eq!(DrawnForm::read(&page.body).value("v.notes"), Some(attack));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let mut app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "By a viewer");
    app.cookie = app.signed_in_as("vera", Role::Viewer).await;
    for path in [
        "/",
        "/records/activities",
        ACTIVITY,
        "/records/activities/1/history",
        "/drafts",
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let html = scraper::Html::parse_document(&page.body);
        let forms = scraper::Selector::parse("form[data-resilient-form]").expect("a selector");
        assert!(html.select(&forms).next().is_none(), "{path}");
    }
    let (status, answer) = app.save(&form.clone().with("_account", "vera")).await;
    assert_eq!((status, answer.outcome), (StatusCode::FORBIDDEN, Outcome::Forbidden));
    assert_eq!(
        app.get("/records/activities/1/delete").await.status,
        StatusCode::FORBIDDEN
    );
    let delete = app
        .request(Method::POST, "/records/activities/1/delete", Some(&form.controls), &[])
        .await;
    assert_eq!(delete.status, StatusCode::FORBIDDEN);
    assert!(!app.get(ACTIVITY).await.body.contains("By a viewer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_switched_off_saves_nothing_from_that_moment() {
    let mut app = TestApp::embedded().await;
    app.cookie = app.signed_in_as("sam", Role::Superuser).await;
    let form = app.form(ACTIVITY).await.with("v.title", "By somebody switched off");
    assert!(app.accounts().disable("sam").await.expect("the database is there"));
    let (status, answer) = app.save(&form).await;
    assert!(
        matches!(answer.outcome, Outcome::Forbidden | Outcome::Unauthenticated),
        "{status}"
    );
    for _ in 0..100 {
        if app.get("/").await.status == StatusCode::SEE_OTHER {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("still signed in after ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_submissions_of_others_are_not_there() {
    let mut app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await.with("v.title", "Mine");
    let id = form.value("_id").expect("an id").to_owned();
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(app.get(&format!("/api/submissions/{id}")).await.status, StatusCode::OK);
    app.cookie = app.signed_in_as("otto", Role::Superuser).await;
    assert_eq!(
        app.get(&format!("/api/submissions/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(app.get("/api/drafts/activities/1").await.status, StatusCode::NOT_FOUND);
    let of_admin = app.get("/api/drafts/activities/1?account=admin").await;
    assert_eq!(
        of_admin.status,
        StatusCode::UNAUTHORIZED,
        "a page drawn for somebody else is told so"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_has_at_most_two_thousand_controls() {
    let app = TestApp::embedded().await;
    let mut form = app.form(ACTIVITY).await;
    form.controls
        .extend((0..2_000).map(|n| (format!("v.c{n}"), String::new())));
    let (status, answer) = app.save(&form).await;
    assert_eq!(
        (status, answer.outcome),
        (StatusCode::PAYLOAD_TOO_LARGE, Outcome::TooLarge)
    );
    let sign_in = app.request(Method::POST, "/login", Some(&form.controls), &[]).await;
    assert_eq!(sign_in.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typed_door_saves_like_the_form_does() {
    let app = TestApp::embedded().await;
    let form = app.form(ACTIVITY).await;
    let submission = serde_json::json!({"submission": {
        "id": form.value("_id"),
        "form_key": "activities/1",
        "version": form.value("_version"),
        "values": {"title": "By the typed door"},
        "seq": 1,
        "writer": "program",
    }});
    let call = || {
        let request = Request::post("/api/records/save")
            .header("host", "127.0.0.1:3000")
            .header("cookie", &app.cookie)
            .header("content-type", "application/json")
            .header("accept", "application/json");
        app.raw(request.body(Body::from(submission.to_string())).expect("a request"))
    };
    let (first, second) = (call().await, call().await);
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let answer: serde_json::Value = serde_json::from_str(&second.body).expect("JSON");
    assert_eq!(
        (answer["outcome"].as_str(), answer["replayed"].as_bool()),
        (Some("saved"), Some(true))
    );
    assert_eq!(app.form(ACTIVITY).await.value("v.title"), Some("By the typed door"));
}
