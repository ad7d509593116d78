//! The contract, and what only a file can do.

use std::future::{Future as _, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use resilient_core::draft::replacement::Mode;
use tempfile::TempDir;

use super::SqliteStore;
use crate::contract::draft;
use crate::{DraftStore, End, Sealer, Secrets, WhyUnreadable, Written};

async fn open(directory: &Path, secret: u8) -> SqliteStore {
    SqliteStore::open(&directory.join("drafts.db"), Sealer::new(&[secret; 32], "drafts"))
        .await
        .unwrap()
}

async fn fresh() -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(directory.path(), 1).await, directory)
}

crate::contract_tests!(super::fresh());

#[tokio::test]
async fn a_draft_and_what_has_ended_outlive_the_process() {
    let (store, directory) = fresh().await;
    store
        .write("ann", "site/1", &draft("a", 1, None, "kept"), &Mode::Chained, 1)
        .await
        .unwrap();
    store
        .end("ann", "site/1", &draft("b", 4, None, "").revision, End::Discarded, 2)
        .await
        .unwrap();
    // Not closed: as after a kill.
    let store = open(directory.path(), 1).await;
    assert_eq!(
        store.load("ann", "site/1").await.unwrap().drafts[0].draft,
        draft("a", 1, None, "kept")
    );
    let late = store
        .write("ann", "site/1", &draft("b", 4, None, "late"), &Mode::Chained, 3)
        .await
        .unwrap();
    assert_eq!(late, Written::Ended(End::Discarded));
}

#[tokio::test]
async fn counting_reads_an_index_and_no_text() {
    let (store, _directory) = fresh().await;
    let plan = sqlx::query(sqlx::AssertSqlSafe(format!(
        "EXPLAIN QUERY PLAN {}",
        super::rows::COUNT_FORMS
    )));
    let steps = plan.bind("ann").bind(1_i64).fetch_all(&store.readers).await.unwrap();
    let steps: Vec<String> = steps.iter().map(|step| sqlx::Row::get(step, "detail")).collect();
    assert!(
        steps
            .iter()
            .any(|step| step.contains("USING COVERING INDEX draft_by_form")),
        "{steps:?}"
    );
}

#[tokio::test]
async fn two_processes_on_one_file_do_not_overwrite_each_other() {
    let (one, directory) = fresh().await;
    let other = open(directory.path(), 1).await;
    crate::contract::only_one_of_many_is_first(vec![one, other]).await;
}

#[tokio::test]
async fn nobody_reads_the_text_in_the_files() {
    let (store, directory) = fresh().await;
    store
        .write(
            "ann",
            "site/1",
            &draft("a", 1, None, "a very private text"),
            &Mode::Chained,
            1,
        )
        .await
        .unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"very private"), "{path:?}");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "{path:?} can be read by others");
        }
    }
}

#[tokio::test]
async fn drafts_of_a_lost_secret_are_passed_over_and_new_ones_are_kept() {
    let (store, directory) = fresh().await;
    store
        .write("ann", "site/1", &draft("a", 1, None, "old"), &Mode::Chained, 1)
        .await
        .unwrap();
    store.close().await;
    let store = open(directory.path(), 2).await;
    assert!(store.list("ann").await.unwrap().drafts.is_empty());
    store
        .write("ann", "site/1", &draft("a", 1, None, "new"), &Mode::Chained, 1)
        .await
        .unwrap();
    assert_eq!(
        store.load("ann", "site/1").await.unwrap().drafts[0].draft,
        draft("a", 1, None, "new")
    );
}

#[tokio::test]
async fn a_row_moved_to_another_account_does_not_open() {
    let (store, _directory) = fresh().await;
    store
        .write("ann", "site/1", &draft("a", 1, None, "hers"), &Mode::Chained, 1)
        .await
        .unwrap();
    sqlx::query("UPDATE draft SET account = 'bob'")
        .execute(&store.writer)
        .await
        .unwrap();
    assert!(store.load("bob", "site/1").await.unwrap().drafts.is_empty());
}

#[tokio::test]
async fn a_write_is_finished_though_nobody_waits_for_it() {
    let (store, _directory) = fresh().await;
    let draft = draft("a", 1, None, "kept");
    {
        // Asked once and never again, as of a client that hangs up.
        let mut writing = pin!(store.write("ann", "site/1", &draft, &Mode::Chained, 1));
        let is_waiting = poll_fn(|context| Poll::Ready(writing.as_mut().poll(context).is_pending())).await;
        assert!(is_waiting, "it was over before anybody could hang up");
    }
    let stored = async {
        while store.load("ann", "site/1").await.unwrap().drafts.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), stored)
        .await
        .expect("the draft is stored");
}

/// With an old secret beside the present one.
async fn open_after(directory: &Path, present: u8, old: u8) -> SqliteStore {
    let secrets = Secrets {
        old: vec![[old; 32]],
        ..Secrets::from([present; 32])
    };
    let sealer = Sealer::of(&secrets, "drafts");
    SqliteStore::open(&directory.join("drafts.db"), sealer).await.unwrap()
}

#[tokio::test]
async fn drafts_of_an_old_secret_are_sealed_anew_and_need_it_no_more() {
    let (store, directory) = fresh().await;
    for site in 1..=50 {
        let form_key = format!("site/{site}");
        let draft = draft("a", 1, None, "typed before");
        store
            .write("ann", &form_key, &draft, &Mode::Chained, site)
            .await
            .unwrap();
    }
    store.close().await;
    let store = open_after(directory.path(), 2, 1).await;
    let before = store.list("ann").await.unwrap();
    assert_eq!((before.drafts.len(), before.unreadable.len()), (50, 0), "at once");
    let swept = store.sweep(60).await.unwrap();
    assert_eq!((swept.resealed, swept.still_old, swept.unknown), (50, 0, 0));
    assert_eq!(store.sweep(60).await.unwrap().resealed, 0, "once");
    store.close().await;
    let store = open(directory.path(), 2).await;
    let after = store.list("ann").await.unwrap();
    assert_eq!(after, before, "nothing but the seal is another one");
    store.close().await;
    let with_the_old_one = open(directory.path(), 1).await;
    let seen = with_the_old_one.list("ann").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.unreadable.len()), (0, 50));
    assert_eq!(with_the_old_one.sweep(60).await.unwrap().unknown, 50);
}

#[tokio::test]
async fn a_text_that_does_not_open_is_told_of_until_it_is_discarded() {
    let (store, _directory) = fresh().await;
    for (form_key, seq) in [("site/1", 1), ("site/2", 2)] {
        let draft = draft("a", seq, None, "text");
        store.write("ann", form_key, &draft, &Mode::Chained, seq).await.unwrap();
    }
    // As it happens where somebody can write to the file: each has the other one's text.
    let swap = "CREATE TABLE other AS SELECT * FROM draft;
        UPDATE draft SET sealed = (SELECT other.sealed FROM other WHERE other.seq <> draft.seq)";
    sqlx::raw_sql(swap).execute(&store.writer).await.unwrap();
    let seen = store.list("ann").await.unwrap();
    let told: Vec<_> = seen
        .unreadable
        .iter()
        .map(|draft| (&draft.form_key[..], draft.changed_at_ms))
        .collect();
    assert_eq!(told, [("site/2", Some(2)), ("site/1", Some(1))]);
    assert!(seen.drafts.is_empty() && seen.unreadable.iter().all(|draft| draft.why == WhyUnreadable::Changed));
    assert_eq!(store.count("ann", 2).await.unwrap().forms, 2);
    store.sweep(3).await.unwrap();
    let hers = draft("a", 2, None, "").revision;
    let ended = store.end("ann", "site/2", &hers, End::Discarded, 3).await.unwrap();
    assert_eq!(ended.removed, 1);
    assert_eq!(store.list("ann").await.unwrap().unreadable.len(), 1);
    assert_eq!(store.count("ann", 2).await.unwrap().forms, 1);
}

#[tokio::test]
async fn all_that_is_too_old_goes_in_small_steps_and_nothing_else() {
    let (store, _directory) = fresh().await;
    let thirty_days = 30 * 24 * 60 * 60 * 1000;
    let many = 2 * super::rows::SWEPT_AT_ONCE + 1;
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})");
    for insert in [
        format!("INSERT INTO draft {rows} SELECT 'ann', 'site/' || i, 'w', 1, '[]', 'x', 1000 FROM n"),
        format!("INSERT INTO ended {rows} SELECT 'ann', 'site/' || i, 'w', 1, 0, 1000, NULL FROM n"),
        "INSERT INTO draft VALUES ('ann', 'site/0', 'w', 1, '[]', 'x', 1001)".to_owned(),
        "INSERT INTO ended VALUES ('ann', 'site/0', 'w', 1, 0, 1001, NULL)".to_owned(),
    ] {
        let insert = sqlx::query(sqlx::AssertSqlSafe(insert));
        insert.execute(&store.writer).await.unwrap();
    }
    for delete in [super::rows::OLD_DRAFTS, super::rows::OLD_MARKS] {
        let step = sqlx::query(delete).bind(999_i64).bind(1_i64);
        assert_eq!(step.execute(&store.writer).await.unwrap().rows_affected(), 0);
        let step = sqlx::query(delete).bind(1_000_i64).bind(7_i64);
        assert_eq!(step.execute(&store.writer).await.unwrap().rows_affected(), 7, "a step");
    }
    assert_eq!(store.sweep(1_000 + thirty_days).await.unwrap().removed, many - 7);
    let left = "SELECT (SELECT count(*) FROM draft) || ' ' || (SELECT count(*) FROM ended)";
    let left: String = sqlx::query_scalar(left).fetch_one(&store.writer).await.unwrap();
    assert_eq!(left, "1 1");
}
