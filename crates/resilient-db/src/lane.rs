//! Everything one role has for itself: pool, bulkhead, breaker.

use std::sync::Arc;

use futures::future::try_join_all;
use resilient_core::failure::{BreakerEffect, Class};
use sqlx::Pool;
use tokio::time::{Instant, timeout_at};

use crate::bulkhead::{Bulkhead, Place};
use crate::circuit::Circuit;
use crate::classify::Phase;
use crate::clock::Clock;
use crate::failed_attempt::FailedAttempt;
use crate::health::{PoolNumbers, RoleHealth};
use crate::policy::Policy;
use crate::pool::{self, Held};
use crate::probe::News;
use crate::supported::{Options, Role, Supported};

pub(crate) struct Lane<D: Supported> {
    pub(crate) role: Role,
    pub(crate) circuit: Circuit,
    pub(crate) pool: Pool<D>,
    bulkhead: Bulkhead,
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
    ) -> Self {
        Self {
            role,
            circuit: Circuit::new(role, clock, Arc::clone(policy)),
            pool: pool::open::<D>(options, role, policy, news, server),
            bulkhead: Bulkhead::new(D::pool_size(role, policy).max, policy.waiting),
            news: Arc::clone(news),
            policy: Arc::clone(policy),
            server: Arc::clone(server),
        }
    }

    /// A place among the running, unless the breaker is open or too many wait already.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Place<'_>, FailedAttempt> {
        self.circuit.admit()?;
        let patience = deadline.min(Instant::now() + self.policy.waiting_timeout);
        tokio::select! {
            place = self.bulkhead.enter(patience) => place.map_err(|_| FailedAttempt::crowded()),
            refused = self.refusal() => Err(refused),
        }
    }

    /// A connection, unless the breaker is open or opens meanwhile.
    pub(crate) async fn acquire(&self, deadline: Instant) -> Result<Held<D>, FailedAttempt> {
        self.circuit.admit()?;
        if let Some(faults) = &self.policy.faults {
            faults
                .strike_connecting()
                .map_err(|error| FailedAttempt::of::<D>(error, Phase::Connect, &self.server))?;
        }
        tokio::select! {
            acquired = timeout_at(deadline, self.pool.acquire()) => match acquired {
                Ok(Ok(connection)) => Ok(Held::new(connection)),
                Ok(Err(error)) => Err(self.not_acquired(error)),
                Err(_) => Err(self.not_acquired(sqlx::Error::PoolTimedOut)),
            },
            refused = self.refusal() => Err(refused),
        }
    }

    /// So many at the same time, and gives them back.
    pub(crate) async fn open(&self, connections: u32) -> Result<(), sqlx::Error> {
        let opening = (0..connections).map(|_| self.pool.acquire());
        let opened = try_join_all(opening).await?;
        let limit = self.policy.ping_after_release;
        opened
            .into_iter()
            .for_each(|connection| Held::new(connection).release(limit));
        Ok(())
    }

    /// Opens what is missing of the connections that are kept, beside the caller, who knows that the database
    /// answers.
    pub(crate) fn keep_some_open(self: &Arc<Self>) {
        let kept = D::pool_size(self.role, &self.policy).min;
        if self.pool.size() < kept {
            let lane = Arc::clone(self);
            // Where it fails, the next probe finds out why.
            tokio::spawn(async move { lane.open(kept).await.ok() });
        }
    }

    pub(crate) fn health(&self) -> RoleHealth {
        let (size, idle) = (
            self.pool.size(),
            u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX),
        );
        let pool = PoolNumbers {
            size,
            idle,
            in_use: size.saturating_sub(idle),
            running: self.bulkhead.running(),
            waiting: self.bulkhead.waiting(),
            max: self.pool.options().get_max_connections(),
        };
        RoleHealth {
            breaker: self.circuit.state(),
            pool,
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
    fn not_acquired(&self, error: sqlx::Error) -> FailedAttempt {
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
        if self.pool.size() >= self.pool.options().get_max_connections() && self.pool.num_idle() == 0 {
            failed.class.breaker = BreakerEffect::Ignored;
        }
        failed
    }
}
