//! Drafts in Redis: one hash a form, sealed, changed by compare-and-set.
//!
//! What becomes of a draft is decided here, in Rust, by the rules that all stores share; a Lua
//! script only refuses a change to a form that somebody else has changed since it was read. A
//! form's mark is random, not counted: after `FLUSHALL` no old mark fits again.
//!
//! Nobody waits for a Redis that is known to be away, and nobody waits longer than
//! [`Limits::call`] for one that has just gone. By itself this store then answers
//! [`StoreError::Unavailable`]; [`LayeredStore`](crate::LayeredStore) keeps the draft elsewhere.

mod address;
mod channel;
mod classify;
pub(crate) mod connector;
mod durability;
mod former;
mod hash;
mod home;
mod index;
mod link;
mod patience;
mod pressure;
mod reading;
mod rehearsal;
mod swap;
mod sweep;
mod telling;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "sentinel")]
mod watched;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use ::redis::{RedisError, cmd};
use async_trait::async_trait;
use connector::Connection;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use tokio::sync::Mutex;

pub use address::{Address, BadAddress};
pub use channel::{Channel, Heard};
pub use durability::{Durability, Weakness};
pub use home::Home;
pub use link::Limits;
pub(crate) use link::News;

pub(crate) use self::hash::Keys;
use self::hash::{Change, Loaded};
use self::home::Residence;
use self::link::{Failed, Link};
use self::patience::Patience;
pub(crate) use self::reading::Found;
use self::rehearsal::Rehearsal;
use self::swap::{Swap, Swapped, Swapper};
use crate::form::{Form, latest_first};
use crate::step::{Ending, Room, Writing, to_its_end};
use crate::store::{too_old_at_ms, unavailable};
use crate::{Count, DraftStore, End, Ended, KEPT_FOR, Place, Sealer, Seen, StoreError, Swept, Written};

/// Somebody else changed the form each time: more than this many times in a row is no accident.
const ATTEMPTS: usize = 16;
/// A form expires later than the sweep removes it, so that what is removed is also counted no more. If
/// nobody sweeps, Redis forgets it by itself.
const EXPIRES_AFTER: Duration = KEPT_FOR.saturating_add(Duration::from_secs(2 * 24 * 60 * 60));
/// Calls of one process for one form wait for each other here, rather than fail each other there.
const TURNS: usize = 64;

/// A store in a Redis server. Cloning it is cheap.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    link: Arc<Link>,
    home: Arc<Residence>,
    sealer: Sealer,
    swapper: Swapper,
    turns: Vec<Mutex<()>>,
}

impl RedisStore {
    /// Begins to connect, and waits for that as long as one probe takes; Redis need not be there.
    /// All keys begin with what `home` says.
    ///
    /// # Errors
    /// Where the address asks for what this client cannot do.
    pub async fn connect(
        address: &Address,
        home: impl Into<Home>,
        sealer: Sealer,
        limits: Limits,
    ) -> Result<Self, StoreError> {
        let home = Arc::new(Residence::of(home.into()));
        let link = Link::start(address, limits, Rehearsal::new(Arc::clone(&home))).map_err(unavailable)?;
        let mut news = link.news();
        let _probed = news.wait_for(|news| news.probed).await;
        Ok(Self {
            inner: Arc::new(Inner {
                link,
                home,
                sealer,
                swapper: Swapper::new(),
                turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            }),
        })
    }

    /// Whether a write would be tried now, and is likely to be taken. Asking touches nothing.
    pub fn takes_writes(&self) -> bool {
        self.inner.link.takes_writes()
    }

    /// Whether it would be asked at all.
    pub(crate) fn answers(&self) -> bool {
        self.inner.link.answers()
    }

    /// How long the present connection has been in use; `None` without one.
    pub(crate) fn there_for(&self) -> Option<Duration> {
        self.inner.link.there_for()
    }

    /// Where there is hardly any room left, it is for text that nobody would save again by typing on.
    pub(crate) fn has_room_for(&self, mode: &Mode) -> Result<(), StoreError> {
        match self.is_nearly_full() && Room::of(mode) == Room::Limited {
            true => Err(StoreError::NearlyFull),
            false => Ok(()),
        }
    }

    /// Whether it answers, and has hardly any memory left.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.inner.link.is_nearly_full()
    }

    pub(crate) fn news(&self) -> tokio::sync::watch::Receiver<News> {
        self.inner.link.news()
    }

    /// By what this memory of Redis is known again: noted there by whoever asks first. A Redis that has lost what it had
    /// has another one.
    pub(crate) async fn memory(&self) -> Result<String, StoreError> {
        let key = self.keys().memory();
        let get = async |mut connection: Connection| {
            let memory: Option<String> = cmd("GET").arg(&key).query_async(&mut connection).await?;
            Ok(memory)
        };
        if let Some(memory) = self.ask(&key, get).await? {
            return Ok(memory);
        }
        // Of several that note one, the first one's stays.
        let fresh = fresh_mark();
        let note = async |mut connection: Connection| {
            cmd("SET")
                .arg(&key)
                .arg(&fresh)
                .arg("NX")
                .exec_async(&mut connection)
                .await?;
            cmd("GET").arg(&key).query_async(&mut connection).await
        };
        self.ask(&key, note).await
    }

    /// One round trip about what lies at `key`, for what is kept beside drafts.
    pub(crate) async fn ask<T, F>(&self, key: &str, ask: impl FnOnce(Connection) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let mut patience = self.inner.link.patience();
        self.inner.link.call(key, &mut patience, ask).await.map_err(unavailable)
    }

    /// The same for what may be large, as long lines and texts are: that it is slow says nothing about drafts' way.
    pub(crate) async fn ask_beside<T, F>(&self, ask: impl FnOnce(Connection) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let mut patience = self.inner.link.patience();
        let answer = self.inner.link.call_beside(&mut patience, ask).await;
        answer.map_err(unavailable)
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }

    /// Decides about a form and makes it so, in one step: `decide` is asked again where somebody else
    /// was quicker. `joining` is what another store knows of the form; it is in Redis afterwards.
    pub(crate) async fn update<T>(
        &self,
        account: &str,
        form_key: &str,
        joining: &Form,
        room: Room,
        decide: impl Fn(&Form) -> (T, Form),
    ) -> Result<T, StoreError> {
        let updated = self.update_marked(account, form_key, joining, room, decide);
        updated.await.map(|(told, _)| told)
    }

    /// With the form's mark afterwards.
    async fn update_marked<T>(
        &self,
        account: &str,
        form_key: &str,
        joining: &Form,
        room: Room,
        decide: impl Fn(&Form) -> (T, Form),
    ) -> Result<(T, String), StoreError> {
        let mut patience = self.inner.link.patience();
        let turn = self.turn(account, form_key).lock();
        let _turn = patience
            .wait_for(turn)
            .await
            .map_err(|_| unavailable(Failed::TimedOut))?;
        for _ in 0..ATTEMPTS {
            let loaded = self.load_form(account, form_key, &mut patience).await;
            let Loaded { form: before, mark } = loaded.map_err(unavailable)?;
            let elsewhere = self.form_elsewhere(account, form_key, &mut patience).await;
            let known = before.joined(joining).joined(&elsewhere.map_err(unavailable)?);
            let (told, after) = decide(&known.all_here());
            let difference = before.difference(&after);
            if difference.is_empty() {
                return Ok((told, mark));
            }
            let change = hash::written(&difference, &after, &self.inner.sealer, account, form_key)?;
            let fresh = fresh_mark();
            let marks = [mark.as_str(), &fresh];
            let swapped = self.swap(account, form_key, marks, room, &change, &mut patience).await;
            match swapped.map_err(unavailable)? {
                Swapped::Done => return Ok((told, fresh)),
                Swapped::Full => return Err(StoreError::TooMany),
                Swapped::Heavy => return Err(StoreError::TooMuch),
                Swapped::Moved => {}
            }
        }
        Err(unavailable(Contended))
    }

    /// `marks`: the one that was read, and the one from now on.
    async fn swap(
        &self,
        account: &str,
        form_key: &str,
        [mark, fresh_mark]: [&str; 2],
        room: Room,
        change: &Change,
        patience: &mut Patience,
    ) -> Result<Swapped, Failed> {
        let Inner { link, swapper, .. } = &*self.inner;
        let keys = self.keys();
        let (form, index) = (keys.form(account, form_key), keys.index(account));
        let swap = Swap {
            keys: [&form, &index],
            form_key,
            mark,
            fresh_mark,
            room,
            change,
        };
        let ask = |mut connection| {
            let swap = &swap;
            async move { swapper.run(&mut connection, swap).await }
        };
        let swapped = link.call(&form, patience, ask).await?;
        if swapped == Swapped::Done {
            link.wrote();
        }
        Ok(swapped)
    }

    pub(crate) fn keys(&self) -> Keys {
        self.inner.home.keys()
    }

    fn turn(&self, account: &str, form_key: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (account, form_key).hash(&mut hasher);
        &self.inner.turns[hasher.finish() as usize % TURNS]
    }
}

#[async_trait]
impl DraftStore for RedisStore {
    async fn list(&self, account: &str) -> Result<Seen, StoreError> {
        let found = self.forms(account, &BTreeSet::new()).await?;
        let forms = found.forms.into_values().map(Form::settled);
        Ok(latest_first(forms.collect(), found.complete))
    }

    async fn count(&self, account: &str, now_ms: u64) -> Result<Count, StoreError> {
        let nothing_more = Found {
            complete: true,
            ..Found::nothing()
        };
        self.count_with(account, too_old_at_ms(now_ms), &nothing_more).await
    }

    async fn load(&self, account: &str, form_key: &str) -> Result<Seen, StoreError> {
        Ok(self.form(account, form_key).await?.settled().seen(true))
    }

    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError> {
        self.has_room_for(mode)?;
        let writing = Writing::new(account, form_key, draft, mode, now_ms)?;
        let store = self.clone();
        to_its_end(async move {
            let Writing { account, form_key, .. } = &writing;
            let nothing = Form::empty(form_key, Place::Redis);
            let decide = |form: &Form| writing.decide(form);
            store.update(account, form_key, &nothing, writing.room, decide).await
        })
        .await
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let ending = Ending::new(account, form_key, revision, end, now_ms);
        let store = self.clone();
        to_its_end(async move {
            let Ending { account, form_key, .. } = &ending;
            let nothing = Form::empty(form_key, Place::Redis);
            let decide = |form: &Form| ending.decide(form);
            store.update(account, form_key, &nothing, Room::Unlimited, decide).await
        })
        .await
    }

    async fn how_ended(&self, account: &str, form_key: &str, revision: &Revision) -> Result<Option<End>, StoreError> {
        Ok(self.form(account, form_key).await?.ended(revision))
    }

    async fn sweep(&self, now_ms: u64) -> Result<Swept, StoreError> {
        self.sweep_all(too_old_at_ms(now_ms)).await
    }

    async fn check(&self) -> Result<Place, StoreError> {
        if self.takes_writes() {
            Ok(Place::Redis)
        } else {
            Err(unavailable(Failed::Away))
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("others changed this form each time before it could be done")]
struct Contended;

fn fresh_mark() -> String {
    let random = getrandom::u64().expect("the operating system has random numbers");
    format!("{random:016x}")
}
