//! What servers that share a Redis tell each other: published, heard by whoever listens, kept nowhere.
//!
//! It has a connection of its own, which is made again whenever it is lost, and nobody waits for it: what cannot be
//! said now is dropped. Whoever uses it has to do without it, and to say anew what counts when it is
//! [there again](Heard::Connected). Nothing here knows what is said; Redis, and whoever may write to it, is trusted
//! with nothing, so messages should be [sealed](crate::Sealer).

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, FromRedisValue, PushInfo, PushKind, RedisError};
use tokio::sync::{Notify, mpsc};
use tokio::time::{interval, sleep, timeout};

use super::address::Address;
use super::connector::Single;
use super::link::Limits;
use crate::StoreError;
use crate::store::unavailable;

/// Messages that wait to be said, or to be listened to. What is more is dropped.
const MOST_WAITING: usize = 512;
/// Bytes of a message; a longer one is neither said nor listened to.
const LONGEST_MESSAGE: usize = 256 * 1024;
/// Connecting, and saying one message.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks whether anybody is at the other end, where nothing is said.
const PING_EVERY: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What comes out of a [`Channel`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// From now on messages come. What was said before may have been missed.
    Connected,
    /// None come, and what is said is dropped.
    Lost,
    /// Somebody's, also one's own.
    Message(String),
}

/// One end of it. The connection ends with it, and with the receiver.
#[derive(Clone, Debug)]
pub struct Channel {
    saying: mpsc::Sender<String>,
}

impl Channel {
    /// Begins to connect; Redis need not be there.
    ///
    /// # Errors
    /// Where the address asks for what this client cannot do.
    pub fn open(address: &Address, name: &str) -> Result<(Self, mpsc::Receiver<Heard>), StoreError> {
        let single = Single::of(address).map_err(unavailable)?;
        let (saying, to_say) = mpsc::channel(MOST_WAITING);
        let (hearing, heard) = mpsc::channel(MOST_WAITING);
        let way = Way {
            single,
            name: name.to_owned(),
            hearing,
        };
        tokio::spawn(way.keep(to_say));
        Ok((Self { saying }, heard))
    }

    /// Whether it will be tried: what is too long, or more than can wait, is dropped.
    pub fn say(&self, message: String) -> bool {
        message.len() <= LONGEST_MESSAGE && self.saying.try_send(message).is_ok()
    }
}

struct Way {
    single: Single,
    name: String,
    hearing: mpsc::Sender<Heard>,
}

impl Way {
    async fn keep(self, mut to_say: mpsc::Receiver<String>) {
        let (mut pause, mut told) = (FIRST_PAUSE, false);
        loop {
            match self.connect().await {
                Ok((connection, lost)) => {
                    (pause, told) = (FIRST_PAUSE, false);
                    // What has waited is old news.
                    while to_say.try_recv().is_ok() {}
                    if self.hearing.send(Heard::Connected).await.is_err() {
                        return;
                    }
                    if self.talk(connection, &lost, &mut to_say).await == Ended::ForGood
                        || self.hearing.send(Heard::Lost).await.is_err()
                    {
                        return;
                    }
                }
                Err(error) if !told => {
                    tracing::warn!(%error, "servers cannot tell each other by Redis now");
                    told = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = self.hearing.closed() => return,
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
            if to_say.is_closed() {
                return;
            }
        }
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, Arc<Notify>), RedisError> {
        let (lost, hearing) = (Arc::new(Notify::new()), self.hearing.clone());
        let told = Arc::clone(&lost);
        let heard = move |push: PushInfo| {
            match push.kind {
                PushKind::Message => {
                    // Whoever is that far behind misses it.
                    let message = push.data.into_iter().nth(1).and_then(read);
                    message.map(|message| hearing.try_send(Heard::Message(message)));
                }
                PushKind::Disconnection => told.notify_one(),
                _ => {}
            }
            Ok::<(), SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(heard);
        let mut connection = self.single.connect(&config, Limits::default()).await?;
        connection.subscribe(&self.name).await?;
        Ok((connection, lost))
    }

    async fn talk(
        &self,
        mut connection: MultiplexedConnection,
        lost: &Notify,
        to_say: &mut mpsc::Receiver<String>,
    ) -> Ended {
        let mut pings = interval(PING_EVERY);
        loop {
            let asked = tokio::select! {
                message = to_say.recv() => {
                    let Some(message) = message else { return Ended::ForGood };
                    let mut publish = redis::cmd("PUBLISH");
                    publish.arg(&self.name).arg(message);
                    publish
                }
                _ = pings.tick() => redis::cmd("PING"),
                () = lost.notified() => return Ended::Lost,
                () = self.hearing.closed() => return Ended::ForGood,
            };
            // A frozen Redis sends no reset.
            if !matches!(timeout(PATIENCE, asked.exec_async(&mut connection)).await, Ok(Ok(()))) {
                return Ended::Lost;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Lost,
    /// Nobody says or listens any more.
    ForGood,
}

fn read(value: redis::Value) -> Option<String> {
    let message = String::from_redis_value(value).ok()?;
    (message.len() <= LONGEST_MESSAGE).then_some(message)
}

#[cfg(test)]
mod tests {
    use private_servers::PrivateRedis;

    use super::*;

    /// Far longer than anything here takes.
    const LONG: Duration = Duration::from_secs(30);

    async fn next(heard: &mut mpsc::Receiver<Heard>) -> Heard {
        timeout(LONG, heard.recv()).await.expect("in time").expect("it goes on")
    }

    fn open(redis: &PrivateRedis, name: &str) -> (Channel, mpsc::Receiver<Heard>) {
        Channel::open(&redis.url().parse().unwrap(), name).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_one_says_all_of_that_channel_hear_and_nobody_else() {
        let redis = PrivateRedis::start().unwrap();
        let (one, mut first) = open(&redis, "a");
        let (_other, mut second) = open(&redis, "a");
        let (_apart, mut third) = open(&redis, "b");
        for heard in [&mut first, &mut second, &mut third] {
            assert_eq!(next(heard).await, Heard::Connected);
        }
        assert!(one.say("good morning".to_owned()));
        assert!(!one.say("x".repeat(LONGEST_MESSAGE + 1)));
        for heard in [&mut first, &mut second] {
            assert_eq!(next(heard).await, Heard::Message("good morning".to_owned()));
        }
        assert!(third.try_recv().is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_and_a_frozen_redis_are_noticed_and_found_again() {
        let redis = PrivateRedis::start().unwrap();
        let (channel, mut heard) = open(&redis, "a");
        assert_eq!(next(&mut heard).await, Heard::Connected);
        redis.kill();
        assert_eq!(next(&mut heard).await, Heard::Lost);
        for n in 0..2 * MOST_WAITING {
            assert_eq!(channel.say("nobody hears this".to_owned()), n < MOST_WAITING, "{n}");
        }
        redis.restart().unwrap();
        assert_eq!(next(&mut heard).await, Heard::Connected);
        channel.say("again".to_owned());
        assert_eq!(
            next(&mut heard).await,
            Heard::Message("again".to_owned()),
            "old news are dropped"
        );

        redis.freeze();
        assert_eq!(next(&mut heard).await, Heard::Lost);
        redis.thaw();
        assert_eq!(next(&mut heard).await, Heard::Connected);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_connection_ends_with_whoever_used_it() {
        let redis = PrivateRedis::start().unwrap();
        let (channel, mut heard) = open(&redis, "a");
        assert_eq!(next(&mut heard).await, Heard::Connected);
        let listening = || redis.command(&["PUBSUB", "NUMSUB", "a"]).unwrap();
        assert_eq!(listening(), "a\n1");
        drop((channel, heard));
        let gone = async {
            while listening() != "a\n0" {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, gone).await.expect("it is closed");
    }
}
