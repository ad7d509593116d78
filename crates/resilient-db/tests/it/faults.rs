//! Failures on purpose: each is what the real one is to the caller, ends by itself, and leaves the
//! pool whole.

use std::time::{Duration, Instant};

use private_servers::Lateness;
use resilient_db::failure::{Kind, Outcome};
use resilient_db::{Condition, Connection, Db, DbError, End, Fault, Faults, OnUnknownCommit, Options, Policy};

use crate::support::{
    PATIENCE, PrivateServer as _, Queries, Served, assert_pool_is_whole, connected_to, eventually, execute,
    is_up_and_quick, on_each_server, opened, private_server,
};

on_each_server!(
    a_server_meets_each_fault_and_is_well_afterwards,
    a_server_that_takes_no_changes_is_read_all_the_same,
    what_is_cut_in_the_middle_and_at_its_commit_is_done_once,
    a_fault_strikes_only_the_database_it_was_given_to,
    asking_for_a_probe_finds_out_now_and_cannot_be_used_to_hammer,
);

async fn insert<D: Queries>(db: &Db<D>) -> Result<u64, DbError> {
    let work = |mut connection| async move {
        let inserted = D::perform(&mut connection, "INSERT INTO note (words) VALUES ('more')").await?;
        Ok(End::Commit(inserted))
    };
    db.transaction("insert", OnUnknownCommit::Report, work).await
}

async fn count<D: Queries>(db: &Db<D>) -> Result<i64, DbError> {
    db.read("count", counted).await
}

async fn counted<D: Queries>(mut connection: Connection<D>) -> Result<i64, sqlx::Error> {
    D::number(&mut connection, "SELECT count(*) FROM note").await
}

/// Short enough that a hang ends in an answer within the test's patience.
fn policy(faults: &Faults) -> Policy {
    Policy {
        read_deadline: Duration::from_millis(2_500),
        read_statement_timeout: Duration::from_millis(2_000),
        write_deadline: Duration::from_millis(2_500),
        write_statement_timeout: Duration::from_millis(2_000),
        faults: Some(faults.clone()),
        ..Policy::default()
    }
}

async fn is_well<D: Queries>(db: &Db<D>, rows: i64) {
    is_up_and_quick(db).await;
    assert_eq!(count(db).await.expect("an answer"), rows);
}

async fn each_fault_strikes_ends_and_leaves_nothing<D: Queries>(db: Db<D>, faults: Faults) {
    is_well(&db, 1).await;

    // Refused: at once, by the breaker soon, and by the probe.
    faults.inject(Fault::Refuse, Duration::from_secs(6));
    let refused = count(&db).await.expect_err("refused");
    assert_eq!(
        (refused.class.kind, refused.class.outcome),
        (Kind::Unreachable, Outcome::NotSent)
    );
    eventually("the breaker opens", Duration::from_secs(4), || async {
        db.health().condition == Condition::Down
    })
    .await;
    assert_eq!(insert(&db).await.expect_err("refused").attempts, 0);
    is_well(&db, 1).await;
    assert_eq!(faults.current(), None, "it went off by itself");
    assert_eq!(insert(&db).await.expect("done"), 1);
    assert_pool_is_whole(&db).await;

    // Hanging: answered at the deadline, never later; the probe notices.
    faults.inject(Fault::Hang, Duration::from_secs(60));
    let (before, lateness) = (Instant::now(), Lateness::watch());
    let hung = insert(&db).await.expect_err("no answer");
    let (took, most) = (before.elapsed(), Duration::from_secs(3) + lateness.together());
    assert!(took < most, "{took:?}, at most {most:?}");
    assert_eq!(hung.class.outcome, Outcome::RolledBack, "{hung:?}");
    eventually("the breaker opens", Duration::from_secs(3), || async {
        db.health().condition == Condition::Down
    })
    .await;
    faults.stop();
    is_well(&db, 2).await;
    assert_pool_is_whole(&db).await;

    // Hanging for less than the deadline: the caller only waits.
    faults.inject(Fault::Hang, Duration::from_millis(300));
    let before = Instant::now();
    assert_eq!(insert(&db).await.expect("done when it was over"), 1);
    assert!(before.elapsed() >= Duration::from_millis(250), "{:?}", before.elapsed());

    // Slow: done, later; the probe says slow.
    faults.inject(Fault::Slow(Duration::from_millis(300)), Duration::from_secs(60));
    let before = Instant::now();
    assert_eq!(count(&db).await.expect("slowly"), 3);
    assert!(before.elapsed() >= Duration::from_millis(300), "{:?}", before.elapsed());
    eventually("it is called slow", Duration::from_secs(3), || async {
        db.health().condition == Condition::Slow
    })
    .await;
    faults.stop();
    is_well(&db, 3).await;

    // Deadlock: what writes is tried three times and undone; reading goes on.
    faults.inject(Fault::Deadlock, Duration::from_secs(60));
    let undone = insert(&db).await.expect_err("undone");
    assert_eq!((undone.class.kind, undone.attempts), (Kind::Contention, 3));
    assert_eq!(count(&db).await.expect("reading goes on"), 3);
    faults.stop();
    assert_eq!(insert(&db).await.expect("done"), 1);
    is_well(&db, 4).await;
    assert_pool_is_whole(&db).await;
}

async fn a_server_meets_each_fault_and_is_well_afterwards<D: Served>() {
    let server = private_server::<D>().await;
    let made = "CREATE TABLE note (words text); INSERT INTO note VALUES ('one')";
    server.query(D::MAIN, made).expect("a table");
    let faults = Faults::default();
    let db = connected_to::<D>(&server, policy(&faults)).await;
    each_fault_strikes_ends_and_leaves_nothing(db, faults).await;
    let left = server.query(D::MAIN, D::OPEN_TRANSACTIONS);
    assert_eq!(left.expect("the witness").trim(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_meets_each_fault_and_is_well_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::default();
    let db = opened(&folder.path().join("notes.db"), policy(&faults)).await;
    db.transaction("make", OnUnknownCommit::Report, |mut connection| async move {
        sqlx::query("CREATE TABLE note (words text)")
            .execute(&mut connection)
            .await?;
        sqlx::query("INSERT INTO note VALUES ('one')")
            .execute(&mut connection)
            .await?;
        Ok(End::Commit(()))
    })
    .await
    .expect("a table");
    each_fault_strikes_ends_and_leaves_nothing(db, faults).await;
}

/// Refused with the code of the real thing, undone as a whole, and read all the while.
async fn takes_no_changes<D: Queries>(db: Db<D>, faults: Faults, probe_sees_read_only: bool) {
    is_well(&db, 1).await;
    for (fault, rows) in [(Fault::ReadOnly, 1), (Fault::Full, 2)] {
        faults.inject(fault, Duration::from_secs(60));
        let refused = insert(&db).await.expect_err("refused");
        assert_eq!(refused.class.kind, Kind::ReadOnly, "{fault:?}: {refused:?}");
        // By the second attempt the breaker may have heard of it.
        let nothing_is_left = matches!(refused.class.outcome, Outcome::RolledBack | Outcome::NotSent);
        assert!(nothing_is_left, "{fault:?}: {refused:?}");
        assert!(refused.retry_after.is_some(), "it may go through later: {refused:?}");
        assert!(faults.struck().attempts > 0);
        if fault == Fault::ReadOnly && probe_sees_read_only {
            eventually("the probe finds out", Duration::from_secs(5), || async {
                db.probe_now().await.condition == Condition::Slow
            })
            .await;
            assert_eq!(
                insert(&db).await.expect_err("refused").attempts,
                0,
                "without an attempt"
            );
        }
        assert_eq!(count(&db).await.expect("reading goes on"), rows);
        faults.stop();
        eventually("changes are taken", Duration::from_secs(10), || async {
            insert(&db).await.is_ok()
        })
        .await;
        is_well(&db, rows + 1).await;
    }
    assert_pool_is_whole(&db).await;
}

async fn a_server_that_takes_no_changes_is_read_all_the_same<D: Served>() {
    let server = private_server::<D>().await;
    let made = "CREATE TABLE note (words text); INSERT INTO note VALUES ('one')";
    server.query(D::MAIN, made).expect("a table");
    let faults = Faults::default();
    let db = connected_to::<D>(&server, policy(&faults)).await;
    takes_no_changes(db, faults, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_takes_no_changes_is_read_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::default();
    let db = opened(&folder.path().join("notes.db"), policy(&faults)).await;
    execute(&db, "CREATE TABLE note (words text)").await.expect("a table");
    insert(&db).await.expect("a row");
    takes_no_changes(db, faults, false).await;
}

/// Changes by several at once, each under an id, while everything is cut.
async fn cut_all_the_while<D: Queries>(db: Db<D>, faults: Faults, claim: fn(i32) -> String) {
    const WORKERS: i32 = 4;
    const EACH: i32 = 15;
    for table in ["claim (id int PRIMARY KEY)", "effect (id int)"] {
        execute(&db, format!("CREATE TABLE {table}")).await.expect("a table");
    }
    let change = |id: i32| {
        let work = move |mut connection: Connection<D>| async move {
            if D::perform(&mut connection, claim(id)).await? == 0 {
                return Ok(End::Rollback(()));
            }
            D::perform(&mut connection, format!("INSERT INTO effect VALUES ({id})")).await?;
            Ok(End::Commit(()))
        };
        db.transaction("change", OnUnknownCommit::Repeat, work)
    };
    faults.inject(Fault::Kill, Duration::from_secs(120));
    let working = (0..WORKERS).map(|worker| async move {
        let mut asked_again = 0;
        for id in worker * EACH..(worker + 1) * EACH {
            let begun = Instant::now();
            while change(id).await.is_err() {
                asked_again += 1;
                assert!(begun.elapsed() < Duration::from_secs(60), "{id} is never done");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        asked_again
    });
    let asked_again: Vec<i32> = futures::future::join_all(working).await;
    let struck = faults.struck();
    println!("asked again {asked_again:?}, {struck:?}");
    // Each is committed at least once, and no COMMIT was answered.
    assert!(struck.commits >= (WORKERS * EACH) as u64, "{struck:?}");
    faults.stop();
    is_up_and_quick(&db).await;
    let (all, distinct) = ("SELECT count(*) FROM effect", "SELECT count(DISTINCT id) FROM effect");
    let all_there = i64::from(WORKERS * EACH);
    assert_eq!(
        (number_of(&db, all).await, number_of(&db, distinct).await),
        (all_there, all_there)
    );
    assert_pool_is_whole(&db).await;
}

async fn number_of<D: Queries>(db: &Db<D>, sql: &'static str) -> i64 {
    let counted = db.read("count", |mut connection| async move {
        D::number(&mut connection, sql).await
    });
    counted.await.expect("a count")
}

async fn what_is_cut_in_the_middle_and_at_its_commit_is_done_once<D: Served>() {
    let server = private_server::<D>().await;
    let faults = Faults::default();
    let db = connected_to::<D>(&server, faulty(&faults)).await;
    cut_all_the_while(db, faults, |id| D::claim("claim", id)).await;
    let left = server.query(D::MAIN, D::OPEN_TRANSACTIONS);
    assert_eq!(left.expect("the witness").trim(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_on_sqlite_is_done_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::default();
    let db = opened(&folder.path().join("notes.db"), faulty(&faults)).await;
    let claim = |id| format!("INSERT INTO claim VALUES ({id}) ON CONFLICT DO NOTHING");
    cut_all_the_while(db, faults, claim).await;
}

fn faulty(faults: &Faults) -> Policy {
    Policy {
        faults: Some(faults.clone()),
        ..Policy::default()
    }
}

/// Without a switch nothing changes, and a switch of one database leaves another alone.
async fn a_fault_strikes_only_the_database_it_was_given_to<D: Served>() {
    let server = private_server::<D>().await;
    let made = "CREATE TABLE note (words text); INSERT INTO note VALUES ('one')";
    server.query(D::MAIN, made).expect("a table");
    let options: Options<D> = server.url(D::MAIN).parse().expect("an address");
    let faults = Faults::default();
    let struck = Db::<D>::connect_lazily(options.clone(), policy(&faults)).await;
    let other = Db::<D>::connect_lazily(options, Policy::default()).await;
    faults.inject(Fault::Refuse, Duration::from_secs(60));
    count(&struck).await.expect_err("refused");
    assert_eq!(count(&other).await.expect("an answer"), 1);
    is_up_and_quick(&other).await;
}

async fn asking_for_a_probe_finds_out_now_and_cannot_be_used_to_hammer<D: Served>() {
    let server = private_server::<D>().await;
    let (faults, probes) = (Faults::default(), std::sync::Arc::new(Probes::default()));
    let policy = Policy {
        faults: Some(faults.clone()),
        observer: probes.clone(),
        breaker: resilient_db::breaker::Settings {
            // Never by itself.
            probe_closed: Duration::from_secs(3_600),
            failed_probes: 1,
            ..Policy::default().breaker
        },
        // Of the probes none is slow, nor fails by being so.
        probe_limit: PATIENCE,
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, policy).await;
    assert_eq!(db.health().condition, Condition::Up);
    tokio::time::sleep(Duration::from_millis(250)).await;
    faults.inject(Fault::Refuse, Duration::from_secs(60));
    assert_eq!(db.health().condition, Condition::Up, "nobody has looked");
    assert_eq!(db.probe_now().await.condition, Condition::Down);
    faults.stop();
    is_up_and_quick(&db).await;

    let (before, begun) = (probes.count(), Instant::now());
    let asking = (0..200).map(|asker| {
        let db = db.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(asker * 5)).await;
            db.probe_now().await.condition
        }
    });
    for condition in futures::future::join_all(asking).await {
        assert_ne!(condition, Condition::Down);
    }
    let most = begun.elapsed().as_millis() / 200 + 1;
    let asked = probes.count() - before;
    assert!(
        (1..=most).contains(&u128::from(asked)),
        "{asked} probes for 200 askers, at most {most}"
    );
}

#[derive(Debug, Default)]
struct Probes(std::sync::atomic::AtomicU32);

impl Probes {
    fn count(&self) -> u32 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl resilient_db::Observer for Probes {
    fn probed(&self, _: &resilient_db::ProbeReport) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
