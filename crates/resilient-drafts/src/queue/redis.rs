//! Lines in Redis: one hash an account, changed by compare-and-set, with its texts beside it in the same slot.
//!
//! Which accounts have something due is told by *tickets* in one stream that all servers read as one
//! consumer group: each ticket goes to one of them, and to another one where that dies over it. A
//! ticket is only a hint. Who may try an entry is decided in the line, by its lease; and a ticket
//! that got lost is written anew by the next sweep.

mod tickets;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Cmd;
use resilient_core::submission::queue::{Entry, Line};

use self::tickets::Tickets;
use super::lines::{self, Decide, Difference, Lines, Text};
use crate::redis::Keys;
use crate::store::unavailable;
use crate::{KEPT_FOR, RedisStore, Sealer, StoreError};

const CHANGE: &str = include_str!("change.lua");
const RESEAL: &str = include_str!("reseal.lua");
const LINE: &str = "queue";
const TEXTS: &str = "queue-texts";
const MARK: &str = "mark";
const HEAD: &str = "head";
const ENTRY: &str = "entry:";
/// Later than a sweep forgets it. If nobody sweeps, Redis forgets it by itself.
const EXPIRES_AFTER: Duration = KEPT_FOR.saturating_add(Duration::from_secs(32 * 24 * 60 * 60));
/// Somebody else changed the line each time: more than this many times in a row is no accident.
const ATTEMPTS: usize = 32;

/// A queue in a Redis server. Cloning it is cheap.
#[derive(Clone)]
pub struct RedisQueue {
    redis: RedisStore,
    tickets: Arc<Tickets>,
    /// Where lines were once and are moved from; else they are where everything is now.
    former: Option<Keys>,
}

#[derive(Debug, thiserror::Error)]
#[error("others changed this line each time before it could be done")]
struct Contended;

impl RedisQueue {
    /// In the same server as `drafts`.
    pub fn beside(drafts: &RedisStore) -> Self {
        Self {
            redis: drafts.clone(),
            tickets: Arc::new(Tickets::new(drafts)),
            former: None,
        }
    }

    /// Whether something would be queued here now. Asking touches nothing.
    pub fn takes_writes(&self) -> bool {
        self.redis.takes_writes()
    }

    /// Whether what can wait elsewhere should do so.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.redis.is_nearly_full()
    }

    fn keys(&self) -> Keys {
        self.former.clone().unwrap_or_else(|| self.redis.keys())
    }

    /// The line, and the mark that changes with every change of it; empty where there is none.
    async fn marked(&self, account: &str) -> Result<(Line, String), StoreError> {
        let key = self.keys().of(account, LINE);
        let mut ask = redis::cmd("HGETALL");
        ask.arg(&key);
        let fields = self
            .redis
            .ask_beside(|mut connection| async move { ask.query_async(&mut connection).await });
        read(fields.await?)
    }

    async fn change(&self, change: &Cmd) -> Result<String, StoreError> {
        let change = |mut connection| async move { change.query_async(&mut connection).await };
        self.redis.ask_beside(change).await
    }

    fn command(
        &self,
        account: &str,
        mark: &str,
        after: &Line,
        difference: &Difference<'_>,
        text: Option<Text<'_>>,
    ) -> Result<Cmd, StoreError> {
        let mut remove: Vec<String> = difference.remove.iter().map(|id| format!("{ENTRY}{id}")).collect();
        let mut set = Vec::new();
        if after.entries.is_empty() && after.head.lease.is_none() {
            remove.push(HEAD.to_owned());
        } else if let Some(head) = difference.head {
            set.push((HEAD.to_owned(), serde_json::to_string(head).map_err(unavailable)?));
        }
        for entry in &difference.put {
            let json = serde_json::to_string(entry).map_err(unavailable)?;
            set.push((format!("{ENTRY}{}", entry.id), json));
        }
        let mut command = redis::cmd("EVAL");
        command.arg(CHANGE).arg(2);
        command
            .arg(self.keys().of(account, LINE))
            .arg(self.keys().of(account, TEXTS));
        command
            .arg(mark)
            .arg(fresh_mark())
            .arg(EXPIRES_AFTER.as_millis() as u64);
        command.arg(remove.len()).arg(difference.ends.len()).arg(set.len());
        command.arg(&remove).arg(&difference.ends);
        for (field, value) in &set {
            command.arg(field).arg(value);
        }
        if let Some(Text { id, sealed }) = text.filter(|text| difference.begins.contains(&text.id)) {
            command.arg(id).arg(sealed);
        }
        Ok(command)
    }
}

#[async_trait]
impl Lines for RedisQueue {
    fn sealer(&self) -> &Sealer {
        self.redis.sealer()
    }

    async fn line(&self, account: &str) -> Result<Line, StoreError> {
        Ok(self.marked(account).await?.0)
    }

    async fn update(&self, account: &str, text: Option<Text<'_>>, decide: &Decide<'_>) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let (before, mark) = self.marked(account).await?;
            let after = decide(&before);
            let difference = Difference::between(&before, &after);
            if difference.is_empty() {
                return Ok(());
            }
            let command = self.command(account, &mark, &after, &difference, text)?;
            if self.change(&command).await? == "done" {
                return Ok(());
            }
        }
        Err(unavailable(Contended))
    }

    async fn text(&self, account: &str, id: &str) -> Result<Option<String>, StoreError> {
        let key = self.keys().of(account, TEXTS);
        let mut ask = redis::cmd("HGET");
        ask.arg(&key).arg(id);
        let text = self
            .redis
            .ask_beside(|mut connection| async move { ask.query_async(&mut connection).await });
        text.await
    }

    async fn reseal_text(&self, account: &str, id: &str, before: &str, after: &str) -> Result<(), StoreError> {
        let key = self.keys().of(account, TEXTS);
        let mut reseal = redis::cmd("EVAL");
        reseal.arg(RESEAL).arg(1).arg(&key).arg(id).arg(before).arg(after);
        let ask = |mut connection| async move { reseal.exec_async(&mut connection).await };
        self.redis.ask_beside(ask).await
    }

    async fn gather(&self) -> Result<(), StoreError> {
        for keys in self.redis.former().await? {
            let from = Self {
                former: Some(keys),
                ..self.clone()
            };
            for account in from.accounts().await? {
                lines::carry(&from, self, &account).await?;
            }
            self.tickets.forget(from.keys()).await?;
        }
        Ok(())
    }

    async fn offered(&self, _now_ms: u64) -> Result<Vec<String>, StoreError> {
        self.tickets.take().await
    }

    async fn offer(&self, account: &str, wait: Duration) -> Result<(), StoreError> {
        if wait.is_zero() {
            return self.tickets.add(&[account.to_owned()]).await;
        }
        // Where this process ends before, a sweep does it.
        let (tickets, account) = (Arc::downgrade(&self.tickets), account.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(tickets) = tickets.upgrade() {
                let _added = tickets.add(&[account]).await;
            }
        });
        Ok(())
    }

    async fn offer_all(&self, accounts: &[String]) -> Result<(), StoreError> {
        match self.tickets.count().await? {
            enough if enough > accounts.len() as u64 => Ok(()),
            _ if accounts.is_empty() => Ok(()),
            _ => self.tickets.add(accounts).await,
        }
    }

    async fn looked(&self, account: &str) -> Result<(), StoreError> {
        self.tickets.done(account).await
    }

    async fn accounts(&self) -> Result<Vec<String>, StoreError> {
        self.redis.accounts_with(&self.keys(), LINE).await
    }
}

fn read(mut fields: HashMap<String, String>) -> Result<(Line, String), StoreError> {
    let mark = fields.remove(MARK).unwrap_or_default();
    let head = fields.remove(HEAD).map(|head| serde_json::from_str(&head));
    let entries = fields.iter().filter(|(field, _)| field.starts_with(ENTRY));
    let mut entries: Vec<Entry> = entries.filter_map(|(_, entry)| lines::read_entry(entry)).collect();
    entries.sort_by_key(|entry| entry.order);
    let head = head.transpose().map_err(unavailable)?.unwrap_or_default();
    Ok((Line { head, entries }, mark))
}

fn fresh_mark() -> String {
    let random = getrandom::u64().expect("the operating system has random numbers");
    format!("{random:016x}")
}

#[cfg(test)]
mod tests;
