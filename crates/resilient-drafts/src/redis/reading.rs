//! Reads one form, an account's index, or everything of an account.
//!
//! A list that is more than one small piece goes on a connection of its own: however slow that is,
//! no other call waits behind it, and none is told that Redis is away.

use std::collections::{BTreeMap, BTreeSet};

use redis::RedisError;
use resilient_core::failure::Kind;
use tokio::time::{Instant, timeout_at};

use super::RedisStore;
use super::classify::classify;
use super::connector::Connection;
use super::hash::{self, Fields, Loaded};
use super::index::{self, Indexed, Pieces};
use super::link::Failed;
use super::patience::Patience;
use crate::form::Form;
use crate::store::unavailable;
use crate::{Count, Place, StoreError};

/// Forms of an account.
pub(crate) struct Found {
    pub forms: BTreeMap<String, Form>,
    /// Whether all that was asked for could be read in time.
    pub complete: bool,
}

/// Which forms of an account have drafts.
pub(crate) struct Index {
    pub forms: Vec<Indexed>,
    /// Those of which that is known from elsewhere: they may have ended here.
    pub in_doubt: BTreeSet<String>,
}

impl RedisStore {
    /// Everything known of one form.
    pub(crate) async fn form(&self, account: &str, form_key: &str) -> Result<Form, StoreError> {
        let mut patience = self.inner.link.patience();
        let loaded = self.load_form(account, form_key, &mut patience).await;
        let form = loaded.map_err(unavailable)?.form;
        let elsewhere = self.form_elsewhere(account, form_key, &mut patience).await;
        Ok(form.joined(&elsewhere.map_err(unavailable)?))
    }

    /// All forms of an account that have drafts, and of `also` those of which anything is known. Where
    /// time runs out on the way, the ones that changed last are there.
    pub(crate) async fn forms(&self, account: &str, also: &BTreeSet<String>) -> Result<Found, StoreError> {
        let index = self.index(account).await?;
        self.read_pieces(account, index::pieces(&index.forms, also)).await
    }

    /// Those of `form_keys` of which anything is known.
    pub(crate) async fn forms_named(&self, account: &str, form_keys: &BTreeSet<String>) -> Result<Found, StoreError> {
        self.read_pieces(account, index::pieces(&[], form_keys)).await
    }

    /// Which forms of an account have drafts.
    pub(crate) async fn index(&self, account: &str) -> Result<Index, StoreError> {
        let mut patience = self.inner.link.patience();
        let fields = self.fields(&self.keys().index(account), &mut patience).await;
        let elsewhere = self.index_elsewhere(account, &mut patience).await;
        let (mut fields, elsewhere) = (fields.map_err(unavailable)?, elsewhere.map_err(unavailable)?);
        let in_doubt = elsewhere.keys().cloned().collect();
        for (form_key, value) in elsewhere {
            fields.entry(form_key).or_insert(value);
        }
        Ok(Index {
            forms: index::read(fields),
            in_doubt,
        })
    }

    /// How many forms of an account have drafts. What `also` says is known of some of them elsewhere is asked for each
    /// of these; of the others the index tells.
    pub(crate) async fn count_with(&self, account: &str, too_old_ms: u64, also: &Found) -> Result<Count, StoreError> {
        let index = self.index(account).await?;
        let in_doubt: BTreeSet<String> = index.in_doubt.into_iter().chain(also.names()).collect();
        let stored = match self.forms_named(account, &in_doubt).await {
            Err(StoreError::Unavailable(_)) => Found::nothing(),
            stored => stored?,
        };
        let is_unsaved = |form_key: &&String| {
            let form = stored.form(form_key).joined(&also.form(form_key));
            form.is_unsaved(too_old_ms)
        };
        let settled = index.forms.iter();
        let settled = settled.filter(|form| form.is_unsaved(too_old_ms) && !in_doubt.contains(&form.form_key));
        Ok(Count {
            forms: settled.count() + in_doubt.iter().filter(is_unsaved).count(),
            complete: stored.complete && also.complete,
        })
    }

    pub(super) async fn load_form(
        &self,
        account: &str,
        form_key: &str,
        patience: &mut Patience,
    ) -> Result<Loaded, Failed> {
        let key = self.keys().form(account, form_key);
        let fields = self.fields(&key, patience).await?;
        Ok(hash::read(&fields, &self.inner.sealer, account, form_key))
    }

    pub(super) async fn fields(&self, key: &str, patience: &mut Patience) -> Result<Fields, Failed> {
        let ask = |mut connection| async move { redis::cmd("HGETALL").arg(key).query_async(&mut connection).await };
        self.inner.link.call(key, patience, ask).await
    }

    async fn read_pieces(&self, account: &str, Pieces { pieces, is_short }: Pieces) -> Result<Found, StoreError> {
        let mut found = Found {
            forms: BTreeMap::new(),
            complete: true,
        };
        if is_short {
            for piece in &pieces {
                let key = self.keys().index(account);
                let mut patience = self.inner.link.patience();
                let ask = |connection| self.ask_for(account, piece, connection);
                let read = self.inner.link.call(&key, &mut patience, ask).await;
                self.take(account, read.map_err(unavailable)?, &mut found);
            }
            return Ok(found);
        }
        let until = Instant::now() + self.inner.link.list_limit();
        let beside = match self.inner.link.connection_beside(until).await {
            Ok(beside) => beside,
            Err(error) => {
                tracing::debug!(%error, "there is no connection for a long list");
                found.complete = false;
                return Ok(found);
            }
        };
        for piece in &pieces {
            match timeout_at(until, self.ask_for(account, piece, beside.connection.clone())).await {
                Ok(Ok(read)) => self.take(account, read, &mut found),
                failed => {
                    let error = failed.map(|read| read.err());
                    tracing::debug!(?error, "a long list was not read to its end");
                    found.complete = false;
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What is known of each of these forms, here and elsewhere.
    async fn ask_for(
        &self,
        account: &str,
        form_keys: &[String],
        mut connection: Connection,
    ) -> Result<Vec<(String, Fields)>, RedisError> {
        let places = [vec![self.keys()], self.inner.home.elsewhere()].concat();
        let asked = || {
            places
                .iter()
                .flat_map(|keys| form_keys.iter().map(move |form_key| (keys, form_key)))
        };
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors();
        for (keys, form_key) in asked() {
            pipeline.cmd("HGETALL").arg(keys.form(account, form_key));
        }
        let answers: Vec<Result<Fields, RedisError>> = pipeline.query_async(&mut connection).await?;
        let each = asked().zip(answers).map(|((_, form_key), answer)| match answer {
            // Something else lies at this key: what cannot be read is passed over, so that it hides no other.
            Err(error) if classify(&error).kind == Kind::Defect => {
                tracing::warn!(%error, account, form_key, "a form cannot be read: passed over");
                Ok((form_key.clone(), Fields::new()))
            }
            answer => Ok((form_key.clone(), answer?)),
        });
        each.collect()
    }

    fn take(&self, account: &str, read: Vec<(String, Fields)>, found: &mut Found) {
        for (form_key, fields) in read {
            let form = hash::read(&fields, &self.inner.sealer, account, &form_key).form;
            let known = found.forms.remove(&form_key);
            let form = known.map_or_else(|| form.clone(), |known| known.joined(&form));
            found.forms.insert(form_key, form);
        }
    }
}

impl Found {
    /// Nobody could look.
    pub fn nothing() -> Self {
        Self {
            forms: BTreeMap::new(),
            complete: false,
        }
    }

    /// The keys of all forms.
    pub fn names(&self) -> BTreeSet<String> {
        self.forms.keys().cloned().collect()
    }

    /// What is known of one form.
    pub fn form(&self, form_key: &str) -> Form {
        let form = self.forms.get(form_key).cloned();
        form.unwrap_or_else(|| Form::empty(form_key, Place::Redis))
    }
}
