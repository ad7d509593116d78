//! Who listens, and to what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilient_core::submission::answer::Outcome;
use tokio::sync::{Notify, mpsc, watch};

use super::message::Message;
use super::places::{Place, Places};
use super::presence::Elsewhere;
use crate::instances::{Others, Present, Told};

/// Streams of one account. A browser needs one; those that lost their way stay for minutes, so a new
/// one takes the place of the oldest.
const MOST_OF_ONE_ACCOUNT: usize = 16;
const MOST_IN_ALL: usize = 1024;
/// Messages that wait for a reader; one that is further behind is dropped.
const MOST_WAITING: usize = 32;

pub struct Hub {
    state: Mutex<State>,
    condition: watch::Sender<Option<Message>>,
    others: Others,
    moved: Arc<Notify>,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    streams: BTreeMap<u64, Stream>,
    /// Who has what open in pages of other servers.
    elsewhere: Elsewhere,
    moved: Arc<Notify>,
}

/// Without its sender the reader's side ends.
struct Stream {
    account: String,
    token: String,
    open: Places,
    sender: mpsc::Sender<Message>,
}

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server is going down.
    Closed,
    TooMany,
}

impl Default for Hub {
    fn default() -> Self {
        Self::with(Others::none())
    }
}

impl Hub {
    /// What pages here are told, these are told, too.
    pub fn with(others: Others) -> Self {
        let state = State::default();
        let moved = Arc::clone(&state.moved);
        Self {
            state: Mutex::new(state),
            condition: watch::Sender::new(None),
            others,
            moved,
        }
    }

    /// A stream for this account, until the subscription is dropped or the hub ends it.
    ///
    /// # Errors
    /// When the server goes down or has as many streams as it can.
    pub fn subscribe(self: &Arc<Self>, account: &str) -> Result<Subscription, Refused> {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        state.make_room(account);
        if state.streams.len() >= MOST_IN_ALL {
            return Err(Refused::TooMany);
        }
        let id = state.next;
        state.next += 1;
        let stream = Stream {
            account: account.to_owned(),
            token: token.clone(),
            open: Places::new(),
            sender,
        };
        state.streams.insert(id, stream);
        drop(state);
        Ok(Subscription {
            hub: Arc::clone(self),
            id,
            token,
            receiver,
            condition: self.condition.subscribe(),
        })
    }

    /// A browser tells what it has open. Whether it has such a stream.
    pub fn opened(&self, account: &str, token: &str, open: Places) -> bool {
        let mut state = self.state();
        let found = state
            .streams
            .values_mut()
            .find(|stream| stream.token == token && stream.account == account);
        let Some(stream) = found else { return false };
        let before = std::mem::replace(&mut stream.open, open.clone());
        let changed: Places = before.symmetric_difference(&open).cloned().collect();
        state.moved_here(&changed);
        true
    }

    /// Tells whoever has the record open; only pages of the same account learn by which submission.
    pub fn record_saved(&self, place: &Place, by: &str, submission: &str) {
        self.saved_elsewhere(place, by, submission);
        self.others.tell(Told::Saved {
            table: place.table.clone(),
            key: place.key.clone(),
            by: by.to_owned(),
            submission: submission.to_owned(),
        });
    }

    /// The same of a save that another server has done, and told.
    pub fn saved_elsewhere(&self, place: &Place, by: &str, submission: &str) {
        let (own, others) = (
            Message::record(place, by, Some(submission)),
            Message::record(place, by, None),
        );
        self.state().tell(|stream| {
            let message = if stream.account == by { &own } else { &others };
            stream.open.contains(place).then(|| message.clone())
        });
    }

    pub fn submission_answered(&self, account: &str, id: &str, outcome: Outcome) {
        self.answered_elsewhere(account, id, outcome);
        self.others.tell(Told::Answered {
            account: account.to_owned(),
            submission: id.to_owned(),
            outcome,
        });
    }

    /// The same of an answer that another server has given, and told.
    pub fn answered_elsewhere(&self, account: &str, id: &str, outcome: Outcome) {
        let message = Message::submission(id, outcome);
        self.state()
            .tell(|stream| (stream.account == account).then(|| message.clone()));
    }

    /// All that is open in pages of another server; nothing where it is gone.
    pub fn present_elsewhere(&self, server: &str, present: Vec<Present>) {
        let mut state = self.state();
        let changed = state.elsewhere.replace(server, present);
        state.tell_presence(&changed);
    }

    /// All that is open in pages of this server, as far as it is told to others.
    pub fn present_here(&self) -> Vec<Present> {
        let state = self.state();
        let open = |stream: &Stream| {
            let account = stream.account.clone();
            let places: Vec<Place> = stream.open.iter().cloned().collect();
            places.into_iter().map(move |place| (place, account.clone()))
        };
        super::presence::snapshot(state.streams.values().flat_map(open))
    }

    /// Rings whenever that changes.
    pub fn moved(&self) -> Arc<Notify> {
        Arc::clone(&self.moved)
    }

    /// What every stream is to know of the server's condition; only the newest counts.
    pub fn tell_condition(&self, message: Message) {
        self.condition.send_replace(Some(message));
    }

    pub fn is_heard(&self) -> bool {
        !self.state().streams.is_empty()
    }

    /// Ends all streams and takes no more.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.streams.clear();
        self.others.tell(Told::Gone);
    }

    fn leave(&self, id: u64) {
        let mut state = self.state();
        if let Some(stream) = state.streams.remove(&id) {
            state.moved_here(&stream.open);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self, account: &str) {
        let own: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.account == account)
            .map(|(id, _)| *id)
            .collect();
        if own.len() >= MOST_OF_ONE_ACCOUNT
            && let Some(oldest) = self.streams.remove(&own[0])
        {
            self.moved_here(&oldest.open);
        }
    }

    /// Tells each stream what it is to hear; a reader who is too far behind is dropped.
    fn tell(&mut self, what: impl Fn(&Stream) -> Option<Message>) {
        let mut left = Places::new();
        self.streams.retain(|_, stream| {
            let heard = what(stream).is_none_or(|message| stream.sender.try_send(message).is_ok());
            if !heard {
                left.append(&mut stream.open);
            }
            heard
        });
        if !left.is_empty() {
            self.moved_here(&left);
        }
    }

    /// Who has these open here has changed.
    fn moved_here(&mut self, places: &Places) {
        if !places.is_empty() {
            self.moved.notify_one();
        }
        self.tell_presence(places);
    }

    fn tell_presence(&mut self, places: &Places) {
        for place in places {
            let here = |stream: &&Stream| stream.open.contains(place);
            let here = self.streams.values().filter(here);
            let who: BTreeSet<&str> = here
                .map(|stream| stream.account.as_str())
                .chain(self.elsewhere.who(place))
                .collect();
            let message = Message::presence(place, &who);
            self.tell(|stream| stream.open.contains(place).then(|| message.clone()));
        }
    }
}

/// One reader's side. Dropping it ends its presence.
pub struct Subscription {
    hub: Arc<Hub>,
    id: u64,
    /// What the browser names itself by.
    pub token: String,
    receiver: mpsc::Receiver<Message>,
    condition: watch::Receiver<Option<Message>>,
}

impl Subscription {
    /// The next message; `None`: the hub has ended this stream. Nothing is lost when this is
    /// cancelled.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            tokio::select! {
                message = self.receiver.recv() => return message,
                changed = self.condition.changed() => {
                    changed.ok()?;
                    if let Some(message) = self.condition.borrow_and_update().clone() {
                        return Some(message);
                    }
                }
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}

#[cfg(test)]
mod tests;
