//! What a server still has to save for one account, in the order in which Save was pressed.
//!
//! Every rule of that queue is here, as what becomes of an account's [`Line`]; a store makes it so in
//! one step. The line knows nothing of texts. Its order is a counter: times are only shown, end what
//! is too old, and say when something may be tried again.
//!
//! | state | next |
//! |---|---|
//! | waiting | leased, while somebody is at it; done; needs attention; dead; gone, when the text was discarded |
//! | done | forgotten after 30 days |
//! | needs attention | done or gone, when the person has seen to it; forgotten after 30 days |
//! | dead | as needs attention; waiting again at the next press |

mod leasing;
mod outcome;
mod seeing_to;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::answer::Outcome;
use crate::draft::Revision;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// What became of an entry is forgotten after so long: as long as a draft is kept, 30 days.
pub const REMEMBERED_MS: u64 = 30 * DAY_MS;
/// An entry waits no longer than this, 23 days. Then only its draft is left, and the person has a week to come back
/// for it before that ends, too.
pub const LONGEST_WAIT_MS: u64 = REMEMBERED_MS - 7 * DAY_MS;
/// Of one account, as many as it may have drafts.
pub const MOST_WAITING: usize = 500;
/// Of one account's texts that wait, together, as they are stored.
pub const MOST_BYTES_WAITING: u64 = 64 << 20;
/// Of one account, the newest; whoever asks later is answered by the id all the same.
pub const MOST_REMEMBERED: usize = 1_000;
/// Tries that failed while the database was there.
pub const MOST_ATTEMPTS: u32 = 10;
/// Tries in which the database went away while it was at the entry; more are no accident any more.
pub const MOST_INTERRUPTED: u32 = 30;
/// Between two tries of one entry.
pub const LONGEST_PAUSE_MS: u64 = 10 * 60_000;

/// A save that was answered with `saved`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered<'a> {
    pub id: &'a str,
    pub form_key: &'a str,
    pub revision: &'a Revision,
    /// Whether its person hears of it by this very answer: not where a server has sent it for them.
    pub is_told: bool,
}

/// One press of Save that the server is to repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    pub id: String,
    pub form_key: String,
    /// The draft it was made of.
    pub revision: Revision,
    /// Unix time, only ever shown.
    pub pressed_at_ms: u64,
    /// Why it was not done at once: `database`, `overload`, `timeout`, `unknown`.
    pub reason: Option<String>,
}

/// A press in its line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    pub form_key: String,
    #[serde(flatten)]
    pub revision: Revision,
    /// Counted per account.
    pub order: u64,
    /// Unix time, only ever shown.
    pub pressed_at_ms: u64,
    #[serde(default)]
    pub reason: Option<String>,
    /// Of its text, as it is stored; 0 in lines that an earlier version has written.
    #[serde(default)]
    pub bytes: u64,
    /// Tries so far that say something about the entry.
    #[serde(default)]
    pub attempts: u32,
    /// Tries in which the database went away.
    #[serde(default)]
    pub interrupted: u32,
    /// It is left alone until then, and with it what was pressed later for the same record.
    #[serde(default)]
    pub not_before_ms: u64,
    pub state: State,
    /// The person has been shown what became of it.
    #[serde(default)]
    pub seen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    Waiting,
    Done { at_ms: u64 },
    NeedsAttention { at_ms: u64, why: Why },
    Dead { at_ms: u64 },
}

/// Why an entry can only go on by the person's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// How the save was answered.
    Answered(Outcome),
    /// An earlier press for the same record could not be done.
    EarlierOfThisRecord,
    /// The account is unknown by now, or switched off.
    AccountOff,
    /// What is kept of it cannot be opened.
    Unreadable,
    /// It has waited for [`LONGEST_WAIT_MS`].
    TooOld,
}

impl Why {
    /// As answers and metrics write it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered(outcome) => outcome.code(),
            Self::EarlierOfThisRecord => "earlier_of_this_record",
            Self::AccountOff => "account_off",
            Self::Unreadable => "unreadable",
            Self::TooOld => "too_old",
        }
    }
}

/// Somebody is at an entry. Only who shows the token may say what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub token: u64,
    pub until_ms: u64,
    /// How long it was given for.
    #[serde(default = "a_minute")]
    pub lasts_ms: u64,
    pub id: String,
}

fn a_minute() -> u64 {
    60_000
}

/// All of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub head: Head,
    /// In their order.
    pub entries: Vec<Entry>,
}

/// What a line has beside its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The order that was given last.
    pub order: u64,
    /// The token that was given last: it only ever grows.
    pub token: u64,
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Something that every entry needs was away: all of them are left alone until then.
    #[serde(default)]
    pub not_before_ms: u64,
}

/// What became of a press that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It will be done, in its turn.
    Waiting,
    /// It was here before, and waits no more.
    Settled,
    /// There are [`MOST_WAITING`] already, or their texts have [`MOST_BYTES_WAITING`].
    Full,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Saved,
    /// It can never succeed as it is.
    Refused(Why),
    /// The database, or what else is needed, was away. That says nothing about the entry.
    Away,
    /// The database went away while it was at the entry. Again and again, that may be the entry's doing.
    Interrupted,
    /// Who tried has not got the secret that the text is sealed with. Another server may have it.
    Sealed,
    /// It failed for another reason, which may be the entry's own.
    Failed,
    /// The text was discarded meanwhile.
    Discarded,
}

/// How many entries are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub waiting: u64,
    /// Of what waits; a time that is shown.
    pub oldest_pressed_at_ms: Option<u64>,
    pub needs_attention: u64,
    pub dead: u64,
    /// What became of so many has not been shown to their person yet.
    pub unseen_done: u64,
    pub unseen_failed: u64,
}

impl Numbers {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        let oldest = [self.oldest_pressed_at_ms, other.oldest_pressed_at_ms];
        Self {
            waiting: self.waiting + other.waiting,
            oldest_pressed_at_ms: oldest.into_iter().flatten().min(),
            needs_attention: self.needs_attention + other.needs_attention,
            dead: self.dead + other.dead,
            unseen_done: self.unseen_done + other.unseen_done,
            unseen_failed: self.unseen_failed + other.unseen_failed,
        }
    }
}

impl Entry {
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// `None` while it waits.
    pub fn ended_at_ms(&self) -> Option<u64> {
        match self.state {
            State::Waiting => None,
            State::Done { at_ms } | State::NeedsAttention { at_ms, .. } | State::Dead { at_ms } => Some(at_ms),
        }
    }

    /// Why it was not saved, as answers and metrics write it; empty while it may be, or was.
    pub fn why_code(&self) -> &'static str {
        match self.state {
            State::Waiting | State::Done { .. } => "",
            State::NeedsAttention { why, .. } => why.code(),
            State::Dead { .. } => "failed_too_often",
        }
    }

    /// It ended, and not by being saved.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, State::NeedsAttention { .. } | State::Dead { .. })
    }
}

impl Line {
    pub fn numbers(&self) -> Numbers {
        let waiting = self.entries.iter().filter(|entry| entry.is_waiting());
        let count = |counts: &dyn Fn(&Entry) -> bool| self.entries.iter().filter(|entry| counts(entry)).count() as u64;
        Numbers {
            waiting: waiting.clone().count() as u64,
            oldest_pressed_at_ms: waiting.map(|entry| entry.pressed_at_ms).min(),
            needs_attention: count(&|entry| matches!(entry.state, State::NeedsAttention { .. })),
            dead: count(&|entry| matches!(entry.state, State::Dead { .. })),
            unseen_done: count(&|entry| matches!(entry.state, State::Done { .. }) && !entry.seen),
            unseen_failed: count(&|entry| entry.has_failed() && !entry.seen),
        }
    }

    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Puts a press behind all others. The same press again changes nothing while it waits.
    pub fn enqueue(&self, press: &Press) -> (Enqueued, Self) {
        let mut line = self.clone();
        match self.entry(&press.id).map(|entry| entry.state) {
            Some(State::Waiting) => return (Enqueued::Waiting, line),
            Some(State::Done { .. } | State::NeedsAttention { .. }) => return (Enqueued::Settled, line),
            Some(State::Dead { .. }) | None => {}
        }
        if self.entries.iter().filter(|entry| entry.is_waiting()).count() >= MOST_WAITING {
            return (Enqueued::Full, line);
        }
        line.entries.retain(|entry| entry.id != press.id);
        line.forget_failed(&press.form_key, &press.revision);
        line.append(Entry {
            id: press.id.clone(),
            form_key: press.form_key.clone(),
            revision: press.revision.clone(),
            order: 0,
            pressed_at_ms: press.pressed_at_ms,
            reason: press.reason.clone(),
            bytes: 0,
            attempts: 0,
            interrupted: 0,
            not_before_ms: 0,
            state: State::Waiting,
            seen: false,
        });
        (Enqueued::Waiting, line)
    }

    /// As [`enqueue`](Self::enqueue), where the press comes with a text of so many bytes.
    pub fn enqueue_text(&self, press: &Press, bytes: u64) -> (Enqueued, Self) {
        let (enqueued, mut line) = self.enqueue(press);
        let waited = self.entry(&press.id).is_some_and(Entry::is_waiting);
        if enqueued != Enqueued::Waiting || waited {
            return (enqueued, line);
        }
        let waiting = line.entries.iter_mut().filter(|entry| entry.is_waiting());
        let mut all = 0;
        for entry in waiting {
            if entry.id == press.id {
                entry.bytes = bytes;
            }
            all += entry.bytes;
        }
        match all > MOST_BYTES_WAITING {
            true => (Enqueued::Full, self.clone()),
            false => (enqueued, line),
        }
    }

    /// Takes over an entry of another store as it is, behind all others. One that is here stays as it is here, unless
    /// it has failed: who pressed again there was told that it waits.
    pub fn adopt(&self, entry: &Entry) -> Self {
        let mut line = self.clone();
        match self.entry(&entry.id) {
            Some(known) if !(known.has_failed() && entry.is_waiting()) => return line,
            Some(_) | None => line.entries.retain(|known| known.id != entry.id),
        }
        line.append(entry.clone());
        line
    }

    fn append(&mut self, entry: Entry) {
        self.head.order += 1;
        let order = self.head.order;
        self.entries.push(Entry { order, ..entry });
    }
}
