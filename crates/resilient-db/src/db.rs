//! The parts put together.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout};

use crate::budget::RetryBudget;
use crate::call::Call;
use crate::classify::Phase;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::error::DbError;
use crate::health::{Condition, Health};
use crate::lane::{Lane, Membership};
use crate::policy::Policy;
use crate::probe::{News, Prober};
use crate::statements::{Statements, StatementsReport};
use crate::supported::{Options, Role, Supported};
use crate::transaction::{End, OnUnknownCommit};
use crate::typical::Typical;

/// A database that may go away and come back. Clones share everything.
///
/// Every call has a deadline, is refused at once while the database is known to be away, and is
/// repeated only where that cannot do harm. `name` stands for the call in logs and statistics.
pub struct Db<D: Supported> {
    shared: Arc<Shared<D>>,
}

pub(crate) struct Shared<D: Supported> {
    pub(crate) policy: Arc<Policy>,
    pub(crate) clock: Clock,
    pub(crate) read: Arc<Lane<D>>,
    pub(crate) write: Arc<Lane<D>>,
    pub(crate) budget: Mutex<RetryBudget>,
    pub(crate) typical: Mutex<Typical>,
    pub(crate) news: Arc<News>,
    /// `None` where nothing is measured.
    pub(crate) statements: Option<Arc<Statements>>,
    prober: AbortHandle,
}

impl<D: Supported> Clone for Db<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D: Supported> Db<D> {
    /// Opens the first connections and asks the first probe, within about two seconds. Never fails:
    /// a database that is down now may be up later, and the probe will know.
    pub async fn connect_lazily(options: Options<D>, policy: Policy) -> Self {
        Self::connect(options, policy, Membership::Alone).await
    }

    /// The same as one of several servers: takes no writes before it is chosen.
    pub(crate) async fn connect_for_cluster(options: Options<D>, policy: Policy) -> Self {
        Self::connect(options, policy, Membership::OfCluster).await
    }

    async fn connect(options: Options<D>, policy: Policy, membership: Membership) -> Self {
        let (policy, clock, news) = (Arc::new(policy), Clock::start(), Arc::new(News::default()));
        let server = Arc::<D::Server>::default();
        let lane = |role| {
            Arc::new(Lane::<D>::new(
                &options, role, &policy, clock, &news, &server, membership,
            ))
        };
        let (read, write) = (lane(Role::Read), lane(Role::Write));
        warm(&read, &write, &policy).await;
        let mut prober = Prober::<D> {
            membership,
            options: D::probe_options(&options, &policy),
            policy: Arc::clone(&policy),
            news: Arc::clone(&news),
            read: Arc::clone(&read),
            write: Arc::clone(&write),
            server,
            own: None,
        };
        // Twice opens the breaker: the first page of an outage should not have to find out.
        if !prober.probe().await {
            prober.probe().await;
        }
        let prober: JoinHandle<()> = tokio::spawn(prober.run());
        let statements = policy.statements.map(|measuring| {
            let observer = Arc::clone(&policy.observer);
            Arc::new(Statements::new(measuring, D::SYNTAX, clock, observer))
        });
        let budget = Mutex::new(RetryBudget::full(clock.now()));
        let (typical, prober) = (Mutex::default(), prober.abort_handle());
        Self {
            shared: Arc::new(Shared {
                policy,
                clock,
                read,
                write,
                budget,
                typical,
                news,
                statements,
                prober,
            }),
        }
    }

    /// Reads; may be repeated, on a connection that refuses to write. `work` gets a connection of its
    /// own for each attempt.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn read<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let deadline = Instant::now() + self.shared.policy.read_deadline;
        self.run_statements(name, Phase::Read, deadline, work).await
    }

    /// One statement that commits itself; not repeated once its outcome is unknown.
    ///
    /// # Errors
    /// See [`DbError`]; [`Outcome::Unknown`](crate::failure::Outcome::Unknown) means that it may have
    /// happened.
    pub async fn write<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let deadline = Instant::now() + self.shared.policy.write_deadline;
        self.run_statements(name, Phase::Autocommit, deadline, work).await
    }

    /// A transaction, ended by the work's answer: [`End::Commit`] or [`End::Rollback`]; anything else
    /// rolls back. It is repeated as a whole where the server undid it. A commit is refused when a
    /// statement failed and its error was swallowed.
    ///
    /// # Errors
    /// See [`DbError`]; [`Outcome::Unknown`](crate::failure::Outcome::Unknown) means that it may have
    /// been committed.
    pub async fn transaction<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<End<T>, sqlx::Error>>,
    {
        let deadline = Instant::now() + self.shared.policy.write_deadline;
        self.transaction_until(name, on_unknown, deadline, work).await
    }

    pub(crate) async fn transaction_until<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        deadline: Instant,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<End<T>, sqlx::Error>>,
    {
        let mut call = Call::begin(&self.shared, name, Phase::InTransaction, on_unknown, deadline).await?;
        loop {
            let result = match call.lease().await {
                Ok((connection, lease)) => lease.finish_transaction(work(connection)).await,
                Err(failed) => Err(failed),
            };
            if let ControlFlow::Break(answer) = call.settle(result).await {
                return answer;
            }
        }
    }

    pub(crate) async fn run_statements<T, F, Fut>(
        &self,
        name: &'static str,
        phase: Phase,
        deadline: Instant,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let mut call = Call::begin(&self.shared, name, phase, OnUnknownCommit::Report, deadline).await?;
        loop {
            let result = match call.lease().await {
                Ok((connection, lease)) => lease.finish(work(connection)).await,
                Err(failed) => Err(failed),
            };
            if let ControlFlow::Break(answer) = call.settle(result).await {
                return answer;
            }
        }
    }

    /// From the last probe, the breakers and the pools' counters; asks the database nothing.
    pub fn health(&self) -> Health {
        let Shared {
            read,
            write,
            news,
            policy,
            ..
        } = &*self.shared;
        let (last_probe, cause) = (news.report(), news.cause());
        let slow_probe = last_probe.is_some_and(|probe| probe.took > policy.probe_limit / 2);
        let condition = match (read.circuit.is_closed(), write.circuit.is_closed()) {
            (false, _) => Condition::Down,
            (true, true) if !slow_probe => Condition::Up,
            (true, _) => Condition::Slow,
        };
        let cause = cause.and_then(|failed| failed.source).map(|source| source.to_string());
        let (read, write) = (read.health(), write.health());
        Health {
            condition,
            retry_after: self.retry_after(),
            cause,
            last_probe,
            read,
            write,
        }
    }

    /// What statements have come to since the start, by shape; `None` where the policy measures none.
    pub fn statements(&self) -> Option<StatementsReport> {
        self.shared.statements.as_ref().map(|statements| statements.report())
    }

    /// As [`health`](Self::health), but asks the database first. However many call this, there is never more than
    /// one probe at a time, nor two closer together than while the breaker is open (200 ms): a younger
    /// answer is taken as it is. Takes at most the policy's `probe_limit` and that distance.
    pub async fn probe_now(&self) -> Health {
        let Shared { news, policy, .. } = &*self.shared;
        let longest = policy.probe_limit + policy.breaker.probe_open;
        news.probed_since(policy.breaker.probe_open, longest).await;
        self.health()
    }

    /// Leaves every connection that is open now: idle ones are closed, those in use do what they are doing and
    /// are replaced before their next use. New ones resolve the address and read certificates anew. Then
    /// asks the database, over a new connection, and tells how it is.
    pub async fn reconnect(&self) -> Health {
        let Shared {
            read,
            write,
            news,
            policy,
            ..
        } = &*self.shared;
        news.renew();
        read.close_idle();
        write.close_idle();
        // An answer from before would be one of an old connection.
        news.probed_since(Duration::ZERO, policy.probe_limit + policy.breaker.probe_open)
            .await;
        self.health()
    }

    /// What the first connection learnt of the server, where this database is more than one product.
    pub fn server(&self) -> &D::Server {
        &self.shared.read.server
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    pub(crate) fn news(&self) -> &News {
        &self.shared.news
    }

    /// Whether this one of several servers takes writes.
    pub(crate) fn steer_writes(&self, open: bool) {
        self.shared.write.gate.steer(open);
    }

    /// `Some` while a breaker is open: until the next probe, not spread.
    pub fn retry_after(&self) -> Option<Duration> {
        self.shared
            .read
            .circuit
            .retry_after()
            .max(self.shared.write.circuit.retry_after())
    }

    /// Refuses new calls, waits for those under way within the policy's `closing_timeout`, and stops
    /// probing. Calls afterwards fail with [`Kind::Closing`](crate::failure::Kind::Closing).
    pub async fn close(&self) {
        self.shared.prober.abort();
        let both = async { tokio::join!(self.shared.read.close(), self.shared.write.close()) };
        if timeout(self.shared.policy.closing_timeout, both).await.is_err() {
            tracing::warn!("connections were still in use when the pool closed");
        }
    }
}

impl<D: Supported> Drop for Shared<D> {
    fn drop(&mut self) {
        self.prober.abort();
    }
}

/// One connection of each role. The writer comes first: on SQLite it makes the file and its journal,
/// which two at once would dispute.
async fn warm<D: Supported>(read: &Lane<D>, write: &Lane<D>, policy: &Policy) {
    let both = async {
        write.open(1).await?;
        read.open(1).await
    };
    if let Ok(Err(error)) = timeout(policy.acquire_timeout, both).await {
        tracing::warn!(%error, "the database cannot be reached yet");
    }
}
