//! Requests that come when they come, whether or not the ones before are answered.

use std::time::{Duration, Instant};

use resilient_db::failure::Kind;
use resilient_db::{Db, DbError, Policy};
use tokio::task::JoinSet;

use crate::work::{Size, Working, ask};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A row by its key.
    LookUp,
    /// Some time of a processor.
    Report,
    /// Some time, and nothing else.
    Wait,
    /// A row that others change as well.
    Change,
}

#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: Duration,
    pub asked: Asked,
}

/// One request and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub at: Duration,
    pub asked: Asked,
    pub took: Duration,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    InTime,
    /// Answered, after its deadline.
    Late,
    /// Turned away without an attempt.
    Refused,
    Failed,
}

pub async fn run<D: Working>(db: &Db<D>, size: &Size, arrivals: &[Arrival]) -> Vec<Request> {
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for arrival in arrivals.iter().copied() {
        tokio::time::sleep_until((began + arrival.at).into()).await;
        let (db, size) = (db.clone(), *size);
        under_way.spawn(async move {
            let asked = Instant::now();
            let ended = ask(&db, arrival.asked, &size).await;
            request(arrival, asked.elapsed(), ended)
        });
    }
    under_way.join_all().await
}

fn request(arrival: Arrival, took: Duration, ended: Result<(), DbError>) -> Request {
    let Arrival { at, asked } = arrival;
    let policy = Policy::default();
    let deadline = match asked {
        Asked::Change => policy.write_deadline,
        _ => policy.read_deadline,
    };
    let answer = match ended {
        Ok(()) if took <= deadline => Answer::InTime,
        Ok(()) => Answer::Late,
        Err(error) if error.attempts == 0 || error.class.kind == Kind::Busy => Answer::Refused,
        Err(_) => Answer::Failed,
    };
    Request {
        at,
        asked,
        took,
        answer,
    }
}
