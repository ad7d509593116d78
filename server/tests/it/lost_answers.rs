//! The database commits and its answer is lost: nothing twice, nothing lost, no wrong answer.
//!
//! Beside it stands a control: a client that takes a fresh form and id for every attempt. It has to
//! write things twice, or the cuts were none and the test proves nothing.

use std::time::Duration;

use fault_proxy::Fault;
use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::Outage;

const NEW: &str = "/records/activity/new?form=";
/// As many as the server writes at once: all of them reach their COMMIT.
const AT_ONCE: usize = 10;
/// The server asks for a lost answer itself within its write deadline of 5 s: only when that is over
/// it has to say that it does not know.
const BEYOND_THE_DEADLINE: Duration = Duration::from_secs(6);

/// How a client names its attempts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// One id for one press of Save.
    Kept,
    /// Another one for each attempt, and another form: one form makes one record whatever its ids.
    Fresh,
}

fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Presses Save until it is saved, and tells how many answers were not.
async fn save(outage: &Outage, form: &DrawnForm, ids: Ids) -> usize {
    let mut form = form.clone();
    for attempt in 0..400 {
        let (_, answer) = outage.app.save(&form).await;
        match answer.outcome {
            Outcome::Saved => return attempt,
            Outcome::Kept | Outcome::InProgress => {}
            other => panic!("a wrong answer: {other:?} {:?}", answer.errors),
        }
        if ids == Ids::Fresh {
            let id = fresh_id();
            form.action = format!("{NEW}{id}");
            form = form.with("_id", &id);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not saved within 400 attempts");
}

/// Counts (records, distinct records, audit lines) that carry `mark`.
fn effects(outage: &Outage, mark: &str) -> (i64, i64, i64) {
    let of = |what: &str| {
        outage.count(&format!(
            "SELECT count({what}) FROM activity WHERE title LIKE '{mark} %'"
        ))
    };
    let audit = outage.database.own("audit");
    let audit = format!("SELECT count(*) FROM {audit} WHERE changes LIKE '%\"{mark} %'");
    (of("*"), of("DISTINCT title"), outage.count(&audit))
}

/// Forms for `number` new records, each with a title of its own.
async fn new_forms(outage: &Outage, mark: &str, number: usize) -> Vec<DrawnForm> {
    let mut forms = Vec::new();
    for n in 0..number {
        let form = outage.app.form(&format!("{NEW}{}", fresh_id())).await;
        forms.push(form.with("v.title", &format!("{mark} {n}")));
    }
    forms
}

/// Every COMMIT of a round is forwarded and its client cut; the database then stays away until the
/// server has given up asking.
async fn cut_at_commit(outage: &Outage, mark: &str, saves: usize, ids: Ids) -> usize {
    let forms = new_forms(outage, mark, saves).await;
    let mut not_saved = 0;
    for round in forms.chunks(AT_ONCE) {
        let before = outage.proxy.counters().cut;
        let times = u32::try_from(round.len()).expect("a small round");
        outage
            .proxy
            .set(Fault::CutAfterForwarding {
                pattern: outage.database.commit().to_vec(),
                times,
            })
            .await;
        let away = async {
            while outage.proxy.counters().cut < before + u64::from(times) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            outage.proxy.set(Fault::Cut).await;
            tokio::time::sleep(BEYOND_THE_DEADLINE).await;
            outage.proxy.set(Fault::Pass).await;
        };
        let saves = futures::future::join_all(round.iter().map(|form| save(outage, form, ids)));
        let (attempts, ()) = tokio::join!(saves, away);
        not_saved += attempts.iter().sum::<usize>();
    }
    not_saved
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_saves_whose_commit_went_unanswered_are_saved_once() {
    saves_without_an_answer_are_saved_once(PrivateDatabase::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_saves_whose_commit_mariadb_did_not_answer_are_saved_once() {
    saves_without_an_answer_are_saved_once(PrivateDatabase::mariadb()).await;
}

async fn saves_without_an_answer_are_saved_once(database: PrivateDatabase) {
    let outage = Outage::over(database).await;
    let attempts = cut_at_commit(&outage, "once", 100, Ids::Kept).await;
    let (records, distinct, audit) = effects(&outage, "once");
    println!(
        "100 saves cut after COMMIT, {attempts} unsaved answers: {distinct} there, {} twice",
        records - distinct
    );
    assert_eq!((records, distinct, audit), (100, 100, 100));

    let attempts = cut_at_commit(&outage, "control", 10, Ids::Fresh).await;
    let (records, distinct, _) = effects(&outage, "control");
    println!(
        "control with fresh ids: 10 saves, {attempts} unsaved answers: {} twice",
        records - distinct
    );
    assert_eq!(distinct, 10);
    assert!(
        records > distinct,
        "the control duplicates nothing: the cuts are no cuts"
    );
}
