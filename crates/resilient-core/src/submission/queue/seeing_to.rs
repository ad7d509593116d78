//! What people, their browsers and time do to a line.

use super::{Answered, Entry, LONGEST_WAIT_MS, Line, MOST_REMEMBERED, REMEMBERED_MS, State, Why};
use crate::draft::Revision;
use crate::draft::lineage::Lineage;

impl Line {
    /// A save was answered with `saved`, whoever sent it. Where its person was told by that, its own entry is done, and
    /// they need not be told again. Entries whose text went into it are gone. Where somebody is at an entry, they say what becomes of it.
    pub fn saved(&self, answered: Answered<'_>, now_ms: u64) -> Self {
        let Answered {
            id,
            form_key,
            revision,
            is_told,
        } = answered;
        let mut line = self.clone();
        let is_leased = line.head.lease.as_ref().is_some_and(|lease| lease.id == id);
        let is_own = |entry: &&mut Entry| entry.id == id && is_told && !is_leased;
        if let Some(own) = line.entries.iter_mut().find(is_own) {
            if !matches!(own.state, State::Done { .. }) {
                own.state = State::Done { at_ms: now_ms };
            }
            own.seen = true;
        }
        line.forget(form_key, revision, |entry| {
            entry.id != id && !matches!(entry.state, State::Done { .. })
        });
        line
    }

    /// The person has discarded what was typed up to `revision`; how many entries are gone.
    pub fn cancel(&self, form_key: &str, revision: &Revision) -> (usize, Self) {
        let mut line = self.clone();
        line.forget(form_key, revision, |entry| !matches!(entry.state, State::Done { .. }));
        (self.entries.len() - line.entries.len(), line)
    }

    /// The person has been shown what became of these: of what still waits, nothing was. Only of one that somebody is
    /// at, an open page may know before the line does.
    pub fn seen(&self, ids: &[String]) -> Self {
        let mut line = self.clone();
        let leased = self.head.lease.as_ref().map(|lease| lease.id.as_str());
        for entry in &mut line.entries {
            let has_news = !entry.is_waiting() || leased == Some(entry.id.as_str());
            entry.seen |= has_news && ids.contains(&entry.id);
        }
        line
    }

    /// Ends what has waited for too long, and forgets what ended long ago.
    pub fn sweep(&self, now_ms: u64) -> Self {
        let mut line = self.clone();
        let is_older = |at_ms: u64, than_ms: u64| now_ms.saturating_sub(at_ms) >= than_ms;
        line.entries.retain(|entry| match entry.state {
            State::Waiting => true,
            State::Done { at_ms } | State::NeedsAttention { at_ms, .. } | State::Dead { at_ms } => {
                !is_older(at_ms, REMEMBERED_MS)
            }
        });
        for at in 0..line.entries.len() {
            if line.entries[at].is_waiting() && is_older(line.entries[at].pressed_at_ms, LONGEST_WAIT_MS) {
                let why = Why::TooOld;
                line.stop(at, State::NeedsAttention { at_ms: now_ms, why }, now_ms);
            }
        }
        line
    }

    /// What had failed and is in `revision` was seen to by its person.
    pub(super) fn forget_failed(&mut self, form_key: &str, revision: &Revision) {
        self.forget(form_key, revision, Entry::has_failed);
    }

    fn forget(&mut self, form_key: &str, revision: &Revision, may_go: impl Fn(&Entry) -> bool) {
        let holds = Lineage::of(revision);
        self.entries
            .retain(|entry| entry.form_key != form_key || !may_go(entry) || !holds.covers(&entry.revision));
    }

    /// Forgets the oldest of more than can be remembered.
    pub(super) fn trim(&mut self) {
        let ended = self.entries.iter().filter(|entry| !entry.is_waiting()).count();
        let mut too_many = ended.saturating_sub(MOST_REMEMBERED);
        self.entries.retain(|entry| {
            let goes = too_many > 0 && !entry.is_waiting();
            too_many -= usize::from(goes);
            !goes
        });
    }
}
