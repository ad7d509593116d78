//! Who listens, and to what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilient_core::submission::answer::Outcome;
use tokio::sync::{mpsc, watch};

use super::message::Message;
use super::places::{Place, Places};

/// Streams of one account. A browser needs one; those that lost their way stay for minutes, so a new
/// one takes the place of the oldest.
const MOST_OF_ONE_ACCOUNT: usize = 16;
const MOST_IN_ALL: usize = 1024;
/// Messages that wait for a reader; one that is further behind is dropped.
const MOST_WAITING: usize = 32;

pub struct Hub {
    state: Mutex<State>,
    condition: watch::Sender<Option<Message>>,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    streams: BTreeMap<u64, Stream>,
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
        Self {
            state: Mutex::default(),
            condition: watch::Sender::new(None),
        }
    }
}

impl Hub {
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
        state.tell_presence(&changed);
        true
    }

    /// Tells whoever has the record open; only pages of the same account learn by which submission.
    pub fn record_saved(&self, place: &Place, by: &str, submission: &str) {
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
        let message = Message::submission(id, outcome);
        self.state()
            .tell(|stream| (stream.account == account).then(|| message.clone()));
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
    }

    fn leave(&self, id: u64) {
        let mut state = self.state();
        if let Some(stream) = state.streams.remove(&id) {
            state.tell_presence(&stream.open);
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
            self.tell_presence(&oldest.open);
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
            self.tell_presence(&left);
        }
    }

    fn tell_presence(&mut self, places: &Places) {
        for place in places {
            let here = |stream: &&Stream| stream.open.contains(place);
            let who: BTreeSet<&str> = self
                .streams
                .values()
                .filter(here)
                .map(|stream| stream.account.as_str())
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
mod tests {
    use super::*;

    fn open(hub: &Hub, stream: &Subscription, account: &str, form_keys: &[&str]) -> bool {
        hub.opened(account, &stream.token, Place::read_all(form_keys.iter().copied()))
    }

    async fn heard(stream: &mut Subscription) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(message) = stream.receiver.try_recv() {
            heard.push(String::from_utf8_lossy(&message.into_bytes()).into_owned());
        }
        heard
    }

    #[tokio::test]
    async fn only_those_who_have_the_record_open_hear_of_it() {
        let hub = Arc::new(Hub::default());
        let mut anna = hub.subscribe("anna").expect("room");
        let mut mira = hub.subscribe("mira").expect("room");
        assert!(open(&hub, &anna, "anna", &["t/1"]) && open(&hub, &mira, "mira", &["t/2"]));
        assert!(!open(&hub, &mira, "anna", &["t/1"]), "a stream of somebody else");
        heard(&mut anna).await;
        heard(&mut mira).await;
        hub.record_saved(&Place::read("t/1").expect("a place"), "mira", "s1");
        assert_eq!(
            heard(&mut anna).await,
            ["event: record\ndata: {\"by\":\"mira\",\"key\":\"1\",\"table\":\"t\"}\n\n"]
        );
        assert!(heard(&mut mira).await.is_empty());
        hub.record_saved(&Place::read("t/1").expect("a place"), "anna", "s2");
        assert!(
            heard(&mut anna).await[0].contains("\"id\":\"s2\""),
            "her own pages know which"
        );
    }

    #[tokio::test]
    async fn presence_comes_and_goes_with_the_stream() {
        let hub = Arc::new(Hub::default());
        let mut anna = hub.subscribe("anna").expect("room");
        let mira = hub.subscribe("mira").expect("room");
        open(&hub, &anna, "anna", &["t/1"]);
        open(&hub, &mira, "mira", &["t/1"]);
        let told = heard(&mut anna).await;
        assert!(
            told.last().expect("news").contains("\"who\":[\"anna\",\"mira\"]"),
            "{told:?}"
        );
        drop(mira);
        let told = heard(&mut anna).await;
        assert!(told.last().expect("news").contains("\"who\":[\"anna\"]"), "{told:?}");
    }

    #[tokio::test]
    async fn one_who_does_not_read_is_dropped_and_harms_nobody() {
        let hub = Arc::new(Hub::default());
        let mut deaf = hub.subscribe("anna").expect("room");
        let mut reader = hub.subscribe("anna").expect("room");
        for n in 0..MOST_WAITING + 10 {
            hub.submission_answered("anna", &format!("s{n}"), Outcome::Saved);
            assert_eq!(heard(&mut reader).await.len(), 1);
        }
        assert_eq!(heard(&mut deaf).await.len(), MOST_WAITING);
        assert_eq!(deaf.next().await, None);
    }

    #[tokio::test]
    async fn a_new_stream_takes_the_place_of_the_accounts_oldest() {
        let hub = Arc::new(Hub::default());
        let mut streams: Vec<Subscription> = (0..MOST_OF_ONE_ACCOUNT)
            .map(|_| hub.subscribe("anna").expect("room"))
            .collect();
        let mut other = hub.subscribe("mira").expect("room");
        streams.push(hub.subscribe("anna").expect("room"));
        assert_eq!(streams[0].next().await, None);
        hub.submission_answered("anna", "s", Outcome::Saved);
        assert!(streams[1].next().await.is_some());
        assert!(heard(&mut other).await.is_empty());
    }

    #[tokio::test]
    async fn there_are_only_so_many_streams_and_none_once_it_is_closed() {
        let hub = Arc::new(Hub::default());
        let mut streams: Vec<Subscription> = (0..MOST_IN_ALL)
            .map(|n| hub.subscribe(&format!("account {n}")).expect("room"))
            .collect();
        assert_eq!(hub.subscribe("late").err(), Some(Refused::TooMany));
        streams.pop();
        assert!(hub.subscribe("late").is_ok());
        hub.close();
        assert_eq!(streams[0].next().await, None);
        assert_eq!(hub.subscribe("later").err(), Some(Refused::Closed));
    }
}
