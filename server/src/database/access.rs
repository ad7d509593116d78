//! How one account, or the server itself, comes to the database.

use resilient_db::failure::Kind;
use resilient_db::{Connection, Db, DbError, End, OnUnknownCommit, Supported, View};

/// See [`Database`](super::Database).
pub enum Access<'a, S: Supported> {
    One(&'a Db<S>),
    /// Of several servers any that is in time.
    InTime(View<'a, S>),
    /// The primary, and others only where it does not answer.
    Newest(View<'a, S>),
    /// The primary and nobody else.
    Primary(View<'a, S>),
}

impl<S: Supported> Access<'_, S> {
    /// As [`Db::read`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn read<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<S>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        match self {
            Self::One(db) => db.read(name, work).await,
            // In a box each, so that reading from one server takes no more room.
            Self::InTime(view) => Box::pin(read_in_time(view, name, work)).await,
            Self::Newest(view) => Box::pin(view.read_from_primary_first(name, work)).await,
            Self::Primary(view) => Box::pin(view.read_from_primary(name, work)).await,
        }
    }

    /// As [`Db::transaction`]; on the primary, whatever this is for. From then on the same account reads nothing older.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn transaction<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<S>) -> Fut,
        Fut: Future<Output = Result<End<T>, sqlx::Error>>,
    {
        match self {
            Self::One(db) => db.transaction(name, on_unknown, work).await,
            Self::InTime(view) | Self::Newest(view) | Self::Primary(view) => {
                Box::pin(view.transaction(name, on_unknown, work)).await
            }
        }
    }
}

/// A replica may not have heard yet of a table or column that the statement names, and may end a statement that is in
/// the way of what it has to replay: neither says anything of the primary.
async fn read_in_time<S, T, F, Fut>(view: &View<'_, S>, name: &'static str, work: F) -> Result<T, DbError>
where
    S: Supported,
    F: Fn(Connection<S>) -> Fut,
    Fut: Future<Output = Result<T, sqlx::Error>>,
{
    let answer = view.read(name, &work).await;
    match answer {
        Err(failed) if matches!(failed.class.kind, Kind::Defect | Kind::Contention) => {
            view.read_from_primary(name, &work).await
        }
        answer => answer,
    }
}
