//! Pressing Save: making a submission, sending it, and waiting to send it again.

use std::time::Duration;

use super::delivery::{Delivery, Intent, Pause, pause_before_retry, share};
use super::effects::{Announcement, Effect};
use super::{FormMachine, Given, announce};
use crate::collections::BTreeMap;
use crate::submission::Submission;

/// A submission waiting for the server is sent this long after it is back, at most.
const AFTER_READY: Duration = Duration::from_millis(800);

impl FormMachine {
    pub(super) fn save_pressed(&mut self, errors: BTreeMap<String, String>, orders: &mut Vec<Effect>) {
        if let Some(column) = errors.keys().next().cloned() {
            self.errors = errors;
            orders.push(Effect::FocusField(column));
            return;
        }
        if let Some(column) = self.content.first_undecided() {
            orders.push(Effect::FocusField(column.clone()));
            return;
        }
        let changed = self.content.changed();
        if let Some(intent) = self.delivery.intent_mut() {
            intent.pressed_again = changed != intent.submission.values;
        }
        match &self.delivery {
            Delivery::Idle => self.press(orders),
            Delivery::SignedOut(_) => orders.push(Effect::AskSignIn),
            Delivery::Waiting { .. } => self.retry_now(orders),
            Delivery::Storing(_) | Delivery::Sending(_) => {}
        }
    }

    /// Makes a submission of what is in the form now. It is stored before it is sent.
    pub(super) fn press(&mut self, orders: &mut Vec<Effect>) {
        self.errors.clear();
        self.message = None;
        self.keep_on_device(orders);
        let submission = Submission {
            id: self.next_id.clone(),
            form_key: self.form_key.clone(),
            version: self.content.version.clone(),
            values: self.content.changed(),
            revision: self.chain.present.clone(),
        };
        let base = self.content.draft_base(&self.content.changed_plain());
        let intent = Intent::new(submission, base, self.content.has_secret_changes());
        orders.push(Effect::WriteOutbox(
            intent.entry(self.stored_form(&intent), Duration::ZERO),
        ));
        self.delivery = Delivery::Storing(intent);
    }

    pub(super) fn stored_form(&self, intent: &Intent) -> Submission {
        Submission {
            values: self.content.without_secrets(&intent.submission.values),
            ..intent.submission.clone()
        }
    }

    pub(super) fn outbox_settled(&mut self, id: &str, stored: bool, orders: &mut Vec<Effect>) {
        if let Some(intent) = self.delivery.intent_mut().filter(|intent| intent.submission.id == id) {
            intent.unstored = !stored;
        }
        if matches!(self.delivery, Delivery::Storing(_))
            && let Some(intent) = self.delivery.take(id)
        {
            self.send(intent, orders);
        }
    }

    /// Sends, or asks where the secret is gone that belongs to it.
    pub(super) fn send(&mut self, intent: Intent, orders: &mut Vec<Effect>) {
        orders.push(if intent.incomplete {
            Effect::Ask(intent.submission.id.clone())
        } else {
            Effect::Send(intent.submission.clone())
        });
        self.delivery = Delivery::Sending(intent);
    }

    /// Sends what waits, unless the server named a time for the sake of others.
    pub(super) fn retry_now(&mut self, orders: &mut Vec<Effect>) {
        let limited = matches!(
            self.delivery,
            Delivery::Waiting {
                pause: Pause::RateLimited { by_server: true },
                ..
            }
        );
        let waiting = matches!(self.delivery, Delivery::Waiting { .. });
        if waiting && !limited {
            if let Some(intent) = self.delivery.intent_mut() {
                intent.by_press = true;
            }
            self.send_waiting(orders);
        }
    }

    fn send_waiting(&mut self, orders: &mut Vec<Effect>) {
        if let Delivery::Waiting { intent, .. } = std::mem::take(&mut self.delivery) {
            self.send(intent, orders);
        }
    }

    pub(super) fn send_what_is_due(&mut self, given: Given, orders: &mut Vec<Effect>) {
        if self.delivery.due().is_some_and(|due| due <= given.now) {
            self.send_waiting(orders);
        }
    }

    pub(super) fn server_ready(&mut self, given: Given) {
        let soon = given.now + share(AFTER_READY, given.random as u64);
        if let Delivery::Waiting { until, pause, intent } = &mut self.delivery
            && !matches!(pause, Pause::RateLimited { .. })
        {
            intent.attempts = intent.attempts.min(1);
            *until = soon.min(*until);
        }
        self.server.failures = 0;
        self.server.not_before = None;
        self.dropping.failures = 0;
        self.dropping.not_before = None;
    }

    pub(super) fn signed_in(&mut self, given: Given, orders: &mut Vec<Effect>) {
        self.signed_out = false;
        if self.has_plain_changes() && self.server.held.as_ref() != Some(&self.chain.present) {
            self.server.changed(given.now);
        }
        if matches!(self.delivery, Delivery::SignedOut(_))
            && let Delivery::SignedOut(intent) = std::mem::take(&mut self.delivery)
        {
            self.send(intent, orders);
        }
    }

    pub(super) fn wait(
        &mut self,
        mut intent: Intent,
        pause: Pause,
        retry_after: Option<Duration>,
        given: Given,
        orders: &mut Vec<Effect>,
    ) {
        intent.attempts = intent.attempts.saturating_add(1);
        intent.may_have_arrived |= !matches!(pause, Pause::RateLimited { .. });
        intent.by_press = false;
        let wait = pause_before_retry(intent.attempts, retry_after, given.random as u64);
        orders.push(Effect::WriteOutbox(intent.entry(self.stored_form(&intent), wait)));
        if intent.attempts == 1 {
            announce(
                orders,
                Announcement::Queued {
                    why: super::view::queued_words(&pause),
                },
            );
        }
        self.delivery = Delivery::Waiting {
            intent,
            until: given.now + wait,
            pause,
        };
    }
}
