//! What another site can make a signed-in person's browser send has no effect: nine kinds of request, each beside the
//! same one from our own pages, which works.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request};
use sqlx::SqliteConnection;

use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::{Answered, PASSWORD, TestApp};
use crate::support::traces::traces;

const OURS: &str = "http://127.0.0.1:3000";
const FORM: &str = "application/x-www-form-urlencoded";

/// Something worth doing on behalf of somebody else.
struct Deed {
    method: Method,
    path: String,
    kind: &'static str,
    body: String,
}

/// How another site's request looks.
struct Way {
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    /// The method and content type such a request can have.
    method: Option<Method>,
    kind: Option<&'static str>,
}

const fn way(name: &'static str, headers: &'static [(&'static str, &'static str)]) -> Way {
    Way {
        name,
        headers,
        method: None,
        kind: None,
    }
}

fn ways() -> Vec<Way> {
    let evil: &[(&str, &str)] = &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    vec![
        Way {
            kind: Some(FORM),
            ..way("1 a form", evil)
        },
        Way {
            kind: Some("text/plain"),
            ..way("2 a form in plain text", evil)
        },
        Way {
            kind: Some("multipart/form-data; boundary=x"),
            ..way("3 a form in parts", evil)
        },
        way(
            "4 a fetch without CORS",
            &[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
                ("accept", "application/json"),
            ],
        ),
        way("5 an origin that is null", &[("origin", "null")]),
        way(
            "6 a sibling site",
            &[
                ("origin", "http://other.127.0.0.1:3000"),
                ("sec-fetch-site", "same-site"),
            ],
        ),
        way(
            "7 a foreign host",
            &[("host", "rebound.example"), ("origin", "http://rebound.example")],
        ),
        Way {
            method: Some(Method::GET),
            ..way("8 a link", &[("sec-fetch-site", "cross-site")])
        },
        Way {
            method: Some(Method::GET),
            ..way(
                "8 a link with another method named",
                &[("sec-fetch-site", "cross-site"), ("x-http-method-override", "POST")],
            )
        },
        Way {
            kind: Some("text/plain;charset=UTF-8"),
            ..way(
                "9 a beacon, from a browser without Sec-Fetch",
                &[("origin", "https://evil.example")],
            )
        },
        way("9 a beacon from another port", &[("origin", "http://127.0.0.1:3001")]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_has_no_effect_and_our_own_pages_have() {
    let app = TestApp::embedded().await;
    let mut witness = app.witness().await;
    let mut refused = 0;
    for name in [
        "a save",
        "a create",
        "a typed save",
        "a delete",
        "a draft",
        "a discard",
        "a discard without script",
        "a sign-in",
        "a sign-out",
    ] {
        for way in ways() {
            let deed = deed(&app, name).await;
            let before = state(&app, &mut witness).await;
            let answer = send(&app, &deed, &way).await;
            let line = format!("{name} by {}: {}", way.name, answer.status);
            let sets = answer.headers.contains_key("set-cookie");
            assert_eq!(state(&app, &mut witness).await, before, "{line}");
            assert!(!sets, "{line}");
            if way.method.is_none() {
                assert!(matches!(answer.status.as_u16(), 403 | 421), "{line}");
            }
            refused += 1;
        }
        let deed = deed(&app, name).await;
        let before = state(&app, &mut witness).await;
        let own = way("our own page", &[("origin", OURS), ("sec-fetch-site", "same-origin")]);
        let answer = send(&app, &deed, &own).await;
        assert!(
            answer.status.is_success() || answer.status.as_u16() == 303,
            "{name}: {}\n{}",
            answer.status,
            answer.body
        );
        let sets = answer.headers.contains_key("set-cookie");
        assert!(
            sets || state(&app, &mut witness).await != before,
            "{name} works from our own page"
        );
    }
    println!("cross-site: {refused} requests of nine kinds, 0 with an effect");
}

/// Everything a request could change: the database, my drafts, and whether I am signed in.
async fn state(app: &TestApp, witness: &mut SqliteConnection) -> String {
    let traces = traces(app, witness, "").await;
    format!("{traces} {}", app.get("/drafts").await.status)
}

async fn deed(app: &TestApp, name: &str) -> Deed {
    let of_form = |form: DrawnForm| Deed {
        method: Method::POST,
        path: form.action.clone(),
        kind: FORM,
        body: encoded(&form.controls),
    };
    let fresh = uuid::Uuid::new_v4().simple().to_string();
    let draft = |path: String| Deed {
        method: Method::POST,
        path,
        kind: "application/json",
        body: format!(
            r#"{{"version":"v","base":{{}},"values":{{"name":"typed"}},"seq":1,"writer":"{}"}}"#,
            &fresh[..16]
        ),
    };
    match name {
        "a save" => of_form(app.form("/records/sites/1").await.with("v.name", &fresh)),
        "a create" => of_form(new_site(app, &fresh).await),
        "a typed save" => {
            let form = app.form("/records/sites/1").await;
            let value = |name: &str| form.value(name).expect("a control").to_owned();
            let submission = serde_json::json!({"submission": {
                "id": value("_id"), "form_key": "sites/1", "version": value("_version"),
                "values": {"name": fresh}, "seq": 1, "writer": "aaaaaaaaaaaaaaaa",
            }});
            Deed {
                method: Method::POST,
                path: "/api/records/save".into(),
                kind: "application/json",
                body: submission.to_string(),
            }
        }
        "a delete" => {
            let made = app.post(&new_site(app, &fresh).await).await;
            let path = format!("{}/delete", made.location().split('?').next().unwrap_or_default());
            let page = app.get(&path).await.body;
            let html = scraper::Html::parse_document(&page);
            let named = scraper::Selector::parse("form[action$='/delete'] input[name]").expect("a selector");
            let controls = html.select(&named).map(|control| {
                let attribute = |name| control.attr(name).unwrap_or_default().to_owned();
                (attribute("name"), attribute("value"))
            });
            let body = encoded(&controls.collect::<Vec<_>>());
            Deed {
                method: Method::POST,
                path,
                kind: FORM,
                body,
            }
        }
        "a draft" => draft(format!("/api/drafts/sites/{}", key(&fresh))),
        "a discard" | "a discard without script" => {
            let key = key(&fresh);
            let written = draft(format!("/api/drafts/sites/{key}"));
            let own = way("our own page", &[("origin", OURS)]);
            assert_eq!(send(app, &written, &own).await.status, 200);
            let writer = &fresh[..16];
            if name == "a discard" {
                return Deed {
                    method: Method::DELETE,
                    path: format!("/api/drafts/sites/{key}?seq=1&writer={writer}"),
                    kind: FORM,
                    body: String::new(),
                };
            }
            Deed {
                method: Method::POST,
                path: "/drafts/discard".into(),
                kind: FORM,
                body: format!("form_key=sites%2F{key}&seq=1&writer={writer}"),
            }
        }
        "a sign-in" => Deed {
            method: Method::POST,
            path: "/login".into(),
            kind: FORM,
            body: encoded(&[
                ("username".into(), "admin".into()),
                ("password".into(), PASSWORD.into()),
            ]),
        },
        _ => Deed {
            method: Method::POST,
            path: "/logout".into(),
            kind: FORM,
            body: String::new(),
        },
    }
}

async fn new_site(app: &TestApp, fresh: &str) -> DrawnForm {
    let path = format!("/records/sites/new?form={}", uuid::Uuid::new_v4());
    let form = app
        .form(&path)
        .await
        .with("v.name", fresh)
        .with("v.address", "A street");
    form.with("v.code", &fresh[..8])
}

/// A record number of its own, so that each draft is the only one of its form.
fn key(fresh: &str) -> u32 {
    u32::from_str_radix(&fresh[..7], 16).expect("hex digits")
}

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

async fn send(app: &TestApp, deed: &Deed, way: &Way) -> Answered {
    let method = way.method.clone().unwrap_or(deed.method.clone());
    let mut request = Request::builder()
        .method(method)
        .uri(&deed.path)
        .header(COOKIE, &app.cookie)
        .header(CONTENT_TYPE, way.kind.unwrap_or(deed.kind));
    if !way.headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(HOST, "127.0.0.1:3000");
    }
    for (name, value) in way.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(deed.body.clone())).expect("a request");
    app.raw(request).await
}
