//! Failures on purpose: a database that refuses, hangs, is slow, deadlocks, cuts connections, or takes no
//! changes for a while, in an application that otherwise runs as it is.
//!
//! A fault strikes below retry, breaker and deadline, where the real one would, and the probe meets it
//! too. All but [`Fault::Kill`] strike before the work sends anything, so they can never leave a change
//! half done; what that one cuts is closed, and the server undoes what it did not hear the end of. No
//! connection comes back to the pool with anything on it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::error::{DatabaseError, ErrorKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::classify::Phase;
use crate::supported::Supported;

/// What to make the database do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection is to be had, as after the server was stopped.
    Refuse,
    /// Whoever asks waits, as with a frozen server; when it is over they go on.
    Hang,
    /// Everything asked takes so much longer.
    Slow(Duration),
    /// Whatever writes is undone in favour of another transaction.
    Deadlock,
    /// Connections break while they are used. Of what is under way some is cut off; of every COMMIT the
    /// answer is lost, by turns after it was done, before it arrived, and while it is under way. New
    /// connections can be had.
    Kill,
    /// Whatever writes is refused, as by a server that was made read-only. The probe finds that out where
    /// it would find out of a real one.
    ReadOnly,
    /// Whatever writes is refused, as where the disk is full.
    Full,
}

/// How often a fault struck since it was injected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Attempts of calls, and probes.
    pub attempts: u64,
    /// Of transactions at their end: COMMITs whose answer was lost.
    pub commits: u64,
}

/// When a connection breaks at a COMMIT. Whoever waits for the answer cannot tell these apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitCut {
    AfterIt,
    BeforeIt,
    UnderWay,
}

/// One of so many pieces of work is cut off.
const CUTS_ONE_IN: u64 = 3;
/// So long it may run first: a statement or two.
const CUT_AFTER: Duration = Duration::from_millis(1);

/// A switch for failures, given to [`Policy::faults`](crate::Policy::faults). Clones share it. A fault
/// goes off by itself; there is never more than one.
#[derive(Clone, Debug)]
pub struct Faults {
    injected: Arc<watch::Sender<Option<Injected>>>,
    counted: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    attempts: AtomicU64,
    commits: AtomicU64,
    /// Pieces of work that [`Fault::Kill`] has seen.
    works: AtomicU64,
}

impl Counted {
    fn reset(&self) {
        for count in [&self.attempts, &self.commits, &self.works] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

/// A fault in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    pub fault: Fault,
    until: Instant,
}

impl Injected {
    /// Until it goes off by itself.
    pub fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }
}

impl Default for Faults {
    fn default() -> Self {
        let injected = Arc::new(watch::Sender::new(None));
        Self {
            injected,
            counted: Arc::default(),
        }
    }
}

impl Faults {
    /// From now on, for so long, in place of what was in force before.
    pub fn inject(&self, fault: Fault, lasting: Duration) {
        let until = Instant::now() + lasting;
        self.counted.reset();
        self.injected.send_replace(Some(Injected { fault, until }));
    }

    /// Off, now.
    pub fn stop(&self) {
        self.injected.send_replace(None);
    }

    /// What is in force.
    pub fn current(&self) -> Option<Injected> {
        self.injected.borrow().filter(|injected| !injected.is_over())
    }

    /// By the last fault, whether it is over or not.
    pub fn struck(&self) -> Struck {
        Struck {
            attempts: self.counted.attempts.load(Ordering::Relaxed),
            commits: self.counted.commits.load(Ordering::Relaxed),
        }
    }

    fn fault(&self) -> Option<Fault> {
        self.current().map(|injected| injected.fault)
    }

    fn count_attempt(&self) {
        self.counted.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Strikes who wants a connection.
    pub(crate) fn strike_connecting(&self) -> Result<(), sqlx::Error> {
        match self.fault() {
            Some(Fault::Refuse) => {
                self.count_attempt();
                Err(sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into()))
            }
            _ => Ok(()),
        }
    }

    /// Does the work, unless it is struck before, which `struck` is told, or in the middle. Whoever lent the connection finds out by the
    /// error what to do with it.
    pub(crate) async fn strike_working<D: Supported, T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, sqlx::Error>>,
        struck: impl FnOnce(&sqlx::Error),
    ) -> Result<T, sqlx::Error> {
        self.strike_before::<D>(phase).await.inspect_err(struck)?;
        if !self.cuts_this_work() {
            return work.await;
        }
        match timeout(CUT_AFTER, work).await {
            Ok(done) => done,
            Err(_) => {
                self.count_attempt();
                Err(cut())
            }
        }
    }

    async fn strike_before<D: Supported>(&self, phase: Phase) -> Result<(), sqlx::Error> {
        let Some(fault) = self.fault() else { return Ok(()) };
        let refusal = match fault {
            Fault::Hang => {
                self.count_attempt();
                self.hang().await;
                return Ok(());
            }
            Fault::Slow(delay) => {
                self.count_attempt();
                sleep(delay).await;
                return Ok(());
            }
            Fault::Refuse | Fault::Kill => return Ok(()),
            _ if phase == Phase::Read => return Ok(()),
            Fault::Deadlock => OnPurpose {
                code: D::DEADLOCK,
                message: "a deadlock, made on purpose",
            },
            Fault::ReadOnly => OnPurpose {
                code: D::READ_ONLY,
                // MySQL has one number for all options that forbid something: the name tells them apart.
                message: "read-only, made on purpose",
            },
            Fault::Full => OnPurpose {
                code: D::DISK_FULL,
                message: "no space left, on purpose",
            },
        };
        self.count_attempt();
        Err(sqlx::Error::Database(Box::new(refusal)))
    }

    fn cuts_this_work(&self) -> bool {
        self.fault() == Some(Fault::Kill)
            && self
                .counted
                .works
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(CUTS_ONE_IN)
    }

    /// How the connection of this COMMIT breaks, if it does.
    pub(crate) fn strike_commit(&self) -> Option<CommitCut> {
        if self.fault() != Some(Fault::Kill) {
            return None;
        }
        let cuts = [CommitCut::AfterIt, CommitCut::BeforeIt, CommitCut::UnderWay];
        let turn = self.counted.commits.fetch_add(1, Ordering::Relaxed);
        Some(cuts[(turn % cuts.len() as u64) as usize])
    }

    /// Strikes the probe, which connects and reads.
    pub(crate) async fn strike_probe<D: Supported>(&self) -> Result<(), sqlx::Error> {
        self.strike_connecting()?;
        self.strike_before::<D>(Phase::Read).await
    }

    /// Whether the probe finds a server that takes changes.
    pub(crate) fn lets_probe_see_writable<D: Supported>(&self) -> bool {
        !(D::PROBE_SEES_READ_ONLY && self.fault() == Some(Fault::ReadOnly))
    }

    /// Until the hang is over, stopped or replaced.
    async fn hang(&self) {
        let mut changes = self.injected.subscribe();
        loop {
            let injected = *changes.borrow_and_update();
            let Some(injected) = injected.filter(|injected| injected.fault == Fault::Hang && !injected.is_over())
            else {
                return;
            };
            tokio::select! {
                () = sleep_until(injected.until) => {}
                _ = changes.changed() => {}
            }
        }
    }
}

/// What whoever used a broken connection is told.
pub(crate) fn cut() -> sqlx::Error {
    sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())
}

/// Classified by its code, like the server's own.
#[derive(Debug)]
struct OnPurpose {
    code: &'static str,
    message: &'static str,
}

impl fmt::Display for OnPurpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl Error for OnPurpose {}

impl DatabaseError for OnPurpose {
    fn message(&self) -> &str {
        self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.code))
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fault_goes_off_by_itself() {
        let faults = Faults::default();
        assert_eq!(faults.current(), None);
        faults.inject(Fault::Refuse, Duration::from_secs(3));
        assert!(faults.strike_connecting().is_err());
        tokio::time::advance(Duration::from_millis(2_999)).await;
        assert_eq!(faults.fault(), Some(Fault::Refuse));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(faults.current(), None);
        assert!(faults.strike_connecting().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_goes_on_when_it_is_over_stopped_or_another_fault() {
        let faults = Faults::default();
        let begun = Instant::now();
        faults.inject(Fault::Hang, Duration::from_secs(3));
        faults.hang().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));

        for end in [Faults::stop, |faults: &Faults| {
            faults.inject(Fault::Slow(Duration::ZERO), Duration::from_secs(9));
        }] {
            faults.inject(Fault::Hang, Duration::from_secs(60));
            let hanging = tokio::spawn({
                let faults = faults.clone();
                async move { faults.hang().await }
            });
            tokio::task::yield_now().await;
            assert!(!hanging.is_finished());
            end(&faults);
            hanging.await.expect("no panic");
        }
        assert!(begun.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn of_three_commits_in_a_row_each_is_cut_at_another_moment() {
        let faults = Faults::default();
        assert_eq!(faults.strike_commit(), None);
        faults.inject(Fault::Kill, Duration::from_secs(60));
        let cuts: Vec<_> = (0..4).map_while(|_| faults.strike_commit()).collect();
        let (after, before, under_way) = (CommitCut::AfterIt, CommitCut::BeforeIt, CommitCut::UnderWay);
        assert_eq!(cuts, [after, before, under_way, after]);
        assert_eq!(faults.struck().commits, 4);
        faults.inject(Fault::Kill, Duration::from_secs(60));
        assert_eq!(faults.struck(), Struck::default(), "counted from the injection on");
    }
}
