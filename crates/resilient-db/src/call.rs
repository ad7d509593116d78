//! One call from the caller's point of view: its attempts, its deadline, its doubts.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resilient_core::failure::{Action, Class, ConnectionFate, Kind, Outcome, Retry};
use tokio::time::{Instant, sleep};

use crate::bulkhead::{Place, PlaceKind};
use crate::classify::{Phase, in_doubt};
use crate::connection::Connection;
use crate::db::Shared;
use crate::error::DbError;
use crate::failed_attempt::FailedAttempt;
use crate::lane::Lane;
use crate::lease::{Lease, Terms};
use crate::observer::{Ending, Refusal};
use crate::pulse::Attempt;
use crate::random;
use crate::retry::{self, repetition};
use crate::statements::Watch;
use crate::supported::Supported;
use crate::telling::Telling;
use crate::transaction::OnUnknownCommit;

/// The old backend may still be committing when its client is gone (seen to take 0.3 s), so asking
/// again at once would only wait for its locks.
const DOUBT_WAIT_MS: (u64, u64) = (50, 200);

pub(crate) struct Call<'a, D: Supported> {
    shared: &'a Shared<D>,
    lane: &'a Lane<D>,
    name: &'static str,
    phase: Phase,
    on_unknown: OnUnknownCommit,
    deadline: Instant,
    telling: Telling<'a>,
    attempt_began: Instant,
    /// When this attempt had its connection.
    work_began: Option<Instant>,
    began_quiet: bool,
    /// A commit's answer was lost and nothing since has told what became of it.
    in_doubt: bool,
    /// A prepared statement was stale; other connections have likely kept it as well.
    reprepare: bool,
    place: Place<'a>,
}

impl<'a, D: Supported> Call<'a, D> {
    /// Lets the call in, or says why not.
    pub(crate) async fn begin(
        shared: &'a Shared<D>,
        name: &'static str,
        phase: Phase,
        on_unknown: OnUnknownCommit,
        deadline: Instant,
    ) -> Result<Self, DbError> {
        let lane = match phase {
            Phase::Read => &shared.read,
            _ => &shared.write,
        };
        let now = Instant::now();
        let mut telling = Telling::begin(&*shared.policy.observer, name, lane.role, now);
        let place = match lane.enter(deadline).await {
            Ok(place) => place,
            Err(refused) => return Err(turned_away(&mut telling, error(name, 0, refused))),
        };
        if place.kind == PlaceKind::Overflow {
            telling.overflowed();
        }
        Ok(Self {
            shared,
            lane,
            name,
            phase,
            on_unknown,
            deadline,
            telling,
            attempt_began: now,
            work_began: None,
            began_quiet: lane.is_quiet(),
            in_doubt: false,
            reprepare: false,
            place,
        })
    }

    /// The next attempt's connection, with its transaction begun.
    pub(crate) async fn lease(&mut self) -> Result<(Connection<D>, Lease<D>), FailedAttempt> {
        self.telling.attempts += 1;
        (self.attempt_began, self.work_began) = (Instant::now(), None);
        let held = self.lane.acquire(self.place.kind, self.deadline).await?;
        self.work_began = Some(Instant::now());
        let terms = Terms {
            deadline: self.deadline,
            phase: self.phase,
            reprepare: self.reprepare,
            policy: self.shared.policy.clone(),
            server: Arc::clone(&self.lane.server),
            watch: self.watch(),
        };
        Lease::begin(held, terms).await
    }

    fn watch(&self) -> Option<Watch> {
        let statements = self.shared.statements.as_ref()?;
        Some(Watch::new::<D>(statements, self.name, self.lane.role))
    }

    /// Notes how the attempt ended. Either that is the call's answer, or the wait before the next
    /// attempt is over.
    pub(crate) async fn settle<T>(&mut self, result: Result<T, FailedAttempt>) -> ControlFlow<Result<T, DbError>> {
        let ended = Instant::now();
        let took = ended - self.attempt_began;
        self.lane.record(&Attempt {
            name: self.name,
            failed: result.as_ref().err(),
            took,
            worked: self.work_began.map(|began| ended - began),
            was_quiet: self.began_quiet,
        });
        match result {
            Ok(value) => {
                self.note_success(took);
                self.telling.ended(Ending::Succeeded);
                ControlFlow::Break(Ok(value))
            }
            Err(failed) => {
                self.note_failure(&failed.class, took);
                self.reprepare |= failed.class.connection == ConnectionFate::Reprepare;
                match self.wait_to_repeat(&failed).await {
                    ControlFlow::Continue(()) => ControlFlow::Continue(()),
                    ControlFlow::Break(()) => {
                        let error = self.give_up(failed);
                        self.telling.ended(Ending::Failed(&error));
                        ControlFlow::Break(Err(error))
                    }
                }
            }
        }
    }

    fn note_success(&self, took: Duration) {
        if self.telling.attempts == 1 {
            locked(&self.shared.budget).first_try_succeeded(self.shared.clock.now());
        }
        locked(&self.shared.typical).record(self.name, took);
    }

    fn note_failure(&self, class: &Class, took: Duration) {
        self.shared.news.hear_of(class);
        // It would take at least as long again; without this a new name looks as if it took nothing.
        if class.kind == Kind::TimedOut {
            locked(&self.shared.typical).record(self.name, took);
        }
    }

    async fn wait_to_repeat(&mut self, failed: &FailedAttempt) -> ControlFlow<()> {
        if failed.class.outcome == Outcome::Unknown && self.phase == Phase::InTransaction {
            self.in_doubt = true;
        }
        if self.in_doubt && self.on_unknown == OnUnknownCommit::Repeat {
            return self.wait_to_resolve(&failed.class).await;
        }
        let Some(delay) = self.affordable_repetition(failed) else {
            return ControlFlow::Break(());
        };
        self.shared
            .policy
            .observer
            .repeating(self.name, self.lane.role, self.telling.attempts, &failed.class, delay);
        sleep(delay).await;
        ControlFlow::Continue(())
    }

    /// The wait before a repetition, if there may be one, and there is time and budget for it.
    fn affordable_repetition(&self, failed: &FailedAttempt) -> Option<Duration> {
        let policy = &self.shared.policy;
        let repetition = repetition(&failed.class, self.lane.role, self.telling.attempts, policy.attempts)?;
        let delay = repetition.delay(policy, self.telling.attempts, random::unit());
        let needed = locked(&self.shared.typical).needed(self.name);
        let in_time = Instant::now() + delay + needed < self.deadline;
        let affordable = || locked(&self.shared.budget).pay(self.shared.clock.now(), retry::cost(&failed.class));
        (in_time && affordable()).then_some(delay)
    }

    /// Whether a lost commit went through is found out by running the work again: its id is taken, or
    /// it is not. Neither attempts nor budget limit this, the deadline alone does; while the breaker
    /// is open it waits for the probe like everybody else.
    async fn wait_to_resolve(&self, class: &Class) -> ControlFlow<()> {
        let (least, most) = DOUBT_WAIT_MS;
        let spread = random::unit() * (most - least) as f64;
        let wait = Duration::from_millis(least) + Duration::from_secs_f64(spread / 1000.0);
        let hopeless = class.retry == Retry::Never && class.outcome == Outcome::RolledBack;
        if hopeless || Instant::now() + wait >= self.deadline {
            return ControlFlow::Break(());
        }
        sleep(wait).await;
        let answers = tokio::select! {
            answers = self.lane.circuit.closes_before(self.deadline) => answers,
            // Whoever is written to now has to be asked.
            () = self.lane.gate.closes() => false,
        };
        match answers {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    fn give_up(&self, mut failed: FailedAttempt) -> DbError {
        if self.in_doubt {
            failed.class = in_doubt(failed.class);
        }
        if failed.retry_after.is_none() && worth_another_try(&failed.class) {
            failed.retry_after = Some(
                self.lane
                    .circuit
                    .retry_after()
                    .unwrap_or(self.shared.policy.retry_after_spread),
            );
        }
        error(self.name, self.telling.attempts, failed)
    }
}

fn turned_away(telling: &mut Telling, error: DbError) -> DbError {
    telling.refused(match error.class.kind {
        Kind::Busy => Refusal::BulkheadFull,
        _ if error.class.action == Action::FailOver => Refusal::NoWriter,
        _ => Refusal::BreakerOpen,
    });
    telling.ended(Ending::Failed(&error));
    error
}

/// The same call may go through later.
fn worth_another_try(class: &Class) -> bool {
    let transient = matches!(
        class.kind,
        Kind::Unreachable | Kind::Busy | Kind::Contention | Kind::TimedOut | Kind::ReadOnly
    );
    transient || class.outcome == Outcome::Unknown
}

fn error(name: &'static str, attempts: u32, failed: FailedAttempt) -> DbError {
    let FailedAttempt {
        class,
        constraint,
        retry_after,
        source,
    } = failed;
    let shed = class.action == Action::Shed;
    let retry_after = retry_after.or(shed.then_some(Duration::from_secs(1)));
    DbError {
        name,
        class,
        constraint,
        retry_after,
        attempts,
        source,
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
