//! Failures on purpose: a database that refuses, hangs, is slow or deadlocks for a while, in an
//! application that otherwise runs as it is.
//!
//! A fault strikes below retry, breaker and deadline, where the real one would, and the probe meets it
//! too. It strikes before the work sends anything, so it can never leave a change half done, and no
//! connection comes back to the pool with anything on it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::{DatabaseError, ErrorKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

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
}

/// A switch for failures, given to [`Policy::faults`](crate::Policy::faults). Clones share it. A fault
/// goes off by itself; there is never more than one.
#[derive(Clone, Debug)]
pub struct Faults {
    injected: Arc<watch::Sender<Option<Injected>>>,
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
        Self { injected }
    }
}

impl Faults {
    /// From now on, for so long, in place of what was in force before.
    pub fn inject(&self, fault: Fault, lasting: Duration) {
        let until = Instant::now() + lasting;
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

    fn fault(&self) -> Option<Fault> {
        self.current().map(|injected| injected.fault)
    }

    /// Strikes who wants a connection.
    pub(crate) fn strike_connecting(&self) -> Result<(), sqlx::Error> {
        match self.fault() {
            Some(Fault::Refuse) => Err(sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into())),
            _ => Ok(()),
        }
    }

    /// Strikes who has a connection and is about to use it.
    pub(crate) async fn strike_working<D: Supported>(&self, phase: Phase) -> Result<(), sqlx::Error> {
        match self.fault() {
            Some(Fault::Hang) => self.hang().await,
            Some(Fault::Slow(delay)) => sleep(delay).await,
            Some(Fault::Deadlock) if phase != Phase::Read => {
                let deadlock = Deadlock { code: D::DEADLOCK };
                return Err(sqlx::Error::Database(Box::new(deadlock)));
            }
            Some(Fault::Refuse | Fault::Deadlock) | None => {}
        }
        Ok(())
    }

    /// Strikes the probe, which connects and reads.
    pub(crate) async fn strike_probe<D: Supported>(&self) -> Result<(), sqlx::Error> {
        self.strike_connecting()?;
        self.strike_working::<D>(Phase::Read).await
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

/// Classified by its code, like the server's own.
#[derive(Debug)]
struct Deadlock {
    code: &'static str,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl Error for Deadlock {}

impl DatabaseError for Deadlock {
    fn message(&self) -> &str {
        "a deadlock, made on purpose"
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
}
