//! The background probe: finds out on a connection of its own, so that people do not have to.
//!
//! It is also the only one to learn why a connection is refused; the pool keeps that to itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind};
use sqlx::Connection as _;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::classify::{DEFECT, Phase};
use crate::failed_attempt::FailedAttempt;
use crate::faults::Faults;
use crate::health::ProbeReport;
use crate::lane::{Lane, Membership};
use crate::policy::Policy;
use crate::supported::{Options, Purpose, Replication, Role, Supported};

/// What the last probe found, the bell that asks for the next one, and since when idle connections
/// are not to be trusted.
#[derive(Debug, Default)]
pub(crate) struct News {
    last: Mutex<Option<Last>>,
    bell: Notify,
    /// Somebody wants to know now.
    asked: Notify,
    ended: watch::Sender<ProbeEnded>,
    suspicion: Mutex<Option<Instant>>,
    /// Since then connections that were opened before are not used any more.
    renewed: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug)]
struct Last {
    ended: Instant,
    took: Duration,
    failed: Option<FailedAttempt>,
}

impl News {
    /// A call failed. Where the way to the database is to blame, the probe looks at once rather than in
    /// a second.
    pub(crate) fn hear_of(&self, class: &Class) {
        self.suspect_after(class);
        let of_the_way = matches!(class.breaker, BreakerEffect::Failure | BreakerEffect::Isolate);
        // It takes no writes: perhaps another one does by now.
        if of_the_way || class.breaker == BreakerEffect::FailureOfWrites {
            self.bell.notify_one();
        }
    }

    /// Where a connection broke, the idle ones have likely broken with it: they are pinged before
    /// use, or each would cost a caller an attempt.
    fn suspect_after(&self, class: &Class) {
        if class.connection == ConnectionFate::Drop {
            *self.suspicion.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection unused for `idle_for` may date from before the last break. `returning` is the
    /// longest that giving one back takes: the answer to its ping may have come before the break and have
    /// been read after it.
    pub(crate) fn suspects(&self, idle_for: Duration, returning: Duration) -> bool {
        let suspicion = *self.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
        suspicion.is_some_and(|since| since.elapsed() <= idle_for + returning)
    }

    /// From now on connections that are open now are replaced before their next use.
    pub(crate) fn renew(&self) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age was opened before that.
    pub(crate) fn is_outdated(&self, age: Duration) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.is_some_and(|since| since.elapsed() <= age)
    }

    /// Why the last probe failed, if it did.
    pub(crate) fn cause(&self) -> Option<FailedAttempt> {
        self.last()?.failed
    }

    pub(crate) fn report(&self) -> Option<ProbeReport> {
        let Last { ended, took, failed } = self.last()?;
        Some(ProbeReport {
            succeeded: failed.is_none(),
            took,
            age: ended.elapsed(),
        })
    }

    /// The last probe, for those who want to hear of each.
    pub(crate) fn probes(&self) -> watch::Receiver<ProbeEnded> {
        self.ended.subscribe()
    }

    pub(crate) fn last_probe(&self) -> ProbeEnded {
        self.ended.borrow().clone()
    }

    fn last(&self) -> Option<Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, took: Duration, failed: Option<FailedAttempt>) {
        let last = Last {
            ended: Instant::now(),
            took,
            failed,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// Returns once a probe is known that is younger than `young`, or after `longest`.
    pub(crate) async fn probed_since(&self, young: Duration, longest: Duration) {
        let mut ended = self.ended.subscribe();
        if self.is_younger_than(young) {
            return;
        }
        self.asked.notify_one();
        // The prober may be gone with its database; then nothing will ever be told.
        let _ = timeout(longest, ended.changed()).await;
    }

    fn is_younger_than(&self, young: Duration) -> bool {
        self.last().is_some_and(|last| last.ended.elapsed() < young)
    }
}

/// What a probe learns of a server that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// False for a standby, or a server switched to read-only.
    pub writable: bool,
}

/// All that a probe may learn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) writable: bool,
    pub(crate) replication: Replication,
}

/// The last probe that has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProbeEnded {
    /// Counts up.
    pub(crate) count: u64,
    pub(crate) at: Option<Instant>,
    /// `None` where it failed.
    pub(crate) answer: Option<Answer>,
}

pub(crate) struct Prober<D: Supported> {
    pub(crate) membership: Membership,
    pub(crate) options: Options<D>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) news: Arc<News>,
    pub(crate) read: Arc<Lane<D>>,
    pub(crate) write: Arc<Lane<D>>,
    pub(crate) server: Arc<D::Server>,
    /// With the time at which it was opened.
    pub(crate) own: Option<(D::Connection, Instant)>,
}

impl<D: Supported> Prober<D> {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let (read, write) = (&self.read.circuit, &self.write.circuit);
            let pause = read.next_probe().min(write.next_probe());
            let all_closed = read.is_closed() && write.is_closed();
            tokio::select! {
                () = sleep(pause) => {}
                // Rung for while a probe was under way: its answer will do.
                () = self.news.asked.notified() => if self.news.is_younger_than(self.policy.breaker.probe_open) {
                    continue;
                },
                // While open the distance between probes is the breaker's alone.
                () = self.news.bell.notified(), if all_closed => {}
            }
            self.probe().await;
        }
    }

    /// One probe, told to both breakers. Whether the database answers.
    pub(crate) async fn probe(&mut self) -> bool {
        self.read.circuit.probe_started();
        self.write.circuit.probe_started();
        let started = Instant::now();
        let answer = match timeout(self.policy.probe_limit, self.ask()).await {
            Ok(answer) => answer,
            Err(_) => Err(FailedAttempt::timed_out(Phase::Connect)),
        };
        let sees_writable = |faults: &Faults| faults.lets_probe_see_writable::<D>();
        // Who leads among several is decided by what they are: a drill must not make another history the one that counts.
        let is_told_so = |faults: &Faults| self.membership == Membership::OfCluster || sees_writable(faults);
        let answer = answer.map(|answer| Answer {
            writable: answer.writable && self.policy.faults.as_ref().is_none_or(is_told_so),
            ..answer
        });
        self.tell(started.elapsed(), answer)
    }

    fn tell(&self, took: Duration, answer: Result<Answer, FailedAttempt>) -> bool {
        let failed = answer.as_ref().err();
        failed.inspect(|failed| self.news.suspect_after(&failed.class));
        // Published first: who sees the breaker open finds the cause.
        self.news.publish(took, failed.cloned());
        self.read.circuit.probe_ended(failed);
        match &answer {
            // Among several servers that is no failure: another one is written to.
            Ok(Answer { writable: false, .. }) if self.membership == Membership::Alone => {
                self.write.circuit.probe_ended(Some(&not_writable()))
            }
            _ => self.write.circuit.probe_ended(failed),
        }
        let succeeded = failed.is_none();
        if succeeded {
            self.read.probed();
            self.write.probed();
        }
        self.tell_observer(succeeded, took);
        // Last: who waited for this probe finds the breakers as it left them.
        self.news.ended.send_modify(|ended| {
            *ended = ProbeEnded {
                count: ended.count + 1,
                at: Some(Instant::now()),
                answer: answer.ok(),
            };
        });
        succeeded
    }

    fn tell_observer(&self, succeeded: bool, took: Duration) {
        let observer = &self.policy.observer;
        observer.probed(&ProbeReport {
            succeeded,
            took,
            age: Duration::ZERO,
        });
        observer.counted(Role::Read, &self.read.health());
        observer.counted(Role::Write, &self.write.health());
    }

    /// Asks on the connection at hand; when that has gone stale, or while the breaker is open, on a
    /// new one, because that is what the pool needs.
    async fn ask(&mut self) -> Result<Answer, FailedAttempt> {
        if let Some(faults) = &self.policy.faults {
            let struck = faults.strike_probe::<D>().await;
            struck.map_err(|error| self.failed(error))?;
        }
        let at_hand = self
            .own
            .take()
            .filter(|_| self.read.circuit.is_closed() && !D::PROBE_OPENS_ANEW)
            .filter(|(_, opened)| !self.news.is_outdated(opened.elapsed()));
        if let Some((mut connection, opened)) = at_hand {
            let answer = question::<D>(&mut connection, &self.server, self.membership).await;
            match answer.map_err(|error| self.failed(error)) {
                Err(failed) if failed.class.connection == ConnectionFate::Drop => {
                    self.news.suspect_after(&failed.class)
                }
                answer => {
                    self.own = Some((connection, opened));
                    return answer;
                }
            }
        }
        self.ask_anew().await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: sqlx::Error) -> FailedAttempt {
        FailedAttempt::of::<D>(error, Phase::Connect, &self.server)
    }

    async fn ask_anew(&mut self) -> Result<Answer, sqlx::Error> {
        let opened = Instant::now();
        let (connection, answer) = self.first_to_answer().await?;
        if !D::PROBE_OPENS_ANEW {
            self.own = Some((connection, opened));
        }
        Ok(answer)
    }

    /// Where a connection's first bytes were lost it stays silent, also when the way is mended meanwhile. So
    /// another one is tried beside it, as far apart as two probes are.
    async fn first_to_answer(&mut self) -> Result<(D::Connection, Answer), sqlx::Error> {
        let Self {
            options,
            policy,
            server,
            membership,
            ..
        } = self;
        let patience = policy.breaker.probe_open.max(policy.probe_limit / AT_MOST_AT_ONCE);
        let mut asked = FuturesUnordered::new();
        loop {
            asked.push(connect_and_ask::<D>(options, policy, server, *membership));
            if let Ok(answered) = timeout(patience, asked.select_next_some()).await {
                return answered;
            }
        }
    }
}

/// Connections of one probe.
const AT_MOST_AT_ONCE: u32 = 4;

async fn connect_and_ask<D: Supported>(
    options: &Options<D>,
    policy: &Policy,
    server: &D::Server,
    membership: Membership,
) -> Result<(D::Connection, Answer), sqlx::Error> {
    let mut connection = D::Connection::connect_with(options).await?;
    D::settle_in(&mut connection, Purpose::Probe, policy, server).await?;
    let answer = question::<D>(&mut connection, server, membership).await?;
    Ok((connection, answer))
}

async fn question<D: Supported>(
    connection: &mut D::Connection,
    server: &D::Server,
    membership: Membership,
) -> Result<Answer, sqlx::Error> {
    let ProbeAnswer { writable } = D::probe(connection, server).await?;
    let replication = match membership {
        Membership::Alone => Replication::default(),
        Membership::OfCluster => match D::replication(connection, server).await {
            // It lives, and will not say, for want of a right perhaps.
            Err(sqlx::Error::Database(error)) => {
                tracing::debug!(%error, "where this server stands is not known");
                Replication::default()
            }
            answer => answer?,
        },
    };
    Ok(Answer { writable, replication })
}

/// The server lives, and writes have to wait for another one.
fn not_writable() -> FailedAttempt {
    FailedAttempt::plain(Class {
        kind: Kind::ReadOnly,
        breaker: BreakerEffect::FailureOfWrites,
        action: Action::FailOver,
        ..DEFECT
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::BROKEN;

    const RETURNING: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn what_was_given_back_before_a_break_or_during_it_is_suspected() {
        let news = News::default();
        assert!(!news.suspects(Duration::from_secs(60), RETURNING));
        news.hear_of(&BROKEN);
        tokio::time::advance(Duration::from_secs(5)).await;
        for (idle_for_ms, suspected) in [(6_000, true), (5_000, true), (4_950, true), (4_899, false), (0, false)] {
            let idle_for = Duration::from_millis(idle_for_ms);
            assert_eq!(news.suspects(idle_for, RETURNING), suspected, "{idle_for:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_keeps_its_connection_casts_no_suspicion() {
        let news = News::default();
        news.hear_of(&DEFECT);
        assert!(!news.suspects(Duration::from_secs(60), RETURNING));
    }
}
