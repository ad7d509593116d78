//! The connection a piece of work is given: by value, yet never out of the pool's sight.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use sqlx::{Database, Execute, Executor, SqlStr};

use crate::error::CommitRefused;
use crate::pool::Held;
use crate::statements::{How, Place, Rows, Tapped, Watch};

/// One connection, lent for one piece of work.
///
/// `&mut Connection<D>` is an [`sqlx::Executor`], so every sqlx query runs on it. It remembers that
/// a statement failed or was left unfinished: a transaction with such a statement does not commit,
/// because PostgreSQL would answer COMMIT with a silent rollback that sqlx reports as success.
///
/// Dropping it, finished or not, hands the sqlx connection back to whoever lent it. A timeout can
/// therefore take it out of the pool, instead of leaving a permit with a server that never answers.
pub struct Connection<D: Database> {
    lent: Option<Held<D>>,
    slot: Arc<Slot<D>>,
}

/// Where a lent connection comes back to. Dropped with a connection in it, it closes it; so does a
/// connection that comes back to a slot that nobody looks into any more.
pub(crate) struct Slot<D: Database> {
    returned: Mutex<Option<Held<D>>>,
    work: Arc<Work>,
}

/// One piece of work: what its statements came to, and who measures them.
struct Work {
    history: Mutex<History>,
    watch: Option<Watch>,
}

#[derive(Default)]
struct History {
    unfinished: u32,
    failed: u32,
    /// Where the statement under way is counted.
    place: Option<Place>,
}

impl<D: Database> Connection<D> {
    /// Lends `held`; it comes back to the slot.
    pub(crate) fn lend(held: Held<D>, watch: Option<Watch>) -> (Self, Arc<Slot<D>>) {
        let slot = Arc::new(Slot {
            returned: Mutex::new(None),
            work: Arc::new(Work {
                history: Mutex::default(),
                watch,
            }),
        });
        (
            Self {
                lent: Some(held),
                slot: Arc::clone(&slot),
            },
            slot,
        )
    }

    /// The raw connection, and the note that a statement is about to run on it.
    fn begin_statement(&mut self) -> (&mut D::Connection, Running) {
        let running = Running::begin(&self.slot.work);
        // Taken in `drop` only.
        let connection = self.lent.as_mut().expect("lent until dropped");
        (&mut **connection, running)
    }
}

impl<D: Database> Drop for Connection<D> {
    fn drop(&mut self) {
        *locked(&self.slot.returned) = self.lent.take();
    }
}

impl<D: Database> fmt::Debug for Connection<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("database", &D::NAME)
            .finish_non_exhaustive()
    }
}

impl<D: Database> Slot<D> {
    /// The connection, if the work has dropped it.
    pub(crate) fn reclaim(&self) -> Option<Held<D>> {
        locked(&self.returned).take()
    }

    /// Why this work must not commit, if so.
    pub(crate) fn objection(&self, returned: bool) -> Option<CommitRefused> {
        let history = locked(&self.work.history);
        let refused = CommitRefused {
            failed_statements: history.failed,
            unfinished_statements: history.unfinished,
            connection_kept: !returned,
        };
        (refused != CommitRefused::default()).then_some(refused)
    }
}

/// A statement under way. Dropped before its end, it stays unfinished.
struct Running {
    work: Arc<Work>,
    began: Instant,
    rows: Rows,
    has_ended: bool,
}

impl Running {
    fn begin(work: &Arc<Work>) -> Self {
        locked(&work.history).unfinished += 1;
        Self {
            work: Arc::clone(work),
            began: Instant::now(),
            rows: Rows::default(),
            has_ended: false,
        }
    }

    /// What notes the statement's text when the driver takes it.
    fn tapped<E>(&self, query: E) -> Tapped<E, impl FnOnce(&str) + Send + 'static> {
        let work = Arc::clone(&self.work);
        let tap = move |sql: &str| {
            if let Some(watch) = &work.watch {
                let place = watch.place(sql);
                locked(&work.history).place = Some(place);
            }
        };
        Tapped { query, tap }
    }

    fn ended<T>(&mut self, result: &Result<T, sqlx::Error>) {
        match result {
            Ok(_) | Err(sqlx::Error::RowNotFound) => self.end(None),
            Err(error) => self.end(Some(error)),
        }
    }

    fn end(&mut self, failed: Option<&sqlx::Error>) {
        self.has_ended = true;
        let mut history = locked(&self.work.history);
        history.unfinished -= 1;
        history.failed += u32::from(failed.is_some());
        let place = history.place.take();
        drop(history);
        self.count(place, |watch| {
            failed.map_or(How::Succeeded, |error| watch.failed(error))
        });
    }

    fn count(&self, place: Option<Place>, how: impl FnOnce(&Watch) -> How) {
        if let (Some(watch), Some(place)) = (&self.work.watch, place) {
            watch.ended(place, self.began.elapsed(), self.rows, how(watch));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            let place = locked(&self.work.history).place.take();
            self.count(place, |_| How::Unfinished);
        }
    }
}

/// A poisoned lock only says that some work panicked; the counters are still right.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes rows through and notes how the statement ended.
fn noted<'e, T: Send + 'e>(
    rows: BoxStream<'e, Result<T, sqlx::Error>>,
    running: Running,
    count: fn(&T, &mut Rows),
) -> BoxStream<'e, Result<T, sqlx::Error>> {
    futures::stream::unfold(Some((rows, running)), move |state| async move {
        let (mut rows, mut running) = state?;
        match rows.next().await {
            Some(Ok(row)) => {
                count(&row, &mut running.rows);
                Some((Ok(row), Some((rows, running))))
            }
            Some(Err(error)) => {
                running.end(Some(&error));
                Some((Err(error), None))
            }
            None => {
                running.end(None);
                None
            }
        }
    })
    .boxed()
}

/// sqlx implements `Executor` for each driver's own connection, not for every `Database`, so this
/// has to be said once per database.
macro_rules! executor_for {
    ($feature:literal, $database:ty) => {
        #[cfg(feature = $feature)]
        impl<'c> Executor<'c> for &'c mut Connection<$database> {
            type Database = $database;

            fn fetch_many<'e, 'q, E>(
                self,
                query: E,
            ) -> BoxStream<
                'e,
                Result<sqlx::Either<<$database as Database>::QueryResult, <$database as Database>::Row>, sqlx::Error>,
            >
            where
                'c: 'e,
                'q: 'e,
                E: 'q + Execute<'q, $database>,
            {
                let (connection, running) = self.begin_statement();
                let rows = connection.fetch_many(running.tapped(query));
                noted(rows, running, |row, rows| match row {
                    sqlx::Either::Left(done) => rows.changed += done.rows_affected(),
                    sqlx::Either::Right(_) => rows.read += 1,
                })
            }

            fn fetch_optional<'e, 'q, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<<$database as Database>::Row>, sqlx::Error>>
            where
                'c: 'e,
                'q: 'e,
                E: 'q + Execute<'q, $database>,
            {
                let (connection, mut running) = self.begin_statement();
                let row = connection.fetch_optional(running.tapped(query));
                async move {
                    let row = row.await;
                    running.rows.read = u64::from(matches!(row, Ok(Some(_))));
                    running.ended(&row);
                    row
                }
                .boxed()
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [<$database as Database>::TypeInfo],
            ) -> BoxFuture<'e, Result<<$database as Database>::Statement, sqlx::Error>>
            where
                'c: 'e,
            {
                let (connection, mut running) = self.begin_statement();
                let statement = connection.prepare_with(sql, parameters);
                async move {
                    let statement = statement.await;
                    running.ended(&statement);
                    statement
                }
                .boxed()
            }
        }
    };
}

executor_for!("postgres", sqlx::Postgres);
executor_for!("mysql", sqlx::MySql);
executor_for!("sqlite", sqlx::Sqlite);
