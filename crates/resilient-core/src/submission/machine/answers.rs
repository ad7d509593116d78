//! What the server says to a submission, and what becomes of the form then.

use super::delivery::{Delivery, Intent, Pause};
use super::drafting::is_within;
use super::effects::{Announcement, Effect, JustSaved};
use super::events::Side;
use super::{FormMachine, FormState, Given, Message, announce, submission_id};
use crate::draft::{Text, Values};
use crate::submission::answer::{Answer, Conflict, Outcome};

impl FormMachine {
    pub(super) fn unanswered(&mut self, id: &str, given: Given, orders: &mut Vec<Effect>) {
        if let Some(intent) = self.delivery.take(id) {
            self.wait(intent, Pause::Unanswered, None, given, orders);
        }
    }

    /// The server has never finished this id, and what it would take to send it is gone.
    pub(super) fn never_saved(&mut self, id: &str, given: Given, orders: &mut Vec<Effect>) {
        if let Some(intent) = self.delivery.take(id) {
            announce(orders, Announcement::SecretLost);
            self.end(&intent, given, orders);
            self.go_on(intent.pressed_again, orders);
        }
    }

    pub(super) fn answered(&mut self, id: &str, answer: Answer, given: Given, orders: &mut Vec<Effect>) {
        let Some(intent) = self.delivery.take(id) else { return };
        let retry_after = answer.pause();
        self.signed_out = false;
        match answer.outcome {
            Outcome::Saved => return self.saved(intent, answer, given, orders),
            Outcome::Kept => {
                let reason = answer.reason.unwrap_or_else(|| "database".to_owned());
                let pause = Pause::Kept {
                    reason,
                    server_retries: answer.server_retries,
                };
                return self.wait(intent, pause, retry_after, given, orders);
            }
            Outcome::InProgress => return self.wait(intent, Pause::InProgress, retry_after, given, orders),
            Outcome::RateLimited => {
                let by_server = !answer.on_the_way;
                return self.wait(intent, Pause::RateLimited { by_server }, retry_after, given, orders);
            }
            // What was sent before may be carried out: a fresh id would do it a second time.
            Outcome::TooLarge if answer.on_the_way && intent.may_have_arrived => {
                return self.wait(intent, Pause::Unanswered, retry_after, given, orders);
            }
            Outcome::Unauthenticated => {
                self.signed_out = true;
                if intent.by_press {
                    orders.push(Effect::AskSignIn);
                }
                self.delivery = Delivery::SignedOut(intent);
                return;
            }
            _ => {}
        }
        self.end(&intent, given, orders);
        let outcome = answer.outcome;
        // Whoever has gone on typing is not to be taken elsewhere.
        let is_watched = intent.by_press && intent.touched.is_empty();
        match outcome {
            Outcome::Conflict => self.conflicted(answer, is_watched, given, orders),
            Outcome::Invalid => self.found_invalid(answer, is_watched, orders),
            Outcome::Mismatch => self.mismatched(answer, given, orders),
            _ => self.refuse(Message::of(outcome), orders),
        }
        // What was refused is looked at first: only what goes anyhow takes a later press along.
        let takes_press_along = outcome != Outcome::Mismatch && !self.line.is_empty();
        self.go_on(intent.pressed_again && takes_press_along, orders);
    }

    /// The answer ends this id: the outbox forgets it, the next press has a fresh one.
    fn end(&mut self, intent: &Intent, given: Given, orders: &mut Vec<Effect>) {
        orders.push(Effect::RemoveOutbox(intent.submission.id.clone()));
        if self.next_id == intent.submission.id {
            self.next_id = submission_id(given.random);
        }
        self.errors.clear();
        self.message = None;
    }

    /// Sends what is next in line. A press that came meanwhile was of what is in the fields, which goes last.
    fn go_on(&mut self, pressed_again: bool, orders: &mut Vec<Effect>) {
        let pressed_again = pressed_again && !self.content.is_undecided();
        if let Some(next) = self.line.front_mut() {
            next.pressed_again |= pressed_again;
            self.next_in_line(orders);
        } else if pressed_again && self.content.is_changed() {
            self.press(orders);
        }
    }

    pub(super) fn next_in_line(&mut self, orders: &mut Vec<Effect>) {
        if matches!(self.delivery, Delivery::Idle)
            && let Some(next) = self.line.pop_front()
        {
            self.send(next, orders);
        }
    }

    fn saved(&mut self, intent: Intent, answer: Answer, given: Given, orders: &mut Vec<Effect>) {
        let was_queued = intent.attempts > 0;
        if was_queued {
            announce(orders, Announcement::SavedAfterQueue);
        }
        let says_so = was_queued || !answer.merged.is_empty();
        orders.push(Effect::RememberSaved(Box::new(JustSaved {
            submission: self.stored_form(&intent),
            base: intent.base.clone(),
            answer: answer.clone(),
        })));
        self.carried_out(intent, answer, given, orders);
        if !says_so && self.state() == FormState::Dirty {
            announce(orders, Announcement::SavedWhileTyping);
        }
    }

    /// Another tab had the answer: to what waits here too, to the text that is only shown here, or to something
    /// that this page was drawn before.
    pub(super) fn saved_elsewhere(&mut self, saved: JustSaved, given: Given, orders: &mut Vec<Effect>) {
        let JustSaved {
            submission,
            base,
            mut answer,
        } = saved;
        // Heard of now, it may have been before this page was drawn.
        answer.replayed = true;
        if let Some(intent) = self.delivery.take(&submission.id) {
            return self.carried_out(intent, answer, given, orders);
        }
        if let Some(at) = self
            .line
            .iter()
            .position(|intent| intent.submission.id == submission.id)
            && let Some(intent) = self.line.remove(at)
        {
            return self.carried_out(intent, answer, given, orders);
        }
        if answer.version.as_ref() == Some(&self.content.version) {
            // Heard of before: from another tab, after waiting for its lock, or as this page's own answer.
            return;
        }
        let is_shown_here = is_within(&self.chain.present, &submission.revision) && self.chain.present.seq > 0;
        if is_shown_here && matches!(self.delivery, Delivery::Idle) {
            let is_of_this_version = submission.version == self.content.version;
            let intent = Intent::new(submission, base, false);
            if is_of_this_version {
                return self.carried_out(intent, answer, given, orders);
            }
            return self.text_was_saved(&intent, &answer, given, orders);
        }
        if self.was_drawn_before(&submission.values, &base, &answer) {
            self.outdated_by = Some(String::new());
        }
    }

    fn carried_out(&mut self, intent: Intent, answer: Answer, given: Given, orders: &mut Vec<Effect>) {
        let pressed_again = intent.pressed_again;
        self.outdated_by = None;
        self.end(&intent, given, orders);
        if intent.left_behind
            && answer.replayed
            && !self.was_drawn_before(&intent.submission.values, &intent.base, &answer)
        {
            self.settle_earlier_save(&intent, orders);
        } else {
            self.take_saved_texts(&intent, &answer, orders);
        }
        self.was_saved = true;
        self.drop_saved_draft(&intent, &answer, given, orders);
        if !answer.merged.is_empty() {
            announce(
                orders,
                Announcement::Merged {
                    columns: answer.merged.clone(),
                },
            );
        }
        if self.content.is_undecided() {
            announce(orders, Announcement::Conflict);
        }
        self.go_on(pressed_again, orders);
    }

    /// The text shown here was saved by a page drawn from another version. What else the record had by then this page
    /// has not seen: it keeps its own version, under which that is still somebody else's change, and says so.
    fn text_was_saved(&mut self, intent: &Intent, answer: &Answer, given: Given, orders: &mut Vec<Effect>) {
        let own_version = self.content.version.clone();
        self.end(intent, given, orders);
        self.take_saved_texts(intent, answer, orders);
        self.content.version = own_version;
        self.was_saved = false;
        self.drop_saved_draft(intent, answer, given, orders);
        self.outdated_by = Some(String::new());
    }

    /// The usual case: the record now has what was sent, and what the server says it made of it.
    fn take_saved_texts(&mut self, intent: &Intent, answer: &Answer, orders: &mut Vec<Effect>) {
        let sent = &intent.submission.values;
        let mut met = Vec::new();
        let mut named = sent.clone();
        named.extend(answer.current.clone());
        self.content.close_conflicts();
        for column in named.into_keys() {
            let present = self.content.fields.get(&column).cloned();
            let known = sent.get(&column).or_else(|| self.content.base.get(&column)).cloned();
            let untouched = !intent.touched.contains(&column) && present == known;
            if self.content.secrets.contains(&column) {
                if untouched && sent.contains_key(&column) {
                    let drawn = self.content.base.get(&column).cloned().unwrap_or_default();
                    self.put(&column, drawn, orders);
                }
                continue;
            }
            let Some(text) = answer.current.get(&column).or_else(|| sent.get(&column)).cloned() else {
                continue;
            };
            if !untouched
                && answer.merged.contains(&column)
                && present.as_ref() != Some(&self.content.as_shown(&column, text.clone()))
            {
                met.push(Conflict {
                    base: known,
                    mine: present.unwrap_or_default(),
                    theirs: text,
                    column,
                });
            } else if self.content.take(&column, text, untouched) {
                let value = self.content.fields.get(&column).cloned().unwrap_or_default();
                orders.push(Effect::PutValue { column, value });
            }
        }
        let built_on = self.content.version.clone();
        if let Some(version) = &answer.version {
            self.content.version = version.clone();
        }
        if !met.is_empty() {
            self.content.draft_version = Some(built_on);
            self.content.open_conflicts(met);
        }
    }

    /// Whether this page was drawn from the record as it was before an earlier page's submission.
    pub(super) fn was_drawn_before(&self, sent: &Values, pressed_on: &Values, answer: &Answer) -> bool {
        sent.iter().any(|(column, value)| {
            let shown = |text: &Text| self.content.as_shown(column, text.clone());
            let stored = shown(answer.current.get(column).unwrap_or(value));
            let base = self.content.base.get(column);
            base != Some(&stored) && base.is_some() && base == pressed_on.get(column).map(shown).as_ref()
        })
    }

    /// An earlier page's submission that had been carried out before this page was drawn: its
    /// baseline and version are the record's, what was sent is no longer unsaved.
    fn settle_earlier_save(&mut self, intent: &Intent, orders: &mut Vec<Effect>) {
        for (column, value) in &intent.submission.values {
            let Some(base) = self.content.base.get(column).cloned() else {
                continue;
            };
            let untouched = !intent.touched.contains(column) && self.content.fields.get(column) == Some(value);
            if untouched {
                self.put(column, base, orders);
                self.content.undecided.remove(column);
            }
        }
        self.content.forget_decided();
    }

    fn conflicted(&mut self, answer: Answer, is_watched: bool, given: Given, orders: &mut Vec<Effect>) {
        let disputed: Vec<&String> = answer.conflicts.iter().map(|conflict| &conflict.column).collect();
        let others = answer.current.iter().filter(|(column, _)| !disputed.contains(column));
        for (column, text) in others {
            let untouched = self.content.fields.get(column) == self.content.base.get(column);
            if self.content.take(column, text.clone(), untouched) {
                let value = self.content.fields.get(column).cloned().unwrap_or_default();
                orders.push(Effect::PutValue {
                    column: column.clone(),
                    value,
                });
            }
        }
        self.content.open_conflicts(answer.conflicts);
        if let Some(version) = answer.version {
            self.content.version = version;
        }
        self.outdated_by = None;
        self.text_changed(given);
        announce(orders, Announcement::Conflict);
        if let Some(column) = self.content.first_undecided().filter(|_| is_watched) {
            orders.push(Effect::FocusField(column.clone()));
        }
    }

    fn found_invalid(&mut self, answer: Answer, is_watched: bool, orders: &mut Vec<Effect>) {
        self.errors = answer.errors;
        let first = self.errors.keys().find(|column| !column.is_empty());
        if let Some(column) = first.filter(|_| is_watched) {
            orders.push(Effect::FocusField(column.clone()));
        }
        if self.errors.is_empty() {
            self.refuse(Message::of(Outcome::Invalid), orders);
        }
    }

    /// The id had been used for something else. A create that was saved goes on as that record.
    fn mismatched(&mut self, answer: Answer, given: Given, orders: &mut Vec<Effect>) {
        if self.is_new
            && let (Some(key), Some(version)) = (answer.key, answer.version)
        {
            for (column, text) in answer.current {
                self.content.take(&column, text, false);
            }
            self.content.version = version;
            self.become_record(&key, orders);
            self.text_changed(given);
        }
        self.refuse(Message::of(Outcome::Mismatch), orders);
    }

    pub(super) fn refuse(&mut self, mut message: Message, orders: &mut Vec<Effect>) {
        if self.is_unprotected() {
            message.say_it_is_in_this_page_only();
        }
        announce(
            orders,
            Announcement::Refused {
                message: message.words.clone(),
            },
        );
        self.message = Some(message);
    }

    pub(super) fn become_record(&mut self, key: &str, orders: &mut Vec<Effect>) {
        let table = self.form_key.split('/').next().unwrap_or_default();
        let form_key = [table, "/", key].concat();
        // Its drafts go once the newest text lies under the new key.
        self.left_form_key = Some(std::mem::replace(&mut self.form_key, form_key.clone()));
        self.is_new = false;
        self.device.held = None;
        self.server.held = None;
        orders.push(Effect::BecomeRecord {
            key: key.to_owned(),
            form_key,
        });
    }

    pub(super) fn chosen(&mut self, column: &str, side: Side, given: Given, orders: &mut Vec<Effect>) {
        let Some(field) = self.content.undecided.get(column).cloned() else {
            return;
        };
        let value: Option<Text> = match side {
            Side::Mine => Some(field.mine),
            Side::Theirs => Some(field.theirs),
            Side::Base => field.base,
        };
        let Some(value) = value else { return };
        self.put(column, value, orders);
        self.content.decide(column);
        self.text_changed(given);
    }
}
