//! What the load says to a server, sized so that it takes the same on each machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit, Policy};
use sqlx::{MySql, Postgres};

use crate::databases::{PrivateServer as _, Served};
use crate::load::Asked;
use crate::support::connected_to;

/// Of a report on a server that does nothing else.
const ALONE: Duration = Duration::from_millis(150);
/// By a change, before its COMMIT.
pub const LOCK_HELD: Duration = Duration::from_millis(60);
/// So much of a report is a change's work before it wants the row.
const BEFORE_THE_LOCK: f64 = 0.25;

/// A server that computes.
pub trait Working: Served {
    /// Takes as long as `rounds` says, on one processor.
    fn compute(rounds: u64) -> String;

    /// More connections than there ever are of both limits.
    const MAKE_ROOM: &'static [&'static str];
}

impl Working for Postgres {
    fn compute(rounds: u64) -> String {
        let rounds = rounds.div_ceil(100);
        format!("SELECT count(md5((a * b)::text)) FROM generate_series(1, {rounds}) a, generate_series(1, 100) b")
    }

    const MAKE_ROOM: &'static [&'static str] = &[];
}

impl Working for MySql {
    fn compute(rounds: u64) -> String {
        format!("SELECT BENCHMARK({rounds}, MD5('report'))")
    }

    const MAKE_ROOM: &'static [&'static str] = &["SET GLOBAL max_connections = 151"];
}

/// How long a report is, and how many of them the server makes in a second.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    rounds: u64,
    pub alone: Duration,
    pub capacity: f64,
}

/// At once, to keep all processors busy.
const ENOUGH: usize = 4;
const SATURATED: Duration = Duration::from_secs(5);

pub async fn prepare<D: Working>(server: &Arc<D::Private>) {
    for order in D::MAKE_ROOM {
        server.query(D::MAIN, order).expect("room");
    }
    let tables = "CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)";
    server.query(D::MAIN, tables).expect("a table");
    server
        .query(D::MAIN, "INSERT INTO counter VALUES (1, 0)")
        .expect("a row");
}

pub async fn db<D: Working>(server: &D::Private, adaptive: bool) -> Db<D> {
    let policy = Policy {
        adaptive,
        ..Policy::default()
    };
    connected_to(server, policy).await
}

/// How long a report has to be.
pub async fn measured<D: Working>(server: &Arc<D::Private>) -> Size {
    let db = db::<D>(server, false).await;
    let mut size = Size {
        rounds: 20_000,
        alone: ALONE,
        capacity: 0.0,
    };
    for _ in 0..4 {
        let took = median_of_reports(&db, &size).await;
        size.rounds = (size.rounds as f64 * ALONE.as_secs_f64() / took.as_secs_f64()).ceil() as u64;
    }
    size.alone = median_of_reports(&db, &size).await;
    size.capacity = reports_a_second(&db, &size).await;
    db.close().await;
    size
}

/// On a machine that does other things as well, it is not the number of processors that counts.
async fn reports_a_second<D: Working>(db: &Db<D>, size: &Size) -> f64 {
    let began = Instant::now();
    let caller = || async {
        let mut made = 0;
        while began.elapsed() < SATURATED {
            ask(db, Asked::Report, size).await.expect("a report");
            made += 1;
        }
        made
    };
    let made: u32 = join_all((0..ENOUGH).map(|_| caller())).await.into_iter().sum();
    f64::from(made) / began.elapsed().as_secs_f64()
}

async fn median_of_reports<D: Working>(db: &Db<D>, size: &Size) -> Duration {
    let mut all = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        ask(db, Asked::Report, size).await.expect("a report");
        all.push(began.elapsed());
    }
    all.sort();
    all[all.len() / 2]
}

/// As it is when an application has run for a while: each call was made some times, alone.
pub async fn warm_up<D: Working>(db: &Db<D>, size: &Size) {
    for _ in 0..12 {
        for asked in [Asked::LookUp, Asked::Wait, Asked::Report, Asked::Change] {
            ask(db, asked, size).await.expect("nobody else is there");
        }
    }
}

pub async fn ask<D: Working>(db: &Db<D>, asked: Asked, size: &Size) -> Result<(), DbError> {
    match asked {
        Asked::LookUp => number(db, "look-up", "SELECT count(*) FROM counter WHERE id = 1".to_owned()).await,
        Asked::Report => number(db, "report", D::compute(size.rounds)).await,
        Asked::Wait => {
            db.read("wait", |mut connection| async move {
                D::perform(&mut connection, D::sleep(0.05)).await.map(drop)
            })
            .await
        }
        Asked::Change => change(db, (size.rounds as f64 * BEFORE_THE_LOCK) as u64).await,
    }
}

async fn number<D: Working>(db: &Db<D>, name: &'static str, sql: String) -> Result<(), DbError> {
    db.read(name, |mut connection| {
        let sql = sql.clone();
        async move { D::number(&mut connection, sql).await.map(drop) }
    })
    .await
}

/// Computes, then holds a row that all others want as well.
async fn change<D: Working>(db: &Db<D>, rounds: u64) -> Result<(), DbError> {
    let work = |mut connection: Connection<D>| async move {
        D::number(&mut connection, D::compute(rounds)).await?;
        D::perform(&mut connection, "UPDATE counter SET n = n + 1 WHERE id = 1").await?;
        D::perform(&mut connection, D::sleep(LOCK_HELD.as_secs_f64())).await?;
        Ok(End::Commit(()))
    };
    db.transaction("change", OnUnknownCommit::Report, work).await
}
