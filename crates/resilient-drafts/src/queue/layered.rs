//! Redis in front, the file behind it for as long as Redis is away.
//!
//! What Redis does not take waits in the file and is moved over, in its order, before anything else of
//! its account. Both go by the id, so it does not matter whether Redis has taken it after all. Nothing
//! is leased from the file: another server may be at earlier presses of the same account, in Redis.
//!
//! What Redis cannot be told while it is away (that something was discarded, or saved by the browser)
//! is not kept for it: whoever tries an entry asks the drafts first whether its text was discarded,
//! and an id that was saved is answered as before.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::Revision;
use resilient_core::submission::queue::{Answered, Enqueued, Entry, Numbers, Press, Tried};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::lines::{self, Lines};
use super::{Leased, Listed, RedisQueue, SqliteQueue, SubmissionQueue};
use crate::layered::{Queue as Moves, TOLD_AFTER};
use crate::store::unavailable;
use crate::{StoreError, Swept};

/// A queue in Redis that takes presses without it. Cloning it is cheap.
#[derive(Clone)]
pub struct LayeredQueue {
    redis: RedisQueue,
    file: SqliteQueue,
    /// Accounts whose entries could not be moved are left alone, ever longer. One mover at a time: of two, one would
    /// put an account's later entries before the other one's earlier ones.
    moving: Arc<Mutex<Moves<String>>>,
}

impl LayeredQueue {
    /// Puts Redis in front of `file`. All that is in the latter is moved to Redis.
    pub fn over(redis: RedisQueue, file: SqliteQueue) -> Self {
        Self {
            redis,
            file,
            moving: Arc::default(),
        }
    }

    /// As far as Redis takes it. What it does not take keeps nobody else's from being moved.
    async fn move_all(&self) -> Result<(), StoreError> {
        let waiting = self.file.accounts().await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let due = self.moving.lock().await.due(waiting, Instant::now());
        for account in due {
            if !self.redis.takes_writes() {
                break;
            }
            if let Err(error) = self.move_one(&account).await {
                tracing::debug!(account, ?error, "waiting saves stay in the file for now");
            }
        }
        Ok(())
    }

    async fn move_one(&self, account: &str) -> Result<(), StoreError> {
        let mut moving = self.moving.lock().await;
        if self.file.line(account).await?.entries.is_empty() {
            return Ok(());
        }
        if self.redis.is_nearly_full() || !moving.is_due(&account.to_owned(), Instant::now()) {
            return Err(unavailable(LeftAlone));
        }
        let carried = lines::carry(&self.file, &self.redis, account).await;
        match &carried {
            Ok(()) => moving.moved(&account.to_owned()),
            // It says nothing about this account.
            Err(_) if !self.redis.takes_writes() => {}
            Err(error) if moving.failed(&account.to_owned(), Instant::now()) == TOLD_AFTER => {
                tracing::warn!(
                    account,
                    ?error,
                    "waiting saves cannot be moved to Redis: they are tried ever less often"
                );
            }
            Err(_) => {}
        }
        carried
    }

    /// Behind what waits in the file.
    async fn in_redis(&self, account: &str, press: &Press, text: &[u8]) -> Result<Enqueued, StoreError> {
        self.move_one(account).await?;
        self.redis.enqueue(account, press, text).await
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what waits of this account is not moved to Redis for now")]
struct LeftAlone;

/// `None` where Redis is away.
fn unless_away<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(StoreError::Unavailable(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

#[async_trait]
impl SubmissionQueue for LayeredQueue {
    async fn enqueue(&self, account: &str, press: &Press, text: &[u8]) -> Result<Enqueued, StoreError> {
        if self.redis.takes_writes()
            && let Some(enqueued) = unless_away(self.in_redis(account, press, text).await)?
        {
            return Ok(enqueued);
        }
        self.file.enqueue(account, press, text).await
    }

    fn can_lease(&self) -> bool {
        self.redis.takes_writes()
    }

    async fn lease(&self, now_ms: u64, lease: Duration) -> Result<Option<Leased>, StoreError> {
        if !self.redis.takes_writes() {
            return Ok(None);
        }
        self.move_all().await?;
        self.redis.lease(now_ms, lease).await
    }

    async fn settle(&self, leased: &Leased, tried: Tried, now_ms: u64) -> Result<bool, StoreError> {
        self.redis.settle(leased, tried, now_ms).await
    }

    async fn saved(&self, account: &str, answered: Answered<'_>, now_ms: u64) -> Result<(), StoreError> {
        self.file.saved(account, answered, now_ms).await?;
        unless_away(self.redis.saved(account, answered, now_ms).await)?;
        Ok(())
    }

    async fn cancel(&self, account: &str, form_key: &str, revision: &Revision) -> Result<usize, StoreError> {
        let in_file = self.file.cancel(account, form_key, revision).await?;
        let in_redis = unless_away(self.redis.cancel(account, form_key, revision).await)?;
        Ok(in_file + in_redis.unwrap_or(0))
    }

    async fn list(&self, account: &str) -> Result<Listed, StoreError> {
        let in_redis = unless_away(self.redis.list(account).await)?;
        let complete = in_redis.is_some();
        let mut entries = in_redis.unwrap_or_default().entries;
        for entry in self.file.list(account).await?.entries {
            if !entries.iter().any(|known| known.id == entry.id) {
                entries.push(entry);
            }
        }
        Ok(Listed { entries, complete })
    }

    async fn seen(&self, account: &str, ids: &[String]) -> Result<(), StoreError> {
        self.file.seen(account, ids).await?;
        unless_away(self.redis.seen(account, ids).await)?;
        Ok(())
    }

    /// Nothing ends in the file.
    async fn failed(&self, most: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        self.redis.failed(most).await
    }

    /// While Redis is away, what it has stays there: that is an error.
    async fn forget_account(&self, account: &str) -> Result<(), StoreError> {
        self.file.forget_account(account).await?;
        self.redis.forget_account(account).await
    }

    async fn reseal(&self) -> Result<Swept, StoreError> {
        let in_file = self.file.reseal().await?;
        let in_redis = unless_away(self.redis.reseal().await)?;
        Ok(in_file + in_redis.unwrap_or_default())
    }

    /// While Redis is away, what it has is not known: that is an error.
    async fn sweep(&self, now_ms: u64) -> Result<Numbers, StoreError> {
        self.move_all().await?;
        self.redis.sweep(now_ms).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fault_proxy::{Fault, FaultProxy};
    use private_servers::PrivateRedis;

    use super::*;
    use crate::queue::contract::{LEASE, press};
    use crate::redis::tests::{PATIENT, connected, until_it_answers};
    use crate::{RedisStore, Sealer, SqliteStore};

    struct Behind {
        redis: PrivateRedis,
        proxy: FaultProxy,
        _folder: tempfile::TempDir,
    }

    async fn layered(redis: &RedisStore, folder: &std::path::Path) -> LayeredQueue {
        let file = folder.join("drafts.db");
        let drafts = SqliteStore::open(&file, Sealer::new(&[1; 32], "drafts")).await.unwrap();
        let file = SqliteQueue::beside(&drafts).await.unwrap();
        LayeredQueue::over(RedisQueue::beside(redis), file)
    }

    async fn opened() -> (LayeredQueue, RedisStore, Behind) {
        let redis = PrivateRedis::start().unwrap();
        let proxy = FaultProxy::start(SocketAddr::from(([127, 0, 0, 1], redis.port())))
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = connected(&format!("redis://{}", proxy.address()), 1, PATIENT).await;
        until_it_answers(&store).await;
        let queue = layered(&store, folder.path()).await;
        let behind = Behind {
            redis,
            proxy,
            _folder: folder,
        };
        (queue, store, behind)
    }

    async fn fresh() -> (LayeredQueue, Behind) {
        let (queue, _, behind) = opened().await;
        (queue, behind)
    }

    crate::queue_contract_tests!(super::fresh());

    async fn put(queue: &LayeredQueue, id: &str) {
        let enqueued = queue.enqueue("ann", &press(id, "a/1"), id.as_bytes()).await.unwrap();
        assert_eq!(enqueued, Enqueued::Waiting);
    }

    async fn done(queue: &LayeredQueue) -> Vec<String> {
        let mut done = Vec::new();
        queue.sweep(5).await.unwrap();
        while let Some(leased) = queue.lease(5, LEASE).await.unwrap() {
            assert_eq!(leased.text.as_deref(), Some(leased.entry.id.as_bytes()));
            assert!(queue.settle(&leased, Tried::Saved, 6).await.unwrap());
            done.push(leased.entry.id);
        }
        done
    }

    #[tokio::test]
    async fn what_comes_while_redis_is_away_is_done_after_it_is_back_in_order_and_once() {
        let (queue, store, behind) = opened().await;
        put(&queue, "1").await;
        behind.proxy.set(Fault::Cut).await;
        for id in ["2", "3", "1"] {
            put(&queue, id).await;
        }
        assert!(
            queue.lease(5, LEASE).await.unwrap().is_none(),
            "earlier ones are in Redis"
        );
        assert!(!queue.can_lease());
        let listed = queue.list("ann").await.unwrap();
        assert_eq!((listed.complete, listed.entries.len()), (false, 3));
        behind.proxy.set(Fault::Pass).await;
        until_it_answers(&store).await;
        assert!(queue.can_lease());
        put(&queue, "4").await;
        put(&queue, "2").await;
        assert_eq!(done(&queue).await, ["1", "2", "3", "4"]);
        assert!(queue.file.accounts().await.unwrap().is_empty(), "all of it was moved");
        assert_eq!(
            behind
                .redis
                .command(&["HLEN", &behind.redis.keys("*queue").unwrap()[0]])
                .unwrap()
                .trim(),
            "6"
        );
    }

    /// Killed between Redis taking it and the file forgetting it: it is moved twice, and is there once.
    #[tokio::test]
    async fn what_was_done_meanwhile_is_not_moved_back_into_the_line() {
        let (queue, _, _behind) = opened().await;
        put(&queue, "1").await;
        queue.file.enqueue("ann", &press("1", "a/1"), b"1").await.unwrap();
        assert_eq!(done(&queue).await, ["1"]);
        queue.file.enqueue("ann", &press("1", "a/1"), b"1").await.unwrap();
        assert!(done(&queue).await.is_empty());
        assert_eq!(queue.list("ann").await.unwrap().entries.len(), 1);
    }

    #[tokio::test]
    async fn one_account_that_cannot_be_moved_keeps_nobody_else_from_being_served() {
        let (queue, _, behind) = opened().await;
        put(&queue, "1").await;
        let line = behind.redis.keys("*queue").unwrap().remove(0);
        // What lies there is no line any more.
        behind.redis.command(&["SET", &line, "something else"]).unwrap();
        for (account, id) in [("ann", "2"), ("bob", "3")] {
            queue
                .file
                .enqueue(account, &press(id, "a/1"), id.as_bytes())
                .await
                .unwrap();
        }
        assert_eq!(done(&queue).await, ["3"]);
        assert_eq!(queue.list("ann").await.unwrap().entries.len(), 1, "it waits here");
        behind.redis.command(&["DEL", &line]).unwrap();
        until_moved(&queue).await;
        assert_eq!(done(&queue).await, ["2"]);
    }

    async fn until_moved(queue: &LayeredQueue) {
        while !queue.file.line("ann").await.unwrap().entries.is_empty() {
            queue.move_all().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn into_a_nearly_full_redis_nothing_is_moved() {
        let (queue, store, behind) = opened().await;
        queue.file.enqueue("ann", &press("1", "a/1"), b"1").await.unwrap();
        crate::redis::tests::nearly_fill(&behind.redis);
        while !store.is_nearly_full() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        put(&queue, "2").await;
        assert!(done(&queue).await.is_empty(), "the file keeps them, in their order");
        behind.redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
        while store.is_nearly_full() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(done(&queue).await, ["1", "2"]);
    }

    #[tokio::test]
    async fn what_was_discarded_while_redis_is_away_is_gone_from_the_file() {
        let (queue, store, behind) = opened().await;
        behind.proxy.set(Fault::Cut).await;
        put(&queue, "1").await;
        put(&queue, "2").await;
        assert_eq!(queue.cancel("ann", "a/1", &press("1", "").revision).await.unwrap(), 1);
        behind.proxy.set(Fault::Pass).await;
        until_it_answers(&store).await;
        assert_eq!(done(&queue).await, ["2"]);
    }
}
