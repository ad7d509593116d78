//! The stream of accounts that somebody should look at.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, RedisError};

use crate::redis::Keys;
use crate::{RedisStore, StoreError};

const STREAM: &str = "queue-tickets";
const GROUP: &str = "servers";
const ACCOUNT: &str = "account";
/// Who has not said so long what became of a ticket is likely to be dead. If not, the line's lease still holds.
const LEFT_BEHIND: Duration = Duration::from_secs(10);

/// Of one process.
pub struct Tickets {
    redis: RedisStore,
    /// This process, among the readers.
    reader: String,
    /// Ids of the tickets that this process has to see to, by account.
    held: Mutex<BTreeMap<String, Vec<String>>>,
}

type Fields = Vec<(String, String)>;
type Read = Vec<(String, Option<Fields>)>;

impl Tickets {
    pub fn new(redis: &RedisStore) -> Self {
        let random = getrandom::u64().expect("the operating system has random numbers");
        Self {
            redis: redis.clone(),
            reader: format!("{random:016x}"),
            held: Mutex::default(),
        }
    }

    /// Takes the next ticket, or one that another process has left behind.
    pub async fn take(&self) -> Result<Vec<String>, StoreError> {
        let mut next = redis::cmd("XREADGROUP");
        next.arg("GROUP").arg(GROUP).arg(&self.reader).arg("COUNT").arg(1);
        next.arg("STREAMS").arg(self.stream()).arg(">");
        let read: Option<Vec<(String, Read)>> = self.ask_group(&next).await?;
        let next: Read = read.into_iter().flatten().flat_map(|(_, tickets)| tickets).collect();
        if !next.is_empty() {
            return Ok(self.hold(next));
        }
        let mut claim = redis::cmd("XAUTOCLAIM");
        claim.arg(self.stream()).arg(GROUP).arg(&self.reader);
        claim.arg(LEFT_BEHIND.as_millis() as u64).arg("0").arg("COUNT").arg(1);
        // Redis before 7 does not tell, in a third part, which were deleted.
        let claimed: Vec<redis::Value> = self.ask_group(&claim).await?;
        let tickets = claimed.into_iter().nth(1).map(Read::from_redis_value);
        Ok(tickets
            .and_then(Result::ok)
            .map(|tickets| self.hold(tickets))
            .unwrap_or_default())
    }

    pub async fn add(&self, accounts: &[String]) -> Result<(), StoreError> {
        let mut add = redis::pipe();
        for account in accounts {
            add.cmd("XADD")
                .arg(self.stream())
                .arg("*")
                .arg(ACCOUNT)
                .arg(account)
                .ignore();
        }
        let ask = |mut connection| async move { add.exec_async(&mut connection).await };
        self.redis.ask(&self.stream(), ask).await
    }

    /// How many there are, taken or not.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let mut count = redis::cmd("XLEN");
        count.arg(self.stream());
        self.ask(&count).await
    }

    /// All tickets of this account that this process has taken were seen to.
    pub async fn done(&self, account: &str) -> Result<(), StoreError> {
        let Some(ids) = self.lock().remove(account) else {
            return Ok(());
        };
        let mut done = redis::pipe();
        done.cmd("XACK").arg(self.stream()).arg(GROUP).arg(&ids).ignore();
        done.cmd("XDEL").arg(self.stream()).arg(&ids).ignore();
        let ask = |mut connection| async move { done.exec_async(&mut connection).await };
        self.redis.ask(&self.stream(), ask).await
    }

    /// Nobody has to look at anything there any more.
    pub async fn forget(&self, former: Keys) -> Result<(), StoreError> {
        let mut forget = redis::cmd("DEL");
        forget.arg(former.of_everybody(STREAM));
        self.ask(&forget).await.map(|_: u64| ())
    }

    /// Where drafts lie now: that is known only after Redis was reached.
    fn stream(&self) -> String {
        self.redis.keys().of_everybody(STREAM)
    }

    fn hold(&self, tickets: Read) -> Vec<String> {
        let mut held = self.lock();
        let mut accounts = Vec::new();
        for (id, fields) in tickets {
            let account = fields.into_iter().flatten().find(|(name, _)| name == ACCOUNT);
            let account = account.map(|(_, account)| account).unwrap_or_default();
            held.entry(account.clone()).or_default().push(id);
            accounts.push(account);
        }
        accounts
    }

    /// The group is made where it is missing: at the first start, and after Redis has lost its memory.
    async fn ask_group<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut make = redis::cmd("XGROUP");
        make.arg("CREATE")
            .arg(self.stream())
            .arg(GROUP)
            .arg("0")
            .arg("MKSTREAM");
        let (command, make) = (command.clone(), make);
        let ask = |mut connection: crate::redis::connector::Connection| async move {
            match command.query_async(&mut connection).await {
                Err(error) if is(&error, "NOGROUP") => {
                    match make.exec_async(&mut connection).await {
                        Err(error) if !is(&error, "BUSYGROUP") => return Err(error),
                        _ => {}
                    }
                    command.query_async(&mut connection).await
                }
                answered => answered,
            }
        };
        self.redis.ask(&self.stream(), ask).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let ask = |mut connection| async move { command.query_async(&mut connection).await };
        self.redis.ask(&self.stream(), ask).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is(error: &RedisError, code: &str) -> bool {
    error.code() == Some(code)
}
