//! Whether this server takes writes from us: where there are several, only one may.

use resilient_core::failure::{Action, Class, Kind};
use tokio::sync::watch;

use crate::classify::REFUSED;
use crate::failed_attempt::FailedAttempt;

/// Looked at before each attempt, so that none is repeated on a server that we have left.
#[derive(Debug)]
pub(crate) struct Gate {
    open: watch::Sender<bool>,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self {
            open: watch::Sender::new(true),
        }
    }

    pub(crate) fn closed() -> Self {
        Self {
            open: watch::Sender::new(false),
        }
    }

    pub(crate) fn steer(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// # Errors
    /// A refusal, while it is closed.
    pub(crate) fn admit(&self) -> Result<(), FailedAttempt> {
        let class = Class {
            kind: Kind::ReadOnly,
            action: Action::FailOver,
            ..REFUSED
        };
        self.open
            .borrow()
            .then_some(())
            .ok_or_else(|| FailedAttempt::plain(class))
    }

    /// Ends when it is closed.
    pub(crate) async fn closes(&self) {
        // Cannot fail: the sender is `self`.
        let _ = self.open.subscribe().wait_for(|open| !open).await;
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use sqlx::Sqlite;
    use sqlx::sqlite::SqliteConnectOptions;
    use tokio::sync::Notify;

    use super::*;
    use crate::db::Db;
    use crate::error::DbError;
    use crate::policy::Policy;

    async fn insert(db: &Db<Sqlite>, holding: Option<[&Notify; 2]>) -> Result<(), DbError> {
        db.write("insert", |mut connection| async move {
            if let Some([begun, go_on]) = holding {
                begun.notify_one();
                go_on.notified().await;
            }
            let insert = sqlx::query("INSERT INTO note VALUES (1)");
            insert.execute(&mut connection).await.map(drop)
        })
        .await
    }

    #[tokio::test]
    async fn who_waits_while_writes_move_elsewhere_is_turned_away_and_who_has_begun_ends() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = SqliteConnectOptions::new().filename(directory.path().join("gate.db"));
        let db = Db::connect_for_cluster(file.create_if_missing(true), Policy::default()).await;
        let made = |db: Db<Sqlite>| async move {
            let table = |mut connection| async move {
                let made = sqlx::query("CREATE TABLE note (n int)");
                made.execute(&mut connection).await.map(drop)
            };
            db.write("table", table).await
        };
        let refused = made(db.clone()).await.expect_err("not chosen yet");
        assert_eq!((refused.class.action, refused.attempts), (Action::FailOver, 0));

        db.steer_writes(true);
        made(db.clone()).await.expect("chosen");
        // One connection writes: the second waits for it.
        let [begun, go_on] = [Notify::new(), Notify::new()];
        let moving = async {
            begun.notified().await;
            while db.health().write.pool.waiting == 0 {
                tokio::task::yield_now().await;
            }
            db.steer_writes(false);
            go_on.notify_one();
        };
        let (first, second, ()) = tokio::join!(insert(&db, Some([&begun, &go_on])), insert(&db, None), moving);
        first.expect("begun before");
        assert_eq!(second.expect_err("elsewhere").class.action, Action::FailOver);
        insert(&db, None).await.expect_err("elsewhere");
    }
}
