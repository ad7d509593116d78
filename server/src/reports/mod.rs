//! Questions about the database itself: what it does now, and how it would run a statement.
//!
//! Each look is on a connection of its own, opened for it and closed after it. It takes no place that a save could
//! have, and it can be taken while every connection of the pools is busy or waits for a lock, which is when somebody
//! wants to look. There is one look at a time; the database ends a statement of it before the look's own deadline does.
//!
//! *Add a database:* how it is asked and read in `activity/` and `hints/`.

mod activity;
mod connection;
mod hints;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::monitoring::statements::{Activity, Hints};
use async_trait::async_trait;
use resilient_db::{Options, StatementNumbers};
use tokio::sync::Mutex;
use tokio::time::timeout;

use self::connection::{Raw, Way, close};
use self::hints::Explains;
use crate::config::Servers;
use crate::database::Database;
use crate::panel::Panel;

/// From the asking to the answer, waiting for another look included.
const LIMIT: Duration = Duration::from_secs(8);
/// Several people who look at once see the same.
const FRESH: Duration = Duration::from_secs(1);
/// Plans do not change so often, and there are many statements to explain.
const PLANS_FRESH: Duration = Duration::from_secs(10);

/// Why nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// The database could not be asked.
    Unreachable,
    TimedOut,
    /// It did not take the question.
    Failed,
}

impl NotTold {
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "The database cannot be reached right now.",
            Self::TimedOut => "The database did not tell within 8 seconds.",
            Self::Failed => "The database did not take the question; the log says why.",
        }
    }
}

/// Of one database.
#[async_trait]
pub trait Reports: Send + Sync {
    async fn activity(&self) -> Result<Activity, NotTold>;

    /// On those among these that were slow.
    async fn hints(&self, statements: &[StatementNumbers]) -> Result<Hints, NotTold>;
}

/// A kind of database that can be asked about itself.
pub trait Watched: Explains {
    /// Whether there are sessions but ours.
    const SESSIONS: bool;

    /// What goes on, of everybody who is connected to this database.
    fn activity(connection: &mut Raw<Self>) -> impl Future<Output = Result<Activity, sqlx::Error>> + Send;
}

/// What is asked of `D`.
pub struct DatabaseReports<D: Watched>(Arc<Looks<D>>);

struct Looks<D: Watched> {
    way: Way<D>,
    panel: Arc<Panel>,
    activity: Mutex<Option<(Instant, Activity)>>,
    hints: Mutex<Option<(Instant, Hints)>>,
}

impl<D: Watched> DatabaseReports<D> {
    pub fn new(servers: Servers<Options<D::Database>>, db: Database<D::Database>, panel: &Arc<Panel>) -> Arc<Self> {
        let looks = Looks {
            way: Way::new(servers, db),
            panel: Arc::clone(panel),
            activity: Mutex::default(),
            hints: Mutex::default(),
        };
        Arc::new(Self(Arc::new(looks)))
    }
}

impl<D: Watched> Looks<D> {
    async fn look(&self) -> Result<Activity, sqlx::Error> {
        let mut last = self.activity.lock().await;
        if let Some(seen) = fresh(&last, FRESH) {
            return Ok(seen);
        }
        let mut connection = self.way.connect().await?;
        let activity = D::activity(&mut connection).await?;
        close(connection).await;
        *last = Some((Instant::now(), activity.clone()));
        Ok(activity)
    }

    async fn explain(&self, statements: &[StatementNumbers]) -> Result<Hints, sqlx::Error> {
        let mut last = self.hints.lock().await;
        if let Some(seen) = fresh(&last, PLANS_FRESH) {
            return Ok(seen);
        }
        let catalog = self.panel.whole();
        let refers = move |table: &str, column: &str| {
            let is_it = |found: &&Arc<app::records::model::Table>| match &found.name.schema {
                Some(schema) => table.strip_prefix(schema.as_str()) == Some(&format!(".{}", found.name.name)),
                None => found.name.name == table,
            };
            let column = catalog
                .tables()
                .iter()
                .find(is_it)
                .and_then(|table| table.column(column));
            column.is_some_and(|column| column.reference.is_some())
        };
        let mut connection = self.way.connect().await?;
        let found = hints::hints::<D>(&mut connection, statements, &refers).await?;
        close(connection).await;
        *last = Some((Instant::now(), found.clone()));
        Ok(found)
    }
}

fn fresh<T: Clone>(last: &Option<(Instant, T)>, lasting: Duration) -> Option<T> {
    let (seen, told) = last.as_ref()?;
    (seen.elapsed() < lasting).then(|| told.clone())
}

#[async_trait]
impl<D: Watched> Reports for DatabaseReports<D> {
    async fn activity(&self) -> Result<Activity, NotTold> {
        if !D::SESSIONS {
            return Ok(activity::without_sessions());
        }
        let looks = Arc::clone(&self.0);
        to_its_end(async move { within(looks.look()).await }).await
    }

    async fn hints(&self, statements: &[StatementNumbers]) -> Result<Hints, NotTold> {
        if statements.iter().all(|statement| statement.slow == 0) {
            return Ok(Hints::default());
        }
        let (looks, statements) = (Arc::clone(&self.0), statements.to_vec());
        to_its_end(async move { within(looks.explain(&statements)).await }).await
    }
}

/// Also where whoever asked does not wait for it: the next one sees what it saw, and does not ask the database again.
async fn to_its_end<T: Send + 'static>(
    look: impl Future<Output = Result<T, NotTold>> + Send + 'static,
) -> Result<T, NotTold> {
    tokio::spawn(look).await.unwrap_or(Err(NotTold::Failed))
}

async fn within<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, NotTold> {
    let told = timeout(LIMIT, asking).await;
    told.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(not_told)
}

fn not_told(error: sqlx::Error) -> NotTold {
    match error {
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => NotTold::TimedOut,
        sqlx::Error::Io(error) => {
            tracing::debug!(%error, "the database cannot be asked about itself");
            NotTold::Unreachable
        }
        error => {
            tracing::warn!(%error, "the database does not tell about itself");
            NotTold::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_that_its_caller_gives_up_is_there_for_the_next() {
        let seen = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&seen);
        let look = to_its_end(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            noted.store(true, Ordering::Release);
            Ok(())
        });
        assert!(timeout(Duration::from_secs(1), look).await.is_err(), "given up");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(seen.load(Ordering::Acquire));
    }
}
