//! One person's browser: it opens a form, types, saves, and sends again under the same id until it knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header::SET_COOKIE;
use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::{Answer, Outcome};
use serde_json::{Value, json};

use super::Progress;
use super::ledger::{Draft, Entries, Fate, Submission};
use super::scene::Scene;
use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::Answered;

/// Longer than anything is away.
const PATIENCE: Duration = Duration::from_secs(180);
const TOO_LONG: usize = 230;
/// An account may have 500; some are kept because a save failed.
const MOST_LEFT: usize = 100;
const FORM: &str = "application/x-www-form-urlencoded";

pub struct Client {
    number: usize,
    scene: Arc<Scene>,
    cookie: String,
    random: fastrand::Rng,
    /// Keys of what it has made.
    records: Vec<String>,
    entries: Entries,
}

/// What it has in mind with a form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    Save,
    /// Nothing that can be saved.
    SaveNonsense,
    /// To go away once the server says that it keeps it.
    SaveOrLeave,
    /// To type and go away.
    TypeAndLeave,
}

impl Client {
    pub fn new(number: usize, seed: u64, scene: &Arc<Scene>) -> Self {
        Self {
            number,
            scene: Arc::clone(scene),
            cookie: scene.cookies[number].clone(),
            random: fastrand::Rng::with_seed(seed.wrapping_add(1 + number as u64)),
            records: Vec::new(),
            entries: Entries::of(number),
        }
    }

    pub async fn run(mut self, progress: Arc<Progress>) -> Entries {
        while progress.goes_on() {
            let intent = match self.random.u32(0..100) {
                0..5 => Intent::SaveNonsense,
                5..15 if self.entries.left < MOST_LEFT => Intent::SaveOrLeave,
                15..18 if self.entries.left < MOST_LEFT => Intent::TypeAndLeave,
                _ => Intent::Save,
            };
            self.use_a_form(intent).await;
        }
        self.entries.cookie = self.cookie;
        self.entries
    }

    async fn use_a_form(&mut self, intent: Intent) {
        let may_go_away = matches!(intent, Intent::SaveOrLeave | Intent::TypeAndLeave);
        let change = (!may_go_away && !self.records.is_empty() && self.random.u32(0..3) > 0)
            .then(|| self.records[self.random.usize(0..self.records.len())].clone());
        let fresh = uuid::Uuid::from_u128(self.random.u128(..));
        let (path, form_key) = match &change {
            Some(key) => (format!("/records/activity/{key}"), format!("activity/{key}")),
            None => (
                format!("/records/activity/new?form={fresh}"),
                format!("activity/new-{fresh}"),
            ),
        };
        let form = self.opened(&path).await;
        let id = form.value("_id").expect("a form has an id").to_owned();
        let mut title = format!("chaos {} {}", self.number, self.entries.submissions.len());
        if intent == Intent::SaveNonsense {
            title = "x".repeat(TOO_LONG);
        }
        let mut form = form.with("v.title", &title);
        if change.is_none() {
            form = form.with("v.notes", &format!("made by {id}")).without("n.notes");
        }
        let types = may_go_away || self.random.bool();
        let mut typed_in = None;
        if types && let Some((typed, draft)) = self.typed(form.clone(), &form_key, &title).await {
            form = typed;
            typed_in = Some(form_key.clone());
            if intent == Intent::TypeAndLeave {
                self.entries.left += 1;
                self.entries.drafts.push(draft);
                return;
            }
        }
        if intent == Intent::TypeAndLeave {
            return;
        }
        let fate = self.saved(&form, intent, &form_key).await;
        if let (Fate::Saved { key }, None) = (&fate, &change) {
            self.records.push(key.clone());
        }
        let submission = Submission {
            id,
            title,
            change,
            typed_in,
            fate,
        };
        self.entries.submissions.push(submission);
    }

    async fn opened(&mut self, path: &str) -> DrawnForm {
        let begun = Instant::now();
        loop {
            let page = self.ask(Method::GET, path, (FORM, String::new())).await;
            if let Some(page) = page.filter(|page| page.status == StatusCode::OK && DrawnForm::is_in(&page.body)) {
                return DrawnForm::read(&page.body);
            }
            assert!(begun.elapsed() < PATIENCE, "{path} cannot be opened");
            self.pause().await;
        }
    }

    /// Keeps a draft, where somebody takes it at the first try.
    async fn typed(&mut self, form: DrawnForm, form_key: &str, title: &str) -> Option<(DrawnForm, Draft)> {
        let writer = format!("{:032x}", self.random.u128(..));
        let draft = json!({
            "version": form.value("_version"), "base": {}, "values": {"title": title},
            "seq": 1, "writer": writer, "on": null,
        });
        let path = format!("/api/drafts/{form_key}?beside=1");
        let body = ("application/json", draft.to_string());
        let answered = self.ask(Method::POST, &path, body).await?;
        (answered.status == StatusCode::OK).then(|| {
            let draft = Draft {
                form_key: form_key.to_owned(),
                title: title.to_owned(),
            };
            (form.with("_seq", "1").with("_writer", &writer), draft)
        })
    }

    async fn saved(&mut self, form: &DrawnForm, intent: Intent, form_key: &str) -> Fate {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.controls)
            .finish();
        let begun = Instant::now();
        loop {
            let answered = self.ask(Method::POST, &form.action, (FORM, body.clone())).await;
            let answer = answered.as_ref().and_then(|answered| answer_in(&answered.body));
            match answer {
                Some(Answer {
                    outcome: Outcome::Saved,
                    key,
                    ..
                }) => {
                    return Fate::Saved {
                        key: key.unwrap_or_default(),
                    };
                }
                Some(Answer {
                    outcome: Outcome::Kept,
                    kept_in: Some(_),
                    ..
                }) if intent == Intent::SaveOrLeave => {
                    self.entries.left += 1;
                    return Fate::Kept {
                        form_key: form_key.to_owned(),
                    };
                }
                Some(answer) if answer.outcome == Outcome::Invalid && intent == Intent::SaveNonsense => {
                    return Fate::Refused;
                }
                Some(answer) if !matches!(answer.outcome, Outcome::Kept | Outcome::InProgress) => {
                    return Fate::AnsweredWrongly {
                        outcome: format!("{:?} {:?}", answer.outcome, answer.errors),
                    };
                }
                _ => {}
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no answer that ends it: {answered:?}",
                answered = answered.map(|it| it.body)
            );
            self.pause().await;
        }
    }

    /// Of any server, as a balancer would choose.
    async fn ask(&mut self, method: Method, path: &str, body: (&str, String)) -> Option<Answered> {
        let server = self.random.usize(0..self.scene.servers.len());
        let answered = self.scene.ask(server, &self.cookie, method, path, body).await?;
        let renewed = answered.headers.get_all(SET_COOKIE).iter();
        let mut renewed = renewed.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        if let Some(cookie) = renewed.rfind(|cookie| cookie.starts_with("inkfast=")) {
            self.cookie = cookie.to_owned();
        }
        Some(answered)
    }

    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.random.u64(20..200))).await;
    }
}

/// What a proxy says, or a server that goes down, is none.
fn answer_in(body: &str) -> Option<Answer> {
    let envelope: Value = serde_json::from_str(body).ok()?;
    serde_json::from_value(envelope["data"].clone()).ok()
}
