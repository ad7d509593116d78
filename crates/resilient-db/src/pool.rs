//! sqlx's pool with the hooks that keep it whole while a server hangs.
//!
//! By itself the pool pings without a limit when a connection is given back, so a frozen server
//! keeps the permit, and the pool shrinks for good (sqlx#4349).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use sqlx::pool::{PoolConnection, PoolConnectionMetadata, PoolOptions};
use sqlx::{ConnectOptions, Connection as _, Database, Pool};
use tokio::time::timeout;

use crate::policy::Policy;
use crate::probe::News;
use crate::supported::{Options, Purpose, Role, Supported};

/// Up to `max` connections. Opens nothing yet.
pub(crate) fn open<D: Supported>(
    options: &Options<D>,
    role: Role,
    max: u32,
    policy: &Arc<Policy>,
    news: &Arc<News>,
    server: &Arc<D::Server>,
) -> Pool<D> {
    let (before, after, news) = (Arc::clone(policy), Arc::clone(policy), Arc::clone(news));
    let (opening, server) = (Arc::clone(policy), Arc::clone(server));
    PoolOptions::<D>::new()
        .max_connections(max)
        // The prober keeps some open: sqlx would try for five minutes, and hold a place of the pool meanwhile.
        .min_connections(0)
        .acquire_timeout(policy.acquire_timeout)
        .idle_timeout(policy.idle_timeout)
        // Age and liveness are looked at below, where they have limits.
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let (policy, server) = (Arc::clone(&opening), Arc::clone(&server));
            async move { D::settle_in(connection, Purpose::Work(role), &policy, &server).await }.boxed()
        })
        .before_acquire(move |connection, seen| {
            let suspect = news.suspects(seen.idle_for, before.ping_after_release);
            let doubtful = suspect || seen.idle_for > before.ping_when_idle_for;
            let (policy, is_outdated) = (Arc::clone(&before), news.is_outdated(seen.age));
            async move {
                match is_outdated {
                    true => Ok(false),
                    false => still_good::<D>(connection, &seen, doubtful, &policy).await,
                }
            }
            .boxed()
        })
        .after_release(move |connection, _| {
            let limit = after.ping_after_release;
            async move { ping::<D>(connection, limit).await.map(|()| true) }.boxed()
        })
        .connect_lazy_with(without_log(D::options(options, role, policy), policy))
}

/// sqlx writes statements into the log as they are, literals included; where we tell of them ourselves, it does not.
fn without_log<O: ConnectOptions>(options: O, policy: &Policy) -> O {
    match policy.statements {
        Some(_) => options.disable_statement_logging(),
        None => options,
    }
}

/// `Ok(false)` closes it and takes the next; an error closes it without a farewell.
async fn still_good<D: Supported>(
    connection: &mut D::Connection,
    seen: &PoolConnectionMetadata,
    doubtful: bool,
    policy: &Policy,
) -> Result<bool, sqlx::Error> {
    if doubtful {
        ping::<D>(connection, policy.ping_before_use).await?;
    }
    Ok(seen.age < age_limit(seen.age, policy))
}

async fn ping<D: Supported>(connection: &mut D::Connection, limit: Duration) -> Result<(), sqlx::Error> {
    let timed_out = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(limit, connection.ping())
        .await
        .unwrap_or_else(|_| Err(timed_out()))
}

/// The age at which a connection is replaced, always the same for the same connection: sqlx tells
/// nothing about it but its age, so the second of its birth stands for it.
fn age_limit(age: Duration, policy: &Policy) -> Duration {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    since_epoch.saturating_sub(age).as_secs().hash(&mut hasher);
    let unit = f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
    policy
        .max_age
        .mul_f64((1.0 + policy.max_age_spread * (2.0 * unit - 1.0)).max(0.0))
}

/// What becomes of a connection that was given back whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterUse {
    Keep,
    Close,
}

/// Those who hold a connection now; counted by whoever has the original.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holders(Arc<()>);

impl Holders {
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A connection out of the pool. Dropped without being released, it leaves the pool and is closed:
/// whatever was under way on it, nobody else will meet it.
pub(crate) struct Held<D: Database> {
    connection: Option<PoolConnection<D>>,
    after_use: AfterUse,
    _among: Holders,
}

impl<D: Database> Held<D> {
    pub(crate) fn new(connection: PoolConnection<D>, after_use: AfterUse, among: &Holders) -> Self {
        Self {
            connection: Some(connection),
            after_use,
            _among: among.clone(),
        }
    }

    /// Back into the pool, if it still answers within `limit`, or closed with a farewell where it is not
    /// to be kept.
    pub(crate) fn release(mut self, limit: Duration) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        match self.after_use {
            // sqlx pings once more after `after_release`, without a limit: the frozen server may
            // choose just this moment. Dropping this future frees the permit.
            AfterUse::Keep => drop(tokio::spawn(timeout(limit, connection.return_to_pool()))),
            AfterUse::Close => drop(tokio::spawn(timeout(limit, connection.close()))),
        }
    }
}

impl<D: Database> Deref for Held<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        self.connection.as_ref().expect("held until released or dropped")
    }
}

impl<D: Database> DerefMut for Held<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.connection.as_mut().expect("held until released or dropped")
    }
}

impl<D: Database> Drop for Held<D> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_end_within_a_tenth_of_their_age() {
        let policy = Policy::default();
        for minutes in 0..600 {
            let limit = age_limit(Duration::from_secs(minutes * 60), &policy);
            assert!(
                (Duration::from_secs(27 * 60)..=Duration::from_secs(33 * 60)).contains(&limit),
                "{limit:?}"
            );
        }
    }
}
