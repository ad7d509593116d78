//! Text that stands beside the form: restored and put aside, or gone another way.

use super::effects::{DeviceDraft, Effect};
use super::keeping::Refused;
use super::{FormMachine, Given};
use crate::draft::Revision;

impl FormMachine {
    pub(super) fn put_aside(&mut self, draft: DeviceDraft) {
        self.aside
            .retain(|other| other.draft.revision.writer != draft.draft.revision.writer);
        self.aside.push(draft);
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
        self.chain.leave(&restored.draft.draft.revision);
        self.device.held = None;
        // What is put aside stays where it is kept.
        self.server.held.take_if(|held| *held == restored.draft.draft.revision);
        self.unfit
            .retain(|column, _| !restored.draft.draft.values.contains_key(column));
        // Typing may have swept it from the device, and replaced it on the server.
        orders.push(Effect::KeepLocally(restored.draft.clone()));
        self.put_aside(restored.draft);
        self.text_changed(given);
    }

    /// Puts text that stood beside the form into it. What it replaces stands beside it then.
    pub(super) fn take_aside(&mut self, revision: &Revision, given: Given, orders: &mut Vec<Effect>) {
        let Some(at) = self.aside.iter().position(|aside| aside.draft.revision == *revision) else {
            return;
        };
        let taken = self.aside.remove(at);
        if self.has_plain_changes() {
            let mut replaced = self.device_draft();
            replaced.draft.revision.writer = format!("{}-{}", self.chain.writer, self.chain.present.seq);
            orders.push(Effect::KeepLocally(replaced.clone()));
            self.put_aside(replaced);
        }
        self.restore_into_fields(&taken, orders);
        self.chain.built_on(taken.draft.revision.clone());
        for ancestor in taken.lineage.iter().rev() {
            self.chain.built_on(ancestor.clone());
        }
        if self.server.refused == Some(Refused::Diverged) {
            self.server.refused = None;
        }
        self.text_changed(given);
        self.swept = false;
    }

    pub(super) fn discard_aside(&mut self, revision: &Revision, orders: &mut Vec<Effect>) {
        self.aside.retain(|aside| aside.draft.revision != *revision);
        orders.push(Effect::DropLocally {
            form_key: self.form_key.clone(),
            revisions: vec![revision.clone()],
        });
        if self.has_server_drafts {
            orders.push(Effect::DropDraft(revision.clone()));
        }
    }
}
