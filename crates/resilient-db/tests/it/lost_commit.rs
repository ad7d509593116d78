//! The answer to COMMIT is lost: was it done or not?

use std::sync::Arc;
use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy};
use resilient_db::failure::{Action, Outcome};
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit, Policy};

use crate::cut_commits::{Counted, Id, cut_commits};
use crate::support::{PrivateServer as _, Served, connected, execute, is_up, on_each_server, private_server, proxied};

on_each_server!(
    a_lost_answer_is_one_effect_with_a_claimed_id_and_two_without,
    a_commit_cut_on_its_way_is_one_effect_whether_it_arrived_or_not,
    who_wants_a_report_is_told_that_it_is_unknown,
    a_lost_statement_that_commits_itself_is_unknown_and_not_repeated,
    a_change_cut_before_its_commit_is_repeated_to_one_effect,
    a_commit_that_stays_unknown_is_never_called_a_failure,
    random_cuts_lose_nothing_double_nothing_and_tell_no_lie,
    the_same_id_sent_by_two_at_once_is_one_effect,
    two_hundred_commits_without_an_answer_are_two_hundred_effects,
);

struct Bench<D: Served> {
    server: D::Private,
    proxy: FaultProxy,
    url: String,
    db: Db<D>,
}

/// How a change turned out for the one who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Done,
    DoneBefore,
}

impl<D: Served> Bench<D> {
    async fn new() -> Self {
        let server = private_server::<D>().await;
        let (proxy, url) = proxied::<D>(&server).await;
        let db = connected::<D>(&url, Policy::default()).await;
        execute(&db, "CREATE TABLE claim (id int PRIMARY KEY)")
            .await
            .expect("a table");
        execute(&db, "CREATE TABLE effect (id int)").await.expect("a table");
        Self { server, proxy, url, db }
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
                pattern: D::COMMIT.to_vec(),
                times,
            })
            .await;
    }

    /// Counted by a witness that does not pass the proxy.
    fn effects(&self, id: i32) -> String {
        self.server
            .query(D::MAIN, &format!("SELECT count(*) FROM effect WHERE id = {id}"))
            .expect("counted")
    }
}

async fn claim_and_change<D: Served>(mut connection: Connection<D>, id: i32) -> Result<End<Answered>, sqlx::Error> {
    if D::perform(&mut connection, D::claim("claim", id)).await? == 0 {
        return Ok(End::Rollback(Answered::DoneBefore));
    }
    change(connection, id).await
}

async fn change<D: Served>(mut connection: Connection<D>, id: i32) -> Result<End<Answered>, sqlx::Error> {
    D::perform(&mut connection, format!("INSERT INTO effect VALUES ({id})")).await?;
    Ok(End::Commit(Answered::Done))
}

async fn a_lost_answer_is_one_effect_with_a_claimed_id_and_two_without<D: Served>() {
    let bench = Bench::<D>::new().await;
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

async fn a_commit_cut_on_its_way_is_one_effect_whether_it_arrived_or_not<D: Served>() {
    let bench = Bench::<D>::new().await;
    for id in 0..10 {
        is_up(&bench.db).await;
        bench
            .proxy
            .set(Fault::CutAfterForwarding {
                pattern: D::COMMIT.to_vec(),
                times: 2,
            })
            .await;
        bench.claimed(id, OnUnknownCommit::Repeat).await.expect("resolved");
        assert_eq!(bench.effects(id), "1");
    }
}

async fn who_wants_a_report_is_told_that_it_is_unknown<D: Served>() {
    let bench = Bench::<D>::new().await;
    bench.cut_answers(1).await;
    let unknown = bench.claimed(1, OnUnknownCommit::Report).await.expect_err("unknown");
    assert_eq!(
        (unknown.class.outcome, unknown.class.action),
        (Outcome::Unknown, Action::Resolve)
    );
    assert_eq!(unknown.attempts, 1);
    assert_eq!(bench.effects(1), "1");
}

async fn a_lost_statement_that_commits_itself_is_unknown_and_not_repeated<D: Served>() {
    let bench = Bench::<D>::new().await;
    bench
        .proxy
        .set(Fault::CutAnswerTo {
            pattern: b"INSERT INTO effect VALUES (7)".to_vec(),
            times: 1,
        })
        .await;
    let unknown = bench.db.write("insert", |mut connection| async move {
        D::perform_at_once(&mut connection, "INSERT INTO effect VALUES (7)").await
    });
    assert_eq!(unknown.await.expect_err("unknown").class.outcome, Outcome::Unknown);
    assert_eq!(bench.effects(7), "1");
}

async fn a_change_cut_before_its_commit_is_repeated_to_one_effect<D: Served>() {
    let bench = Bench::<D>::new().await;
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

async fn a_commit_that_stays_unknown_is_never_called_a_failure<D: Served>() {
    let bench = Bench::<D>::new().await;
    let policy = Policy {
        write_deadline: Duration::from_secs(2),
        ..Policy::default()
    };
    let db = connected::<D>(&bench.url, policy).await;
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

/// Sixty changes, on two servers: it is the waiting that takes long.
async fn random_cuts_lose_nothing_double_nothing_and_tell_no_lie<D: Served>() {
    let (one, other) = tokio::join!(changed_under_cuts::<D>(20_261_121), changed_under_cuts::<D>(20_261_122));
    println!(
        "60 changes of {} under random cuts, each done once: {one:?}, {other:?}",
        D::NAME
    );
}

/// Calls that did not end in an answer.
#[derive(Debug, Default)]
struct Failed {
    all: u32,
    unknown: u32,
}

async fn changed_under_cuts<D: Served>(seed: u64) -> Failed {
    const CHANGES: i32 = 30;
    let bench = Bench::<D>::new().await;
    let cuts = Fault::CutAtRandom {
        probability: 0.06,
        seed,
    };
    bench.proxy.set(cuts).await;
    let mut failed = Failed::default();
    for id in 0..CHANGES {
        let (mut in_doubt, began) = (false, Instant::now());
        // What an outbox does: the same change under the same id until there is an answer.
        while let Err(error) = bench.claimed(id, OnUnknownCommit::Repeat).await {
            failed.all += 1;
            in_doubt |= error.class.outcome == Outcome::Unknown;
            failed.unknown += u32::from(error.class.outcome == Outcome::Unknown);
            assert!(
                in_doubt || bench.effects(id) == "0",
                "called undone, and it was done: {error:?}"
            );
            assert!(began.elapsed() < Duration::from_secs(30), "no end: {error:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(bench.effects(id), "1");
    }
    let all = bench.server.query(D::MAIN, "SELECT count(*) FROM effect");
    assert_eq!(all.expect("counted"), CHANGES.to_string());
    failed
}

/// A page that was reloaded, or a second tab, sends what the first one is still sending.
async fn the_same_id_sent_by_two_at_once_is_one_effect<D: Served>() {
    const CHANGES: i32 = 40;
    let bench = Bench::<D>::new().await;
    let cuts = Fault::CutAtRandom {
        probability: 0.04,
        seed: 20_261_126,
    };
    bench.proxy.set(cuts).await;
    let until_answered = async |id| {
        let began = Instant::now();
        loop {
            match bench.claimed(id, OnUnknownCommit::Repeat).await {
                Ok(answered) => return answered,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "no end: {error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    for id in 0..CHANGES {
        let answers = tokio::join!(until_answered(id), until_answered(id));
        assert_ne!(answers, (Answered::Done, Answered::Done), "both did it");
    }
    let effects = "SELECT count(*), count(DISTINCT id) FROM effect";
    let effects = bench.server.query(D::MAIN, effects).expect("counted");
    assert_eq!(effects, format!("{CHANGES}|{CHANGES}"));
}

/// Ten thousand of them are a benchmark: `cargo xtask bench commits`.
async fn two_hundred_commits_without_an_answer_are_two_hundred_effects<D: Served>() {
    let server = Arc::new(private_server::<D>().await);
    let counted = cut_commits::<D>(&server, 8, 25, Id::OfTheChange).await;
    let expected = Counted {
        changes: 200,
        cuts: 200,
        asked_again: counted.asked_again,
        ..Counted::default()
    };
    assert_eq!(counted, expected);

    let server = Arc::new(private_server::<D>().await);
    let control = cut_commits::<D>(&server, 8, 2, Id::OfTheAttempt).await;
    assert_eq!(
        control.duplicates, control.cuts,
        "each is repeated, and is new to the server"
    );
}
