//! Under which prefix the drafts of one application lie, whichever of its secrets is in use.
//!
//! Applications that cannot open each other's drafts must not meet them, so the prefix tells them apart. One that is
//! derived from the secret would be another one after that is changed. So the first server of an application that
//! comes to a Redis notes there where it keeps its drafts, under a name for each of its secrets; whoever has one of
//! these secrets finds them, and adds a name for each new one.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redis::RedisError;
use redis::aio::ConnectionLike;
use resilient_core::failure::BreakerEffect;

use super::classify::classify;
use super::hash::{Fields, Keys};

const AGREE: &str = include_str!("agree.lua");
/// Before a prefix, a field of the notes: to which one its drafts have gone.
const LEFT: &str = "left:";

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
    /// Each leads to the drafts.
    names: Vec<String>,
}

impl Home {
    /// Noted in the hash at `key` under `names`, of which all lead to the same prefix; to `unless_noted` where none is
    /// there. Drafts under one of the `former` prefixes are moved.
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
    lies: RwLock<Lies>,
}

/// Where drafts lie, as far as is known.
struct Lies {
    prefix: String,
    /// Drafts may lie under these as well.
    former: BTreeSet<String>,
    /// Those of them under which nothing was found.
    empty: BTreeSet<String>,
}

impl Residence {
    pub fn of(home: Home) -> Self {
        let lies = Lies {
            prefix: home.unless_noted.clone(),
            former: former(&Fields::new(), &home.former, &home.unless_noted),
            empty: BTreeSet::new(),
        };
        Self {
            lies: RwLock::new(lies),
            home,
        }
    }

    pub fn keys(&self) -> Keys {
        let prefix = self.read().prefix.clone();
        Keys { prefix }
    }

    /// Where else drafts of this application lie, as it was found last: nobody who follows the notes goes there, so they
    /// can be moved.
    pub fn former(&self) -> Vec<Keys> {
        let former = self.read().former.clone();
        former.into_iter().map(|prefix| Keys { prefix }).collect()
    }

    /// The same without those under which nothing is: whoever reads has to look there as well.
    pub fn elsewhere(&self) -> Vec<Keys> {
        let lies = self.read();
        let left = lies.former.difference(&lies.empty).cloned();
        left.map(|prefix| Keys { prefix }).collect()
    }

    /// All that lies there was looked for, and whether anything was there.
    pub fn looked_at(&self, Keys { prefix }: &Keys, is_empty: bool) {
        let empty = &mut self.write().empty;
        match is_empty {
            true => drop(empty.insert(prefix.clone())),
            false => drop(empty.remove(prefix)),
        }
    }

    /// It is perhaps another server by now, or one that has lost or found again what it had.
    pub fn look_everywhere(&self) {
        self.write().empty.clear();
    }

    /// Looks it up, and notes it for every name: also after Redis has lost its memory, so that servers that come later
    /// find the drafts that have been written since. Where names lead to different prefixes, because servers that did
    /// not know of each other have begun, all of them take the same one, whatever order their secrets are in.
    pub async fn settle(&self, connection: &mut impl ConnectionLike) -> Result<(), RedisError> {
        let Some(note) = &self.home.note else {
            return Ok(());
        };
        let all = note.read_all(connection).await?;
        let noted: Vec<Option<&String>> = note.names.iter().map(|name| all.get(name)).collect();
        let mut distinct: Vec<&String> = noted.iter().copied().flatten().collect();
        distinct.sort();
        distinct.dedup();
        let present = distinct.first().map(|prefix| (*prefix).clone());
        if distinct.len() == 1 && noted.iter().all(Option::is_some) {
            self.move_to(present, &all);
            return Ok(());
        }
        match note.write(&self.keys().prefix, connection).await {
            Ok(agreed) => self.move_to(Some(agreed), &note.read_all(connection).await?),
            // Noted when it takes writes again.
            Err(error) if classify(&error).breaker == BreakerEffect::FailureOfWrites => self.move_to(present, &all),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn move_to(&self, prefix: Option<String>, noted: &Fields) {
        let mut lies = self.write();
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        let prefix = prefix.unwrap_or_else(|| lies.prefix.clone());
        if lies.prefix != prefix {
            tracing::info!(
                from = lies.prefix,
                to = prefix,
                "drafts lie under another prefix in Redis"
            );
        }
        lies.former = former(noted, &self.home.former, &prefix);
        lies.prefix = prefix;
    }

    fn read(&self) -> RwLockReadGuard<'_, Lies> {
        self.lies.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Lies> {
        self.lies.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note {
    async fn read_all(&self, connection: &mut impl ConnectionLike) -> Result<Fields, RedisError> {
        redis::cmd("HGETALL").arg(&self.key).query_async(connection).await
    }

    /// In one step, so that two servers never choose differently. What they have chosen.
    async fn write(&self, unless_noted: &str, connection: &mut impl ConnectionLike) -> Result<String, RedisError> {
        let mut write = redis::cmd("EVAL");
        write
            .arg(AGREE)
            .arg(1)
            .arg(&self.key)
            .arg(unless_noted)
            .arg(&self.names);
        write.query_async(connection).await
    }
}

/// The prefixes that `own` secrets may have had, and those that were left for `present`, but none that a name leads to:
/// whoever has that one keeps its drafts there still.
fn former(noted: &Fields, own: &[String], present: &str) -> BTreeSet<String> {
    let left = noted.iter().filter(|(_, to)| *to == present);
    let left = left.filter_map(|(field, _)| field.strip_prefix(LEFT));
    let all = own.iter().map(String::as_str).chain(left);
    let in_use = |prefix: &&str| {
        let mut names = noted.iter().filter(|(field, _)| !field.starts_with(LEFT));
        *prefix == present || names.any(|(_, to)| to == prefix)
    };
    all.filter(|prefix| !in_use(prefix)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_moved_from_where_no_name_leads_and_from_nowhere_else() {
        let noted = [("s1", "a"), ("s2", "a"), ("s3", "c"), ("left:b", "a"), ("left:d", "c")];
        let noted = noted.map(|(field, to)| (field.to_owned(), to.to_owned())).into();
        let own = ["a", "c", "e"].map(str::to_owned);
        let expected = ["b", "e"].map(str::to_owned).into();
        assert_eq!(former(&noted, &own, "a"), expected);
        assert_eq!(former(&Fields::new(), &own, "a"), ["c", "e"].map(str::to_owned).into());
    }
}
