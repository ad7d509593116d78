//! What an administrator reads of the way to Redis. Alone in its process, as the log is one for all of it.

#![cfg(feature = "redis")]
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_servers::PrivateRedis;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use resilient_drafts::redis::Limits;
use resilient_drafts::{DraftStore, RedisStore, Sealer, StoreError};
use tokio::time::{sleep, timeout};

/// On a busy machine a slow answer is no outage.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(20),
    response: Duration::from_secs(20),
    call: Duration::from_secs(20),
    list: Duration::from_secs(20),
};
const ENOUGH: Duration = Duration::from_secs(60);

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn of_this_process() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for as many lines, none of which is more than that; the last one says these words.
    async fn says(&self, lines: usize, words: &[&str]) {
        let said = async {
            while self.lines().len() < lines {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(ENOUGH, said).await;
        let all = self.lines();
        assert!(in_time.is_ok() && all.len() == lines, "{words:?}: {all:#?}");
        assert!(
            words.iter().all(|word| all[lines - 1].contains(word)),
            "{words:?}: {all:#?}"
        );
    }
}

async fn keep(store: &RedisStore, seq: u64) -> Result<(), StoreError> {
    let draft = Draft {
        version: "v".to_owned(),
        base: Default::default(),
        values: [("note".to_owned(), Some("text".to_owned()))].into(),
        revision: Revision {
            seq,
            writer: "a".to_owned(),
        },
        on: None,
    };
    store
        .write("ann", "site/1", &draft, &Mode::Chained, seq)
        .await
        .map(drop)
}

async fn until_it_takes_writes(store: &RedisStore) {
    let takes = async {
        while !store.takes_writes() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(ENOUGH, takes).await.expect("Redis is back");
}

#[tokio::test]
async fn each_change_is_told_once_with_its_reason_and_never_with_the_password() {
    let log = Log::of_this_process();
    let redis = PrivateRedis::start().unwrap();
    let user = |rules: &[&str]| {
        let user = ["ACL", "SETUSER", "app", "on", ">hunter2", "~*", "+@all"];
        redis.command(&[&user[..], rules].concat()).unwrap()
    };
    let some_probes = Duration::from_millis(1_200);
    user(&[]);
    let address = format!("redis://app:hunter2@127.0.0.1:{}", redis.port())
        .parse()
        .unwrap();
    let store = RedisStore::connect(&address, "test", Sealer::new(&[1; 32], "drafts"), PATIENT);
    let store = store.await.unwrap();
    until_it_takes_writes(&store).await;

    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    for seq in 1..=5 {
        assert!(keep(&store, seq).await.is_err());
    }
    log.says(1, &["takes no writes", "OOM"]).await;
    sleep(some_probes).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    log.says(2, &["takes writes again"]).await;

    user(&["-evalsha"]);
    assert!(keep(&store, 6).await.is_err());
    log.says(3, &["is away", "evalsha"]).await;
    sleep(some_probes).await;
    user(&[]);
    log.says(4, &["answers again"]).await;

    redis.kill();
    log.says(5, &["is away"]).await;
    sleep(some_probes).await;
    redis.restart().unwrap();
    // Restarted, it does not know the user.
    log.says(6, &["still away", "WRONGPASS"]).await;
    user(&[]);
    log.says(7, &["answers again"]).await;
    until_it_takes_writes(&store).await;
    let all = log.lines();
    assert!(all.iter().all(|line| !line.contains("hunter2")), "{all:#?}");
}
