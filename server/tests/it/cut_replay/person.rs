//! Somebody who changes records of their own, and makes some, while the database is away, and goes once the server says that it will see
//! to it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use resilient_core::submission::answer::{Answer, Outcome};
use serde_json::Value;

use super::PRESSES;
use super::scene::Scene;
use crate::support::drawn_form::DrawnForm;

/// Longer than a server takes to begin anew, and to end again, several times.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Person {
    pub name: String,
    cookie: String,
    random: fastrand::Rng,
    forms: Vec<Form>,
}

struct Form {
    /// `None`: it makes one, once.
    record: Option<usize>,
    /// With all that was typed so far.
    drawn: DrawnForm,
    pressed: usize,
}

impl Form {
    fn is_open(&self) -> bool {
        self.pressed < if self.record.is_some() { PRESSES } else { 1 }
    }
}

/// A press that the server has promised to repeat.
pub struct Pressed {
    pub account: String,
    pub id: String,
    /// `None`: it makes one.
    pub record: Option<usize>,
    /// What is typed by it into the column of its turn; no other press has the same.
    pub text: String,
}

impl Person {
    pub async fn with_forms(scene: &Scene, name: &str, cookie: &str, records: Range<usize>, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut forms = Vec::new();
        for record in records {
            for record in [Some(record), None] {
                let path = match record {
                    Some(record) => format!("/records/task/{record}"),
                    None => format!("/records/made/new?form={}", uuid_of(&mut random)),
                };
                let page = scene.get(0, cookie, &path).await.expect("nothing is broken yet");
                assert_eq!(page.status, StatusCode::OK, "{}", page.body);
                let writer = format!("{:032x}", random.u128(..));
                forms.push(Form {
                    record,
                    drawn: DrawnForm::read(&page.body).with("_writer", &writer),
                    pressed: 0,
                });
            }
        }
        Self {
            name: name.to_owned(),
            cookie: cookie.to_owned(),
            random,
            forms,
        }
    }

    /// Goes from record to record; all presses in their order.
    pub async fn press_all(mut self, scene: Arc<Scene>, count: Arc<AtomicUsize>) -> (Vec<Pressed>, Self) {
        let mut pressed = Vec::new();
        loop {
            let open: Vec<usize> = (0..self.forms.len())
                .filter(|form| self.forms[*form].is_open())
                .collect();
            if open.is_empty() {
                return (pressed, self);
            }
            let form = open[self.random.usize(0..open.len())];
            pressed.push(self.press(&scene, form).await);
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    async fn press(&mut self, scene: &Scene, form: usize) -> Pressed {
        let id = uuid_of(&mut self.random);
        let Form { record, drawn, pressed } = &mut self.forms[form];
        let (column, text) = match record {
            Some(record) => (format!("v.c{pressed}"), format!("{record}.{pressed}")),
            None => ("v.word".to_owned(), format!("{}.{form}", self.name)),
        };
        let typed = drawn.clone().with(&column, &text);
        *pressed += 1;
        *drawn = typed.with("_id", &id).with("_seq", &pressed.to_string());
        let (record, drawn) = (*record, drawn.clone());
        self.until_promised(scene, &drawn).await;
        Pressed {
            account: self.name.clone(),
            id,
            record,
            text,
        }
    }

    /// Sends it again under the same id, to any server, until one has said that it will repeat it.
    async fn until_promised(&mut self, scene: &Scene, form: &DrawnForm) {
        let begun = Instant::now();
        loop {
            let server = self.random.usize(0..scene.servers());
            let answer = self.send(scene, server, form).await;
            match answer {
                Some(Answer {
                    outcome: Outcome::Kept,
                    server_retries: true,
                    ..
                }) => return,
                Some(Answer {
                    outcome: Outcome::Kept | Outcome::InProgress,
                    ..
                })
                | None => {}
                Some(other) => panic!("{}: {other:?}", self.name),
            }
            assert!(begun.elapsed() < PATIENCE, "{}: no server takes it", self.name);
            tokio::time::sleep(Duration::from_millis(self.random.u64(20..100))).await;
        }
    }

    async fn send(&self, scene: &Scene, server: usize, form: &DrawnForm) -> Option<Answer> {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.controls)
            .finish();
        let answered = scene.post(server, &self.cookie, &form.action, body).await?;
        let envelope: Value = serde_json::from_str(&answered.body).ok()?;
        serde_json::from_value(envelope["data"].clone()).ok()
    }

    /// Comes back with the last press of a record, and with that of a new one, as a browser does that was closed;
    /// whether it is told that both were done before.
    pub async fn presses_again(&self, scene: &Scene, server: usize) -> Result<(), String> {
        for form in &self.forms[..2] {
            let answer = self.send(scene, server, &form.drawn).await;
            let is_known = |answer: &Answer| answer.outcome == Outcome::Saved && answer.replayed;
            if !answer.as_ref().is_some_and(is_known) {
                return Err(format!("{}: {:?} once more: {answer:?}", self.name, form.record));
            }
        }
        Ok(())
    }
}

fn uuid_of(random: &mut fastrand::Rng) -> String {
    let bytes = random.u128(..).to_ne_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
