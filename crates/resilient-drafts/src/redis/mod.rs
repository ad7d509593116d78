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
mod classify;
mod durability;
mod hash;
mod link;
mod patience;
#[cfg(test)]
pub(crate) mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use tokio::sync::Mutex;

pub use address::{Address, BadAddress};
pub use durability::{Durability, Weakness};
pub use link::Limits;
pub(crate) use link::News;

use self::hash::{Change, Fields, Keys, Loaded};
use self::link::{Failed, Link};
use self::patience::Patience;
use crate::form::Form;
use crate::store::{fitting_json, too_old_at_ms, unavailable};
use crate::{DraftStore, End, Ended, KEPT_FOR, MOST_DRAFTS, Place, Sealer, StoreError, StoredDraft, Written};

/// Somebody else changed the form each time: more than this many times in a row is no accident.
const ATTEMPTS: usize = 16;
/// A form expires later than the sweep removes it, so that what is removed is also counted no more. If
/// nobody sweeps, Redis forgets it by itself.
const EXPIRES_AFTER: Duration = KEPT_FOR.saturating_add(Duration::from_secs(2 * 24 * 60 * 60));
/// Forms read in one round trip.
const FORMS_AT_ONCE: usize = 25;
/// Calls of one process for one form wait for each other here, rather than fail each other there.
const TURNS: usize = 64;

/// A store in a Redis server. Cloning it is cheap.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    link: Arc<Link>,
    keys: Keys,
    sealer: Sealer,
    swap: Script,
    turns: Vec<Mutex<()>>,
}

/// How the script answered.
#[derive(Debug, PartialEq, Eq)]
enum Swap {
    Done,
    Moved,
    Full,
}

/// Whether a draft more is refused where there are enough.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Limited,
    /// What was taken once is never refused later.
    Unlimited,
}

impl RedisStore {
    /// Begins to connect, and waits for that as long as one probe takes; Redis need not be there.
    /// All keys begin with `prefix`.
    ///
    /// # Errors
    /// Where the address asks for what this client cannot do.
    pub async fn connect(address: &Address, prefix: &str, sealer: Sealer, limits: Limits) -> Result<Self, StoreError> {
        let link = Link::start(address, limits).map_err(unavailable)?;
        let mut news = link.news();
        let _probed = news.wait_for(|news| news.probed).await;
        let keys = Keys {
            prefix: prefix.to_owned(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                link,
                keys,
                sealer,
                swap: Script::new(SWAP),
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

    pub(crate) fn news(&self) -> tokio::sync::watch::Receiver<News> {
        self.inner.link.news()
    }

    /// Everything known of one form.
    pub(crate) async fn form(&self, account: &str, form_key: &str) -> Result<Form, StoreError> {
        let mut patience = self.inner.link.patience();
        let loaded = self.load_form(account, form_key, &mut patience).await;
        Ok(loaded.map_err(unavailable)?.form)
    }

    /// All forms of an account that have drafts.
    pub(crate) async fn forms(&self, account: &str) -> Result<Vec<Form>, StoreError> {
        let mut patience = self.inner.link.patience();
        self.load_forms(account, &mut patience).await.map_err(unavailable)
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
        let mut patience = self.inner.link.patience();
        let turn = self.turn(account, form_key).lock();
        let _turn = patience
            .wait_for(turn)
            .await
            .map_err(|_| unavailable(Failed::TimedOut))?;
        for _ in 0..ATTEMPTS {
            let loaded = self.load_form(account, form_key, &mut patience).await;
            let Loaded { form: before, mark } = loaded.map_err(unavailable)?;
            let (told, after) = decide(&before.joined(joining).all_here());
            let difference = before.difference(&after);
            if difference.is_empty() {
                return Ok(told);
            }
            let change = hash::written(&difference, &self.inner.sealer, account, form_key)?;
            let swapped = self.swap(account, form_key, &mark, room, &change, &mut patience).await;
            match swapped.map_err(unavailable)? {
                Swap::Done => return Ok(told),
                Swap::Full => return Err(StoreError::TooMany),
                Swap::Moved => {}
            }
        }
        Err(unavailable(Contended))
    }

    async fn load_form(&self, account: &str, form_key: &str, patience: &mut Patience) -> Result<Loaded, Failed> {
        let key = self.inner.keys.form(account, form_key);
        let fields = self.fields(&key, patience).await?;
        Ok(hash::read(&fields, &self.inner.sealer, account, form_key))
    }

    async fn fields(&self, key: &str, patience: &mut Patience) -> Result<Fields, Failed> {
        let ask = |mut connection| async move { redis::cmd("HGETALL").arg(key).query_async(&mut connection).await };
        self.inner.link.call(patience, ask).await
    }

    async fn load_forms(&self, account: &str, patience: &mut Patience) -> Result<Vec<Form>, Failed> {
        let Inner { link, keys, sealer, .. } = &*self.inner;
        let index = keys.index(account);
        let ask = |mut connection| async move { redis::cmd("HKEYS").arg(index).query_async(&mut connection).await };
        let form_keys: Vec<String> = link.call(patience, ask).await?;
        let mut forms = Vec::new();
        for some in form_keys.chunks(FORMS_AT_ONCE) {
            let mut pipeline = redis::pipe();
            for form_key in some {
                pipeline.cmd("HGETALL").arg(keys.form(account, form_key));
            }
            let ask = |mut connection| async move { pipeline.query_async(&mut connection).await };
            let read: Vec<Fields> = link.call(patience, ask).await?;
            let read = some.iter().zip(&read);
            forms.extend(read.map(|(form_key, fields)| hash::read(fields, sealer, account, form_key).form));
        }
        Ok(forms)
    }

    async fn swap(
        &self,
        account: &str,
        form_key: &str,
        mark: &str,
        room: Room,
        change: &Change,
        patience: &mut Patience,
    ) -> Result<Swap, Failed> {
        let Inner { link, keys, swap, .. } = &*self.inner;
        let most = if room == Room::Limited { MOST_DRAFTS } else { 0 };
        let invoke = |load: bool| {
            let mut command = redis::cmd(if load { "EVAL" } else { "EVALSHA" });
            command.arg(if load { SWAP } else { swap.get_hash() }).arg(2);
            command.arg(keys.form(account, form_key)).arg(keys.index(account));
            command
                .arg(mark)
                .arg(fresh_mark())
                .arg(EXPIRES_AFTER.as_millis() as u64);
            command
                .arg(form_key)
                .arg(most)
                .arg(change.remove.len())
                .arg(&change.remove);
            for (field, value) in &change.set {
                command.arg(field).arg(value);
            }
            command
        };
        let ask = |mut connection| async move {
            match invoke(false).query_async::<String>(&mut connection).await {
                // A restart or SCRIPT FLUSH has emptied the cache: nothing was done.
                Err(error) if error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::NoScript) => {
                    invoke(true).query_async(&mut connection).await
                }
                answered => answered,
            }
        };
        let answer = link.call(patience, ask).await?;
        link.wrote();
        Ok(match answer.as_str() {
            "done" => Swap::Done,
            "full" => Swap::Full,
            _ => Swap::Moved,
        })
    }

    fn turn(&self, account: &str, form_key: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (account, form_key).hash(&mut hasher);
        &self.inner.turns[hasher.finish() as usize % TURNS]
    }

    /// Some of the keys that fit, and where to go on.
    async fn scan(&self, pattern: &str, from: u64) -> Result<(Option<u64>, Vec<String>), StoreError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(from).arg("MATCH").arg(pattern).arg("COUNT").arg(100);
        let ask = |mut connection| async move { scan.query_async(&mut connection).await };
        let mut patience = self.inner.link.patience();
        let found: (u64, Vec<String>) = self.inner.link.call(&mut patience, ask).await.map_err(unavailable)?;
        Ok((Some(found.0).filter(|next| *next != 0), found.1))
    }

    /// Counts no form any more that has expired, or was evicted.
    async fn sweep_index(&self, index: &str) -> Result<(), StoreError> {
        let Inner { link, keys, .. } = &*self.inner;
        let Some(account) = keys.read_index(index) else {
            return Ok(());
        };
        let mut patience = link.patience();
        let ask = |mut connection| async move { redis::cmd("HKEYS").arg(index).query_async(&mut connection).await };
        let form_keys: Vec<String> = link.call(&mut patience, ask).await.map_err(unavailable)?;
        for some in form_keys.chunks(FORMS_AT_ONCE) {
            let mut uncount = redis::cmd("EVAL");
            uncount.arg(UNCOUNT).arg(1 + some.len()).arg(index);
            for form_key in some {
                uncount.arg(keys.form(&account, form_key));
            }
            uncount.arg(some);
            let ask = |mut connection| async move { uncount.exec_async(&mut connection).await };
            let mut patience = link.patience();
            link.call(&mut patience, ask).await.map_err(unavailable)?;
        }
        Ok(())
    }

    async fn sweep_form(&self, key: &str, too_old_ms: u64) -> Result<u64, StoreError> {
        let Some((account, form_key)) = self.inner.keys.read_form(key) else {
            return Ok(0);
        };
        for _ in 0..ATTEMPTS {
            let mut patience = self.inner.link.patience();
            let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
            let (old, drafts) = hash::too_old(&fields, too_old_ms);
            if old.is_empty() {
                return Ok(0);
            }
            let mark = hash::read(&fields, &self.inner.sealer, &account, &form_key).mark;
            let change = Change {
                remove: old,
                ..Change::default()
            };
            let swapped = self.swap(&account, &form_key, &mark, Room::Unlimited, &change, &mut patience);
            if swapped.await.map_err(unavailable)? == Swap::Done {
                return Ok(drafts);
            }
        }
        Err(unavailable(Contended))
    }
}

#[async_trait]
impl DraftStore for RedisStore {
    async fn list(&self, account: &str) -> Result<Vec<StoredDraft>, StoreError> {
        Ok(latest_first(&self.forms(account).await?))
    }

    async fn load(&self, account: &str, form_key: &str) -> Result<Vec<StoredDraft>, StoreError> {
        Ok(self.form(account, form_key).await?.drafts())
    }

    async fn write(
        &self,
        account: &str,
        form_key: &str,
        draft: &Draft,
        mode: &Mode,
        now_ms: u64,
    ) -> Result<Written, StoreError> {
        fitting_json(draft)?;
        let (store, account, form_key) = (self.clone(), account.to_owned(), form_key.to_owned());
        let (draft, mode) = (draft.clone(), mode.clone());
        tokio::spawn(async move {
            let decide = |form: &Form| form.receive(&draft, &mode, now_ms);
            let nothing = Form::empty(&form_key, Place::Redis);
            store.update(&account, &form_key, &nothing, Room::Limited, decide).await
        })
        .await
        .map_err(unavailable)?
    }

    async fn end(
        &self,
        account: &str,
        form_key: &str,
        revision: &Revision,
        end: End,
        now_ms: u64,
    ) -> Result<Ended, StoreError> {
        let (store, account, form_key) = (self.clone(), account.to_owned(), form_key.to_owned());
        let revision = revision.clone();
        tokio::spawn(async move {
            let decide = |form: &Form| form.end(&revision, end, now_ms);
            let nothing = Form::empty(&form_key, Place::Redis);
            store
                .update(&account, &form_key, &nothing, Room::Unlimited, decide)
                .await
        })
        .await
        .map_err(unavailable)?
    }

    async fn sweep(&self, now_ms: u64) -> Result<u64, StoreError> {
        let too_old_ms = too_old_at_ms(now_ms);
        let (mut removed, mut cursor) = (0, Some(0));
        while let Some(from) = cursor {
            let (next, found) = self.scan(&self.inner.keys.all_forms(), from).await?;
            for key in found {
                removed += self.sweep_form(&key, too_old_ms).await?;
            }
            cursor = next;
        }
        cursor = Some(0);
        while let Some(from) = cursor {
            let (next, found) = self.scan(&self.inner.keys.all_indexes(), from).await?;
            for key in found {
                self.sweep_index(&key).await?;
            }
            cursor = next;
        }
        Ok(removed)
    }

    async fn check(&self) -> Result<Place, StoreError> {
        if self.takes_writes() {
            Ok(Place::Redis)
        } else {
            Err(unavailable(Failed::Away))
        }
    }
}

const SWAP: &str = include_str!("swap.lua");
const UNCOUNT: &str = include_str!("uncount.lua");

#[derive(Debug, thiserror::Error)]
#[error("others changed this form each time before it could be done")]
struct Contended;

/// The drafts of several forms.
pub(crate) fn latest_first(forms: &[Form]) -> Vec<StoredDraft> {
    let mut drafts: Vec<StoredDraft> = forms.iter().flat_map(Form::drafts).collect();
    drafts.sort_by_key(|stored| std::cmp::Reverse(stored.changed_at_ms));
    drafts
}

fn fresh_mark() -> String {
    let random = getrandom::u64().expect("the operating system has random numbers");
    format!("{random:016x}")
}
