//! The same promises on a SQLite file.

use std::time::{Duration, Instant};

use private_servers::Lateness;
use resilient_db::failure::{Kind, Outcome};
use resilient_db::{Condition, Connection, ConstraintKind, Db, DbError, End, OnUnknownCommit, Policy};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Executor, Sqlite, SqliteConnection};
use tempfile::TempDir;

use crate::support::{PATIENCE, eventually, is_up_and_quick, opened, patient};

struct Bench {
    directory: TempDir,
    db: Db<Sqlite>,
}

impl Bench {
    async fn new(policy: Policy) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let db = opened(&directory.path().join("test.db"), policy).await;
        let bench = Self { directory, db };
        bench
            .execute("CREATE TABLE counter (n INTEGER NOT NULL)")
            .await
            .expect("a table");
        bench.execute("INSERT INTO counter VALUES (0)").await.expect("a row");
        bench
    }

    async fn execute(&self, sql: &'static str) -> Result<(), DbError> {
        self.db
            .write("execute", |mut connection| async move {
                sqlx::query(sql).execute(&mut connection).await.map(drop)
            })
            .await
    }

    async fn number(&self, sql: &'static str) -> Result<i64, DbError> {
        self.db
            .read("number", |mut connection| async move {
                sqlx::query_scalar(sql).fetch_one(&mut connection).await
            })
            .await
    }

    async fn increment(&self) -> Result<(), DbError> {
        self.db
            .transaction("increment", OnUnknownCommit::Report, increment)
            .await
    }

    /// Somebody else's connection to the same file.
    async fn stranger(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.directory.path().join("test.db"));
        SqliteConnection::connect_with(&options)
            .await
            .expect("a second connection")
    }
}

/// Reads before it writes: without BEGIN IMMEDIATE two of these at once end in BUSY_SNAPSHOT.
async fn increment(mut connection: Connection<Sqlite>) -> Result<End<()>, sqlx::Error> {
    let n: i64 = sqlx::query_scalar("SELECT n FROM counter")
        .fetch_one(&mut connection)
        .await?;
    sqlx::query("UPDATE counter SET n = ?")
        .bind(n + 1)
        .execute(&mut connection)
        .await?;
    Ok(End::Commit(()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_read_and_then_write_lose_nothing() {
    let bench = Bench::new(patient()).await;
    let other = opened(&bench.directory.path().join("test.db"), patient()).await;
    let increments = (0..40).map(|call| {
        let db = if call % 2 == 0 { bench.db.clone() } else { other.clone() };
        async move { db.transaction("increment", OnUnknownCommit::Report, increment).await }
    });
    // As many at once as both bulkheads hold.
    for done in futures::future::join_all(increments).await {
        done.expect("incremented");
    }
    assert_eq!(bench.number("SELECT n FROM counter").await.expect("a number"), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_waits_for_a_strangers_lock_and_gives_up_in_time() {
    let bench = Bench::new(Policy::default()).await;
    let mut stranger = bench.stranger().await;
    stranger.execute("BEGIN IMMEDIATE").await.expect("the lock");
    let release = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stranger.execute("COMMIT").await.expect("released");
    };
    let (done, ()) = tokio::join!(bench.increment(), release);
    done.expect("after the stranger");

    stranger.execute("BEGIN IMMEDIATE").await.expect("the lock");
    let (before, lateness) = (Instant::now(), Lateness::watch());
    let busy = bench.increment().await.expect_err("still locked");
    println!(
        "gave up on a locked file after {:?} and {} attempts",
        before.elapsed(),
        busy.attempts
    );
    assert_eq!(
        (busy.class.kind, busy.class.outcome),
        (Kind::Contention, Outcome::RolledBack)
    );
    assert!((1..=3).contains(&busy.attempts));
    assert!(before.elapsed() < Duration::from_secs(6) + lateness.together());
    assert_eq!(bench.number("SELECT n FROM counter").await.expect("reading goes on"), 1);
    stranger.execute("COMMIT").await.expect("released");
    bench.increment().await.expect("as before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_without_end_is_stopped_and_the_connection_lives_on() {
    let limits = Policy {
        read_statement_timeout: Duration::from_secs(1),
        write_statement_timeout: Duration::from_secs(1),
        ..Policy::default()
    };
    let bench = Bench::new(limits).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let (before, lateness) = (Instant::now(), Lateness::watch());
    let stopped = bench.number(endless).await.expect_err("endless");
    println!("stopped after {:?} and {} attempts", before.elapsed(), stopped.attempts);
    assert_eq!(stopped.class.kind, Kind::TimedOut);
    assert!(before.elapsed() < Duration::from_millis(4_500) + lateness.together());

    let endless_write = "INSERT INTO counter WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 1 OFFSET 1000000000";
    assert_eq!(
        bench.execute(endless_write).await.expect_err("endless").class.kind,
        Kind::TimedOut
    );
    bench.increment().await.expect("the one writer is free again");
    assert_eq!(bench.number("SELECT count(*) FROM counter").await.expect("a number"), 1);
    eventually("all are back", PATIENCE, || async {
        bench.db.health().read.pool.in_use == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swallowed_error_does_not_commit() {
    let bench = Bench::new(Policy::default()).await;
    let swallowed = bench
        .db
        .transaction("swallowed", OnUnknownCommit::Report, |mut connection| async move {
            sqlx::query("UPDATE counter SET n = 5").execute(&mut connection).await?;
            let _swallowed = sqlx::query("INSERT INTO counter VALUES (NULL)")
                .execute(&mut connection)
                .await;
            Ok(End::Commit(()))
        });
    assert_eq!(swallowed.await.expect_err("refused").class.kind, Kind::Defect);
    assert_eq!(bench.number("SELECT n FROM counter").await.expect("a number"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_for_reading_refuses_to_write() {
    let bench = Bench::new(Policy::default()).await;
    assert_eq!(
        bench
            .number("UPDATE counter SET n = 7 RETURNING n")
            .await
            .expect_err("refused")
            .class
            .kind,
        Kind::ReadOnly
    );
    assert_eq!(bench.number("SELECT n FROM counter").await.expect("a number"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_the_durable_ones() {
    let bench = Bench::new(Policy::default()).await;
    let db = &bench.db;
    let setting = |pragma: &'static str| async move {
        let read = db.write("setting", move |mut connection| async move {
            sqlx::query_scalar::<_, i64>(pragma).fetch_one(&mut connection).await
        });
        read.await.expect(pragma)
    };
    assert_eq!(setting("PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(setting("PRAGMA foreign_keys").await, 1);
    assert_eq!(setting("PRAGMA busy_timeout").await, 1_000);
    let journal = bench.db.read("journal", |mut connection| async move {
        sqlx::query_scalar::<_, String>("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await
    });
    assert_eq!(journal.await.expect("a mode"), "wal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_names_its_rule() {
    let bench = Bench::new(Policy::default()).await;
    for sql in [
        "CREATE TABLE site (id INTEGER PRIMARY KEY, code TEXT, country TEXT, price INT CONSTRAINT price_positive CHECK (price > 0), name TEXT NOT NULL DEFAULT '', UNIQUE (code, country))",
        "CREATE TABLE part (site INTEGER REFERENCES site)",
        "CREATE TRIGGER no BEFORE DELETE ON site BEGIN SELECT RAISE(ABORT, 'no'); END",
        "INSERT INTO site (id, code, country) VALUES (1, 'a', 'b')",
    ] {
        bench.execute(sql).await.expect(sql);
    }
    let rows: [(&'static str, ConstraintKind, Option<&str>, &[&str]); 6] = [
        (
            "INSERT INTO site (code, country) VALUES ('a', 'b')",
            ConstraintKind::Unique,
            None,
            &["code", "country"],
        ),
        (
            "INSERT INTO site (id) VALUES (1)",
            ConstraintKind::Unique,
            None,
            &["id"],
        ),
        ("INSERT INTO part VALUES (9)", ConstraintKind::ForeignKey, None, &[]),
        (
            "INSERT INTO site (name) VALUES (NULL)",
            ConstraintKind::NotNull,
            None,
            &["name"],
        ),
        (
            "INSERT INTO site (price) VALUES (0)",
            ConstraintKind::Check,
            Some("price_positive"),
            &[],
        ),
        ("DELETE FROM site", ConstraintKind::Raised, None, &[]),
    ];
    for (sql, kind, name, columns) in rows {
        let constraint = bench.execute(sql).await.expect_err(sql).constraint.expect(sql);
        assert_eq!((constraint.kind, constraint.name.as_deref()), (kind, name), "{sql}");
        assert_eq!(constraint.columns, columns, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_vanishes_is_noticed_by_the_probe() {
    let bench = Bench::new(Policy::default()).await;
    is_up_and_quick(&bench.db).await;
    std::fs::rename(
        bench.directory.path().join("test.db"),
        bench.directory.path().join("gone.db"),
    )
    .expect("moved");
    eventually("the probe fails", Duration::from_secs(10), || async {
        bench.db.health().condition == Condition::Down
    })
    .await;
    let before = Instant::now();
    let (refused, late) = Lateness::during(bench.increment()).await;
    let (took, refused) = (before.elapsed(), refused.expect_err("refused"));
    assert_eq!((refused.class.kind, refused.attempts), (Kind::Misconfigured, 0));
    assert!(took < Duration::from_millis(50) + late, "{took:?}, late by {late:?}");
    std::fs::rename(
        bench.directory.path().join("gone.db"),
        bench.directory.path().join("test.db"),
    )
    .expect("moved back");
    is_up_and_quick(&bench.db).await;
    bench.increment().await.expect("as before");
}
