//! Drafts: handing them to the device and the server, and dropping them on proof.

use super::delivery::Intent;
use super::effects::{Announcement, DeviceDraft, Effect};
use super::keeping::{DEVICE_PAUSE, Refused, SERVER_PAUSE};
use super::{DraftRefusal, FormMachine, Given, Message, announce, submission_id};
use crate::draft::{Draft, Revision, Text, Values};
use crate::submission::answer::Answer;
use crate::time::Moment;

impl FormMachine {
    fn draft(&self, on: Option<Revision>) -> Draft {
        let mut values = self.content.draft_values();
        values.extend(self.content.without_secrets(&self.unsettled()));
        let mut base = self.content.draft_base(&values);
        for (column, value) in &self.unfit {
            values.insert(column.clone(), value.clone());
            base.extend(
                self.unfit_base
                    .get_key_value(column)
                    .map(|(column, base)| (column.clone(), base.clone())),
            );
        }
        let content = &self.content;
        let version = content.draft_version.as_ref().unwrap_or(&content.version);
        Draft {
            version: if content.lacks_a_base() {
                String::new()
            } else {
                version.clone()
            },
            base,
            values,
            revision: self.chain.present.clone(),
            on,
        }
    }

    /// Fields that say something else than a submission on its way does. Even where they equal the
    /// record as known here, they are not what the record will be.
    fn unsettled(&self) -> Values {
        let mut sent = Values::new();
        for intent in self.delivery.intent().into_iter().chain(&self.line) {
            sent.extend(intent.submission.values.clone());
        }
        let differs = |column: &String, sent: &Text| {
            let present = self.content.fields.get(column)?;
            (*present != self.content.as_shown(column, sent.clone())).then(|| present.clone())
        };
        sent.iter()
            .filter_map(|(column, sent)| Some((column.clone(), differs(column, sent)?)))
            .collect()
    }

    /// Whether there is text to keep in drafts.
    pub(super) fn has_plain_changes(&self) -> bool {
        self.content.has_plain_changes()
            || !self.unfit.is_empty()
            || !self.content.without_secrets(&self.unsettled()).is_empty()
    }

    /// Whether anything in the form is not known to be saved.
    pub fn is_changed(&self) -> bool {
        self.content.is_changed() || !self.unsettled().is_empty()
    }

    /// The text as a draft of a form for a new record, whose defaults are not known here.
    pub fn as_new_draft(&self) -> Draft {
        let values = self.content.without_secrets(&self.content.fields);
        let base = Values::new();
        Draft {
            version: String::new(),
            base,
            values,
            revision: self.chain.present.clone(),
            on: None,
        }
    }

    pub(super) fn device_draft(&self) -> DeviceDraft {
        let lineage = self.chain.lineage.clone();
        DeviceDraft {
            form_key: self.form_key.clone(),
            draft: self.draft(lineage.first().cloned()),
            lineage,
            secrets: self.secrets_to_type_again(),
        }
    }

    /// Secrets that this page has and nobody keeps, and those that an earlier page had and that were not typed since.
    fn secrets_to_type_again(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.content.changed_secrets().cloned().collect();
        for lost in self.restored().map_or(&[][..], |restored| &restored.secrets) {
            if !secrets.contains(lost) {
                secrets.push(lost.clone());
            }
        }
        secrets
    }

    pub(super) fn server_is_open(&self) -> bool {
        let shut = matches!(self.server.refused, Some(Refused::Never | Refused::TooLarge));
        // The server takes no draft that names no version; the device keeps it until it is decided.
        let nameless = self.content.lacks_a_base();
        let open = self.has_server_drafts && !shut && !nameless && !self.signed_out;
        open && !self.discarded_elsewhere && self.server.busy.is_none()
    }

    /// When the device gets the next draft. What an input method is composing is half a word.
    pub(super) fn next_on_device(&self) -> Option<Moment> {
        self.device.due(DEVICE_PAUSE).filter(|_| !self.composing)
    }

    /// The same for the server.
    pub(super) fn next_on_server(&self) -> Option<Moment> {
        let is_open = self.server_is_open() && !self.composing;
        self.server.due(SERVER_PAUSE).filter(|_| is_open)
    }

    /// Orders what the pauses say is due by now.
    pub(super) fn hand_over_what_is_due(&mut self, given: Given, orders: &mut Vec<Effect>) {
        if self.next_on_device().is_some_and(|due| due <= given.now) {
            self.keep_on_device(orders);
        }
        if self.next_on_server().is_some_and(|due| due <= given.now) {
            self.keep_on_server(given, orders);
        }
        self.drop_again(given, orders);
    }

    /// Brings the device up to date with the form, now.
    pub(super) fn keep_on_device(&mut self, orders: &mut Vec<Effect>) {
        if self.device.unwritten_since.take().is_none() {
            return self.offer_again(orders);
        }
        if self.has_plain_changes() {
            orders.push(Effect::KeepLocally(self.device_draft()));
        } else {
            let revisions = self.chain.all();
            if !revisions.is_empty() && self.has_server_drafts {
                let form_key = self.form_key.clone();
                orders.push(Effect::TypedBack { form_key, revisions });
            }
            self.drop_from_device(orders);
        }
    }

    /// What the device refused it may take now: there is room again, or a key.
    fn offer_again(&mut self, orders: &mut Vec<Effect>) {
        let present = &self.chain.present;
        // A put-aside text may have been what was refused, and another page's text is not this one's to write.
        let is_refused = self.device.refused.is_some() && self.device.held.as_ref() != Some(present);
        let is_own = present.writer == self.chain.writer && present.seq > 0 && !self.discarded_elsewhere;
        if is_refused && is_own && self.has_plain_changes() {
            orders.push(Effect::KeepLocally(self.device_draft()));
        }
    }

    fn drop_from_device(&mut self, orders: &mut Vec<Effect>) {
        let revisions = self.chain.all();
        if !revisions.is_empty() {
            orders.push(Effect::DropLocally {
                form_key: self.form_key.clone(),
                revisions,
            });
        }
        self.leave_form_key(orders);
        self.device.held = None;
        self.device.unwritten_since = None;
        self.chain.lineage.clear();
        self.swept = true;
    }

    /// What was typed into the create that this record came from lies under the record's key now.
    fn leave_form_key(&mut self, orders: &mut Vec<Effect>) {
        if let Some(form_key) = self.left_form_key.take() {
            let revisions = self.chain.all();
            orders.push(Effect::DropLocally { form_key, revisions });
        }
    }

    /// Brings the server up to date with the form, now; one order at a time.
    pub(super) fn keep_on_server(&mut self, given: Given, orders: &mut Vec<Effect>) {
        if !self.server_is_open() || self.server.unwritten_since.is_none() {
            return;
        }
        if self.server.not_before.is_some_and(|not_before| not_before > given.now) {
            return;
        }
        self.server.unwritten_since = None;
        let present = self.chain.present.clone();
        if self.has_plain_changes() {
            if self.server.held.as_ref() != Some(&present) {
                self.server.busy = Some(present);
                let draft = self.draft(self.server.held.clone());
                orders.push(if self.goes_beside {
                    Effect::SaveDraftBeside(draft)
                } else {
                    Effect::SaveDraft(draft)
                });
            }
        } else if let Some(held) = self.server.held.clone() {
            self.server.busy = Some(held.clone());
            orders.push(Effect::DropDraft(held));
        }
    }

    pub(super) fn beacon(&mut self, orders: &mut Vec<Effect>) {
        let stored = self.server.held.as_ref() == Some(&self.chain.present);
        let shut =
            self.server.refused.is_some() || self.content.lacks_a_base() || self.signed_out || !self.has_server_drafts;
        if self.has_plain_changes() && !stored && !shut && !self.discarded_elsewhere {
            let on = self.server.busy.clone().or_else(|| self.server.held.clone());
            orders.push(Effect::BeaconDraft(self.draft(on)));
        }
    }

    pub(super) fn kept_locally(&mut self, revision: Revision, orders: &mut Vec<Effect>) {
        if revision.writer != self.chain.writer {
            return;
        }
        self.device.holds(revision);
        self.leave_form_key(orders);
        if !self.swept && !self.chain.lineage.is_empty() {
            let revisions = self.chain.lineage.clone();
            orders.push(Effect::DropLocally {
                form_key: self.form_key.clone(),
                revisions,
            });
        }
        self.swept = true;
    }

    pub(super) fn local_refused(&mut self, revision: &Revision, orders: &mut Vec<Effect>) {
        if self.device.refused.is_none() {
            announce(orders, Announcement::NotProtected);
        }
        self.device.refused = Some(Refused::NoRoom);
        if self.device.held.as_ref() == Some(revision) {
            self.device.held = None;
        }
    }

    pub(super) fn draft_stored(&mut self, revision: Revision, given: Given) {
        if !self.is_of_this_text(&revision) {
            return;
        }
        self.server.busy = None;
        self.goes_beside = false;
        self.signed_out = false;
        self.server.holds(revision);
        self.told_too_large = false;
        if !self.has_plain_changes() {
            self.server.changed(given.now);
        }
    }

    /// What is put aside is handed to the server as well, and concerns nothing here.
    fn is_of_this_text(&self, revision: &Revision) -> bool {
        self.server.busy.as_ref() == Some(revision) || self.chain.covers(revision)
    }

    /// Only what was dropped is gone: a text beside this one says nothing of what the server has of this one.
    pub(super) fn draft_dropped(&mut self, revision: &Revision) {
        self.server.busy.take_if(|busy| busy == revision);
        self.server.held.take_if(|held| is_within(held, revision));
        self.server.failures = 0;
        self.was_dropped(revision);
    }

    pub(super) fn draft_refused(
        &mut self,
        revision: &Revision,
        why: DraftRefusal,
        given: Given,
        orders: &mut Vec<Effect>,
    ) {
        if why == DraftRefusal::Unanswered && self.undropped.contains(revision) {
            self.dropping.failed(given);
        }
        if !self.is_of_this_text(revision) {
            return self.aside_refused(revision, &why, orders);
        }
        self.server.busy = None;
        match why {
            DraftRefusal::Stored(stored) => self.other_draft_is_stored(stored.map(|draft| *draft), given, orders),
            DraftRefusal::Discarded => self.discarded_elsewhere(revision, given, orders),
            DraftRefusal::TooLarge => {
                self.server.refused = Some(Refused::TooLarge);
                if !std::mem::replace(&mut self.told_too_large, true) {
                    announce(orders, Announcement::TooLargeForServer);
                }
            }
            DraftRefusal::Unanswered => self.server.failed(given),
            DraftRefusal::SignedOut => {
                self.signed_out = true;
                self.server.changed(given.now);
            }
            DraftRefusal::Refused => self.server.refused = Some(Refused::Never),
        }
    }

    /// The write named another predecessor than the one stored. If that is an ancestor of this text
    /// the text goes on top of it; else both are kept, there as well, and shown.
    fn other_draft_is_stored(&mut self, stored: Option<Draft>, given: Given, orders: &mut Vec<Effect>) {
        let again = match stored {
            None if self.server.held.take().is_none() => {
                // Nothing is stored and nothing was named: this very text was saved by somebody else.
                let revision = self.chain.present.clone();
                return self.discarded_elsewhere(&revision, given, orders);
            }
            None => true,
            Some(draft) if self.chain.covers(&draft.revision) => {
                let known = self.server.held.replace(draft.revision.clone());
                known != Some(draft.revision)
            }
            Some(draft) => {
                let is_new = !self.goes_beside;
                self.goes_beside = true;
                // One that was discarded here is still there only until the server has heard of that.
                if !self.undropped.contains(&draft.revision) {
                    self.put_aside(DeviceDraft {
                        form_key: self.form_key.clone(),
                        draft,
                        lineage: Vec::new(),
                        secrets: Vec::new(),
                    });
                }
                is_new
            }
        };
        self.server.changed(given.now);
        if !again {
            self.server.failed(given);
        } else if !self.composing {
            // Else it is due once the word is whole.
            self.keep_on_server(given, orders);
        }
    }

    /// The server says that this text was discarded elsewhere. What was typed since is a text of its own; what this
    /// page only found on the device does not come back; what was typed in this page stays in its fields.
    fn discarded_elsewhere(&mut self, revision: &Revision, given: Given, orders: &mut Vec<Effect>) {
        self.server.held = None;
        if self.chain.present != *revision || self.is_under_way() {
            self.text_changed(given);
            return;
        }
        let discarded = self.chain.all();
        if self.chain.present.writer == self.chain.writer {
            self.hold_discarded_text(orders);
        } else {
            self.reset_fields(orders);
            self.restored = None;
            self.drop_from_device(orders);
            announce(orders, Announcement::DiscardedElsewhere);
        }
        self.bury(discarded, orders);
    }

    /// Whether Save was pressed for this text, or what it grew from, and no answer has come. What an earlier page of
    /// this form left behind may be another text's.
    pub(super) fn is_under_way(&self) -> bool {
        let mut intents = self.delivery.intent().into_iter().chain(&self.line);
        // Pressed again meanwhile: what is in the fields goes next, whatever that press was of.
        intents.any(|intent| intent.pressed_again || self.chain.covers(&intent.submission.revision))
    }

    /// The same, from another tab while this one is open.
    pub(super) fn discarded_in_another_tab(&mut self, revision: &Revision, orders: &mut Vec<Effect>) {
        self.aside.retain(|aside| !is_within(&aside.draft.revision, revision));
        // There is nothing to put aside any more: Undo would keep it anew.
        self.restored
            .take_if(|restored| is_within(&restored.draft.draft.revision, revision));
        let is_this_text = is_within(&self.chain.present, revision) && self.has_plain_changes();
        if is_this_text && !self.is_under_way() {
            self.hold_discarded_text(orders);
        }
    }

    /// It stays in the fields of a page that shows it, and nowhere else: no tab has its text taken away while
    /// somebody may be reading it.
    fn hold_discarded_text(&mut self, orders: &mut Vec<Effect>) {
        self.chain.lineage.clear();
        self.chain.present.writer.clone_from(&self.chain.writer);
        self.chain.advance();
        for shelf in [&mut self.device, &mut self.server] {
            shelf.held = None;
            shelf.unwritten_since = None;
        }
        self.swept = true;
        self.restored = None;
        self.discarded_elsewhere = true;
        announce(orders, Announcement::DiscardedElsewhere);
    }

    pub(super) fn keep_discarded_text(&mut self, given: Given) {
        if self.discarded_elsewhere {
            self.text_changed(given);
        }
    }

    pub(super) fn bury(&self, revisions: Vec<Revision>, orders: &mut Vec<Effect>) {
        if !revisions.is_empty() {
            let form_key = self.form_key.clone();
            orders.push(Effect::BuryLocally { form_key, revisions });
        }
    }

    fn reset_fields(&mut self, orders: &mut Vec<Effect>) {
        for column in self.content.changed().into_keys() {
            let base = self.content.base.get(&column).cloned().unwrap_or_default();
            self.put(&column, base, orders);
        }
        self.unfit.clear();
        self.content.close_conflicts();
        self.errors.clear();
        self.message = None;
    }

    /// The person throws away what is typed, here and everywhere it was kept.
    pub(super) fn discard(&mut self, given: Given, orders: &mut Vec<Effect>) {
        if self.delivery.was_never_sent()
            && let Some(abandoned) = std::mem::take(&mut self.delivery).into_intent()
        {
            if self.next_id == abandoned.submission.id {
                self.next_id = submission_id(given.random);
            }
            orders.push(Effect::RemoveOutbox(abandoned.submission.id));
            self.next_in_line(orders);
        }
        if self.delivery.intent().is_some() {
            return self.discard_newer_text(given, orders);
        }
        self.reset_fields(orders);
        self.restored = None;
        self.discarded_elsewhere = false;
        let discarded = self.chain.all();
        self.bury(discarded.clone(), orders);
        self.drop_from_device(orders);
        self.drop_from_server(discarded, orders);
        self.server.unwritten_since = None;
        self.goes_beside = false;
    }

    /// What a text was built on the server knows only of one that it has: each is named.
    fn drop_from_server(&mut self, discarded: Vec<Revision>, orders: &mut Vec<Effect>) {
        if self.has_server_drafts {
            self.server.busy = discarded.first().cloned();
            for revision in discarded {
                self.drop_discarded(revision, orders);
            }
        }
    }

    /// The server forgets a press of Save with the text it was made of. So what such a press went into is not dropped
    /// there: what is written next takes its place.
    fn without_what_was_sent(&self, discarded: &[Revision]) -> Vec<Revision> {
        let intents = || self.delivery.intent().into_iter().chain(&self.line);
        let holds_one = |one: &Revision| intents().any(|intent| is_within(&intent.submission.revision, one));
        let earlier = discarded.iter().rposition(holds_one).map_or(0, |last| last + 1);
        discarded[earlier..].to_vec()
    }

    /// What was sent may be in the record already, so it stays until its answer comes: only what was
    /// typed since goes.
    fn discard_newer_text(&mut self, given: Given, orders: &mut Vec<Effect>) {
        let mut sent = Values::new();
        for intent in self.delivery.intent().into_iter().chain(&self.line) {
            sent.extend(intent.submission.values.clone());
        }
        let mut fields = self.content.base.clone();
        sent.retain(|column, _| fields.contains_key(column));
        fields.extend(sent);
        self.content.close_conflicts();
        for (column, value) in fields {
            if self.content.fields.contains_key(&column) {
                let value = self.content.as_shown(&column, value);
                self.put(&column, value, orders);
            }
        }
        if let Some(intent) = self.delivery.intent_mut() {
            intent.pressed_again = false;
            intent.touched.clear();
        }
        self.unfit.clear();
        self.errors.clear();
        self.restored = None;
        // What was sent is in the fields again, and is kept anew under a later revision.
        let discarded = self.chain.all();
        let droppable = self.without_what_was_sent(&discarded);
        self.bury(discarded, orders);
        self.text_changed(given);
        self.keep_on_device(orders);
        if !droppable.is_empty() {
            self.drop_from_server(droppable, orders);
        }
        self.keep_on_server(given, orders);
        self.refuse(Message::under_way(), orders);
    }

    /// What was saved is dropped; newer text is a draft of its own on the new version.
    pub(super) fn drop_saved_draft(
        &mut self,
        intent: &Intent,
        answer: &Answer,
        given: Given,
        orders: &mut Vec<Effect>,
    ) {
        let saved = intent.submission.revision.clone();
        let form_key = intent.submission.form_key.clone();
        let server_had_it = self.server.held.take_if(|held| is_within(held, &saved)).is_some();
        self.goes_beside = false;
        let newer_text = self.has_plain_changes();
        // Of another page and not what this press was of: it stays as it is kept, and can still be discarded elsewhere.
        let is_anothers = self.chain.present.writer != self.chain.writer && !self.chain.covers(&saved);
        if !newer_text && !server_had_it {
            self.drop_what_was_built_on(&saved, orders);
        }
        if self.is_new
            && let Some(key) = &answer.key
        {
            self.become_record(key, orders);
        }
        let revisions = vec![saved];
        orders.push(Effect::DropLocally { form_key, revisions });
        if newer_text && (self.discarded_elsewhere || is_anothers) {
            // What was discarded stays in the fields, and nowhere else, until the person goes on with it.
        } else if newer_text {
            self.text_changed(given);
            self.keep_on_device(orders);
        } else {
            self.drop_from_device(orders);
            self.restored = None;
            self.server.unwritten_since = None;
            if self.server.held.is_some() && self.server.busy.is_none() {
                self.server.changed(given.now);
            }
        }
    }

    /// The server drops what was saved by itself. What that was built on it knows only if it had the
    /// saved text as a draft: else the latest of its ancestors is named.
    fn drop_what_was_built_on(&mut self, saved: &Revision, orders: &mut Vec<Effect>) {
        let left = self.server.held.as_ref().or(self.chain.lineage.first());
        let Some(left) = left.filter(|left| left.writer != saved.writer).cloned() else {
            return;
        };
        if self.has_server_drafts && self.server.busy.is_none() {
            self.server.busy = Some(left.clone());
            orders.push(Effect::DropDraft(left));
        }
    }
}

/// Whether `earlier` is the same page load's and not later.
pub(super) fn is_within(earlier: &Revision, saved: &Revision) -> bool {
    earlier.writer == saved.writer && earlier.seq <= saved.seq
}
