//! The database that is served: one server, or several with the same data, of which one takes changes.
//!
//! One server is a [`Db`] and costs nothing more than that; what several need is behind one look at which it is. Who
//! reads says how new it has to be:
//!
//! * [`by`](Database::by): lists, labels, histories. From any server that is in time, but never older than what the
//!   same account has saved.
//! * [`newest_by`](Database::newest_by): forms. From the primary while there is one; what is changed on a form drawn
//!   from anything older is merged, or is a conflict, as with any other form that was open for a while.
//! * [`primary`](Database::primary): what something is decided by, such as rights, accounts, the schema.

mod access;
mod log;
mod state;

use std::sync::Arc;
use std::time::Duration;

use resilient_db::{
    Cluster, ClusterPolicy, Connection, Db, DbError, Observer, Options, Policy, Server, ServerHealth, StatementsReport,
    Supported,
};

pub use self::access::Access;
pub use self::log::LogOf;
pub use self::state::{DatabaseState, Readiness};
use crate::config::{MAIN, Servers};

/// Clones share everything.
pub enum Database<S: Supported> {
    One(Db<S>),
    Several(Cluster<S>),
}

impl<S: Supported> Clone for Database<S> {
    fn clone(&self) -> Self {
        match self {
            Self::One(db) => Self::One(db.clone()),
            Self::Several(cluster) => Self::Several(cluster.clone()),
        }
    }
}

impl<S: Supported> Database<S> {
    /// Never fails: what is down now may be up later. `policy_of` makes each server's policy by its name, `observer` is
    /// told of what concerns several.
    pub async fn connect(
        servers: Servers<Options<S>>,
        max_lag: Option<Duration>,
        policy_of: impl Fn(&'static str) -> Policy,
        observer: Arc<dyn Observer>,
    ) -> Self {
        if servers.is_one() {
            return Self::One(Db::connect_lazily(servers.main, policy_of(MAIN)).await);
        }
        let server = |(name, options): (&'static str, Options<S>)| Server {
            name,
            options,
            policy: policy_of(name),
        };
        let (leading, reading) = servers.split();
        let leading = leading.into_iter().map(server).collect();
        let reading = reading.into_iter().map(server).collect();
        Self::Several(Cluster::connect_lazily(leading, reading, policy(max_lag, observer)).await)
    }

    /// What this account reads and writes.
    pub fn by(&self, account: &str) -> Access<'_, S> {
        match self {
            Self::One(db) => Access::One(db),
            Self::Several(cluster) => Access::InTime(cluster.seen_by(account)),
        }
    }

    /// The same, as new as it can be had.
    pub fn newest_by(&self, account: &str) -> Access<'_, S> {
        match self {
            Self::One(db) => Access::One(db),
            Self::Several(cluster) => Access::Newest(cluster.seen_by(account)),
        }
    }

    /// What something is decided by.
    pub fn primary(&self) -> Access<'_, S> {
        match self {
            Self::One(db) => Access::One(db),
            // Whose it is makes no difference there.
            Self::Several(cluster) => Access::Primary(cluster.seen_by("")),
        }
    }

    /// As [`Db::write`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn write<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<S>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        match self {
            Self::One(db) => db.write(name, work).await,
            Self::Several(cluster) => Box::pin(cluster.write(name, work)).await,
        }
    }

    /// What is known of each server, in the order of the settings; asks nothing.
    pub fn servers(&self) -> Vec<ServerHealth> {
        match self {
            Self::One(db) => vec![ServerHealth {
                name: MAIN,
                is_writer: true,
                is_reader: true,
                is_rival: false,
                is_barred: false,
                lag: None,
                health: db.health(),
            }],
            Self::Several(cluster) => cluster.health(),
        }
    }

    /// All of them as one.
    pub fn state(&self) -> DatabaseState {
        DatabaseState::of(self.servers())
    }

    /// What statements have come to on each server, those that took most of the time first; of several, each shape
    /// with where it ran. `None` where they are not measured.
    pub fn statements(&self) -> Option<StatementsReport> {
        match self {
            Self::One(db) => db.statements(),
            Self::Several(cluster) => cluster.statements(),
        }
    }

    /// Who takes changes now.
    pub fn writer(&self) -> Option<&'static str> {
        match self {
            Self::One(_) => Some(MAIN),
            Self::Several(cluster) => cluster
                .health()
                .iter()
                .find(|server| server.is_writer)
                .map(|server| server.name),
        }
    }

    /// Asks all of them now, unless they were asked just before.
    pub async fn probe_now(&self) {
        match self {
            Self::One(db) => drop(db.probe_now().await),
            Self::Several(cluster) => cluster.probe_now().await,
        }
    }

    /// As [`Db::reconnect`], on all of them.
    pub async fn reconnect(&self) {
        match self {
            Self::One(db) => drop(db.reconnect().await),
            Self::Several(cluster) => cluster.reconnect().await,
        }
    }

    /// What this server holds is what counts. Whether there is one of that name.
    pub fn trust(&self, server: &str) -> bool {
        match self {
            Self::One(_) => server == MAIN,
            Self::Several(cluster) => cluster.trust(server),
        }
    }
}

impl<S: Supported> From<Db<S>> for Database<S> {
    fn from(db: Db<S>) -> Self {
        Self::One(db)
    }
}

fn policy(max_lag: Option<Duration>, observer: Arc<dyn Observer>) -> ClusterPolicy {
    let usual = ClusterPolicy {
        observer,
        ..ClusterPolicy::default()
    };
    let Some(max_lag) = max_lag else { return usual };
    ClusterPolicy {
        max_lag,
        settling: max_lag + usual.pinned_beyond_lag,
        ..usual
    }
}
