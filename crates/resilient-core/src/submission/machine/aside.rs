//! Text that stands beside the form: restored and put aside, or gone another way.

use std::time::Duration;

use super::effects::{DeviceDraft, Effect, LINEAGE};
use super::keeping::Shelf;
use super::{DraftRefusal, FormMachine, Given};
use crate::draft::Revision;
use crate::time::Moment;

/// Some texts with all that they were built on.
const MOST_UNDROPPED: usize = 4 * LINEAGE;

impl FormMachine {
    pub(super) fn put_aside(&mut self, draft: DeviceDraft) {
        self.aside
            .retain(|other| other.draft.revision.writer != draft.draft.revision.writer);
        self.aside.push(draft);
    }

    /// What lay on this device beside the form is kept and listed by the server, too, unless it knows better.
    pub(super) fn hand_over_aside(&mut self, orders: &mut Vec<Effect>) {
        let nameless = |aside: &&DeviceDraft| aside.draft.version.is_empty();
        for aside in self
            .aside
            .iter()
            .filter(|aside| self.has_server_drafts && !nameless(aside))
        {
            orders.push(Effect::SaveDraftBeside(aside.draft.clone()));
        }
    }

    /// The server says what became of such a text.
    pub(super) fn aside_refused(&mut self, revision: &Revision, why: &DraftRefusal, orders: &mut Vec<Effect>) {
        let known = self.aside.len();
        if matches!(why, DraftRefusal::Discarded | DraftRefusal::Stored(None)) {
            self.aside.retain(|aside| aside.draft.revision != *revision);
        }
        if self.aside.len() < known {
            self.bury(vec![revision.clone()], orders);
        }
    }

    /// Puts the restored text aside and shows what the page showed before.
    pub(super) fn undo_restore(&mut self, given: Given, orders: &mut Vec<Effect>) {
        let Some(restored) = self.restored.take() else { return };
        for (column, before) in restored.before {
            let as_restored = restored.draft.draft.values.get(&column).cloned();
            let as_restored = as_restored.map(|value| self.content.as_shown(&column, value));
            if self.content.fields.get(&column) == as_restored.as_ref() {
                self.put(&column, before, orders);
                self.content.undecided.remove(&column);
            }
        }
        self.content.forget_decided();
        let mut aside = restored.draft;
        let is_grown = self.chain.present.writer == self.chain.writer;
        self.chain.leave(&aside.draft.revision);
        self.device.held = None;
        // What is put aside stays where it is kept.
        self.server.held.take_if(|held| *held == aside.draft.revision);
        self.unfit.retain(|column, _| !aside.draft.values.contains_key(column));
        if is_grown {
            // What was typed since has taken its place, and ends it when it is saved: without it, that is another text.
            self.keep_as_another(&mut aside, orders);
        } else {
            orders.push(Effect::PutBackLocally(aside.clone()));
        }
        self.put_aside(aside);
        self.text_changed(given);
    }

    /// Puts text that stood beside the form into it. What it replaces stands beside it then.
    pub(super) fn take_aside(&mut self, revision: &Revision, given: Given, orders: &mut Vec<Effect>) {
        let Some(at) = self.aside.iter().position(|aside| aside.draft.revision == *revision) else {
            return;
        };
        let taken = self.aside.remove(at);
        // What had been restored is part of what is replaced.
        self.restored = None;
        if self.has_plain_changes() {
            let mut replaced = self.device_draft();
            self.keep_as_another(&mut replaced, orders);
            self.put_aside(replaced);
        }
        self.restore_into_fields(&taken, orders);
        self.chain.built_on(taken.draft.revision.clone());
        for ancestor in taken.lineage.iter().rev() {
            self.chain.built_on(ancestor.clone());
        }
        // What is written next takes its place on the server, too.
        self.server.held = Some(taken.draft.revision);
        self.goes_beside = false;
        self.text_changed(given);
        self.swept = false;
    }

    /// Keeps a text under a name that nobody else writes under and nothing was built on.
    fn keep_as_another(&self, text: &mut DeviceDraft, orders: &mut Vec<Effect>) {
        text.draft.revision.writer = [&self.chain.writer, "-", &self.chain.present.seq.to_string()].concat();
        text.draft.on = None;
        orders.push(Effect::KeepLocally(text.clone()));
        if self.server_is_open() {
            orders.push(Effect::SaveDraftBeside(text.draft.clone()));
        }
    }

    pub(super) fn discard_aside(&mut self, revision: &Revision, orders: &mut Vec<Effect>) {
        self.aside.retain(|aside| aside.draft.revision != *revision);
        self.bury(vec![revision.clone()], orders);
        if self.has_server_drafts {
            self.drop_discarded(revision.clone(), orders);
        }
    }

    /// Has the server drop what was discarded, and remembers it until that is done.
    pub(super) fn drop_discarded(&mut self, revision: Revision, orders: &mut Vec<Effect>) {
        self.undropped.push(revision.clone());
        if self.undropped.len() > MOST_UNDROPPED {
            self.undropped.remove(0);
        }
        orders.push(Effect::DropDraft(revision));
    }

    /// When what was discarded is to be dropped again: nothing else in the form says so any more.
    pub(super) fn next_drop(&self) -> Option<Moment> {
        self.dropping.due(Duration::ZERO).filter(|_| !self.signed_out)
    }

    pub(super) fn drop_again(&mut self, given: Given, orders: &mut Vec<Effect>) {
        if self.next_drop().is_some_and(|due| due <= given.now) {
            self.dropping.unwritten_since = None;
            orders.extend(self.undropped.iter().cloned().map(Effect::DropDraft));
        }
    }

    pub(super) fn was_dropped(&mut self, revision: &Revision) {
        self.undropped.retain(|undropped| undropped != revision);
        if self.undropped.is_empty() {
            self.dropping = Shelf::default();
        }
    }
}
