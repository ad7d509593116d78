//! COMMITs that arrive and are never answered, many of them: what a case and the benchmark have in common.

use std::collections::HashMap;
use std::ops::{AddAssign, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy};
use futures::future::join_all;
use resilient_db::failure::Outcome;
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit, Policy};

use crate::support::{PrivateServer as _, Served, connected, execute, proxied};

/// What a client takes for the id that it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// One for a change, whatever becomes of its attempts.
    OfTheChange,
    /// The control: another one for each attempt.
    OfTheAttempt,
}

/// What became of the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub changes: u64,
    /// COMMITs that were cut, by the proxies' count.
    pub cuts: u64,
    /// Changes that had to be asked for again, under the same id.
    pub asked_again: u64,
    /// Changes that are there more than once.
    pub duplicates: u64,
    /// Changes that were acknowledged, and are not there.
    pub lost: u64,
    /// Changes that were called undone, and had been done.
    pub wrong_answers: u64,
}

impl AddAssign for Counted {
    fn add_assign(&mut self, more: Self) {
        self.changes += more.changes;
        self.cuts += more.cuts;
        self.asked_again += more.asked_again;
        self.duplicates += more.duplicates;
        self.lost += more.lost;
        self.wrong_answers += more.wrong_answers;
    }
}

/// Each worker has a pool and a way of its own, and makes so many changes, one after the other, each of
/// which has its COMMIT cut.
pub async fn cut_commits<D: Served>(server: &Arc<D::Private>, workers: i32, each: i32, id: Id) -> Counted {
    let plain = connected::<D>(&server.url(D::MAIN), Policy::default()).await;
    for table in ["claim (id int PRIMARY KEY)", "effect (id int)"] {
        execute(&plain, format!("CREATE TABLE {table}")).await.expect("a table");
    }
    let fresh = Arc::new(AtomicI32::new(0));
    let working = (0..workers).map(|worker| {
        let (server, fresh) = (Arc::clone(server), Arc::clone(&fresh));
        tokio::spawn(async move {
            let (proxy, url) = proxied::<D>(&server).await;
            let db = connected::<D>(&url, Policy::default()).await;
            let worker_and_way = Worker::<D> {
                server,
                proxy,
                db,
                id,
                fresh,
            };
            worker_and_way.changes(worker * each..(worker + 1) * each).await
        })
    });
    let mut counted = Counted::default();
    for worker in join_all(working).await {
        counted += worker.expect("no panic");
    }
    let effects = effects::<D>(server);
    let times = |change: &i32| effects.get(change).copied().unwrap_or(0);
    counted.duplicates = count((0..workers * each).filter(|change| times(change) > 1));
    counted.lost = count((0..workers * each).filter(|change| times(change) == 0));
    counted
}

fn count(items: impl Iterator<Item = i32>) -> u64 {
    items.count().try_into().unwrap_or(u64::MAX)
}

fn effects<D: Served>(server: &D::Private) -> HashMap<i32, u64> {
    let rows = server.query(D::MAIN, "SELECT id, count(*) FROM effect GROUP BY id");
    let row = |line: &str| {
        let (id, times) = line.split_once('|')?;
        Some((id.parse().ok()?, times.parse().ok()?))
    };
    let rows = rows.expect("the effects");
    rows.lines().map(|line| row(line).expect("two numbers")).collect()
}

struct Worker<D: Served> {
    server: Arc<D::Private>,
    proxy: FaultProxy,
    db: Db<D>,
    id: Id,
    fresh: Arc<AtomicI32>,
}

impl<D: Served> Worker<D> {
    async fn changes(&self, ids: Range<i32>) -> Counted {
        let mut counted = Counted::default();
        for change in ids {
            self.proxy
                .set(Fault::CutAfterForwarding {
                    pattern: D::COMMIT.to_vec(),
                    times: 1,
                })
                .await;
            let (asked_again, wrong_answer) = self.until_answered(change).await;
            counted.changes += 1;
            counted.asked_again += u64::from(asked_again);
            counted.wrong_answers += u64::from(wrong_answer);
        }
        counted.cuts = self.proxy.counters().matched;
        counted
    }

    /// What an outbox does: the same change under the same id until there is an answer. Whether it had to be
    /// asked for again, and whether it was called undone although it had been done.
    async fn until_answered(&self, change: i32) -> (bool, bool) {
        let (mut in_doubt, mut wrong, mut asked_again, began) = (false, false, false, Instant::now());
        while let Err(error) = self.change(change).await {
            asked_again = true;
            in_doubt |= error.class.outcome == Outcome::Unknown;
            wrong |= !in_doubt && self.is_there(change);
            assert!(began.elapsed() < Duration::from_secs(60), "no end: {error:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        (asked_again, wrong)
    }

    async fn change(&self, change: i32) -> Result<(), DbError> {
        let work = |mut connection: Connection<D>| {
            let id = match self.id {
                Id::OfTheChange => change,
                Id::OfTheAttempt => self.fresh.fetch_add(1, Ordering::SeqCst),
            };
            async move {
                if D::perform(&mut connection, D::claim("claim", id)).await? == 0 {
                    return Ok(End::Rollback(()));
                }
                D::perform(&mut connection, format!("INSERT INTO effect VALUES ({change})")).await?;
                Ok(End::Commit(()))
            }
        };
        self.db.transaction("change", OnUnknownCommit::Repeat, work).await
    }

    /// Seen by a witness that does not pass the proxy.
    fn is_there(&self, change: i32) -> bool {
        effects::<D>(&self.server).contains_key(&change)
    }
}
