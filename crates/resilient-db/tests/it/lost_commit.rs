//! The answer to COMMIT is lost: was it done or not?

use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivatePostgres;
use resilient_db::failure::{Action, Outcome};
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit, Policy};
use sqlx::Postgres;

use crate::support::{connected, execute, is_up, private_postgres};

struct Bench {
    postgres: PrivatePostgres,
    proxy: FaultProxy,
    db: Db<Postgres>,
}

/// How a change turned out for the one who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Done,
    DoneBefore,
}

impl Bench {
    async fn new() -> Self {
        let postgres = private_postgres().await;
        let proxy = FaultProxy::start(([127, 0, 0, 1], postgres.port()).into())
            .await
            .expect("a proxy");
        let db = connected(
            &format!("postgres://postgres@{}/postgres", proxy.address()),
            Policy::default(),
        )
        .await;
        execute(&db, "CREATE TABLE claim (id int PRIMARY KEY)")
            .await
            .expect("a table");
        execute(&db, "CREATE TABLE effect (id int)").await.expect("a table");
        Self { postgres, proxy, db }
    }

    /// The change as it should be: its id is claimed first, in the same transaction.
    async fn claimed(&self, id: i32, on_unknown: OnUnknownCommit) -> Result<Answered, DbError> {
        self.db
            .transaction("claimed", on_unknown, move |connection| {
                claim_and_change(connection, id)
            })
            .await
    }

    /// The control: the same change without an id.
    async fn unclaimed(&self, id: i32) -> Result<Answered, DbError> {
        let work = move |connection| change(connection, id);
        self.db.transaction("unclaimed", OnUnknownCommit::Repeat, work).await
    }

    async fn cut_answers(&self, times: u32) {
        self.proxy
            .set(Fault::CutAnswerTo {
                pattern: b"COMMIT".to_vec(),
                times,
            })
            .await;
    }

    /// Counted by a witness that does not pass the proxy.
    fn effects(&self, id: i32) -> String {
        self.postgres
            .query("postgres", &format!("SELECT count(*) FROM effect WHERE id = {id}"))
            .expect("counted")
    }
}

async fn claim_and_change(mut connection: Connection<Postgres>, id: i32) -> Result<End<Answered>, sqlx::Error> {
    let claimed = sqlx::query("INSERT INTO claim VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(id)
        .execute(&mut connection)
        .await?;
    if claimed.rows_affected() == 0 {
        return Ok(End::Rollback(Answered::DoneBefore));
    }
    change(connection, id).await
}

async fn change(mut connection: Connection<Postgres>, id: i32) -> Result<End<Answered>, sqlx::Error> {
    sqlx::query("INSERT INTO effect VALUES ($1)")
        .bind(id)
        .execute(&mut connection)
        .await?;
    Ok(End::Commit(Answered::Done))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_one_effect_with_a_claimed_id_and_two_without() {
    let bench = Bench::new().await;
    for id in 0..10 {
        is_up(&bench.db).await;
        bench.cut_answers(1).await;
        let answered = bench.claimed(id, OnUnknownCommit::Repeat).await.expect("resolved");
        assert_eq!(answered, Answered::DoneBefore, "the first one did commit");
        assert_eq!(bench.effects(id), "1");
    }
    for id in 100..103 {
        is_up(&bench.db).await;
        bench.cut_answers(1).await;
        bench.unclaimed(id).await.expect("repeated");
        assert_eq!(bench.effects(id), "2", "this is what the claim is for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_cut_on_its_way_is_one_effect_whether_it_arrived_or_not() {
    let bench = Bench::new().await;
    for id in 0..10 {
        is_up(&bench.db).await;
        bench
            .proxy
            .set(Fault::CutAfterForwarding {
                pattern: b"COMMIT".to_vec(),
                times: 2,
            })
            .await;
        bench.claimed(id, OnUnknownCommit::Repeat).await.expect("resolved");
        assert_eq!(bench.effects(id), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_a_report_is_told_that_it_is_unknown() {
    let bench = Bench::new().await;
    bench.cut_answers(1).await;
    let unknown = bench.claimed(1, OnUnknownCommit::Report).await.expect_err("unknown");
    assert_eq!(
        (unknown.class.outcome, unknown.class.action),
        (Outcome::Unknown, Action::Resolve)
    );
    assert_eq!(unknown.attempts, 1);
    assert_eq!(bench.effects(1), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_statement_that_commits_itself_is_unknown_and_not_repeated() {
    let bench = Bench::new().await;
    bench
        .proxy
        .set(Fault::CutAnswerTo {
            pattern: b"INSERT INTO effect VALUES (7)".to_vec(),
            times: 1,
        })
        .await;
    let unknown = bench.db.write("insert", |mut connection| async move {
        sqlx::raw_sql("INSERT INTO effect VALUES (7)")
            .execute(&mut connection)
            .await
    });
    assert_eq!(unknown.await.expect_err("unknown").class.outcome, Outcome::Unknown);
    assert_eq!(bench.effects(7), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_cut_before_its_commit_is_repeated_to_one_effect() {
    let bench = Bench::new().await;
    for id in 0..5 {
        is_up(&bench.db).await;
        bench
            .proxy
            .set(Fault::CutAfterForwarding {
                pattern: b"INSERT INTO effect".to_vec(),
                times: 1,
            })
            .await;
        let answered = bench
            .unclaimed(id)
            .await
            .expect("repeated, because the server undid it");
        assert_eq!((answered, bench.effects(id)), (Answered::Done, "1".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_stays_unknown_is_never_called_a_failure() {
    let bench = Bench::new().await;
    let policy = Policy {
        write_deadline: Duration::from_secs(2),
        ..Policy::default()
    };
    let db = connected(
        &format!("postgres://postgres@{}/postgres", bench.proxy.address()),
        policy,
    )
    .await;
    let cutting = async {
        bench.cut_answers(1).await;
        let before = bench.proxy.counters();
        while bench.effects(1) == "0" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.proxy.set(Fault::Cut).await;
        before
    };
    let call = db.transaction("stays unknown", OnUnknownCommit::Repeat, |connection| {
        claim_and_change(connection, 1)
    });
    let (unknown, _) = tokio::join!(call, cutting);
    let unknown = unknown.expect_err("unknown at the deadline");
    assert_eq!(
        (unknown.class.outcome, unknown.class.action),
        (Outcome::Unknown, Action::Resolve)
    );
    assert!(unknown.retry_after.is_some());

    bench.proxy.set(Fault::Pass).await;
    is_up(&db).await;
    let later = db
        .transaction("later", OnUnknownCommit::Repeat, |connection| {
            claim_and_change(connection, 1)
        })
        .await;
    assert_eq!(later.expect("resolved"), Answered::DoneBefore);
    assert_eq!(bench.effects(1), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_cuts_lose_nothing_double_nothing_and_tell_no_lie() {
    const CHANGES: i32 = 60;
    let bench = Bench::new().await;
    let cuts = Fault::CutAtRandom {
        probability: 0.06,
        seed: 20_261_121,
    };
    bench.proxy.set(cuts).await;
    let (mut failed, mut unknown) = (0, 0);
    for id in 0..CHANGES {
        let (mut in_doubt, began) = (false, Instant::now());
        // What an outbox does: the same change under the same id until there is an answer.
        while let Err(error) = bench.claimed(id, OnUnknownCommit::Repeat).await {
            failed += 1;
            in_doubt |= error.class.outcome == Outcome::Unknown;
            unknown += i32::from(error.class.outcome == Outcome::Unknown);
            assert!(
                in_doubt || bench.effects(id) == "0",
                "called undone, and it was done: {error:?}"
            );
            assert!(began.elapsed() < Duration::from_secs(30), "no end: {error:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(bench.effects(id), "1");
    }
    println!("{CHANGES} changes under random cuts: {failed} failed calls, {unknown} of them unknown; each done once");
    assert_eq!(
        bench
            .postgres
            .query("postgres", "SELECT count(*) FROM effect")
            .expect("counted"),
        CHANGES.to_string()
    );
}
