use std::cell::Cell;

use resilient_core::failure::{Retry, Severity};
use sqlx::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::classify::{CONTENTION, LOST};
use crate::policy::Policy;

fn failed(class: Class) -> DbError {
    DbError {
        name: "save",
        class,
        constraint: None,
        retry_after: None,
        attempts: 1,
        source: None,
    }
}

/// How a save ends whose attempts on the primaries ended so, one after the other.
async fn saved(on_unknown: OnUnknownCommit, ends: &[Result<(), Class>]) -> (usize, Result<(), Class>) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = SqliteConnectOptions::new().filename(directory.path().join("cluster.db"));
    let server = Server {
        name: "one",
        options: file.create_if_missing(true),
        policy: Policy::default(),
    };
    let cluster = Cluster::<Sqlite>::connect_lazily(vec![server], Vec::new(), ClusterPolicy::default()).await;
    let attempts = Cell::new(0);
    let attempt = |_: Db<Sqlite>, _: Instant| {
        let end = ends[attempts.get()];
        attempts.set(attempts.get() + 1);
        async move { end.map_err(failed) }
    };
    let ended = cluster.seen_by("ann").on_the_writer("save", on_unknown, attempt).await;
    (attempts.get(), ended.map_err(|failed| failed.class))
}

#[tokio::test]
async fn what_is_in_doubt_stays_so_until_the_next_primary_has_answered() {
    let (attempts, ended) = saved(OnUnknownCommit::Repeat, &[Err(LOST), Err(CONTENTION)]).await;
    let class = ended.expect_err("nobody knows");
    assert_eq!(
        (attempts, class.outcome, class.action),
        (2, Outcome::Unknown, Action::Resolve)
    );
    assert_eq!((class.kind, class.severity), (Kind::Contention, Severity::Outage));

    assert_eq!(saved(OnUnknownCommit::Repeat, &[Err(LOST), Ok(())]).await, (2, Ok(())));
}

#[tokio::test]
async fn without_an_id_what_is_in_doubt_is_not_tried_again() {
    let (attempts, ended) = saved(OnUnknownCommit::Report, &[Err(LOST), Ok(())]).await;
    assert_eq!((attempts, ended), (1, Err(LOST)));
}

#[tokio::test]
async fn what_a_primary_refuses_for_itself_is_not_asked_of_another() {
    let refused = Class {
        retry: Retry::Never,
        ..CONTENTION
    };
    assert_eq!(
        saved(OnUnknownCommit::Repeat, &[Err(refused), Ok(())]).await,
        (1, Err(refused))
    );
}
