//! The way to Redis: one connection, a breaker, and a probe in the background.
//!
//! Only the probe connects. A call finds a connection that works, or is refused at once: nobody
//! waits for a connection to be made, and a connection that has left one call without an answer is
//! not used for another one.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use resilient_core::breaker::{Breaker, Observation, Settings, State, Transition};
use resilient_core::failure::{BreakerEffect, Class, ConnectionFate};
use resilient_core::time::Moment;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::address::Address;
use super::classify::{TIMED_OUT, classify};
use super::durability::Durability;
use super::patience::Patience;

/// What takes longer is an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Making a connection, in the background. Default 250 ms.
    pub connect: Duration,
    /// One round trip. Default 150 ms.
    pub response: Duration,
    /// One call, over all its round trips. Default 200 ms.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(250),
            response: Duration::from_millis(150),
            call: Duration::from_millis(200),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("Redis is known to be away")]
    Away,
    #[error("Redis did not answer in time")]
    TimedOut,
    #[error("Redis did not do it")]
    Refused(#[source] RedisError),
}

pub(crate) struct Link {
    client: Client,
    limits: Limits,
    started: Instant,
    present: Mutex<Present>,
    bell: Notify,
    /// Whether the first probe has ended, and how often the way has come back.
    news: watch::Sender<News>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub probed: bool,
    pub returns: u64,
}

struct Present {
    breaker: Breaker,
    /// With the number of its making.
    connection: Option<(u64, MultiplexedConnection)>,
    made: u64,
    /// It answers, and does not take writes.
    refuses_writes: bool,
    told: Option<Durability>,
}

impl Link {
    /// Begins to connect, in the background, for as long as the link is held.
    pub fn start(address: &Address, limits: Limits) -> Result<Arc<Self>, RedisError> {
        // Calls go elsewhere while it is open, so it may open early: at the first failure.
        let settings = Settings {
            failures_in_a_row: 1,
            failed_probes: 1,
            probe_closed: Duration::from_millis(500),
            ..Settings::default()
        };
        let link = Arc::new(Self {
            client: Client::open(address.0.clone())?,
            limits,
            started: Instant::now(),
            present: Mutex::new(Present {
                breaker: Breaker::new(settings),
                connection: None,
                made: 0,
                refuses_writes: false,
                told: None,
            }),
            bell: Notify::new(),
            news: watch::Sender::default(),
        });
        tokio::spawn(keep_probing(Arc::downgrade(&link)));
        Ok(link)
    }

    /// Whether a call would be tried. Asking touches nothing.
    pub fn answers(&self) -> bool {
        let present = self.present();
        present.breaker.state() == State::Closed && present.connection.is_some()
    }

    /// The same of a write, which then is likely to be taken.
    pub fn takes_writes(&self) -> bool {
        self.answers() && !self.present().refuses_writes
    }

    /// Tells of the first probe's end, and of each return.
    pub fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// One round trip, unless Redis is known to be away.
    pub async fn call<T, F>(
        &self,
        patience: &mut Patience,
        ask: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let (number, connection) = {
            let present = self.present();
            present.breaker.admit(self.now()).map_err(|_| Failed::Away)?;
            present.connection.clone().ok_or(Failed::Away)?
        };
        let began = Instant::now();
        let answer = match patience.wait_for(ask(connection)).await {
            Ok(answer) => answer.map_err(Failed::Refused),
            // The time went elsewhere, such as on waiting for others: that says nothing about Redis.
            Err(_) if began.elapsed() < self.limits.response / 2 => return Err(Failed::TimedOut),
            Err(_) => Err(Failed::TimedOut),
        };
        self.learn(number, answer.as_ref().err().map(Failed::class), began.elapsed());
        answer
    }

    /// The time that one call has.
    pub fn patience(&self) -> Patience {
        Patience::of(self.limits.call)
    }

    /// A write was done: whatever stood in its way does not any more.
    pub fn wrote(&self) {
        self.present().refuses_writes = false;
    }

    fn learn(&self, number: u64, failed: Option<Class>, took: Duration) {
        let effect = failed.map_or(BreakerEffect::Success, |class| class.breaker);
        let mut present = self.present();
        present.refuses_writes |= effect == BreakerEffect::FailureOfWrites;
        // It answers, so reading goes on.
        let observed = Observation::of(effect, false);
        let now = self.now();
        let transition = observed.and_then(|observed| present.breaker.record(now, observed, took));
        if failed.is_some_and(|class| class.connection == ConnectionFate::Drop) {
            present.connection.take_if(|(made, _)| *made == number);
        }
        drop(present);
        if let Some(transition) = transition {
            tell(&transition);
            self.bell.notify_one();
        }
    }

    async fn probe(&self) {
        let at_hand = {
            let mut present = self.present();
            let _half_open = present.breaker.probe_started();
            // While open a new connection is what is needed, and what proves that there can be one.
            let usable = present.breaker.state() == State::Closed;
            present.connection.clone().filter(|_| usable)
        };
        let is_new = at_hand.is_none();
        let answer = timeout(self.limits.connect, self.ask(at_hand.map(|(_, connection)| connection))).await;
        let (failed, connection) = match answer {
            Ok(Ok(connection)) => (None, Some(connection)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the probe of Redis failed");
                (Some(classify(&error)), None)
            }
            Err(_) => (Some(TIMED_OUT), None),
        };
        let durability = match connection.clone().filter(|_| is_new) {
            Some(mut connection) => timeout(self.limits.connect, Durability::ask(&mut connection))
                .await
                .ok(),
            None => None,
        };
        self.conclude(failed, connection.filter(|_| is_new), durability);
    }

    async fn ask(&self, at_hand: Option<MultiplexedConnection>) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = match at_hand {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(self.limits.connect))
                    .set_response_timeout(Some(self.limits.response));
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
        };
        redis::cmd("PING").exec_async(&mut connection).await?;
        Ok(connection)
    }

    fn conclude(&self, failed: Option<Class>, made: Option<MultiplexedConnection>, durability: Option<Durability>) {
        let observed = match failed.map(|class| class.breaker) {
            None => Observation::Success,
            Some(BreakerEffect::Isolate) => Observation::Isolate,
            // Whatever it is: there is no connection to be used.
            Some(_) => Observation::Failure,
        };
        let mut present = self.present();
        let transition = present.breaker.probe_ended(self.now(), observed, random());
        if failed.is_some() {
            present.connection = None;
        }
        let returned = made.is_some();
        if let Some(connection) = made {
            present.made += 1;
            let number = present.made;
            present.connection = Some((number, connection));
        }
        let news = durability.filter(|durability| present.told.as_ref() != Some(durability));
        if news.is_some() {
            present.told.clone_from(&news);
        }
        drop(present);
        if let Some(transition) = transition {
            tell(&transition);
        }
        match news {
            Some(Durability::Durable) => tracing::info!("{}", Durability::Durable),
            Some(weak) => tracing::warn!("{weak}"),
            None => {}
        }
        self.news.send_modify(|news| {
            news.probed = true;
            news.returns += u64::from(returned);
        });
    }

    fn next_probe(&self) -> Duration {
        let present = self.present();
        match present.breaker.state() {
            State::Closed if present.connection.is_none() => Duration::ZERO,
            _ => present.breaker.next_probe(self.now()),
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.started.elapsed())
    }
}

impl Failed {
    pub fn class(&self) -> Class {
        match self {
            Self::Away | Self::TimedOut => TIMED_OUT,
            Self::Refused(error) => classify(error),
        }
    }
}

async fn keep_probing(link: Weak<Link>) {
    while let Some(held) = link.upgrade() {
        let pause = held.next_probe();
        let bell = held.bell.notified();
        tokio::select! {
            () = sleep(pause) => {}
            () = bell => {}
        }
        held.probe().await;
    }
}

fn tell(transition: &Transition) {
    let Transition { from, to, cause } = transition;
    match (from, to) {
        (State::Closed, _) => tracing::warn!(?cause, "Redis is away: it is not asked until it answers again"),
        (_, State::Closed) => tracing::info!("Redis answers again"),
        _ => {}
    }
}

/// In `0.0..1.0`.
fn random() -> f64 {
    let drawn = getrandom::u64().unwrap_or(1 << 63);
    // 53 bits: what a double holds exactly.
    (drawn >> 11) as f64 / (1u64 << 53) as f64
}
