//! One form, from the first key to the acknowledged save: pure. Events go in, the next state and
//! orders come out; whoever drives it performs the orders and reports back.
//!
//! What it promises: nothing typed is dropped but by the person or on proof that it was saved;
//! never two ids under way for one form; *saved* is said only of exactly what the server
//! acknowledged; a server's answer never overwrites a field touched since the request left.

mod answers;
mod aside;
mod candidates;
mod content;
mod delivery;
mod drafting;
pub mod effects;
pub mod events;
mod keeping;
mod opening;
mod saving;
mod view;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod two_tabs;

pub use self::candidates::rebase;
pub use self::content::{Content, Undecided};
pub use self::delivery::pause_before_retry;
use self::delivery::{Delivery, Line};
use self::effects::{Announcement, DeviceDraft, Effect};
use self::events::{DraftRefusal, Event};
use self::keeping::{Chain, Shelf};
pub use self::opening::{Drawn, Found};
pub use self::view::{Action, FormState, Message, View};
use crate::collections::BTreeMap;
use crate::draft::{Revision, Text, Values};
use crate::time::Moment;

/// What the driver adds to each event, so that the rules need neither a clock nor randomness.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub now: Moment,
    /// Uniform over its type, fresh for each event.
    pub random: u128,
}

/// A form and everything that is under way for it.
#[derive(Clone, Debug, PartialEq)]
pub struct FormMachine {
    form_key: String,
    is_new: bool,
    content: Content,
    chain: Chain,
    device: Shelf,
    server: Shelf,
    /// The form has a place on the server for its drafts.
    has_server_drafts: bool,
    delivery: Delivery,
    line: Line,
    next_id: String,
    signed_out: bool,
    errors: BTreeMap<String, String>,
    message: Option<Message>,
    was_saved: bool,
    composing: bool,
    /// Ancestors' copies on the device are gone, or there are none.
    swept: bool,
    restored: Option<Restored>,
    aside: Vec<DeviceDraft>,
    /// What was discarded, in the form or from beside it, until the server says that it is dropped there.
    undropped: Vec<Revision>,
    /// When it is told again.
    dropping: Shelf,
    /// Restored text without a field, and what its columns had: in every draft until it is discarded.
    unfit: Values,
    unfit_base: Values,
    /// The form key of the create that this record came from, while its drafts lie there still.
    left_form_key: Option<String>,
    /// The person knows that this text is too large for the server.
    told_too_large: bool,
    /// Another text of this form is on the server: what is written next goes beside it.
    goes_beside: bool,
    /// The text in the fields was discarded elsewhere: it is in this page only until somebody goes on with it.
    discarded_elsewhere: bool,
    /// Who saved the record since this page was drawn; empty: this person, in another tab.
    outdated_by: Option<String>,
}

/// A device draft that was put into the form when the page was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    pub draft: DeviceDraft,
    /// What the fields showed before.
    pub before: Values,
}

impl FormMachine {
    /// The next state, and what is to be done, in this order.
    pub fn handle(mut self, event: Event, given: Given) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        let orders = &mut effects;
        match event {
            Event::Edited { column, value } => self.edited(&column, value, given),
            Event::CompositionStarted => self.composing = true,
            Event::CompositionEnded => self.composing = false,
            Event::FieldLeft => {
                // Nothing is composed in a field without the focus, whether or not its browser says so.
                self.composing = false;
                self.keep_on_device(orders);
            }
            Event::DeviceOpened if self.composing => {}
            Event::DeviceOpened => self.keep_on_device(orders),
            Event::PageHidden => {
                self.keep_on_device(orders);
                self.keep_on_server(given, orders);
            }
            Event::PageLeft => {
                self.keep_on_device(orders);
                self.beacon(orders);
            }
            Event::SavePressed { errors } => self.save_pressed(errors, orders),
            Event::RetryPressed => self.retry_now(orders),
            Event::DiscardPressed => self.discard(given, orders),
            Event::UndoPressed => self.undo_restore(given, orders),
            Event::AsideTaken(revision) => self.take_aside(&revision, given, orders),
            Event::AsideDiscarded(revision) => self.discard_aside(&revision, orders),
            Event::Chosen { column, side } => self.chosen(&column, side, given, orders),
            Event::OutboxWritten { id } => self.outbox_settled(&id, true, orders),
            Event::OutboxRefused { id } => self.outbox_settled(&id, false, orders),
            Event::Answered { id, answer } => self.answered(&id, *answer, given, orders),
            Event::Unanswered { id } => self.unanswered(&id, given, orders),
            Event::NeverSaved { id } => self.never_saved(&id, given, orders),
            Event::SignedIn => self.signed_in(given, orders),
            Event::SignedOut => self.signed_out = true,
            Event::ServerReady => self.server_ready(given),
            Event::DiscardedElsewhere(revision) => self.discarded_in_another_tab(&revision, orders),
            Event::KeepPressed => self.keep_discarded_text(given),
            Event::SavedElsewhere(saved) => self.saved_elsewhere(*saved, given, orders),
            Event::RecordChanged { by } => self.outdated_by = Some(by),
            Event::KeptLocally(revision) => self.kept_locally(revision, orders),
            Event::LocalRefused(revision) => self.local_refused(&revision, orders),
            Event::GoneLocally(revision) => drop(self.device.held.take_if(|held| *held == revision)),
            Event::DraftStored(revision) => self.draft_stored(revision, given),
            Event::DraftDropped(revision) => self.draft_dropped(&revision),
            Event::DraftRefused { revision, why } => self.draft_refused(&revision, why, given, orders),
            Event::Woke => {}
        }
        self.hand_over_what_is_due(given, orders);
        self.send_what_is_due(given, orders);
        forget_last(&mut effects);
        (self, effects)
    }

    /// When `Woke` should come; `None`: nothing is waiting for time to pass.
    pub fn next_wake(&self) -> Option<Moment> {
        let drafts = [self.next_on_device(), self.next_on_server(), self.next_drop()];
        drafts.into_iter().chain([self.delivery.due()]).flatten().min()
    }

    pub fn content(&self) -> &Content {
        &self.content
    }

    pub fn form_key(&self) -> &str {
        &self.form_key
    }

    /// The draft that was put into the form when the page was loaded.
    pub fn restored(&self) -> Option<&DeviceDraft> {
        self.restored.as_ref().map(|restored| &restored.draft)
    }

    /// Other unsaved text of this form.
    pub fn aside(&self) -> &[DeviceDraft] {
        &self.aside
    }

    /// The text's revision and everything it was built on.
    pub fn revisions(&self) -> Vec<Revision> {
        self.chain.all()
    }

    /// What the form's hidden controls have to say: `_id`, `_version`, `_seq`, `_writer`.
    pub fn hidden(&self) -> (&str, &str, u64, &str) {
        let version = self.content.draft_version.as_deref().unwrap_or(&self.content.version);
        (
            &self.next_id,
            version,
            self.chain.present.seq,
            &self.chain.present.writer,
        )
    }

    fn edited(&mut self, column: &str, value: Text, given: Given) {
        let value = self.content.as_shown(column, value);
        if self.content.fields.get(column).is_none_or(|present| *present == value) {
            return;
        }
        self.content.fields.insert(column.to_owned(), value);
        self.errors.remove(column);
        self.errors.remove("");
        self.content.decide(column);
        if let Some(intent) = self.delivery.intent_mut() {
            intent.touched.insert(column.to_owned());
        }
        self.text_changed(given);
    }

    /// The text is a new revision, not kept anywhere yet.
    fn text_changed(&mut self, given: Given) {
        if self.chain.present.writer != self.chain.writer {
            self.swept = false;
        }
        self.chain.advance();
        self.discarded_elsewhere = false;
        self.device.changed(given.now);
        self.server.changed(given.now);
        if self.server.refused == Some(keeping::Refused::TooLarge) {
            self.server.refused = None;
        }
    }

    /// Puts a value into a field by order, not by typing.
    fn put(&mut self, column: &str, value: Text, orders: &mut Vec<Effect>) {
        if self.content.fields.get(column) != Some(&value) {
            self.content.fields.insert(column.to_owned(), value.clone());
            orders.push(Effect::PutValue {
                column: column.to_owned(),
                value,
            });
        }
    }
}

/// A submission id made of random bits: a version 4 UUID.
pub fn submission_id(random: u128) -> String {
    let bits = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let digit = |at: u32| char::from_digit((bits >> (4 * (31 - at))) as u32 & 0xf, 16);
    let mut id = String::with_capacity(36);
    for at in 0..32 {
        if matches!(at, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.extend(digit(at));
    }
    id
}

/// The outbox forgets a submission only after what follows from its answer is kept.
fn forget_last(orders: &mut Vec<Effect>) {
    let is_removal = |order: &Effect| matches!(order, Effect::RemoveOutbox(_));
    let (removals, others): (Vec<Effect>, Vec<Effect>) = orders.drain(..).partition(is_removal);
    orders.extend(others.into_iter().chain(removals));
}

fn announce(orders: &mut Vec<Effect>, announcement: Announcement) {
    orders.push(Effect::Announce(announcement));
}
