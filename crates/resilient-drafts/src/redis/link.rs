//! The way to Redis: one connection, a breaker, and a probe in the background.
//!
//! Only the probe connects. A call finds a connection that works, or is refused at once: nobody
//! waits for a connection to be made, and a connection that has left one call without an answer is
//! not used for another one. Only a long list makes one of its own, beside all that.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::RedisError;
use resilient_core::breaker::{Breaker, Observation, Settings, State};
use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate};
use resilient_core::time::Moment;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::Address;
use super::classify::{TIMED_OUT, classify};
use super::connector::{Connection, Connector};
use super::durability::Durability;
use super::patience::Patience;
use super::pressure::Pressure;
use super::rehearsal::Rehearsal;
use super::telling::{Said, tell};

/// Between two looks at how full Redis is.
const MEMORY_EVERY: Duration = Duration::from_secs(2);
/// Long lists read at the same time.
const LISTS_AT_ONCE: usize = 4;

/// What takes longer is an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Making a connection, in the background. Default 250 ms.
    pub connect: Duration,
    /// One round trip. Default 150 ms.
    pub response: Duration,
    /// One call, over all its round trips. Default 200 ms.
    pub call: Duration,
    /// Reading a list that is too long for one round trip; what was read by then is shown. Default 2 s.
    pub list: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(250),
            response: Duration::from_millis(150),
            call: Duration::from_millis(200),
            list: Duration::from_secs(2),
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
    connector: Connector,
    limits: Limits,
    rehearsal: Rehearsal,
    started: Instant,
    present: Mutex<Present>,
    bell: Notify,
    lists: Arc<Semaphore>,
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
    connection: Option<(u64, Connection)>,
    made: u64,
    made_at: Instant,
    /// Among others, whether it answers and does not take writes.
    said: Said,
    /// A call was refused by a reply that may be about that call alone, or about all.
    in_doubt: bool,
    /// Where a call was refused for a reason that is not the way's: the probe has to come through there.
    suspect: Option<String>,
    told: Option<Durability>,
    pressure: Pressure,
    pressure_asked: Option<Instant>,
}

/// A connection for one long list.
pub(crate) struct Beside {
    pub connection: Connection,
    _place: OwnedSemaphorePermit,
}

/// A call that got as far as Redis.
struct Attempt<T> {
    number: u64,
    took: Duration,
    answer: Result<T, Failed>,
    /// The time went elsewhere, such as on waiting for others.
    says_nothing: bool,
}

/// What a probe found.
struct Probed {
    connection: Connection,
    /// Why it does not take writes, where those were tried.
    no_writes: Option<RedisError>,
}

impl Link {
    /// Begins to connect, in the background, for as long as the link is held.
    pub fn start(address: &Address, limits: Limits, rehearsal: Rehearsal) -> Result<Arc<Self>, RedisError> {
        // Calls go elsewhere while it is open, so it may open early: at the first failure.
        let settings = Settings {
            failures_in_a_row: 1,
            failed_probes: 1,
            probe_closed: Duration::from_millis(500),
            ..Settings::default()
        };
        let link = Arc::new(Self {
            connector: Connector::of(address, limits)?,
            limits,
            rehearsal,
            started: Instant::now(),
            present: Mutex::new(Present {
                breaker: Breaker::new(settings),
                connection: None,
                made: 0,
                made_at: Instant::now(),
                said: Said::default(),
                in_doubt: false,
                suspect: None,
                told: None,
                pressure: Pressure::default(),
                pressure_asked: None,
            }),
            bell: Notify::new(),
            lists: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
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

    /// How long calls have been tried on the present connection.
    pub fn there_for(&self) -> Option<Duration> {
        self.answers().then(|| self.present().made_at.elapsed())
    }

    /// The same of a write, which then is likely to be taken.
    pub fn takes_writes(&self) -> bool {
        self.answers() && !self.present().said.is_without_writes()
    }

    /// Whether it answers, and has hardly any memory left that it may take.
    pub fn is_nearly_full(&self) -> bool {
        self.answers() && self.present().pressure.is_scarce()
    }

    /// Tells of the first probe's end, and of each return.
    pub fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// One round trip about what lies at `key`, unless Redis is known to be away.
    pub async fn call<T, F>(
        &self,
        key: &str,
        patience: &mut Patience,
        ask: impl FnOnce(Connection) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let attempt = self.attempt(patience, ask).await?;
        if !attempt.says_nothing {
            self.learn(attempt.number, key, attempt.answer.as_ref().err(), attempt.took);
        }
        attempt.answer
    }

    /// The same for what others do without: that it is refused, or slow, says nothing about their way.
    pub async fn call_beside<T, F>(
        &self,
        patience: &mut Patience,
        ask: impl FnOnce(Connection) -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let attempt = self.attempt(patience, ask).await?;
        let lost = |failed: &&Failed| failed.is_lost_connection();
        if let Some(failed) = attempt.answer.as_ref().err().filter(lost) {
            self.learn(attempt.number, "", Some(failed), attempt.took);
        }
        attempt.answer
    }

    async fn attempt<T, F>(
        &self,
        patience: &mut Patience,
        ask: impl FnOnce(Connection) -> F,
    ) -> Result<Attempt<T>, Failed>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let (number, connection) = {
            let present = self.present();
            present.breaker.admit(self.now()).map_err(|_| Failed::Away)?;
            present.connection.clone().ok_or(Failed::Away)?
        };
        let began = Instant::now();
        let answer = patience.wait_for(ask(connection)).await;
        let took = began.elapsed();
        Ok(Attempt {
            number,
            took,
            says_nothing: answer.is_err() && took < self.limits.response / 2,
            answer: match answer {
                Ok(answer) => answer.map_err(Failed::Refused),
                Err(_) => Err(Failed::TimedOut),
            },
        })
    }

    /// A connection that nobody else waits on, unless Redis is known to be away or too many are in use.
    pub async fn connection_beside(&self, until: Instant) -> Result<Beside, Failed> {
        if !self.answers() {
            return Err(Failed::Away);
        }
        let place = timeout_at(until, Arc::clone(&self.lists).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(Failed::TimedOut);
        };
        let connecting = timeout_at(until, self.connect(self.limits.list)).await;
        Ok(Beside {
            connection: connecting.map_err(|_| Failed::TimedOut)?.map_err(Failed::Refused)?,
            _place: place,
        })
    }

    /// The time that one call has.
    pub fn patience(&self) -> Patience {
        Patience::of(self.limits.call)
    }

    /// The time that a long list has.
    pub fn list_limit(&self) -> Duration {
        self.limits.list
    }

    /// A write was done: whatever stood in its way does not any more.
    pub fn wrote(&self) {
        let news = self.present().said.writes();
        tell(news);
    }

    fn learn(&self, number: u64, key: &str, failed: Option<&Failed>, took: Duration) {
        let class = failed.map(Failed::class);
        let effect = class.map_or(BreakerEffect::Success, |class| class.breaker);
        let mut present = self.present();
        let mut news = Vec::new();
        if let Some(failed) = failed {
            match effect {
                BreakerEffect::FailureOfWrites => news.extend(present.said.no_writes(failed)),
                BreakerEffect::Isolate => present.suspect = Some(key.to_owned()),
                BreakerEffect::Success => present.in_doubt = true,
                // Others of its servers may answer as ever: this one has to, before all are used again.
                BreakerEffect::Failure if self.connector.has_several_servers() => {
                    present.suspect = Some(key.to_owned())
                }
                _ => {}
            }
        }
        // It answers, so reading goes on.
        let observed = Observation::of(effect, false);
        let now = self.now();
        let transition = observed.and_then(|observed| present.breaker.record(now, observed, took));
        let is_moved = class.is_some_and(|class| self.is_moved(class));
        if is_moved || class.is_some_and(|class| class.connection == ConnectionFate::Drop) {
            present.connection.take_if(|(made, _)| *made == number);
        }
        if let (Some(_), Some(failed)) = (transition, failed) {
            news.extend(present.said.away(failed));
        }
        drop(present);
        tell(news);
        if transition.is_some() || is_moved {
            self.bell.notify_one();
        }
    }

    async fn probe(&self) {
        let (at_hand, suspect, is_whole) = {
            let mut present = self.present();
            let _half_open = present.breaker.probe_started();
            // While open a new connection is what is needed, and what proves that there can be one.
            let usable = present.breaker.state() == State::Closed;
            let at_hand = present.connection.clone().filter(|_| usable);
            let is_whole = at_hand.is_none() || present.in_doubt || present.said.is_without_writes();
            (at_hand, present.suspect.clone(), is_whole)
        };
        let is_new = at_hand.is_none();
        let asking = self.ask(at_hand.map(|(_, connection)| connection), suspect.as_deref(), is_whole);
        let probed = match timeout(self.limits.connect + self.limits.call, asking).await {
            Ok(probed) => probed.map_err(Failed::Refused),
            Err(_) => Err(Failed::TimedOut),
        };
        let durability = match &probed {
            Ok(probed) if is_new => {
                let mut connection = probed.connection.clone();
                timeout(self.limits.connect, Durability::ask(&mut connection))
                    .await
                    .ok()
            }
            _ => None,
        };
        if let Ok(probed) = &probed {
            self.look_at_memory(probed.connection.clone(), is_new).await;
        }
        self.conclude(probed, is_new, is_whole, durability);
    }

    /// Now and then; what Redis does not say stays as it was.
    async fn look_at_memory(&self, mut connection: Connection, is_new: bool) {
        let asked = self.present().pressure_asked;
        if !is_new && asked.is_some_and(|asked| asked.elapsed() < MEMORY_EVERY) {
            return;
        }
        let asking = timeout(self.limits.response, Pressure::ask(&mut connection));
        let found = asking.await.ok().flatten();
        let before = {
            let mut present = self.present();
            present.pressure_asked = Some(Instant::now());
            let before = present.pressure;
            present.pressure = found.unwrap_or(before);
            before
        };
        found.unwrap_or(before).tell_after(before);
    }

    /// Does what calls do; with writing, where that is in question.
    async fn ask(
        &self,
        at_hand: Option<Connection>,
        suspect: Option<&str>,
        is_whole: bool,
    ) -> Result<Probed, RedisError> {
        let mut connection = match at_hand {
            Some(connection) => connection,
            None => self.connect(self.limits.response).await?,
        };
        let mark = self.rehearsal.read(&mut connection).await?;
        if let Some(key) = suspect {
            self.rehearsal.look_at(key, &mut connection).await?;
        }
        let mut no_writes = None;
        if is_whole && let Err(error) = self.rehearsal.write(&mark, &mut connection).await {
            if classify(&error).breaker != BreakerEffect::FailureOfWrites {
                return Err(error);
            }
            no_writes = Some(error);
        }
        Ok(Probed { connection, no_writes })
    }

    async fn connect(&self, response: Duration) -> Result<Connection, RedisError> {
        let limits = Limits {
            response,
            ..self.limits
        };
        self.connector.connect(limits).await
    }

    /// Another server takes the writes that this one does not take any more.
    fn is_moved(&self, class: Class) -> bool {
        class.action == Action::FailOver && self.connector.may_lead_elsewhere()
    }

    fn conclude(&self, probed: Result<Probed, Failed>, is_new: bool, is_whole: bool, durability: Option<Durability>) {
        let observed = match probed.as_ref().map_err(|failed| failed.class().breaker) {
            Ok(_) => Observation::Success,
            Err(BreakerEffect::Isolate) => Observation::Isolate,
            // Whatever it is: there is no connection to be used.
            Err(_) => Observation::Failure,
        };
        let mut present = self.present();
        let transition = present.breaker.probe_ended(self.now(), observed, random());
        let mut news = Vec::new();
        let returned = match probed {
            Ok(Probed { connection, no_writes }) => {
                if no_writes.as_ref().is_some_and(|error| self.is_moved(classify(error))) {
                    present.connection = None;
                }
                present.suspect = None;
                if is_whole {
                    present.in_doubt = false;
                    news.extend(match no_writes {
                        Some(error) => present.said.no_writes(&Failed::Refused(error)),
                        None => present.said.writes(),
                    });
                }
                if is_new {
                    self.rehearsal.reconnected();
                    present.made += 1;
                    present.made_at = Instant::now();
                    let number = present.made;
                    present.connection = Some((number, connection));
                }
                if transition.is_some_and(|transition| transition.to == State::Closed) {
                    news.extend(present.said.back());
                }
                is_new
            }
            Err(failed) => {
                present.connection = None;
                if present.breaker.state() != State::Closed {
                    news.extend(present.said.away(&failed));
                }
                false
            }
        };
        let settings = durability.filter(|durability| present.told.as_ref() != Some(durability));
        if settings.is_some() {
            present.told.clone_from(&settings);
        }
        drop(present);
        tell(news);
        match settings {
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

    /// The connection is gone: that it did not answer in time is something else.
    fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_io_error() && !error.is_timeout())
    }

    /// The same for all failures that need not be told apart.
    pub fn name(&self) -> String {
        match self {
            Self::Refused(error) => error.code().unwrap_or("unreachable").to_owned(),
            Self::Away | Self::TimedOut => "unreachable".to_owned(),
        }
    }

    /// In words: those of Redis, where it said something.
    pub fn reason(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::Away | Self::TimedOut => self.to_string(),
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

/// In `0.0..1.0`.
fn random() -> f64 {
    let drawn = getrandom::u64().unwrap_or(1 << 63);
    // 53 bits: what a double holds exactly.
    (drawn >> 11) as f64 / (1u64 << 53) as f64
}
