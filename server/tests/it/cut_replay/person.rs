//! Somebody who changes records of their own while the database is away, and goes once the server says that it will see
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
    record: usize,
    /// With all that was typed so far.
    drawn: DrawnForm,
    pressed: usize,
}

/// A press that the server has promised to repeat.
pub struct Pressed {
    pub account: String,
    pub id: String,
    pub record: usize,
    /// What is typed by it into the column of its turn.
    pub text: String,
}

impl Person {
    pub async fn with_forms(scene: &Scene, name: &str, cookie: &str, records: Range<usize>, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut forms = Vec::new();
        for record in records {
            let page = scene.get(0, cookie, &format!("/records/task/{record}")).await;
            let page = page.expect("nothing is broken yet");
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            let writer = format!("{:032x}", random.u128(..));
            forms.push(Form {
                record,
                drawn: DrawnForm::read(&page.body).with("_writer", &writer),
                pressed: 0,
            });
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
                .filter(|form| self.forms[*form].pressed < PRESSES)
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
        let id = uuid::Builder::from_random_bytes(self.random.u128(..).to_ne_bytes()).into_uuid();
        let id = id.to_string();
        let Form { record, drawn, pressed } = &mut self.forms[form];
        let text = format!("{record}.{pressed}");
        let typed = drawn.clone().with(&format!("v.c{pressed}"), &text);
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

    /// Comes back with the last press of a record, as a browser does that was closed; whether it is told that this was
    /// done before.
    pub async fn presses_again(&self, scene: &Scene, server: usize) -> Result<(), String> {
        let form = &self.forms[0];
        let answer = self.send(scene, server, &form.drawn).await;
        match answer {
            Some(Answer {
                outcome: Outcome::Saved,
                replayed: true,
                ..
            }) => Ok(()),
            other => Err(format!(
                "{}: the last press of record {} again: {other:?}",
                self.name, form.record
            )),
        }
    }
}
