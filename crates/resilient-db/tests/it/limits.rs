//! Limits: time, places, and what a role may do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use private_servers::Lateness;
use resilient_db::classify::mysql::Flavour;
use resilient_db::failure::{Kind, Outcome};
use resilient_db::{End, OnUnknownCommit, Policy};
use sqlx::{MySql, Postgres};
use tokio::sync::{Notify, Semaphore};

use crate::support::{
    PATIENCE, PrivateServer as _, Queries as _, Served, ask, assert_pool_is_whole, connected_to, eventually, execute,
    on_each_server, patient, private_server, sleep_on_server,
};

on_each_server!(
    ten_run_twenty_wait_and_the_thirty_first_is_refused_at_once,
    a_statement_that_takes_too_long_is_stopped_on_the_server,
    waiting_for_a_lock_ends_in_time_and_undoes_what_came_before_it,
    a_connection_for_reading_refuses_to_write,
);

async fn ten_run_twenty_wait_and_the_thirty_first_is_refused_at_once<D: Served>() {
    let server = private_server::<D>().await;
    // The burst would take ten of those who wait.
    let without_burst = Policy {
        burst_connections: 0,
        ..patient()
    };
    let db = connected_to::<D>(&server, without_burst).await;
    let goes_on = Arc::new(Semaphore::new(0));
    let held: Vec<_> = (0..30)
        .map(|_| {
            let (db, goes_on) = (db.clone(), goes_on.clone());
            tokio::spawn(async move {
                let goes_on = &goes_on;
                db.read("held", |mut connection| async move {
                    D::number(&mut connection, "SELECT count(*)").await?;
                    let _goes_on = goes_on.acquire().await.expect("never closed");
                    Ok(())
                })
                .await
            })
        })
        .collect();
    eventually("thirty are in", PATIENCE, || async {
        let pool = db.health().read.pool;
        pool.running == 10 && pool.waiting == 20
    })
    .await;
    let before = Instant::now();
    let refused = ask(&db).await.expect_err("the thirty-first");
    println!("the thirty-first was refused in {:?}", before.elapsed());
    assert_eq!((refused.class.kind, refused.attempts), (Kind::Busy, 0));
    assert!(refused.retry_after.is_some());
    goes_on.add_permits(10);
    for served in held {
        served.await.expect("no panic").expect("the thirty are served");
    }
    assert!(db.health().read.is_closed(), "being busy is not being broken");
}

async fn a_statement_that_takes_too_long_is_stopped_on_the_server<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    let (before, lateness) = (Instant::now(), Lateness::watch());
    let stopped = sleep_on_server(&db, 30.0).await.expect_err("too long");
    let (took, late) = (before.elapsed(), lateness.together());
    assert_eq!(stopped.class.kind, Kind::TimedOut);
    assert!(took < Duration::from_millis(3_500) + late, "{took:?}, late by {late:?}");
    eventually("nothing runs on the server", PATIENCE, || async {
        server.query(D::MAIN, D::SLEEPING).expect("counted") == "0"
    })
    .await;
    assert_pool_is_whole(&db).await;
}

async fn waiting_for_a_lock_ends_in_time_and_undoes_what_came_before_it<D: Served>() {
    let server = private_server::<D>().await;
    let once = Policy {
        attempts: 1,
        ..patient()
    };
    let db = connected_to::<D>(&server, once).await;
    execute(&db, "CREATE TABLE taken (id int PRIMARY KEY)")
        .await
        .expect("a table");
    let (held, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holder = tokio::spawn({
        let (db, held, goes_on) = (db.clone(), held.clone(), goes_on.clone());
        async move {
            let (held, goes_on) = (&held, &goes_on);
            db.transaction("holds", OnUnknownCommit::Report, |mut connection| async move {
                D::perform(&mut connection, "INSERT INTO taken VALUES (1)").await?;
                held.notify_one();
                goes_on.notified().await;
                Ok(End::Commit(()))
            })
            .await
        }
    });
    held.notified().await;
    let before = Instant::now();
    let alone = execute(&db, "INSERT INTO taken VALUES (1)");
    // MySQL undoes the statement that waited, and nothing else.
    let after_another = db.transaction("waits", OnUnknownCommit::Report, |mut connection| async move {
        D::perform(&mut connection, "INSERT INTO taken VALUES (2)").await?;
        D::perform(&mut connection, "INSERT INTO taken VALUES (1)").await?;
        Ok(End::Commit(0))
    });
    let (alone, after_another) = tokio::join!(alone, after_another);
    for locked_out in [alone, after_another].map(|ended| ended.expect_err("locked")) {
        assert_eq!(
            (locked_out.class.kind, locked_out.class.outcome),
            (Kind::Contention, Outcome::RolledBack)
        );
    }
    // Given up while it was held.
    assert!(before.elapsed() >= D::LOCK_WAIT, "{:?}", before.elapsed());
    goes_on.notify_one();
    holder.await.expect("no panic").expect("the holder ends");
    // Whoever is given that connection does not go on inside the transaction.
    for id in 10..20 {
        let next = format!("INSERT INTO taken VALUES ({id})");
        execute(&db, next).await.expect("inserted");
    }
    let left = server.query(
        D::MAIN,
        "SELECT count(*), sum(CASE WHEN id = 2 THEN 1 ELSE 0 END) FROM taken",
    );
    assert_eq!(left.expect("the witness"), "11|0");
}

async fn a_connection_for_reading_refuses_to_write<D: Served>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    let refused = db
        .read("not a read", |connection| {
            crate::support::run(connection, "CREATE TABLE t (id int)")
        })
        .await;
    assert_eq!(refused.expect_err("read-only").class.kind, Kind::ReadOnly);
    assert!(db.health().read.is_closed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_in_one_form_whatever_postgresql_is_set_to() {
    let postgres = private_server::<Postgres>().await;
    let strange = "ALTER DATABASE postgres SET DateStyle = 'German'; ALTER DATABASE postgres SET TimeZone = 'Asia/Tokyo'; \
         ALTER DATABASE postgres SET bytea_output = 'escape'; ALTER DATABASE postgres SET IntervalStyle = 'sql_standard'";
    for setting in strange.split(';') {
        postgres.query("postgres", setting).expect("set");
    }
    let db = connected_to::<Postgres>(&postgres, Policy::default()).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_and_go_in_one_form_whatever_mariadb_is_set_to() {
    let mariadb = private_server::<MySql>().await;
    for setting in [
        "sql_mode = ''",
        "time_zone = '+09:00'",
        "autocommit = 0",
        "completion_type = 'RELEASE'",
        "lc_messages = 'de_DE'",
        "tx_isolation = 'SERIALIZABLE'",
        "foreign_key_checks = 0",
        "character_set_server = 'latin1'",
        "collation_connection = 'latin1_german1_ci'",
        "max_statement_time = 60",
        "wait_timeout = 1",
    ] {
        mariadb.query("main", &format!("SET GLOBAL {setting}")).expect("set");
    }
    let db = connected_to::<MySql>(&mariadb, Policy::default()).await;
    let made = "CREATE TABLE note (words varchar(4) CHARACTER SET utf8mb4, at timestamp NOT NULL DEFAULT '2026-11-21 04:00:00')";
    execute(&db, made).await.expect("a table");
    execute(&db, "INSERT INTO note (words) VALUES ('a\u{1f4a1}\u{e9}')")
        .await
        .expect("a row");
    let cut = execute(&db, "INSERT INTO note (words) VALUES ('12345')").await;
    assert_eq!(cut.expect_err("too long").class.kind, Kind::BadValue);
    let read = |sql: &'static str| {
        let db = db.clone();
        async move {
            let text = db.read("text", move |mut connection| async move {
                sqlx::query_scalar::<_, String>(sql).fetch_one(&mut connection).await
            });
            text.await.expect(sql)
        }
    };
    assert_eq!(read("SELECT words FROM note").await, "a\u{1f4a1}\u{e9}");
    assert_eq!(read("SELECT CAST(at AS CHAR) FROM note").await, "2026-11-21 04:00:00");
    assert_eq!(read("SELECT @@tx_isolation").await, "READ-COMMITTED");
    // What commits itself, and what is committed, is there for everybody else; in the server's own time.
    let witnessed = mariadb
        .query("main", "SELECT count(*), max(at) FROM note")
        .expect("witnessed");
    assert_eq!(witnessed, "1|2026-11-21 13:00:00");
    let kept = db.transaction("commits", OnUnknownCommit::Report, |mut connection| async move {
        MySql::perform(&mut connection, "UPDATE note SET words = 'b'").await?;
        Ok(End::Commit(()))
    });
    kept.await.expect("committed");
    assert_eq!(read("SELECT words FROM note").await, "b");
    assert_eq!(db.server().flavour(), Some(Flavour::MariaDb));
}

/// The limit holds for COMMIT, too. Its error has to be the truth: nobody is told "undone" of what was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_mariadb_stops_is_undone() {
    let mariadb = std::sync::Arc::new(private_server::<MySql>().await);
    let policy = Policy {
        write_statement_timeout: Duration::from_millis(700),
        attempts: 1,
        ..Policy::default()
    };
    let db = connected_to::<MySql>(&mariadb, policy).await;
    execute(&db, "CREATE TABLE effect (id int)").await.expect("a table");
    let backup = tokio::task::spawn_blocking({
        let mariadb = mariadb.clone();
        let stages = "BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT SLEEP(2); BACKUP STAGE END";
        move || mariadb.query("main", stages)
    });
    let holding = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(2)%'";
    eventually("commits are held up", PATIENCE, || async {
        mariadb.query("main", holding).expect("counted") == "1"
    })
    .await;
    let stopped = db.transaction("stopped", OnUnknownCommit::Report, |mut connection| async move {
        MySql::perform(&mut connection, "INSERT INTO effect VALUES (1)").await?;
        Ok(End::Commit(()))
    });
    let stopped = stopped.await.expect_err("stopped").class;
    assert_eq!((stopped.kind, stopped.outcome), (Kind::TimedOut, Outcome::RolledBack));
    backup.await.expect("no panic").expect("the backup ends");
    let effects = mariadb.query("main", "SELECT count(*) FROM effect").expect("counted");
    assert_eq!(effects, "0");
}
