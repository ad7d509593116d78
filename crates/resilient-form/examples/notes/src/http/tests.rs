//! The application as a browser meets it, with and without script.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request};
use resilient_drafts::StoredDraft;
use scraper::{Html as Page, Selector};
use tower::ServiceExt;

use super::*;

const HOST: &str = "127.0.0.1:3100";

struct Notes {
    application: Arc<Application>,
    _folder: tempfile::TempDir,
}

struct Said {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Notes {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let application = Application::open(folder.path()).await.expect("an application");
        Self {
            application: Arc::new(application),
            _folder: folder,
        }
    }

    async fn ask(&self, request: axum::http::request::Builder, body: String) -> Said {
        let own = OwnHosts::of("notes.example:3100", "192.0.2.1:3100".parse().expect("an address"));
        let router = router(Arc::clone(&self.application), FilePath::new("nowhere"), own);
        let mut request = request.body(Body::from(body)).expect("a request");
        let host = HeaderValue::from_static(HOST);
        request.headers_mut().entry("host").or_insert(host);
        let answer = router.oneshot(request).await.expect("an answer");
        let location = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().expect("text").to_owned());
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        Said {
            status,
            location,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    async fn get(&self, url: &str) -> Said {
        self.ask(Request::get(url), String::new()).await
    }

    async fn post(&self, url: &str, controls: &[(String, String)]) -> Said {
        let request = Request::post(url).header("content-type", "application/x-www-form-urlencoded");
        let coded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs = controls
            .iter()
            .map(|(name, value)| format!("{}={}", coded(name), coded(value)));
        self.ask(request, pairs.collect::<Vec<_>>().join("&")).await
    }

    async fn drafts(&self, form_key: &str) -> Vec<StoredDraft> {
        let seen = self.application.drafts.load(ACCOUNT, form_key).await;
        seen.expect("readable").drafts
    }

    /// How often the note was saved.
    async fn saves(&self) -> i64 {
        self.application
            .notes
            .find(1)
            .await
            .expect("readable")
            .expect("there")
            .saves
    }
}

/// What a browser without script would post of the page's form, with another text in one field.
fn typed(said: &Said, column: &str, text: &str) -> Vec<(String, String)> {
    let page = Page::parse_document(&said.body);
    let controls = Selector::parse("form[action='/notes/1'] [name]").expect("a selector");
    let control = |control: scraper::ElementRef| {
        let name = control.attr("name").unwrap_or_default().to_owned();
        let drawn = match control.attr("value") {
            Some(value) => value.to_owned(),
            None => control.text().collect(),
        };
        let value = if name == format!("v.{column}") {
            text.to_owned()
        } else {
            drawn
        };
        (name, value)
    };
    page.select(&controls).map(control).collect()
}

fn value(controls: &[(String, String)], name: &str) -> Option<String> {
    controls
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.clone())
}

#[tokio::test]
async fn a_plain_post_saves_and_leads_to_the_note() {
    let notes = Notes::open().await;
    let form = typed(&notes.get("/notes/1").await, "text", "Bread & milk </textarea>");
    let said = notes.post("/notes/1", &form).await;
    assert_eq!(said.status, 303);
    let page = notes.get(&said.location.expect("a location")).await;
    assert!(page.body.contains("data-state=\"saved\""), "{}", page.body);
    let now = typed(&page, "", "");
    assert_eq!(value(&now, "v.text").as_deref(), Some("Bread & milk </textarea>"));
    // Pressed again, after Back.
    assert_eq!(notes.post("/notes/1", &form).await.status, 303);
    assert_eq!(notes.saves().await, 1);
}

#[tokio::test]
async fn a_save_that_fails_without_script_comes_back_with_the_text_and_is_a_draft() {
    let notes = Notes::open().await;
    let form = typed(&notes.get("/notes/1").await, "text", "Milk");
    notes.application.notes.close().await;
    let said = notes.post("/notes/1", &form).await;
    assert_eq!(said.status, 503);
    let again = typed(&said, "", "");
    for name in ["_id", "_version", "v.text"] {
        assert_eq!(value(&again, name), value(&form, name), "{name}");
    }
    let drafts = notes.drafts("notes/1").await;
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        drafts[0].draft.values.get("text").cloned().flatten().as_deref(),
        Some("Milk")
    );
    assert_eq!(
        value(&again, "_writer").as_ref(),
        Some(&drafts[0].draft.revision.writer)
    );
    assert_eq!(notes.get("/notes/1").await.status, 503);
    assert_eq!(notes.get("/ready").await.status, 503);
}

#[tokio::test]
async fn a_conflict_without_script_leaves_what_somebody_else_changed_beside_it() {
    let notes = Notes::open().await;
    let mine = typed(&notes.get("/notes/1").await, "text", "Mine");
    let mut theirs = typed(&notes.get("/notes/1").await, "text", "Theirs");
    for (name, value) in &mut theirs {
        if name == "v.title" {
            *value = "Their title".to_owned();
        }
    }
    assert_eq!(notes.post("/notes/1", &theirs).await.status, 303);
    let said = notes.post("/notes/1", &mine).await;
    assert_eq!(said.status, 409);
    assert!(said.body.contains("<pre>Theirs</pre>"), "{}", said.body);
    let again = typed(&said, "text", "Mine");
    let drawn = [("v.title", "Their title"), ("v.text", "Mine"), ("b.text", "Theirs")];
    for (name, text) in drawn {
        assert_eq!(value(&again, name).as_deref(), Some(text), "{name}");
    }
    // Pressed once more: mine is saved, and nothing else of theirs is undone.
    assert_eq!(notes.post("/notes/1", &again).await.status, 303);
    let note = notes.application.notes.find(1).await.expect("readable").expect("there");
    assert_eq!((note.text_of("title"), note.text_of("text")), ("Their title", "Mine"));
}

#[tokio::test]
async fn a_refused_save_without_script_undoes_nothing_that_was_changed_before_the_next() {
    let notes = Notes::open().await;
    let untitled = typed(&notes.get("/notes/1").await, "title", "");
    let theirs = typed(&notes.get("/notes/1").await, "text", "Theirs");
    assert_eq!(notes.post("/notes/1", &theirs).await.status, 303);
    let said = notes.post("/notes/1", &untitled).await;
    assert_eq!(said.status, 422);
    // And once more while the page is looked at: it is no conflict with what was only drawn.
    let theirs = typed(&notes.get("/notes/1").await, "text", "Theirs, later");
    assert_eq!(notes.post("/notes/1", &theirs).await.status, 303);
    let titled = typed(&said, "title", "Market");
    assert_eq!(notes.post("/notes/1", &titled).await.status, 303);
    let note = notes.application.notes.find(1).await.expect("readable").expect("there");
    assert_eq!(
        (note.text_of("title"), note.text_of("text")),
        ("Market", "Theirs, later")
    );
}

#[tokio::test]
async fn a_save_without_a_change_that_fails_leaves_no_draft() {
    let notes = Notes::open().await;
    let form = typed(&notes.get("/notes/1").await, "", "");
    notes.application.notes.close().await;
    let said = notes.post("/notes/1", &form).await;
    assert_eq!(said.status, 503);
    assert!(!said.body.contains("Restored what you typed"), "{}", said.body);
    assert!(notes.drafts("notes/1").await.is_empty());
}

#[tokio::test]
async fn what_was_typed_into_a_note_that_is_gone_is_shown_where_the_note_was() {
    let notes = Notes::open().await;
    let changed = typed(&notes.get("/notes/1").await, "text", "Milk");
    let unchanged = typed(&notes.get("/notes/1").await, "", "");
    assert_eq!(notes.post("/notes/3", &unchanged).await.status, 410);
    let draft_of_nothing = notes.drafts("notes/3").await;
    assert_eq!(notes.get("/notes/3").await.status, 404);
    assert!(draft_of_nothing.is_empty());
    assert_eq!(notes.post("/notes/3", &changed).await.status, 410);
    let page = notes.get("/notes/3").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("<pre>Milk</pre>"), "{}", page.body);
}

#[tokio::test]
async fn a_draft_is_kept_drawn_into_the_form_and_ended_by_its_save() {
    let notes = Notes::open().await;
    let version = value(&typed(&notes.get("/notes/1").await, "", ""), "_version").expect("a version");
    let draft = json!({"version": version, "base": {"text": "Bread"}, "values": {"text": "Milk"}, "seq": 1, "writer": "w", "on": null});
    let keep = || Request::post("/drafts/notes/1?account=me").header("content-type", "application/json");
    assert_eq!(notes.ask(keep(), draft.to_string()).await.status, 200);
    assert_eq!(notes.ask(keep(), "{}".to_owned()).await.status, 400);
    let page = notes.get("/notes/1").await;
    assert!(page.body.contains("data-state=\"dirty\""), "{}", page.body);
    let drawn = typed(&page, "", "");
    let expected = [("v.text", "Milk"), ("b.text", "Bread"), ("_seq", "1"), ("_writer", "w")];
    for (name, text) in expected {
        assert_eq!(value(&drawn, name).as_deref(), Some(text), "{name}");
    }
    assert_eq!(notes.post("/notes/1", &drawn).await.status, 303);
    assert!(notes.drafts("notes/1").await.is_empty());
    // A late copy of it stays away.
    assert_eq!(notes.ask(keep(), draft.to_string()).await.status, 409);
}

#[tokio::test]
async fn a_draft_of_an_older_note_is_shown_beside_it_and_can_be_discarded() {
    let notes = Notes::open().await;
    let version = value(&typed(&notes.get("/notes/1").await, "", ""), "_version").expect("a version");
    let draft = json!({"version": version, "values": {"text": "Mine"}, "seq": 1, "writer": "w"});
    notes.ask(Request::post("/drafts/notes/1"), draft.to_string()).await;
    let other = typed(&notes.get("/notes/1").await, "text", "Theirs");
    let other: Vec<_> = other
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "_seq" | "_writer"))
        .collect();
    let as_somebody_else = [
        ("_seq".to_owned(), "0".to_owned()),
        ("_writer".to_owned(), "other".to_owned()),
    ];
    let body = FormBody::from_pairs(other.into_iter().chain(as_somebody_else));
    assert_eq!(
        notes.application.notes.save(1, &body).await.expect("saved").outcome,
        Outcome::Saved
    );
    let page = notes.get("/notes/1").await;
    assert_eq!(value(&typed(&page, "", ""), "v.text").as_deref(), Some("Theirs"));
    assert!(page.body.contains("<pre>Mine</pre>"), "{}", page.body);
    let named = [("form_key", "notes/1"), ("seq", "1"), ("writer", "w")];
    let named = named.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(notes.post("/discard", &named).await.status, 303);
    assert!(!notes.get("/notes/1").await.body.contains("Mine"));
}

#[tokio::test]
async fn a_script_is_told_what_became_of_its_press_also_later() {
    let notes = Notes::open().await;
    let form = typed(&notes.get("/notes/1").await, "title", "");
    let id = value(&form, "_id").expect("an id");
    let coded: Vec<_> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    let press = Request::post("/notes/1")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json");
    let refused = notes.ask(press, coded.join("&")).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("\"title\":\"A note needs a title.\""),
        "{}",
        refused.body
    );
    assert_eq!(notes.get(&format!("/submissions/{id}")).await.status, 404);
    let saved = typed(&notes.get("/notes/1").await, "title", "Market");
    notes.post("/notes/1", &saved).await;
    let told = notes
        .get(&format!("/submissions/{}", value(&saved, "_id").expect("an id")))
        .await;
    assert_eq!(told.status, 200);
    assert!(told.body.contains("\"outcome\":\"saved\""), "{}", told.body);
}

#[tokio::test]
async fn another_sites_page_saves_nothing() {
    let notes = Notes::open().await;
    let form = typed(&notes.get("/notes/1").await, "text", "Milk");
    let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let post = |header: &str, value: &str| {
        Request::post("/notes/1")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(header, value)
    };
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://elsewhere.example"),
        ("origin", "http://127.0.0.1:3101"),
        ("origin", "null"),
    ];
    for (header, value) in foreign {
        let said = notes.ask(post(header, value), body.join("&")).await;
        assert_eq!(said.status, 403, "{header}: {value}");
    }
    assert_eq!(notes.saves().await, 0);
    let own = post("origin", &format!("http://{HOST}"));
    assert_eq!(notes.ask(own, body.join("&")).await.status, 303);
}

#[tokio::test]
async fn a_name_that_is_not_this_servers_is_answered_nothing() {
    let notes = Notes::open().await;
    let get = async |host: &str| {
        notes
            .ask(Request::get("/notes/1").header("host", host), String::new())
            .await
            .status
    };
    let own = [
        "localhost:3100",
        "127.0.0.1",
        "[::1]:3100",
        "notes.example:3100",
        "192.0.2.1:3100",
    ];
    for host in own {
        assert_eq!(get(host).await, 200, "{host}");
    }
    for host in [
        "rebound.example:3100",
        "localhost.example",
        "192.0.2.2:3100",
        "",
        "[::2]",
    ] {
        assert_eq!(get(host).await, 421, "{host}");
    }
    let everywhere = OwnHosts::of("0.0.0.0:3100", "0.0.0.0:3100".parse().expect("an address"));
    let router = router(Arc::clone(&notes.application), FilePath::new("nowhere"), everywhere);
    for (host, status) in [("192.0.2.2:3100", 200), ("rebound.example:3100", 421)] {
        let request = Request::get("/notes/1")
            .header("host", host)
            .body(Body::empty())
            .expect("a request");
        let said = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(said.status().as_u16(), status, "{host}");
    }
}
