//! Everything one role has for itself: pool, bulkhead, breaker.

use std::sync::Arc;

use futures::future::try_join_all;
use resilient_core::failure::{BreakerEffect, Class};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use tokio::time::{Instant, timeout, timeout_at};

use crate::bulkhead::{Bulkhead, Place, PlaceKind, Places};
use crate::circuit::Circuit;
use crate::classify::Phase;
use crate::clock::Clock;
use crate::failed_attempt::FailedAttempt;
use crate::gate::Gate;
use crate::health::{PoolNumbers, RoleHealth};
use crate::limit::Bounds;
use crate::policy::Policy;
use crate::pool::{self, AfterUse, Held, Holders};
use crate::probe::News;
use crate::pulse::{Attempt, Pulse};
use crate::supported::{Options, PoolSize, Role, Supported};

/// Whether a database stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Alone,
    /// One of several servers: writes wait until it is chosen.
    OfCluster,
}

pub(crate) struct Lane<D: Supported> {
    pub(crate) role: Role,
    pub(crate) circuit: Circuit,
    pub(crate) gate: Gate,
    pub(crate) pool: Pool<D>,
    /// Connections of the burst: each is opened for one call, none is ever idle here. A pool of their own,
    /// because in one larger pool whoever comes while a connection is on its way back would open another.
    overflow: Option<Pool<D>>,
    /// Of the ordinary connections.
    holders: Holders,
    bulkhead: Bulkhead,
    pulse: Pulse,
    news: Arc<News>,
    policy: Arc<Policy>,
    pub(crate) server: Arc<D::Server>,
}

impl<D: Supported> Lane<D> {
    pub(crate) fn new(
        options: &Options<D>,
        role: Role,
        policy: &Arc<Policy>,
        clock: Clock,
        news: &Arc<News>,
        server: &Arc<D::Server>,
        membership: Membership,
    ) -> Self {
        let size = D::pool_size(role, policy);
        let PoolSize { max, burst, .. } = size;
        let open = |max| pool::open::<D>(options, role, max, policy, news, server);
        let pulse = Pulse::new(role, clock, Arc::clone(policy), size);
        Self {
            role,
            circuit: Circuit::new(role, clock, Arc::clone(policy)),
            gate: match (membership, role) {
                (Membership::OfCluster, Role::Write) => Gate::closed(),
                _ => Gate::open(),
            },
            // As many as may ever run at once; how many do is for the bulkhead.
            pool: open(pulse.bounds().most),
            overflow: (burst > 0).then(|| open(burst)),
            holders: Holders::default(),
            bulkhead: Bulkhead::new(Places {
                ordinary: max,
                burst,
                burst_after: policy.burst_after,
                waiting: policy.waiting,
            }),
            pulse,
            news: Arc::clone(news),
            policy: Arc::clone(policy),
            server: Arc::clone(server),
        }
    }

    /// A place among the running, unless the breaker is open or too many wait already.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Place<'_>, FailedAttempt> {
        self.gate.admit()?;
        self.circuit.admit()?;
        let patience = deadline.min(Instant::now() + self.policy.waiting_timeout);
        tokio::select! {
            place = self.bulkhead.enter(patience, || self.holders.count()) => place.map_err(|_| FailedAttempt::crowded()),
            refused = self.refusal() => Err(refused),
        }
    }

    /// The connection that goes with a place, unless the breaker is open or opens meanwhile.
    pub(crate) async fn acquire(&self, place: PlaceKind, deadline: Instant) -> Result<Held<D>, FailedAttempt> {
        self.gate.admit()?;
        self.circuit.admit()?;
        if let Some(faults) = &self.policy.faults {
            faults
                .strike_connecting()
                .map_err(|error| FailedAttempt::of::<D>(error, Phase::Connect, &self.server))?;
        }
        let (pool, after_use) = match (place, &self.overflow) {
            (PlaceKind::Overflow, Some(overflow)) => (overflow, AfterUse::Close),
            _ => (&self.pool, AfterUse::Keep),
        };
        let held = tokio::select! {
            acquired = timeout_at(deadline, pool.acquire()) => match acquired {
                Ok(Ok(connection)) => self.hold(connection, after_use),
                Ok(Err(error)) => return Err(self.not_acquired(pool, error)),
                Err(_) => return Err(self.not_acquired(pool, sqlx::Error::PoolTimedOut)),
            },
            refused = self.refusal() => return Err(refused),
        };
        match self.gate.admit() {
            Ok(()) => Ok(held),
            Err(elsewhere) => {
                held.release(self.policy.ping_after_release);
                Err(elsewhere)
            }
        }
    }

    fn hold(&self, connection: PoolConnection<D>, after_use: AfterUse) -> Held<D> {
        match after_use {
            AfterUse::Keep => Held::new(connection, after_use, &self.holders),
            AfterUse::Close => Held::new(connection, after_use, &Holders::default()),
        }
    }

    /// Waits for connections in use.
    pub(crate) async fn close(&self) {
        let overflow = async {
            if let Some(overflow) = &self.overflow {
                overflow.close().await;
            }
        };
        tokio::join!(self.pool.close(), overflow);
    }

    /// Closes what nobody uses, beside the caller.
    pub(crate) fn close_idle(&self) {
        let limit = self.policy.ping_after_release;
        while let Some(connection) = self.pool.try_acquire() {
            // A frozen server does not hear the farewell.
            tokio::spawn(timeout(limit, connection.close()));
        }
    }

    /// So many at the same time, and gives them back.
    pub(crate) async fn open(&self, connections: u32) -> Result<(), sqlx::Error> {
        let opening = (0..connections).map(|_| async {
            let connection = self.pool.acquire().await?;
            Ok::<_, sqlx::Error>(self.hold(connection, AfterUse::Keep))
        });
        let opened = try_join_all(opening).await?;
        let limit = self.policy.ping_after_release;
        opened.into_iter().for_each(|held| held.release(limit));
        Ok(())
    }

    /// Opens what is missing of the connections that are kept, beside the caller, who knows that the database
    /// answers.
    fn keep_some_open(self: &Arc<Self>) {
        let kept = D::pool_size(self.role, &self.policy).min;
        if self.pool.size() < kept {
            let lane = Arc::clone(self);
            // Where it fails, the next probe finds out why.
            tokio::spawn(async move { lane.open(kept).await.ok() });
        }
    }

    pub(crate) fn health(&self) -> RoleHealth {
        let overflow = self.overflow.as_ref().map_or(0, Pool::size);
        let Bounds { least, usual, most } = self.pulse.bounds();
        let (size, idle) = (
            self.pool.size() + overflow,
            u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX),
        );
        let pool = PoolNumbers {
            size,
            idle,
            overflow,
            in_use: size.saturating_sub(idle),
            running: self.bulkhead.running(),
            waiting: self.bulkhead.waiting(),
            max: usual,
            limit: self.bulkhead.limit(),
            least,
            most,
        };
        RoleHealth {
            breaker: self.circuit.state(),
            pool,
            trends: self.pulse.trends(),
        }
    }

    /// Whether a call that runs now has the database nearly to itself.
    pub(crate) fn is_quiet(&self) -> bool {
        Pulse::is_quiet(&self.bulkhead)
    }

    /// An attempt has ended. A trend is told before the breaker opens, if both come with the same call.
    pub(crate) fn record(&self, attempt: &Attempt) {
        self.pulse.record(&self.bulkhead, attempt);
        self.circuit.record(attempt.failed, attempt.took);
    }

    /// A probe has succeeded.
    pub(crate) fn probed(self: &Arc<Self>) {
        self.keep_some_open();
        self.close_one_too_many();
        if self.circuit.is_closed() {
            self.pulse.tick(&self.bulkhead);
        }
    }

    /// A limit that has become smaller leaves idle connections behind: one of them goes with each probe, so
    /// that a limit that comes back soon finds most of them.
    fn close_one_too_many(&self) {
        if self.pool.size() > self.bulkhead.limit()
            && let Some(connection) = self.pool.try_acquire()
        {
            let held = self.hold(connection, AfterUse::Close);
            held.release(self.policy.ping_after_release);
        }
    }

    /// Ends when the breaker opens.
    async fn refusal(&self) -> FailedAttempt {
        loop {
            self.circuit.opened().await;
            if let Err(refused) = self.circuit.admit() {
                return refused;
            }
        }
    }

    /// A timed-out acquire hides its cause: sqlx repeats a refused connect until the time is over.
    /// The probe knows it. A pool that is full and busy says nothing about the server at all.
    fn not_acquired(&self, pool: &Pool<D>, error: sqlx::Error) -> FailedAttempt {
        let timed_out = matches!(error, sqlx::Error::PoolTimedOut);
        let mut failed = FailedAttempt::of::<D>(error, Phase::Connect, &self.server);
        if !timed_out {
            return failed;
        }
        if let Some(cause) = self.news.cause() {
            let class = Class {
                retry: failed.class.retry,
                ..cause.class
            };
            return FailedAttempt { class, ..cause };
        }
        if pool.size() >= pool.options().get_max_connections() && pool.num_idle() == 0 {
            failed.class.breaker = BreakerEffect::Ignored;
        }
        failed
    }
}
