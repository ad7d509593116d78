//! Opening a form: what the page drew, what was typed before the script ran, and what the device
//! kept come together. Early touch over draft over base; diverged drafts stand beside.

use std::collections::VecDeque;
use std::time::Duration;

use super::candidates::{Candidate, heads, is_saved, rebased};
use super::content::Content;
use super::delivery::{Delivery, Intent, Pause};
use super::effects::{Announcement, DeviceDraft, Effect, JustSaved, OutboxEntry};
use super::keeping::{Chain, Shelf, covers};
use super::{FormMachine, Given, Message, Restored, announce, forget_last};
use crate::collections::{BTreeMap, BTreeSet};
use crate::draft::{Draft, Revision, Values};
use crate::submission::Submission;
use crate::submission::answer::{Answer, Conflict};

/// What the page says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub form_key: String,
    pub is_new: bool,
    /// `_id`, `_version`.
    pub id: String,
    pub version: String,
    /// What the record has, by the page.
    pub base: Values,
    /// The values as drawn: a draft's where one is drawn.
    pub drawn: Values,
    /// The values in the controls now.
    pub live: Values,
    /// Columns touched before the script ran.
    pub touched: BTreeSet<String>,
    pub secrets: BTreeSet<String>,
    pub nullable: BTreeSet<String>,
    /// Names this page load.
    pub writer: String,
    /// The drawn draft; seq 0: the record itself is drawn.
    pub revision: Revision,
    /// What the drawn draft was built on.
    pub on: Option<Revision>,
    pub has_server_drafts: bool,
    /// The page answers a save that succeeded.
    pub was_saved: bool,
    pub errors: BTreeMap<String, String>,
    /// Conflicts that a plain `POST` met.
    pub conflicts: Vec<Conflict>,
}

/// What the device had for this form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub drafts: Vec<DeviceDraft>,
    /// Without answer still, in the order pressed.
    pub outbox: Vec<OutboxEntry>,
    /// Submissions of this form that turned out to be saved.
    pub resolved: Vec<(Submission, Answer)>,
    /// Submissions of this form that other pages had answered lately, in that order.
    pub just_saved: Vec<JustSaved>,
    /// The outbox entries' `base` of those, by submission id.
    pub bases: BTreeMap<String, Values>,
    /// What one of the outbox's entries was made of was discarded since, and it may have reached the server.
    pub press_was_discarded: bool,
    /// The drawn draft was discarded on this device, and the server does not know it.
    pub drawn_was_discarded: bool,
    /// The drawn draft was typed back on this device. A draft there that has it is another tab's, and goes on.
    pub drawn_was_typed_back: bool,
}

impl Found {
    /// Everything of this form that turned out to be saved.
    fn saves(&self) -> Vec<JustSaved> {
        let resolved = self.resolved.iter().map(|(submission, answer)| JustSaved {
            submission: submission.clone(),
            base: self.base_of(submission),
            answer: answer.clone(),
        });
        resolved.chain(self.just_saved.iter().cloned()).collect()
    }

    /// What the record had in a submission's columns when it was pressed: by its entry, or else by
    /// drafts that name the same version.
    fn base_of(&self, submission: &Submission) -> Values {
        if let Some(base) = self.bases.get(&submission.id) {
            return base.clone();
        }
        let drafts = self.drafts.iter().map(|draft| &draft.draft);
        let on_the_same = drafts.filter(|draft| draft.version == submission.version);
        on_the_same.flat_map(|draft| draft.base.clone()).collect()
    }

    /// What was pressed and has no answer, where no draft of it is left: the fields show it as they would its draft. Else
    /// the record's older text, which nobody has typed, would be a change to what was pressed. What was discarded since is
    /// not shown again.
    fn pressed_without_draft(&self, drawn: &Drawn) -> Option<DeviceDraft> {
        let last = &self.outbox.last()?.submission;
        if drawn.revision.seq > 0 || !self.drafts.is_empty() || self.press_was_discarded {
            return None;
        }
        let (mut base, mut values) = (Values::new(), Values::new());
        for entry in &self.outbox {
            // What the record had before the first of them.
            let later = std::mem::replace(&mut base, entry.base.clone());
            base.extend(later);
            values.extend(entry.submission.values.clone());
        }
        if values.is_empty() {
            return None;
        }
        let draft = Draft {
            version: last.version.clone(),
            base,
            values,
            revision: last.revision.clone(),
            on: None,
        };
        Some(DeviceDraft {
            form_key: drawn.form_key.clone(),
            draft,
            lineage: self
                .outbox
                .iter()
                .rev()
                .skip(1)
                .map(|entry| entry.submission.revision.clone())
                .collect(),
            secrets: Vec::new(),
        })
    }

    fn drawn_is_over(&self, drawn: &Revision) -> bool {
        let has_it = |device: &DeviceDraft| covers(&device.draft.revision, &device.lineage, drawn);
        self.drawn_was_discarded || self.drawn_was_typed_back && !self.drafts.iter().any(has_it)
    }

    /// Whether the drawn draft is an earlier state of the text that was saved.
    fn grew_into(&self, drawn: &Revision, saved: &Revision) -> bool {
        let of_saved = |draft: &&DeviceDraft| draft.draft.revision == *saved;
        let lineage = self.drafts.iter().find(of_saved).map(|draft| &draft.lineage[..]);
        drawn.seq > 0 && covers(saved, lineage.unwrap_or_default(), drawn)
    }
}

impl FormMachine {
    /// The form as it stands when the script takes over, and the first orders.
    pub fn open(drawn: Drawn, mut found: Found, given: Given) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        let orders = &mut effects;
        let mut form = Self::as_drawn(&drawn);
        form.drop_resolved(&found, &drawn, orders);
        form.take_just_saved(&found, &drawn, orders);
        let saves = found.saves();
        let is_over = found.drawn_is_over(&drawn.revision);
        let unresolved: Vec<&Submission> = found.outbox.iter().map(|entry| &entry.submission).collect();
        found.drafts.retain(|draft| !is_saved(draft, &saves));
        let pressed = found.pressed_without_draft(&drawn);
        form.line = found.outbox.iter().map(Intent::left_behind).collect();
        let mut drafts: Vec<Candidate> = found.drafts.into_iter().map(|draft| rebased(draft, &saves)).collect();
        if let Some(pressed) = pressed.filter(|pressed| !is_saved(pressed, &saves)) {
            // The device keeps it as a draft again: what is refused must not go with its outbox entry.
            drafts.push(Candidate {
                moved: true,
                ..rebased(pressed, &saves)
            });
        }
        form.restore(&drawn, drafts, &unresolved, given, orders);
        form.hand_over_aside(orders);
        form.take_live_values(&drawn, given);
        if !drawn.conflicts.is_empty() {
            form.content.open_conflicts(drawn.conflicts);
        }
        form.start_line(&found.outbox, given, orders);
        form.hand_over_what_is_due(given, orders);
        if is_over && form.chain.present == drawn.revision {
            // Nothing was typed over it: it goes again, and no word is lost about its coming back.
            effects.retain(|order| !matches!(order, Effect::Announce(Announcement::Restored)));
            form.discard(given, &mut effects);
        }
        forget_last(&mut effects);
        (form, effects)
    }

    fn as_drawn(drawn: &Drawn) -> Self {
        let content = Content {
            base: drawn.base.clone(),
            fields: drawn.drawn.clone(),
            version: drawn.version.clone(),
            secrets: drawn.secrets.clone(),
            nullable: drawn.nullable.clone(),
            undecided: BTreeMap::new(),
            draft_version: None,
        };
        let chain = Chain {
            writer: drawn.writer.clone(),
            present: drawn.revision.clone(),
            lineage: drawn.on.iter().cloned().collect(),
        };
        let held = (drawn.revision.seq > 0).then(|| drawn.revision.clone());
        Self {
            form_key: drawn.form_key.clone(),
            is_new: drawn.is_new,
            content,
            chain,
            device: Shelf::default(),
            server: Shelf {
                held,
                ..Shelf::default()
            },
            has_server_drafts: drawn.has_server_drafts,
            delivery: Delivery::Idle,
            line: VecDeque::new(),
            next_id: drawn.id.clone(),
            signed_out: false,
            errors: drawn.errors.clone(),
            message: None::<Message>,
            was_saved: drawn.was_saved,
            composing: false,
            swept: false,
            restored: None,
            aside: Vec::new(),
            undropped: Vec::new(),
            dropping: Shelf::default(),
            unfit: Values::new(),
            unfit_base: Values::new(),
            left_form_key: None,
            told_too_large: false,
            goes_beside: false,
            discarded_elsewhere: false,
            outdated_by: None,
        }
    }

    fn drop_resolved(&mut self, found: &Found, drawn: &Drawn, orders: &mut Vec<Effect>) {
        for (submission, answer) in &found.resolved {
            orders.push(Effect::RemoveOutbox(submission.id.clone()));
            let revisions = vec![submission.revision.clone()];
            orders.push(Effect::DropLocally {
                form_key: self.form_key.clone(),
                revisions,
            });
            let created = answer.key.as_ref().filter(|_| self.is_new);
            if created.is_some() || self.was_drawn_before(&submission.values, &found.base_of(submission), answer) {
                self.take_resolved_texts(submission, answer, found, drawn, orders);
            }
            if let Some(key) = created {
                self.become_record(key, orders);
            }
            announce(orders, Announcement::SavedAfterQueue);
            self.was_saved = true;
        }
    }

    /// The page was drawn while its save was on its way, and an earlier page has the answer.
    fn take_just_saved(&mut self, found: &Found, drawn: &Drawn, orders: &mut Vec<Effect>) {
        for saved in &found.just_saved {
            let JustSaved {
                submission,
                base,
                answer,
            } = saved;
            if self.was_drawn_before(&submission.values, base, answer) {
                self.take_resolved_texts(submission, answer, found, drawn, orders);
                self.was_saved = true;
            }
        }
    }

    /// A save that was carried out after this page was drawn: the page shows the record as it was. What is put
    /// into a field is ordered each time, so that the controls never say something else than this form does.
    fn take_resolved_texts(
        &mut self,
        submission: &Submission,
        answer: &Answer,
        found: &Found,
        drawn: &Drawn,
        orders: &mut Vec<Effect>,
    ) {
        let mut stored = submission.values.clone();
        stored.extend(answer.current.clone());
        let shows_earlier_text = found.grew_into(&drawn.revision, &submission.revision);
        if shows_earlier_text {
            // What was typed back before Save was pressed is not in the submission, but still drawn.
            for (column, base) in &self.content.base {
                stored.entry(column.clone()).or_insert_with(|| base.clone());
            }
        }
        for (column, text) in stored {
            let present = self.content.fields.get(&column);
            let is_known = present == self.content.base.get(&column) || present == submission.values.get(&column);
            let as_drawn = drawn.live.get(&column) == drawn.drawn.get(&column) && !drawn.touched.contains(&column);
            if self
                .content
                .take(&column, text, as_drawn && (is_known || shows_earlier_text))
            {
                let value = self.content.fields.get(&column).cloned().unwrap_or_default();
                orders.push(Effect::PutValue { column, value });
            }
        }
        if let Some(version) = &answer.version {
            self.content.version.clone_from(version);
        }
    }

    /// Puts the newest device draft along the drawn one's chain into the fields; others stand beside.
    fn restore(
        &mut self,
        drawn: &Drawn,
        drafts: Vec<Candidate>,
        unresolved: &[&Submission],
        given: Given,
        orders: &mut Vec<Effect>,
    ) {
        let mut heads = heads(drafts);
        let is_drawn = drawn.revision.seq > 0;
        if is_drawn {
            heads.retain(|head| !self.chain.covers(head.revision()) || *head.revision() == drawn.revision);
        }
        // Of several that went separate ways, the one with most changes; the others stand beside.
        let fitting = heads
            .iter()
            .enumerate()
            .filter(|(_, head)| !is_drawn || head.covers(&drawn.revision));
        let newest = fitting.max_by_key(|(_, head)| head.revision().seq).map(|(at, _)| at);
        let newest = newest.map(|at| heads.remove(at));
        heads.into_iter().for_each(|head| self.put_aside(head.draft));
        let Some(Candidate { draft: newest, moved }) = newest else {
            return self.name_drawn_draft(drawn, orders);
        };
        let is_the_drawn_one = newest.draft.revision == drawn.revision;
        let before = if is_the_drawn_one {
            &self.content.base
        } else {
            &self.content.fields
        }
        .clone();
        let changed_since = self.changed_since(&newest, unresolved, &self.content.base);
        self.take_draft_values(&newest, &drawn.touched, orders);
        if !changed_since.is_empty() {
            self.content.draft_version = named(&newest.draft.version);
            self.content.open_conflicts(changed_since);
        }
        self.chain.lineage.clone_from(&newest.lineage);
        self.chain.present = newest.draft.revision.clone();
        self.device.held = Some(newest.draft.revision.clone());
        self.server.changed(given.now);
        if !self.has_plain_changes() {
            self.device.changed(given.now);
            self.keep_on_device(orders);
            return;
        }
        if moved {
            self.text_changed(given);
            self.keep_on_device(orders);
        }
        self.restored = Some(Restored { draft: newest, before });
        announce(orders, Announcement::Restored);
    }

    /// The server drew its draft, which this device does not have: it can be undone all the same.
    fn name_drawn_draft(&mut self, drawn: &Drawn, orders: &mut Vec<Effect>) {
        if drawn.revision.seq > 0 && self.has_plain_changes() {
            let draft = self.device_draft();
            let before = self.content.base.clone();
            self.restored = Some(Restored { draft, before });
            announce(orders, Announcement::Restored);
        }
    }

    /// The draft's columns that the record's present text is neither the base nor the result of.
    fn changed_since(&self, draft: &DeviceDraft, unresolved: &[&Submission], record: &Values) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (column, value) in &draft.draft.values {
            let Some(present) = record.get(column) else { continue };
            let mine = self.content.as_shown(column, value.clone());
            let base = draft
                .draft
                .base
                .get(column)
                .map(|base| self.content.as_shown(column, base.clone()));
            let by_us = unresolved.iter().any(|submission| {
                let sent = submission.values.get(column);
                sent.is_some_and(|sent| self.content.as_shown(column, sent.clone()) == *present)
            });
            // Written while a conflict without a known base was undecided: it is still to be asked.
            let undecided = draft.draft.version.is_empty() && !self.is_new;
            let changed = base.as_ref().map_or(undecided, |base| base != present);
            if changed && mine != *present && !by_us {
                conflicts.push(Conflict {
                    column: column.clone(),
                    base,
                    mine,
                    theirs: present.clone(),
                });
            }
        }
        conflicts
    }

    fn take_draft_values(&mut self, draft: &DeviceDraft, touched: &BTreeSet<String>, orders: &mut Vec<Effect>) {
        for (column, value) in &draft.draft.values {
            if !self.content.fields.contains_key(column) {
                self.unfit.insert(column.clone(), value.clone());
                if let Some(base) = draft.draft.base.get(column) {
                    self.unfit_base.insert(column.clone(), base.clone());
                }
            } else if !touched.contains(column) && !self.content.secrets.contains(column) {
                let value = self.content.as_shown(column, value.clone());
                self.put(column, value, orders);
            }
        }
    }

    /// The same for a draft that the person took from beside the form.
    pub(super) fn restore_into_fields(&mut self, draft: &DeviceDraft, orders: &mut Vec<Effect>) {
        let base = self.content.base.clone();
        let changed_since = self.changed_since(draft, &[], &base);
        self.take_draft_values(draft, &BTreeSet::new(), orders);
        if !changed_since.is_empty() {
            self.content.draft_version = named(&draft.draft.version);
            self.content.open_conflicts(changed_since);
        }
    }

    /// What is in the controls counts: typed before the script ran, or put back by the browser.
    fn take_live_values(&mut self, drawn: &Drawn, given: Given) {
        let mut changed = false;
        for (column, live) in &drawn.live {
            let typed = drawn.touched.contains(column) || drawn.drawn.get(column) != Some(live);
            let restored = self.content.fields.get(column) != drawn.drawn.get(column);
            if typed && (drawn.touched.contains(column) || !restored) && self.content.fields.get(column) != Some(live) {
                self.content.fields.insert(column.clone(), live.clone());
                changed = true;
            }
        }
        if changed {
            self.text_changed(given);
        }
    }

    /// Submissions without an answer go first, in the order pressed.
    fn start_line(&mut self, outbox: &[OutboxEntry], given: Given, orders: &mut Vec<Effect>) {
        let wait = outbox
            .first()
            .map_or(Duration::ZERO, |entry| Duration::from_millis(entry.wait_ms));
        let Some(first) = self.line.pop_front() else { return };
        if wait.is_zero() {
            self.send(first, orders);
        } else {
            self.delivery = Delivery::Waiting {
                intent: first,
                until: given.now + wait,
                pause: Pause::LeftBehind,
            };
        }
    }
}

/// The version that a draft names; one with an undecided conflict of unknown base names none.
fn named(version: &str) -> Option<String> {
    (!version.is_empty()).then(|| version.to_owned())
}
