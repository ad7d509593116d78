//! Fifty requests a second, half of them changes, as they would come from people: nobody waits for the
//! one before. Each answer is kept, to be held against what the database has in the end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resilient_db::failure::Outcome;
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit};
use tokio::task::JoinSet;

use crate::statements::Loaded;

const BETWEEN_REQUESTS: Duration = Duration::from_millis(20);

/// One request and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The id of a change; `None` for a read.
    pub change: Option<i32>,
    pub began: Instant,
    pub took: Duration,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Right,
    /// A change that was acknowledged was not there.
    Wrong,
    Failed(Outcome),
}

pub struct Load<D: Loaded> {
    pub db: Db<D>,
    requests: Mutex<Vec<Request>>,
    next_id: AtomicI32,
    last_done: AtomicI32,
    /// How often a piece of work was begun.
    pub queries: AtomicU64,
    over: AtomicBool,
}

impl<D: Loaded> Load<D> {
    pub fn on(db: Db<D>) -> Arc<Self> {
        Arc::new(Self {
            db,
            requests: Mutex::default(),
            next_id: AtomicI32::new(1),
            last_done: AtomicI32::new(0),
            queries: AtomicU64::new(0),
            over: AtomicBool::new(false),
        })
    }

    /// Until [`end`](Self::end) is called; returns when the last one is answered.
    pub async fn run(self: Arc<Self>, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut beat = tokio::time::interval(BETWEEN_REQUESTS);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        while !self.over.load(Ordering::SeqCst) {
            beat.tick().await;
            let (load, changes) = (Arc::clone(&self), random.bool());
            under_way.spawn(async move {
                match changes {
                    true => load.change().await.map(drop),
                    false => load.read().await.map(drop),
                }
            });
            while under_way.try_join_next().is_some() {}
        }
        while under_way.join_next().await.is_some() {}
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.kept().clone()
    }

    /// When the first change ended well that was answered after `since`.
    pub fn first_change_after(&self, since: Instant) -> Option<Instant> {
        let done = |request: &&Request| request.change.is_some() && request.answer == Answer::Right;
        let ends = |request: &Request| request.began + request.took;
        self.kept()
            .iter()
            .filter(done)
            .map(ends)
            .filter(|end| *end >= since)
            .min()
    }

    /// A change that claims its id first, so that it can be repeated when its COMMIT is in doubt.
    pub async fn change(&self) -> Result<(), DbError> {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        let answered = self
            .db
            .transaction("change", OnUnknownCommit::Repeat, |connection| {
                self.queries.fetch_add(1, Ordering::SeqCst);
                claim_and_change(connection, id)
            })
            .await;
        let answer = match &answered {
            Ok(()) => Answer::Right,
            Err(error) => Answer::Failed(error.class.outcome),
        };
        if answered.is_ok() {
            self.last_done.store(id, Ordering::SeqCst);
        }
        self.keep(Some(id), began, answer);
        answered
    }

    /// Looks whether the last change that was acknowledged is there.
    async fn read(&self) -> Result<i64, DbError> {
        let (id, began) = (self.last_done.load(Ordering::SeqCst), Instant::now());
        let found = self.db.read("read", |mut connection| async move {
            self.queries.fetch_add(1, Ordering::SeqCst);
            D::number(&mut connection, format!("SELECT count(*) FROM claim WHERE id = {id}")).await
        });
        let found = found.await;
        let answer = match &found {
            Ok(found) if *found == i64::from(id > 0) => Answer::Right,
            Ok(_) => Answer::Wrong,
            Err(error) => Answer::Failed(error.class.outcome),
        };
        self.keep(None, began, answer);
        found
    }

    fn keep(&self, change: Option<i32>, began: Instant, answer: Answer) {
        let took = began.elapsed();
        self.kept().push(Request {
            change,
            began,
            took,
            answer,
        });
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn claim_and_change<D: Loaded>(mut connection: Connection<D>, id: i32) -> Result<End<()>, sqlx::Error> {
    if D::perform(&mut connection, D::claim_id(id)).await? == 0 {
        return Ok(End::Rollback(()));
    }
    D::perform(&mut connection, D::effect(id)).await?;
    Ok(End::Commit(()))
}

/// What is wrong, if anything: one line for each answer that does not fit what the database has.
pub fn lies(requests: &[Request], effects: &HashMap<i32, u32>) -> Vec<String> {
    let lie = |request: &Request| {
        let Some(id) = request.change else {
            return (request.answer == Answer::Wrong).then(|| "a change that was acknowledged is missing".to_owned());
        };
        let times = effects.get(&id).copied().unwrap_or(0);
        let fits = match request.answer {
            Answer::Right | Answer::Failed(Outcome::Applied) => times == 1,
            Answer::Failed(Outcome::Unknown) => times <= 1,
            Answer::Failed(Outcome::NotSent | Outcome::RolledBack) => times == 0,
            Answer::Wrong => false,
        };
        (!fits).then(|| {
            format!(
                "change {id} was answered {:?} and is there {times} times",
                request.answer
            )
        })
    };
    requests.iter().filter_map(lie).collect()
}
