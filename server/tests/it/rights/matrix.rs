//! Every address of the list, for every role and for everybody who is nobody: what is not allowed has no effect, and
//! what is allowed works.

use std::time::Duration;

use app::auth::model::Role;
use app::monitoring::model::{DrillCheck, DrillKind};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request};
use inkfast_server::auth::session::Session;
use inkfast_server::http::routes::{ROUTES, Route, Who};
use inkfast_server::monitoring::drills::DrillState;
use serde_json::json;

use super::routes::routed;
use super::{TOKEN, configured, may};
use crate::support::event_stream::EventStream;
use crate::support::test_app::{Answered, PASSWORD, TestApp};
use crate::support::traces::traces;

const TABLES: [&str; 3] = ["sites", "activities", "comments"];
const READ: usize = 0;
const CREATE: usize = 1;
const UPDATE: usize = 2;
const DELETE: usize = 3;

/// Who asks: with a role, or as one who is not signed in any more.
struct Person {
    name: &'static str,
    role: Option<Role>,
    cookie: String,
}

/// One request of the matrix.
struct Asked {
    method: Method,
    path: String,
    body: Option<(&'static str, String)>,
    /// Which right on which table it takes, beyond getting that far.
    right: Option<(&'static str, usize)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_what_is_not_theirs_and_everybody_gets_what_is() {
    let mut app = configured().await;
    let people = people(&mut app).await;
    let mut witness = app.witness().await;
    let (mut refused, mut let_through, mut worked) = (0, Vec::new(), 0);
    for route in routed().filter(|route| route.who != Who::Anyone && route.path != "/events") {
        for person in &people {
            for mut asked in requests(&app, route).await {
                let allowed = person.role.is_some_and(|role| {
                    route.who.includes(role) && asked.right.is_none_or(|(table, right)| may(role, table)[right])
                });
                // What one typed oneself is kept as one's own draft, whatever becomes of it.
                let own = person.role.map_or("", Role::name);
                // What a page has open is told by way of its own stream.
                let stream = match asked.path.as_str() {
                    "/api/presence" if allowed => Some(EventStream::open(&app, &person.cookie).await),
                    _ => None,
                };
                if let Some(stream) = &stream {
                    let told = format!("stream={}&open=sites%2F1", stream.token);
                    asked.body = Some(("application/x-www-form-urlencoded", told));
                }
                let before = traces(&app, &mut witness, own).await;
                let answer = ask(&app, &asked, &person.cookie).await;
                let line = format!("{} as {}: {} {}", asked.method, person.name, asked.path, answer.status);
                if allowed {
                    assert!(has_worked(&asked, &answer), "{line}\n{}", answer.body);
                    worked += 1;
                } else {
                    refused += 1;
                    if !is_refusal(&answer) || traces(&app, &mut witness, own).await != before {
                        let_through.push(line);
                    }
                }
            }
        }
    }
    println!(
        "rights matrix: {refused} requests that are not allowed, {} let through; {worked} that are, all worked",
        let_through.len()
    );
    assert!(let_through.is_empty(), "{let_through:#?}");
    assert!(refused > 200 && worked > 60, "{refused} refused, {worked} worked");
    for person in people.iter().filter(|person| person.role.is_some()) {
        app.cookie.clone_from(&person.cookie);
        assert_eq!(app.get("/").await.status, 200, "{} is still signed in", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_method_does_anything() {
    let app = configured().await;
    let mut witness = app.witness().await;
    let mut tried = 0;
    for route in routed() {
        let listed = |method: &str| {
            ROUTES
                .iter()
                .any(|other| other.path == route.path && other.method == method)
        };
        let others = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        for method in others.into_iter().filter(|method| !listed(method)) {
            for mut asked in requests(&app, route).await {
                asked.method = method.parse().expect("a method");
                let before = traces(&app, &mut witness, "").await;
                let answer = ask(&app, &asked, &app.cookie).await;
                let line = format!("{method} {}: {}", asked.path, answer.status);
                assert!(matches!(answer.status.as_u16(), 403..=405), "{line}");
                assert_eq!(traces(&app, &mut witness, "").await, before, "{line}");
                tried += 1;
            }
        }
    }
    println!("methods that no address takes: {tried} requests, none with an effect");
    assert!(tried > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_is_meant_for_programs_and_nothing_else() {
    let app = configured().await;
    for route in routed().filter(|route| route.who != Who::Anyone && route.path != "/events") {
        for asked in requests(&app, route).await {
            for (token, opens) in [(TOKEN, route.who.takes_token()), ("another-token-altogether", false)] {
                let bearer = format!("Bearer {token}");
                let answer = ask_with(&app, &asked, "", &[(AUTHORIZATION.as_str(), &bearer)]).await;
                assert_eq!(
                    !is_refusal(&answer),
                    opens,
                    "{} {}: {}",
                    asked.method,
                    asked.path,
                    answer.status
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_account_is_not_there() {
    let mut app = configured().await;
    let form = app.form("/records/sites/1").await.with("v.address", "Somewhere");
    let (_, saved) = app.save(&form).await;
    assert_eq!(saved.outcome.code(), "saved");
    let id = form.value("_id").expect("an id").to_owned();
    let draft = draft();
    let written = json_request(&app, Method::POST, "/api/drafts/sites/1", &draft, &app.cookie).await;
    assert_eq!(written.status, 200, "{}", written.body);
    let mine = app.cookie.clone();

    app.cookie = app.signed_in_as("other", Role::Superuser).await;
    let theirs = app.cookie.clone();
    assert_eq!(app.get(&format!("/api/submissions/{id}")).await.status, 404);
    assert_eq!(app.get("/api/drafts/sites/1").await.status, 404);
    assert!(!app.get("/drafts").await.body.contains("/records/sites/1"));
    let discarded = app
        .request(
            Method::DELETE,
            "/api/drafts/sites/1?seq=1&writer=aaaaaaaaaaaaaaaa",
            None,
            &[],
        )
        .await;
    assert_eq!(discarded.status, 404);
    for path in ["/api/drafts/sites/1?account=admin", "/api/drafts/sites/1?account="] {
        assert_eq!(app.get(path).await.status, 401, "{path}");
        assert_eq!(
            json_request(&app, Method::POST, path, &draft, &theirs).await.status,
            401,
            "{path}"
        );
    }
    // Drawn for somebody else, who was signed in here before.
    let foreign = app
        .form("/records/sites/1")
        .await
        .with("_account", "admin")
        .with("v.address", "Elsewhere");
    assert_eq!(app.save(&foreign).await.0, 401);

    app.cookie = mine;
    assert_eq!(app.get(&format!("/api/submissions/{id}")).await.status, 200);
    assert_eq!(app.get("/api/drafts/sites/1?account=admin").await.status, 200);
}

/// One of each role, and five who were somebody.
async fn people(app: &mut TestApp) -> Vec<Person> {
    let mut people = Vec::new();
    for role in Role::ALL {
        let cookie = app.signed_in_as(role.name(), role).await;
        let name = role.name();
        people.push(Person {
            name,
            role: Some(role),
            cookie,
        });
    }
    let nobody = |name, cookie| Person {
        name,
        role: None,
        cookie,
    };
    let off = app.signed_in_as("off", Role::Superuser).await;
    assert!(app.accounts().disable("off").await.expect("the database is there"));
    let changed = app.signed_in_as("changed", Role::Superuser).await;
    assert!(
        app.accounts()
            .set_role("changed", Role::Staff)
            .await
            .expect("the database is there")
    );
    let revoked = app.signed_in_as("revoked", Role::Superuser).await;
    let admin = std::mem::replace(&mut app.cookie, revoked.clone());
    app.request(Method::POST, "/logout", None, &[]).await;
    app.cookie = admin;
    app.services().auth.refresh().await.expect("the accounts");
    let good = people[0].cookie.clone();
    let mut tampered = good.clone().into_bytes();
    let place = tampered.len() - 8;
    tampered[place] = if tampered[place] == b'A' { b'B' } else { b'A' };
    people.extend([
        nobody("signed out", String::new()),
        nobody("switched off", off),
        nobody("with an ended role", changed),
        nobody("revoked", revoked),
        nobody("expired", session_cookie(app, "superuser", 13).await),
        nobody("tampered", String::from_utf8(tampered).expect("text")),
    ]);
    people
}

/// Sealed by this very server, for a session of this account that began this many hours ago and was used until now.
async fn session_cookie(app: &TestApp, account: &str, hours: u64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock");
    let now_ms = now.as_millis() as u64;
    let accounts = app.accounts().all().await.expect("the accounts");
    let session = Session {
        account: account.to_owned(),
        id: uuid::Uuid::new_v4().to_string(),
        epoch: accounts[account].epoch,
        issued_at_ms: now_ms - hours * 60 * 60 * 1000,
        seen_at_ms: now_ms,
    };
    format!("inkfast={}", app.services().auth.seal_session(&session))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_an_hour_is_none_of_those_that_are_over() {
    let mut app = configured().await;
    app.cookie = session_cookie(&app, "admin", 1).await;
    assert_eq!(app.get("/").await.status, 200);
    app.cookie = session_cookie(&app, "admin", 13).await;
    assert_eq!(app.get("/").await.status, 303);
}

/// The requests that stand for one line of the list, each complete enough to have its effect.
async fn requests(app: &TestApp, route: &Route) -> Vec<Asked> {
    let method: Method = route.method.parse().expect("a method");
    let mut requests = Vec::new();
    let tables = if route.path.starts_with("/records/") || route.path == "/api/records/save" {
        &TABLES[..]
    } else {
        &TABLES[..1]
    };
    for table in tables {
        let (path, body, right) = match (route.method, route.path) {
            ("GET", "/records/{table}") => (format!("/records/{table}"), None, Some(READ)),
            ("GET", "/records/{table}/new") => (new_url(table), None, Some(CREATE)),
            ("POST", "/records/{table}/new") => {
                let path = new_url(table);
                let body = form_body(app, &path, table).await;
                (path, Some(body), Some(CREATE))
            }
            ("GET", "/records/{table}/{key}") => (format!("/records/{table}/1"), None, Some(READ)),
            ("POST", "/records/{table}/{key}") => {
                let path = format!("/records/{table}/1");
                let body = form_body(app, &path, table).await;
                (path, Some(body), Some(UPDATE))
            }
            ("POST", "/records/{table}/{key}/incoming") => {
                let body = form_body(app, &format!("/records/{table}/1"), table).await;
                (format!("/records/{table}/1/incoming"), Some(body), Some(READ))
            }
            ("GET", "/records/{table}/{key}/history") => (format!("/records/{table}/1/history"), None, Some(READ)),
            ("GET", "/records/{table}/{key}/delete") => (format!("/records/{table}/1/delete"), None, Some(DELETE)),
            ("POST", "/records/{table}/{key}/delete") => {
                let path = format!("{}/delete", made(app, table).await);
                let body = delete_body(app, &path).await;
                (path, Some(body), Some(DELETE))
            }
            ("POST", "/api/records/save") => {
                let path = format!("/records/{table}/1");
                (
                    route.path.to_owned(),
                    Some(save_body(app, &path, table).await),
                    Some(UPDATE),
                )
            }
            ("POST", "/drafts/discard") => {
                let body = (
                    "application/x-www-form-urlencoded",
                    "form_key=sites%2F1&seq=1&writer=aaaaaaaaaaaaaaaa".to_owned(),
                );
                (route.path.to_owned(), Some(body), None)
            }
            ("POST", "/api/drafts/{table}/{key}") => {
                let body = ("application/json", draft());
                (format!("/api/drafts/sites/{}", 2 + tenth()), Some(body), None)
            }
            ("DELETE", "/api/drafts/{table}/{key}") => (
                "/api/drafts/sites/1?seq=1&writer=aaaaaaaaaaaaaaaa".to_owned(),
                None,
                None,
            ),
            ("GET", "/api/drafts/{table}/{key}") => ("/api/drafts/sites/1".to_owned(), None, None),
            ("GET", "/api/submissions/{id}") => (format!("/api/submissions/{}", uuid::Uuid::new_v4()), None, None),
            ("GET" | "POST", "/api/drills/{id}" | "/api/drills/{id}/stop") => {
                let path = route.path.replace("{id}", &drilled(app).await.to_string());
                (path, None, None)
            }
            ("POST", "/api/degradation/enter") => {
                // Over before anybody else asks for something.
                let body = json!({ "reason": "a test", "seconds": 1 });
                (
                    route.path.to_owned(),
                    Some(("application/json", body.to_string())),
                    None,
                )
            }
            ("POST", "/api/database/test") => {
                let body = json!({ "sql": "SELECT count(*) FROM sites", "password": PASSWORD });
                (
                    route.path.to_owned(),
                    Some(("application/json", body.to_string())),
                    None,
                )
            }
            _ => {
                assert!(
                    !route.path.contains('{'),
                    "how to ask {} has to be said here",
                    route.path
                );
                (
                    route.path.to_owned(),
                    (route.method != "GET").then(|| ("application/json", "{}".to_owned())),
                    None,
                )
            }
        };
        requests.push(Asked {
            method: method.clone(),
            path,
            body,
            right: right.map(|right| (*table, right)),
        });
    }
    requests
}

/// The number of a drill that is over and checked.
async fn drilled(app: &TestApp) -> u64 {
    let drills = app.services().drills.as_ref().expect("they are on");
    if drills.find(1).is_none() {
        drills.start(DrillKind::Slow, Duration::from_secs(1), "a test");
        drills.stop("a test");
    }
    loop {
        match drills.find(1) {
            Some(DrillState::Over(report)) if report.check != DrillCheck::UnderWay => return report.number,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn new_url(table: &str) -> String {
    format!("/records/{table}/new?form={}", uuid::Uuid::new_v4())
}

/// A complete, changed form as the administrator gets it, without whose it is.
async fn changed_controls(app: &TestApp, path: &str, table: &str) -> Vec<(String, String)> {
    let fresh = uuid::Uuid::new_v4().simple().to_string();
    let typed: &[(&str, &str)] = match table {
        "sites" => &[("v.name", "Changed"), ("v.address", "A street")],
        "activities" => &[
            ("v.title", "Changed"),
            ("v.equipment_id", "1"),
            ("v.activity_type_id", "1"),
            ("v.planned_on", "2026-05-05"),
        ],
        _ => &[("v.activity_id", "1"), ("v.body", "Changed")],
    };
    let mut form = app.form(path).await.without("_account");
    for (name, value) in typed {
        let value = if *value == "Changed" {
            format!("Changed {fresh}")
        } else {
            (*value).to_owned()
        };
        form = form.with(name, &value);
    }
    if table == "sites" && path.contains("/new") {
        form = form.with("v.code", &fresh[..8]);
    }
    form.controls
}

async fn form_body(app: &TestApp, path: &str, table: &str) -> (&'static str, String) {
    let controls = changed_controls(app, path, table).await;
    ("application/x-www-form-urlencoded", encoded(&controls))
}

async fn save_body(app: &TestApp, path: &str, table: &str) -> (&'static str, String) {
    let controls = changed_controls(app, path, table).await;
    let value = |name: &str| {
        controls
            .iter()
            .find(|(control, _)| control == name)
            .map(|(_, value)| value.clone())
    };
    let column = if table == "comments" {
        "body"
    } else if table == "sites" {
        "name"
    } else {
        "title"
    };
    let submission = json!({
        "id": value("_id"),
        "form_key": path.trim_start_matches("/records/"),
        "version": value("_version"),
        "values": { column: value(&format!("v.{column}")) },
        "seq": 1,
        "writer": "aaaaaaaaaaaaaaaa",
    });
    ("application/json", json!({ "submission": submission }).to_string())
}

async fn delete_body(app: &TestApp, path: &str) -> (&'static str, String) {
    let page = app.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    let html = scraper::Html::parse_document(&page.body);
    let named = scraper::Selector::parse("form[action$='/delete'] input[name]").expect("a selector");
    let controls = html.select(&named).map(|control| {
        let attribute = |name| control.attr(name).unwrap_or_default().to_owned();
        (attribute("name"), attribute("value"))
    });
    (
        "application/x-www-form-urlencoded",
        encoded(&controls.collect::<Vec<_>>()),
    )
}

/// The address of a new record.
async fn made(app: &TestApp, table: &str) -> String {
    let path = new_url(table);
    let controls = changed_controls(app, &path, table).await;
    let answer = app.request(Method::POST, &path, Some(&controls), &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location().split('?').next().unwrap_or_default().to_owned()
}

fn draft() -> String {
    let draft = json!({"version": "v", "base": {}, "values": {"name": "typed"}, "seq": 1, "writer": "aaaaaaaaaaaaaaaa", "on": null});
    draft.to_string()
}

/// A form of its own for each draft that is written.
fn tenth() -> u128 {
    uuid::Uuid::new_v4().as_u128() % 1_000_000_000
}

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

async fn ask(app: &TestApp, asked: &Asked, cookie: &str) -> Answered {
    ask_with(app, asked, cookie, &[]).await
}

async fn ask_with(app: &TestApp, asked: &Asked, cookie: &str, headers: &[(&str, &str)]) -> Answered {
    let mut request = Request::builder()
        .method(asked.method.clone())
        .uri(&asked.path)
        .header(HOST, "127.0.0.1:3000")
        .header(COOKIE, cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match &asked.body {
        Some((kind, body)) => {
            request = request.header(CONTENT_TYPE, *kind);
            body.clone()
        }
        None => String::new(),
    };
    app.raw(request.body(Body::from(body)).expect("a request")).await
}

async fn json_request(app: &TestApp, method: Method, path: &str, body: &str, cookie: &str) -> Answered {
    let asked = Asked {
        method,
        path: path.to_owned(),
        body: Some(("application/json", body.to_owned())),
        right: None,
    };
    ask(app, &asked, cookie).await
}

fn is_refusal(answer: &Answered) -> bool {
    match answer.status.as_u16() {
        303 => answer.location().starts_with("/login"),
        status => matches!(status, 401 | 403 | 404 | 410),
    }
}

/// Done, or in the terms of what was asked: there is no such draft or submission of one's own.
fn has_worked(asked: &Asked, answer: &Answered) -> bool {
    let of_ones_own = asked.path.starts_with("/api/drafts/") || asked.path.starts_with("/api/submissions/");
    match answer.status.as_u16() {
        200 | 201 => true,
        303 => !answer.location().starts_with("/login"),
        404 => of_ones_own && asked.method != Method::POST,
        // Heard, and asked which drill, or which server: a real one would slow the others down.
        400 => matches!(
            asked.path.as_str(),
            "/monitoring/drills" | "/api/drills" | "/api/database/trust"
        ),
        _ => false,
    }
}
