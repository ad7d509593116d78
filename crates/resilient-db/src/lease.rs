//! One attempt: work on one connection, inside the deadline, and what becomes of the connection.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use resilient_core::failure::ConnectionFate;
use tokio::time::{Instant, timeout, timeout_at};

use crate::classify::Phase;
use crate::connection::{Connection, Slot};
use crate::failed_attempt::FailedAttempt;
use crate::faults::{self, CommitCut, Faults};
use crate::policy::Policy;
use crate::pool::Held;
use crate::statements::Watch;
use crate::supported::Supported;
use crate::transaction::End;

/// Terms of an attempt.
pub(crate) struct Terms<D: Supported> {
    pub(crate) deadline: Instant,
    pub(crate) phase: Phase,
    /// Forget what was prepared before.
    pub(crate) reprepare: bool,
    pub(crate) policy: Arc<Policy>,
    pub(crate) server: Arc<D::Server>,
    pub(crate) watch: Option<Watch>,
}

/// A connection lent to a piece of work, from the lender's side.
pub(crate) struct Lease<D: Supported> {
    slot: Arc<Slot<D>>,
    terms: Terms<D>,
}

impl<D: Supported> Lease<D> {
    /// Lends `held`; in a transaction, begins it first.
    pub(crate) async fn begin(mut held: Held<D>, terms: Terms<D>) -> Result<(Connection<D>, Self), FailedAttempt> {
        let prepared = timeout_at(terms.deadline, async {
            if terms.reprepare {
                D::forget_statements(&mut held).await?;
            }
            D::limit(&mut held, terms.statements_end().into_std()).await?;
            if terms.phase == Phase::InTransaction {
                terms.timed(D::BEGIN, D::run(&mut held, D::BEGIN)).await
            } else {
                Ok(())
            }
        });
        match prepared.await {
            Err(_) => Err(FailedAttempt::timed_out(terms.phase)),
            Ok(Err(error)) => Err(terms.keep_or_drop(held, terms.failed(error))),
            Ok(Ok(())) => {
                let (connection, slot) = Connection::lend(held, terms.watch.clone());
                Ok((connection, Self { slot, terms }))
            }
        }
    }

    /// Runs the work to its end, without a transaction.
    pub(crate) async fn finish<T>(
        self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, FailedAttempt> {
        let value = self.within_deadline(work).await?;
        // The work may have passed the connection on to somebody; then it is closed when they are done.
        if let Some(held) = self.slot.reclaim() {
            self.terms.release(held);
        }
        Ok(value)
    }

    /// Runs the work to its end and ends the transaction as it says.
    pub(crate) async fn finish_transaction<T>(
        self,
        work: impl Future<Output = Result<End<T>, sqlx::Error>>,
    ) -> Result<T, FailedAttempt> {
        let end = self.within_deadline(work).await?;
        let held = self.slot.reclaim();
        match (end, self.slot.objection(held.is_some()), held) {
            (End::Commit(value), None, Some(held)) => self.terms.commit(held).await.map(|()| value),
            (End::Commit(_), objection, held) => {
                self.terms.roll_back(held).await;
                Err(FailedAttempt::commit_refused(objection.unwrap_or_default()))
            }
            (End::Rollback(value), _, held) => {
                self.terms.roll_back(held).await;
                Ok(value)
            }
        }
    }

    /// A timeout drops the work and with it the connection, which closes it: nothing waits for a
    /// server that does not answer.
    async fn within_deadline<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, FailedAttempt> {
        let working = async {
            match &self.terms.policy.faults {
                Some(faults) => {
                    let count = |error: &sqlx::Error| self.terms.count_struck(error);
                    faults.strike_working::<D, T>(self.terms.phase, work, count).await
                }
                None => work.await,
            }
        };
        match timeout_at(self.terms.deadline, working).await {
            Ok(Ok(value)) => Ok(value),
            Err(_) => Err(FailedAttempt::timed_out(self.terms.phase)),
            Ok(Err(error)) => {
                let failed = self.terms.failed(error);
                match self.slot.reclaim() {
                    Some(held) if failed.class.connection == ConnectionFate::Keep => {
                        self.terms.give_back(held).await;
                    }
                    _ => {}
                }
                Err(failed)
            }
        }
    }
}

impl<D: Supported> Terms<D> {
    fn failed(&self, error: sqlx::Error) -> FailedAttempt {
        FailedAttempt::of::<D>(error, self.phase, &self.server)
    }

    /// The server stops a statement earlier than we stop waiting for it.
    fn statements_end(&self) -> Instant {
        let limit = match self.phase {
            Phase::Read => self.policy.read_statement_timeout,
            _ => self.policy.write_statement_timeout,
        };
        self.deadline.min(Instant::now() + limit)
    }

    /// COMMIT gets what is left, but enough of it.
    async fn commit(&self, mut held: Held<D>) -> Result<(), FailedAttempt> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit = left.max(self.policy.commit_at_least);
        if let Some(cut) = self.policy.faults.as_ref().and_then(Faults::strike_commit) {
            return Err(self.cut_commit(held, cut, limit).await);
        }
        let committed = timeout(limit, async {
            D::lift_limit(&mut held).await?;
            self.timed("COMMIT", D::run(&mut held, "COMMIT")).await
        });
        match committed.await {
            Ok(Ok(())) => {
                self.release(held);
                Ok(())
            }
            Ok(Err(error)) => Err(FailedAttempt::of::<D>(error, Phase::Commit, &self.server)),
            Err(_) => Err(FailedAttempt::timed_out(Phase::Commit)),
        }
    }

    /// The connection breaks at its COMMIT, on purpose: what became of that is not known here.
    async fn cut_commit(&self, mut held: Held<D>, cut: CommitCut, limit: Duration) -> FailedAttempt {
        let lifted = timeout(limit, D::lift_limit(&mut held)).await;
        match cut {
            CommitCut::BeforeIt => {}
            _ if !matches!(lifted, Ok(Ok(()))) => {}
            CommitCut::AfterIt => drop(timeout(limit, D::run(&mut held, "COMMIT")).await),
            // Sent, and its answer not waited for.
            CommitCut::UnderWay => drop(D::run(&mut held, "COMMIT").now_or_never()),
        }
        // Closes it.
        drop(held);
        FailedAttempt::of::<D>(faults::cut(), Phase::Commit, &self.server)
    }

    /// Runs one of our own statements, measured like those of the work.
    async fn timed(
        &self,
        statement: &'static str,
        running: impl Future<Output = Result<(), sqlx::Error>>,
    ) -> Result<(), sqlx::Error> {
        let began = Instant::now();
        let ran = running.await;
        if let Some(watch) = &self.watch {
            watch.ran(statement, began.elapsed(), ran.as_ref().err());
        }
        ran
    }

    /// A failure on purpose strikes before there is a statement.
    fn count_struck(&self, error: &sqlx::Error) {
        if let Some(watch) = &self.watch {
            watch.ran(ON_PURPOSE, Duration::ZERO, Some(error));
        }
    }

    /// Gives the connection back without what the work may have begun on it.
    async fn give_back(&self, held: Held<D>) {
        if self.phase == Phase::InTransaction {
            self.roll_back(Some(held)).await;
        } else {
            self.release(held);
        }
    }

    /// A rollback that fails closes the connection, which the server takes for the same.
    async fn roll_back(&self, held: Option<Held<D>>) {
        let Some(mut held) = held else { return };
        let rolled_back = timeout(ROLLBACK_LIMIT, async {
            D::lift_limit(&mut held).await?;
            D::run(&mut held, "ROLLBACK").await
        });
        if let Ok(Ok(())) = rolled_back.await {
            self.release(held);
        }
    }

    fn keep_or_drop(&self, held: Held<D>, failed: FailedAttempt) -> FailedAttempt {
        if failed.class.connection == ConnectionFate::Keep {
            self.release(held);
        }
        failed
    }

    fn release(&self, held: Held<D>) {
        held.release(self.policy.ping_after_release);
    }
}

/// The shape under which failures on purpose are counted.
const ON_PURPOSE: &str = "(a failure on purpose)";

/// A living server needs a millisecond; a caller whose deadline is over should not wait for more.
const ROLLBACK_LIMIT: Duration = Duration::from_millis(500);
