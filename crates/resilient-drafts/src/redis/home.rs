//! Under which prefix the drafts of one application lie, whichever of its secrets is in use.
//!
//! Applications that cannot open each other's drafts must not meet them, so the prefix tells them apart. One that is
//! derived from the secret would be another one after that is changed. So the first server of an application that
//! comes to a Redis notes there where it keeps its drafts, under a name for each of its secrets; whoever has one of
//! these secrets finds them, and adds a name for each new one.

use std::sync::{PoisonError, RwLock};

use redis::RedisError;
use redis::aio::ConnectionLike;
use resilient_core::failure::BreakerEffect;

use super::classify::classify;
use super::hash::Keys;

/// What all keys of an application's drafts begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Where nothing is noted.
    unless_noted: String,
    note: Option<Note>,
    /// Drafts may lie under these as well; they are moved from there.
    former: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    /// A hash: name -> prefix.
    key: String,
    /// Each leads to the drafts; the first that does counts.
    names: Vec<String>,
}

impl Home {
    /// Noted in the hash at `key` under `names`, of which the first one that is there counts; `unless_noted` where
    /// none is. Drafts under one of the `former` prefixes are moved.
    pub fn noted(key: &str, names: Vec<String>, unless_noted: String, former: Vec<String>) -> Self {
        Self {
            unless_noted,
            note: Some(Note {
                key: key.to_owned(),
                names,
            }),
            former,
        }
    }
}

impl From<&str> for Home {
    /// Always this prefix.
    fn from(prefix: &str) -> Self {
        Self {
            unless_noted: prefix.to_owned(),
            note: None,
            former: Vec::new(),
        }
    }
}

/// The home as it was found last.
pub struct Residence {
    home: Home,
    prefix: RwLock<String>,
}

impl Residence {
    pub fn of(home: Home) -> Self {
        Self {
            prefix: RwLock::new(home.unless_noted.clone()),
            home,
        }
    }

    pub fn keys(&self) -> Keys {
        Keys {
            prefix: self.prefix.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Where else drafts of this application may lie.
    pub fn former(&self) -> Vec<Keys> {
        let present = self.keys().prefix;
        let former = self.home.former.iter().filter(|prefix| **prefix != present);
        former.cloned().map(|prefix| Keys { prefix }).collect()
    }

    /// Looks it up, and notes it for every name that is not noted yet: also after Redis has lost its memory, so that
    /// servers that come later find the drafts that have been written since.
    pub async fn settle(&self, connection: &mut impl ConnectionLike) -> Result<(), RedisError> {
        let Some(note) = &self.home.note else {
            return Ok(());
        };
        let noted = note.read(connection).await?;
        let present = noted.iter().flatten().next().cloned();
        if noted.iter().all(Option::is_some) {
            self.move_to(present);
            return Ok(());
        }
        // What this server has used so far it goes on using, unless others have noted another one.
        let present = present.unwrap_or_else(|| self.keys().prefix);
        match note.write(&noted, &present, connection).await {
            // Somebody may have been quicker.
            Ok(()) => self.move_to(note.read(connection).await?.into_iter().flatten().next()),
            // Noted when it takes writes again.
            Err(error) if classify(&error).breaker == BreakerEffect::FailureOfWrites => self.move_to(Some(present)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn move_to(&self, prefix: Option<String>) {
        let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
            return;
        };
        let mut present = self.prefix.write().unwrap_or_else(PoisonError::into_inner);
        if *present != prefix {
            tracing::info!(from = *present, to = prefix, "drafts lie under another prefix in Redis");
            *present = prefix;
        }
    }
}

impl Note {
    async fn read(&self, connection: &mut impl ConnectionLike) -> Result<Vec<Option<String>>, RedisError> {
        let mut read = redis::cmd("HMGET");
        read.arg(&self.key).arg(&self.names).query_async(connection).await
    }

    async fn write(
        &self,
        noted: &[Option<String>],
        prefix: &str,
        connection: &mut impl ConnectionLike,
    ) -> Result<(), RedisError> {
        for (name, _) in self.names.iter().zip(noted).filter(|(_, noted)| noted.is_none()) {
            let mut write = redis::cmd("HSETNX");
            write
                .arg(&self.key)
                .arg(name)
                .arg(prefix)
                .exec_async(connection)
                .await?;
        }
        Ok(())
    }
}
