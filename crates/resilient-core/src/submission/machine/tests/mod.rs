//! What a person sees, event by event.

mod conflicts;
mod crowds;
mod discarding;
mod earlier_saves;
mod keeping;
mod on_the_way;
mod restoring;
mod reviewed;
mod saving;
mod sleeping;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use super::effects::{Announcement, DeviceDraft, Effect, JustSaved, LINEAGE, OutboxEntry};
use super::events::{DraftRefusal, Event, Side};
use super::{Drawn, FormMachine, FormState, Found, Given, rebase};
use crate::draft::{Draft, Revision, Text, Values};
use crate::submission::Submission;
use crate::submission::answer::{Answer, Conflict, Outcome};
use crate::time::Moment;

fn text(text: &str) -> Text {
    Some(text.to_owned())
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(column, value)| (column.to_string(), text(value)))
        .collect()
}

fn revision(seq: u64, writer: &str) -> Revision {
    Revision {
        seq,
        writer: writer.into(),
    }
}

fn drawn() -> Drawn {
    let base = values(&[("name", "Pump"), ("note", "")]);
    Drawn {
        form_key: "equipment/7".into(),
        is_new: false,
        id: "id-1".into(),
        version: "v1".into(),
        base: base.clone(),
        drawn: base.clone(),
        live: base,
        touched: Default::default(),
        secrets: ["pin".to_string()].into(),
        nullable: Default::default(),
        writer: "w".into(),
        revision: revision(0, "w"),
        on: None,
        has_server_drafts: true,
        was_saved: false,
        errors: BTreeMap::new(),
        conflicts: Vec::new(),
    }
}

/// As the server draws a form that it has a draft of.
fn drawn_with(draft: &Revision, value: &str) -> Drawn {
    let mut page = drawn();
    for values in [&mut page.drawn, &mut page.live] {
        values.insert("name".into(), text(value));
    }
    page.revision = draft.clone();
    page
}

/// As the server draws a record whose name somebody has changed.
fn drawn_as_named(name: &str) -> Drawn {
    let mut page = drawn();
    for values in [&mut page.base, &mut page.drawn, &mut page.live] {
        values.insert("name".into(), text(name));
    }
    page
}

/// Somebody else has changed these columns: (column, what it was before both changes).
fn conflict_over(columns: &[(&str, &str)]) -> Answer {
    let conflicts = columns.iter().map(|(column, base)| Conflict {
        column: (*column).into(),
        base: Some(text(base)),
        mine: text("mine"),
        theirs: text("theirs"),
    });
    Answer {
        version: Some("v2".into()),
        conflicts: conflicts.collect(),
        ..Answer::new(Outcome::Conflict)
    }
}

/// A form, the orders it gave last, and a clock that somebody else moves.
struct Page {
    form: FormMachine,
    orders: Vec<Effect>,
    now: Moment,
}

impl Page {
    fn open(drawn: Drawn, found: Found) -> Self {
        let (form, orders) = FormMachine::open(
            drawn,
            found,
            Given {
                now: Moment::START,
                random: 7,
            },
        );
        Self {
            form,
            orders,
            now: Moment::START,
        }
    }

    fn drawn() -> Self {
        Self::open(drawn(), Found::default())
    }

    fn tell(&mut self, event: Event) -> &mut Self {
        let (form, orders) = self.form.clone().handle(
            event,
            Given {
                now: self.now,
                random: u128::MAX / 3,
            },
        );
        (self.form, self.orders) = (form, orders);
        self
    }

    fn types(&mut self, column: &str, value: &str) -> &mut Self {
        self.tell(Event::Edited {
            column: column.into(),
            value: text(value),
        })
    }

    fn after(&mut self, ms: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(ms);
        self.tell(Event::Woke)
    }

    /// Presses Save and lets the submission leave.
    fn presses_save(&mut self) -> Submission {
        self.tell(Event::SavePressed {
            errors: BTreeMap::new(),
        });
        let id = self.form.hidden().0.to_owned();
        self.tell(Event::OutboxWritten { id });
        self.sent().expect("a submission")
    }

    fn sent(&self) -> Option<Submission> {
        self.orders.iter().find_map(|effect| match effect {
            Effect::Send(submission) => Some(submission.clone()),
            _ => None,
        })
    }

    fn answer(&mut self, id: &str, answer: Answer) -> &mut Self {
        self.tell(Event::answered(id.into(), answer))
    }

    fn field(&self, column: &str) -> &str {
        self.form.content().fields[column].as_deref().expect("a text")
    }

    fn announced(&self, announcement: &Announcement) -> bool {
        self.orders
            .iter()
            .any(|effect| matches!(effect, Effect::Announce(said) if said == announcement))
    }
}

impl Page {
    fn kept_drafts(&self) -> Vec<&DeviceDraft> {
        let mut kept = Vec::new();
        for effect in &self.orders {
            if let Effect::KeepLocally(draft) | Effect::PutBackLocally(draft) = effect {
                kept.push(draft);
            }
        }
        kept
    }

    fn drops(&self, key: &str, dropped: &Revision) -> bool {
        self.orders.iter().any(|effect| {
            matches!(effect, Effect::DropLocally { form_key, revisions } if form_key == key && revisions.contains(dropped))
        })
    }
}

fn saved(version: &str) -> Answer {
    Answer {
        version: Some(version.into()),
        key: Some("7".into()),
        ..Answer::new(Outcome::Saved)
    }
}

fn device_draft(writer: &str, seq: u64, value: &str) -> DeviceDraft {
    let draft = Draft {
        version: "v0".into(),
        base: values(&[("name", "Pump")]),
        values: values(&[("name", value)]),
        revision: revision(seq, writer),
        on: None,
    };
    DeviceDraft {
        form_key: "equipment/7".into(),
        draft,
        lineage: Vec::new(),
        secrets: Vec::new(),
    }
}

fn left_behind(value: &str) -> OutboxEntry {
    let submission = Submission {
        id: "id-0".into(),
        form_key: "equipment/7".into(),
        version: "v0".into(),
        values: values(&[("name", value)]),
        revision: revision(3, "old"),
    };
    OutboxEntry {
        submission,
        base: values(&[("name", "Pump")]),
        incomplete: false,
        attempts: 2,
        wait_ms: 0,
    }
}
