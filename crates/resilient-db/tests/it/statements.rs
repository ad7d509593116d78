//! Statements are measured by shape where they run, and transactions that meet too often are told of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilient_db::{
    ClusterRule, Contended, Contention, ContentionCluster, Db, End, Fault, Faults, Measuring, Observer,
    OnUnknownCommit, Policy, SlowStatement, StatementNumbers,
};

use tokio::sync::{Barrier, Notify, Semaphore};

use crate::support::{
    Queries, Served, connected_to, count, eventually, execute, on_each_server, opened, private_server, sleep_on_server,
};

on_each_server!(
    statements_are_counted_by_shape_with_what_became_of_them,
    deadlocks_are_counted_though_they_are_repeated_and_often_is_told_once,
    who_waits_too_long_for_a_lock_is_counted_with_the_statement,
    a_slow_statement_is_told_with_its_shape_and_no_value,
);

#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn add(&self, words: String) {
        self.0.lock().expect("no panic").push(words);
    }

    fn with(&self, start: &str) -> Vec<String> {
        let told = self.0.lock().expect("no panic");
        told.iter().filter(|words| words.starts_with(start)).cloned().collect()
    }
}

impl Observer for Told {
    fn slow_statement(&self, slow: &SlowStatement) {
        assert!(slow.took >= Duration::from_millis(200));
        self.add(format!("slow {} {} {}", slow.call, slow.role.name(), slow.shape));
    }

    fn contended(&self, contended: &Contended) {
        let (kind, call) = (contended.contention.name(), contended.call);
        self.add(format!("contended {kind} {call} {}", contended.shape));
    }

    fn contention_clustered(&self, cluster: &ContentionCluster) {
        self.add(format!("cluster {} {} {}", cluster.count, cluster.call, cluster.shape));
    }
}

async fn measured<D: Served>(server: &D::Private) -> (Db<D>, Arc<Told>) {
    let told = Arc::new(Told::default());
    let policy = Policy {
        // Long enough that PostgreSQL looks for a deadlock before anybody's patience is over.
        lock_timeout: Duration::from_secs(2),
        write_deadline: Duration::from_secs(20),
        idle_in_transaction_timeout: Duration::from_secs(30),
        write_statement_timeout: Duration::from_secs(15),
        observer: told.clone(),
        statements: Some(Measuring {
            slow_after: Duration::from_millis(200),
            clusters: ClusterRule {
                count: 3,
                within: Duration::from_secs(600),
                quiet: Duration::from_secs(600),
            },
            ..Measuring::default()
        }),
        ..Policy::default()
    };
    let db = connected_to::<D>(server, policy).await;
    for sql in [
        "CREATE TABLE effect (id int PRIMARY KEY, n int)",
        "INSERT INTO effect VALUES (1, 0), (2, 0), (3, 0)",
    ] {
        execute(&db, sql).await.expect(sql);
    }
    (db, told)
}

fn numbers<D: Queries>(db: &Db<D>, shape: &str) -> StatementNumbers {
    let report = db.statements().expect("they are measured");
    let found = report.statements.iter().find(|statement| &*statement.shape == shape);
    found.unwrap_or_else(|| panic!("no {shape} in {report:?}")).clone()
}

async fn statements_are_counted_by_shape_with_what_became_of_them<D: Served>() {
    let server = private_server::<D>().await;
    let (db, _) = measured::<D>(&server).await;
    for n in 0..20 {
        assert_eq!(
            count(&db, &format!("SELECT count(*) FROM effect WHERE n < {n} + 1")).await,
            3
        );
        let listed: Vec<_> = (0..=n).map(|id| id.to_string()).collect();
        let changed = execute(
            &db,
            format!("UPDATE effect SET n = 0 WHERE id IN ({})", listed.join(",")),
        )
        .await;
        assert_eq!(changed.expect("changed"), n.min(3));
    }
    let counted = numbers(&db, "SELECT count(*) FROM effect WHERE n < ? + ?");
    assert_eq!(
        (counted.count, counted.errors, counted.rows, counted.unfinished),
        (20, 0, 20, 0)
    );
    assert_eq!(counted.call, "count");
    assert!(
        counted.mean > Duration::ZERO && counted.mean <= counted.slowest,
        "{counted:?}"
    );
    assert!(counted.p50 <= counted.p95 && counted.p95 <= counted.p99 && counted.p99 <= counted.slowest);
    assert!(counted.text_to_explain().is_some_and(|sql| sql.contains("n < 0 + 1")));
    let updated = numbers(&db, "UPDATE effect SET n = ? WHERE id IN (?, …)");
    assert_eq!((updated.count, updated.rows), (20, 1 + 2 + 17 * 3));
    assert_eq!(updated.text_to_explain(), None);

    execute(&db, "INSERT INTO effect VALUES (1, 99)")
        .await
        .expect_err("taken");
    let inserted = numbers(&db, "INSERT INTO effect VALUES (?, …)");
    assert_eq!((inserted.count, inserted.errors), (1, 1), "the first had several rows");
    let half_read = db.read("half read", |mut connection| async move {
        D::read_one_row_of(&mut connection, "SELECT id, n FROM effect").await
    });
    half_read.await.expect("one row");
    let half_read = numbers(&db, "SELECT id, n FROM effect");
    assert_eq!((half_read.count, half_read.unfinished, half_read.errors), (1, 1, 0));
    let committed = |id: i32| {
        db.transaction("insert", OnUnknownCommit::Report, move |mut connection| async move {
            D::perform(&mut connection, format!("INSERT INTO effect VALUES ({id}, 0)")).await?;
            Ok(End::Commit(()))
        })
    };
    committed(7).await.expect("committed");
    assert_eq!(numbers(&db, "COMMIT").count, 1);
    assert_eq!(numbers(&db, D::BEGIN).count, 1);
}

/// Two transactions over rows 1 and 2 in opposite order, at the same time, which meet once.
async fn cross<D: Served>(db: &Db<D>) {
    let (both_hold_one, one_is_over) = (&Barrier::new(2), &Semaphore::new(0));
    let crossing = |first: i32, second: i32| {
        let met = AtomicBool::new(false);
        async move {
            let (met, update) = (&met, |id| format!("UPDATE effect SET n = n + 1 WHERE id = {id}"));
            let done = db.transaction("crossing", OnUnknownCommit::Report, move |mut connection| async move {
                // The server may not have woken the other yet; then they would meet again.
                if met.load(Ordering::Relaxed) {
                    let _is_over = one_is_over.acquire().await.expect("never closed");
                }
                D::perform(&mut connection, update(first)).await?;
                if !met.swap(true, Ordering::Relaxed) {
                    both_hold_one.wait().await;
                }
                D::perform(&mut connection, update(second)).await?;
                Ok(End::Commit(()))
            });
            let done = done.await;
            one_is_over.add_permits(1);
            done
        }
    };
    let (one, other) = tokio::join!(crossing(1, 2), crossing(2, 1));
    one.expect("done, at the second try at the latest");
    other.expect("done, at the second try at the latest");
}

async fn deadlocks_are_counted_though_they_are_repeated_and_often_is_told_once<D: Served>() {
    const SHAPE: &str = "UPDATE effect SET n = n + ? WHERE id = ?";
    let server = private_server::<D>().await;
    let (db, told) = measured::<D>(&server).await;
    for round in 1..=5_u64 {
        cross(&db).await;
        let deadlocks = numbers(&db, SHAPE).contended;
        assert_eq!(
            deadlocks,
            [(Contention::Deadlock, "crossing", round)],
            "nobody has seen an error"
        );
        let clusters = db.statements().expect("measured").clusters;
        assert_eq!(clusters.len(), usize::from(round >= 3), "{clusters:?}");
    }
    assert_eq!(
        count(&db, "SELECT count(*) FROM effect WHERE n = 10").await,
        2,
        "each was done once"
    );
    assert_eq!(
        told.with("contended"),
        vec![format!("contended deadlock crossing {SHAPE}"); 5]
    );
    assert_eq!(
        told.with("cluster"),
        [format!("cluster 3 crossing {SHAPE}")],
        "and then it is quiet"
    );
    let clusters = db.statements().expect("measured").clusters;
    assert_eq!((&*clusters[0].shape, clusters[0].count), (SHAPE, 5));
    assert!(clusters[0].last_ago < Duration::from_secs(60));
}

async fn who_waits_too_long_for_a_lock_is_counted_with_the_statement<D: Served>() {
    let server = private_server::<D>().await;
    let (db, _) = measured::<D>(&server).await;
    let (held, release) = (Notify::new(), Notify::new());
    let holding = db.transaction("holds", OnUnknownCommit::Report, |mut connection| {
        let (held, release) = (&held, &release);
        async move {
            D::perform(&mut connection, "UPDATE effect SET n = 5 WHERE id = 3").await?;
            held.notify_one();
            release.notified().await;
            Ok(End::Commit(()))
        }
    });
    let waiting = async {
        held.notified().await;
        let late = execute(&db, "UPDATE effect SET n = 6 WHERE id = 3").await;
        release.notify_one();
        late
    };
    let (holding, late) = tokio::join!(holding, waiting);
    holding.expect("committed");
    let attempts = u64::from(late.expect_err("it is held for longer").attempts);
    let met = numbers(&db, "UPDATE effect SET n = ? WHERE id = ?").contended;
    assert_eq!(met, [(Contention::LockTimeout, "execute", attempts)]);
}

async fn a_slow_statement_is_told_with_its_shape_and_no_value<D: Served>() {
    let server = private_server::<D>().await;
    let (db, told) = measured::<D>(&server).await;
    for _ in 0..2 {
        sleep_on_server(&db, 0.375).await.expect("it slept");
    }
    let slow = told.with("slow sleep");
    assert_eq!(slow.len(), 1, "once a minute: {slow:?}");
    assert!(
        slow[0].starts_with("slow sleep read SELECT") && slow[0].ends_with("(?)"),
        "{slow:?}"
    );
    assert!(!slow[0].contains("375"), "{slow:?}");
    let report = db.statements().expect("measured");
    let slept = report.statements.iter().find(|statement| statement.call == "sleep");
    assert_eq!(slept.map(|slept| (slept.count, slept.slow)), Some((2, 2)));
    assert_eq!(
        slept.map(|slept| &slept.shape),
        Some(&report.statements[0].shape),
        "it took most of the time"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_a_question_changes_nothing_and_a_failure_on_purpose_is_counted_too() {
    let folder = tempfile::tempdir().expect("a directory");
    let (faults, told) = (Faults::default(), Arc::new(Told::default()));
    let policy = Policy {
        faults: Some(faults.clone()),
        observer: told.clone(),
        ..Policy::default()
    };
    let db = opened(&folder.path().join("notes.db"), policy).await;
    execute(&db, "CREATE TABLE effect (id int PRIMARY KEY, n int)")
        .await
        .expect("a table");
    execute(&db, "INSERT INTO effect VALUES (1, 0), (2, 0)")
        .await
        .expect("rows");
    execute(&db, "SELECT id FROM effect WHERE id > 9")
        .await
        .expect("nothing");
    assert_eq!(numbers(&db, "SELECT id FROM effect WHERE id > ?").rows, 0);
    assert_eq!(numbers(&db, "INSERT INTO effect VALUES (?, …), …").rows, 2);

    faults.inject(Fault::Deadlock, Duration::from_secs(60));
    for _ in 0..2 {
        execute(&db, "UPDATE effect SET n = 1").await.expect_err("undone");
    }
    faults.stop();
    let met = numbers(&db, "(a failure on purpose)").contended;
    assert_eq!(met, [(Contention::Deadlock, "execute", 6)], "three tries each");
    assert_eq!(told.with("cluster"), ["cluster 5 execute (a failure on purpose)"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_nothing_is_measured_and_of_many_shapes_a_few_are_kept() {
    let folder = tempfile::tempdir().expect("a directory");
    let off = Policy {
        statements: None,
        ..Policy::default()
    };
    let db = opened(&folder.path().join("off.db"), off).await;
    assert_eq!(count(&db, "SELECT 1").await, 1);
    assert!(db.statements().is_none());

    let few = Policy {
        statements: Some(Measuring {
            shapes: 5,
            ..Measuring::default()
        }),
        ..Policy::default()
    };
    let db = opened(&folder.path().join("few.db"), few).await;
    for n in 0..40 {
        assert_eq!(count(&db, &format!("SELECT 1 AS name_{n}")).await, 1);
    }
    eventually("all are counted", Duration::from_secs(5), || async {
        let report = db.statements().expect("measured");
        let kept: u64 = report.statements.iter().map(|statement| statement.count).sum();
        report.statements.len() == 5 && kept == 5 && report.other.count == 35
    })
    .await;
}
