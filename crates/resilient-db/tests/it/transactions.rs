//! What is committed, what is not, and what is repeated.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use resilient_db::failure::{Kind, Outcome};
use resilient_db::{CommitRefused, Connection, Db, End, OnUnknownCommit, Policy};
use sqlx::Postgres;

use crate::support::{
    Queries, Served, assert_pool_is_whole, connected, connected_to, count, execute, on_each_server, private_server,
};

on_each_server!(
    only_what_ends_in_commit_is_committed,
    a_swallowed_error_does_not_commit,
    a_statement_left_half_read_does_not_commit,
    a_statement_given_up_leaves_its_answer_to_nobody,
    a_panic_in_the_work_leaves_nothing_behind,
    a_connection_kept_beyond_the_work_does_not_commit_and_is_closed,
    a_deadlock_is_repeated_until_both_are_done,
    a_changed_table_is_read_again_by_all_who_had_prepared_for_the_old_one,
);

const EFFECTS: &str = "SELECT count(*) FROM effect";

async fn with_effects<D: Served>() -> (D::Private, Db<D>) {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    execute(&db, "CREATE TABLE effect (id int PRIMARY KEY)")
        .await
        .expect("a table");
    (server, db)
}

async fn insert<D: Queries>(connection: &mut Connection<D>, id: i32) -> Result<(), sqlx::Error> {
    D::perform(connection, format!("INSERT INTO effect VALUES ({id})"))
        .await
        .map(drop)
}

async fn only_what_ends_in_commit_is_committed<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    let ends = |id: i32, commit: bool| {
        db.transaction("ends", OnUnknownCommit::Report, move |mut connection| async move {
            insert(&mut connection, id).await?;
            Ok(if commit { End::Commit(id) } else { End::Rollback(id) })
        })
    };
    assert_eq!(ends(1, false).await.expect("the value of a rollback"), 1);
    assert_eq!(count(&db, EFFECTS).await, 0);
    assert_eq!(ends(2, true).await.expect("the value of a commit"), 2);
    assert_eq!(count(&db, EFFECTS).await, 1);
    let failed = ends(2, true).await.expect_err("taken");
    assert_eq!(
        (failed.class.kind, failed.class.outcome),
        (Kind::Constraint, Outcome::RolledBack)
    );
    assert_eq!(count(&db, EFFECTS).await, 1);
    assert_pool_is_whole(&db).await;
}

async fn a_swallowed_error_does_not_commit<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    let swallowed = db.transaction("swallowed", OnUnknownCommit::Repeat, |mut connection| async move {
        insert(&mut connection, 1).await?;
        let _swallowed = insert(&mut connection, 1).await;
        Ok(End::Commit(()))
    });
    let refused = swallowed.await.expect_err("refused");
    assert_eq!(
        (refused.class.kind, refused.class.outcome),
        (Kind::Defect, Outcome::RolledBack)
    );
    let cause = refused.source().and_then(|cause| cause.downcast_ref::<CommitRefused>());
    assert_eq!(cause.map(|refused| refused.failed_statements), Some(1));
    assert_eq!(count(&db, EFFECTS).await, 0);
    assert_pool_is_whole(&db).await;
}

async fn a_statement_left_half_read_does_not_commit<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    let half_read = db.transaction("half read", OnUnknownCommit::Report, |mut connection| async move {
        insert(&mut connection, 1).await?;
        // Fails at its third row, which nobody looks at.
        D::read_one_row_of(&mut connection, D::FAILS_AT_THE_THIRD_ROW).await?;
        Ok(End::Commit(()))
    });
    half_read.await.expect_err("refused");
    assert_eq!(count(&db, EFFECTS).await, 0);
}

/// Each on the one connection there is, after a statement whose answer nobody waited for.
async fn a_statement_given_up_leaves_its_answer_to_nobody<D: Served>() {
    let server = private_server::<D>().await;
    let one = Policy {
        max_connections: 1,
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, one).await;
    execute(&db, "CREATE TABLE effect (id int PRIMARY KEY)")
        .await
        .expect("a table");
    for number in 0..20 {
        let given_up = async |connection: &mut Connection<D>| {
            let question = D::number(connection, format!("SELECT count(*) + {number} + 1000"));
            // Asked, and not waited for.
            let _given_up = tokio::time::timeout(Duration::ZERO, question).await;
        };
        let read = db.read("gives up", |mut connection| async move {
            given_up(&mut connection).await;
            Ok(())
        });
        read.await.expect("nothing was needed of it");
        assert_eq!(count(&db, &format!("SELECT count(*) + {number}")).await, 1 + number);

        let change = db.transaction("gives up", OnUnknownCommit::Report, |mut connection| async move {
            insert(&mut connection, 1).await?;
            given_up(&mut connection).await;
            Ok(End::Rollback(()))
        });
        change.await.expect("rolled back");
        let inserted = format!("INSERT INTO effect VALUES ({})", 100 + number);
        assert_eq!(execute(&db, inserted).await.expect("inserted"), 1);
        assert_eq!(count(&db, EFFECTS).await, 1 + number);
    }
}

async fn a_panic_in_the_work_leaves_nothing_behind<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    let panicking = tokio::spawn({
        let db = db.clone();
        async move {
            db.transaction("panics", OnUnknownCommit::Report, |mut connection| async move {
                insert(&mut connection, 1).await?;
                if connection.panics() {
                    panic!("the work")
                } else {
                    Ok(End::Commit(()))
                }
            })
            .await
        }
    });
    assert!(panicking.await.is_err());
    assert_eq!(count(&db, EFFECTS).await, 0);
    // Nobody goes on inside the transaction it left open.
    for _ in 0..10 {
        let next = "INSERT INTO effect SELECT count(*) + 2 FROM effect";
        execute(&db, next).await.expect("inserted");
    }
    assert_eq!(count(&db, EFFECTS).await, 10);
    assert_pool_is_whole(&db).await;
}

/// Keeps the work above from being unreachable code to the compiler.
trait Panics {
    fn panics(&self) -> bool {
        true
    }
}

impl<D: Queries> Panics for Connection<D> {}

async fn a_connection_kept_beyond_the_work_does_not_commit_and_is_closed<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    let (keep, kept) = tokio::sync::mpsc::unbounded_channel();
    let keeping = db.transaction("keeps", OnUnknownCommit::Report, |mut connection| {
        let keep = keep.clone();
        async move {
            insert(&mut connection, 1).await?;
            keep.send(connection).map_err(|_| sqlx::Error::PoolClosed)?;
            Ok(End::Commit(()))
        }
    });
    let refused = keeping.await.expect_err("refused");
    let cause = refused.source().and_then(|cause| cause.downcast_ref::<CommitRefused>());
    assert_eq!(cause.map(|refused| refused.connection_kept), Some(true));
    drop(kept);
    assert_eq!(count(&db, EFFECTS).await, 0);
    assert_pool_is_whole(&db).await;
}

async fn a_deadlock_is_repeated_until_both_are_done<D: Served>() {
    let server = private_server::<D>().await;
    // Long enough that PostgreSQL looks for a deadlock before anybody's patience is over.
    let patient = Policy {
        lock_timeout: Duration::from_secs(3),
        ..Policy::default()
    };
    let db = connected_to::<D>(&server, patient).await;
    for sql in [
        "CREATE TABLE effect (id int PRIMARY KEY)",
        "INSERT INTO effect VALUES (1), (2)",
    ] {
        execute(&db, sql).await.expect(sql);
    }
    let attempts = AtomicU32::new(0);
    let both_hold_one = tokio::sync::Barrier::new(2);
    let crossing = |first: i32, second: i32| {
        let (attempts, both_hold_one, met) = (&attempts, &both_hold_one, AtomicBool::new(false));
        let db = &db;
        async move {
            let (met, update) = (&met, |id| format!("UPDATE effect SET id = id WHERE id = {id}"));
            db.transaction("crossing", OnUnknownCommit::Report, move |mut connection| async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                D::perform(&mut connection, update(first)).await?;
                if !met.swap(true, Ordering::Relaxed) {
                    both_hold_one.wait().await;
                }
                D::perform(&mut connection, update(second)).await?;
                Ok(End::Commit(()))
            })
            .await
        }
    };
    let (one, other) = tokio::join!(crossing(1, 2), crossing(2, 1));
    one.expect("done");
    other.expect("done");
    assert_eq!(attempts.load(Ordering::Relaxed), 3, "one of them twice");
}

async fn a_changed_table_is_read_again_by_all_who_had_prepared_for_the_old_one<D: Served>() {
    let (_server, db) = with_effects::<D>().await;
    execute(&db, "INSERT INTO effect VALUES (1)").await.expect("a row");
    let columns = || {
        db.read("columns", |mut connection| async move {
            let columns = D::columns(&mut connection, "SELECT * FROM effect").await?;
            D::perform(&mut connection, D::sleep(0.05)).await?;
            Ok(columns)
        })
    };
    for (before, add) in [(1, "ALTER TABLE effect ADD a int"), (2, "ALTER TABLE effect ADD b int")] {
        // On ten connections: the repetition of the one call below finds another stale one.
        for found in futures::future::join_all((0..10).map(|_| columns())).await {
            assert_eq!(found.expect("a row"), before);
        }
        execute(&db, add).await.expect("a column");
        assert_eq!(columns().await.expect("a row"), before + 1);
    }
}

#[tokio::test]
async fn a_call_can_be_spawned_and_may_borrow() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let db = connected::<Postgres>("postgres://postgres@127.0.0.1:1/postgres", Policy::default()).await;
    let borrowed = String::from("borrowed");
    let text = borrowed.as_str();
    let call = sendable(
        db.transaction("borrows", OnUnknownCommit::Report, |mut connection| async move {
            let length: i32 = sqlx::query_scalar("SELECT length($1)")
                .bind(text)
                .fetch_one(&mut connection)
                .await?;
            Ok(End::Commit(length))
        }),
    );
    assert_eq!(call.await.expect_err("nobody is there").class.kind, Kind::Unreachable);
}
