//! Limits: time, places, and what a role may do.

use std::time::{Duration, Instant};

use resilient_db::Policy;
use resilient_db::failure::{Kind, Outcome};

use crate::support::{ask, assert_pool_is_whole, connected, execute, private_postgres, sleep_on_server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_run_twenty_wait_and_the_thirty_first_is_refused_at_once() {
    let postgres = private_postgres().await;
    let db = connected(&postgres.url("postgres"), Policy::default()).await;
    let sleeps: Vec<_> = (0..30)
        .map(|_| {
            tokio::spawn({
                let db = db.clone();
                async move { sleep_on_server(&db, 0.3).await }
            })
        })
        .collect();
    crate::support::eventually("thirty are in", Duration::from_secs(2), || async {
        let pool = db.health().read.pool;
        pool.running == 10 && pool.waiting == 20
    })
    .await;
    let before = Instant::now();
    let refused = ask(&db).await.expect_err("the thirty-first");
    println!("the thirty-first was refused in {:?}", before.elapsed());
    assert_eq!((refused.class.kind, refused.attempts), (Kind::Busy, 0));
    assert!(refused.retry_after.is_some());
    for slept in sleeps {
        slept.await.expect("no panic").expect("the thirty are served");
    }
    assert!(db.health().read.is_closed(), "being busy is not being broken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_stopped_on_the_server() {
    let postgres = private_postgres().await;
    let db = connected(&postgres.url("postgres"), Policy::default()).await;
    let before = Instant::now();
    let stopped = sleep_on_server(&db, 30.0).await.expect_err("too long");
    assert_eq!(stopped.class.kind, Kind::TimedOut);
    assert!(
        before.elapsed() < Duration::from_millis(3_500),
        "{:?}",
        before.elapsed()
    );
    crate::support::eventually("nothing runs on the server", Duration::from_secs(1), || async {
        let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()";
        postgres.query("postgres", running).expect("counted") == "0"
    })
    .await;
    assert_pool_is_whole(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_lock_ends_after_its_second() {
    let postgres = private_postgres().await;
    let db = connected(
        &postgres.url("postgres"),
        Policy {
            attempts: 1,
            ..Policy::default()
        },
    )
    .await;
    execute(&db, "CREATE TABLE row (id int)").await.expect("a table");
    let holder = tokio::spawn({
        let db = db.clone();
        async move { execute(&db, "DO $$ BEGIN LOCK TABLE row; PERFORM pg_sleep(2.5); END $$").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = Instant::now();
    let locked_out = execute(&db, "INSERT INTO row VALUES (1)").await.expect_err("locked");
    assert_eq!(
        (locked_out.class.kind, locked_out.class.outcome),
        (Kind::Contention, Outcome::RolledBack)
    );
    assert!(
        (800..2_000).contains(&before.elapsed().as_millis()),
        "{:?}",
        before.elapsed()
    );
    holder.await.expect("no panic").expect("the holder ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_for_reading_refuses_to_write() {
    let postgres = private_postgres().await;
    let db = connected(&postgres.url("postgres"), Policy::default()).await;
    let refused = db
        .read("not a read", |connection| {
            crate::support::run(connection, "CREATE TABLE t (id int)")
        })
        .await;
    assert_eq!(refused.expect_err("read-only").class.kind, Kind::ReadOnly);
    assert!(db.health().read.is_closed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_in_one_form_whatever_the_server_is_set_to() {
    let postgres = private_postgres().await;
    let strange = "ALTER DATABASE postgres SET DateStyle = 'German'; ALTER DATABASE postgres SET TimeZone = 'Asia/Tokyo'; \
         ALTER DATABASE postgres SET bytea_output = 'escape'; ALTER DATABASE postgres SET IntervalStyle = 'sql_standard'";
    for setting in strange.split(';') {
        postgres.query("postgres", setting).expect("set");
    }
    let db = connected(&postgres.url("postgres"), Policy::default()).await;
    let sql = "SELECT ARRAY[(timestamptz '2026-11-21 04:00:00+00')::text, (bytea '\\x00ff')::text, (interval '1 day 2 hours')::text, (0.1::float8 + 0.2::float8)::text]";
    let texts: Vec<String> = db
        .read("texts", |mut connection| async move {
            sqlx::query_scalar(sql).fetch_one(&mut connection).await
        })
        .await
        .expect("texts");
    assert_eq!(
        texts,
        [
            "2026-11-21 04:00:00+00",
            "\\x00ff",
            "1 day 02:00:00",
            "0.30000000000000004"
        ]
    );
}
