//! What keeping drafts in Redis costs, on real servers of its own: `cargo xtask bench drafts`.
//!
//! Saving and loading with few and with many drafts there, in pairs, so that a machine that does other things as well
//! slows down both sides; the memory that a draft takes; and saves of many people at once. Every write is on the disk
//! before it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use private_servers::PrivateRedis;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use resilient_drafts::redis::Limits;
use resilient_drafts::{DraftStore, RedisStore, Sealer, Written};

/// A slow answer is measured, not given up.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(60),
    response: Duration::from_secs(60),
    call: Duration::from_secs(60),
    list: Duration::from_secs(60),
};
const PER_ACCOUNT: u64 = 20;

#[derive(Parser)]
#[command(about = "What keeping drafts in Redis costs")]
struct Arguments {
    /// Drafts in the one Redis.
    #[arg(long, default_value_t = 1_000)]
    few: u64,
    /// Drafts in the other one; with 1 000 000 filling takes minutes, and some gigabytes of memory and disk.
    #[arg(long, default_value_t = 1_000_000)]
    many: u64,
    /// Pairs of saves, and of loads.
    #[arg(long, default_value_t = 5_000)]
    pairs: u64,
    /// Who saves at once, each in a form of their own.
    #[arg(long, default_value_t = 32)]
    clients: u64,
    /// How long they do: once with pauses, and once each again as soon as the last save is answered.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The longest pause between two saves of one of them, in milliseconds. A page that is typed in saves every
    /// 2000 ms.
    #[arg(long, default_value_t = 100)]
    pause_ms: u64,
    /// For what is drawn: sizes, and which draft is next.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One Redis with so many drafts in it.
struct Filled {
    redis: PrivateRedis,
    store: RedisStore,
    drafts: u64,
    bytes_each: u64,
}

fn main() {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let few = Filled::with(arguments.few, &arguments).await;
        let many = Filled::with(arguments.many, &arguments).await;
        few.say();
        many.say();
        println!();
        compare(&few, &many, &arguments).await;
        println!();
        for pause in [Duration::from_millis(arguments.pause_ms), Duration::ZERO] {
            at_once(&few, pause, &arguments).await;
            at_once(&many, pause, &arguments).await;
        }
    });
}

impl Filled {
    async fn with(drafts: u64, arguments: &Arguments) -> Self {
        let redis = PrivateRedis::start().expect("Redis is installed");
        // Rewriting the log, or writing a snapshot of the many beside it, would be measured, too, on one side only.
        for (name, value) in [("auto-aof-rewrite-percentage", "0"), ("save", "")] {
            redis.command(&["CONFIG", "SET", name, value]).expect("Redis is there");
        }
        let address = redis.url().parse().expect("an address");
        let sealer = Sealer::new(&[7; 32], "drafts");
        let store = RedisStore::connect(&address, "bench", sealer, PATIENT)
            .await
            .expect("a store");
        while !store.takes_writes() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = used_memory(&redis);
        let began = Instant::now();
        let store = Arc::new(store);
        let writers = (0..64).map(|writer| {
            let (store, seed) = (Arc::clone(&store), arguments.seed);
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(seed ^ writer);
                for number in (writer..drafts).step_by(64) {
                    let (account, form_key) = name(number);
                    let draft = draft(1, None, &mut random);
                    let told = store.write(&account, &form_key, &draft, &Mode::Chained, 1).await;
                    assert!(matches!(told, Ok(Written::Stored(_))), "{told:?}");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("it is filled");
        }
        println!("filled with {drafts} drafts in {:.1} s", began.elapsed().as_secs_f64());
        let bytes_each = (used_memory(&redis) - before) / drafts.max(1);
        rewrite(&redis).await;
        move_tables(&redis);
        Self {
            bytes_each,
            store: (*store).clone(),
            redis,
            drafts,
        }
    }

    fn say(&self) {
        let setting = |name: &str| {
            let told = self.redis.command(&["CONFIG", "GET", name]).expect("Redis is there");
            told.lines().nth(1).unwrap_or_default().to_owned()
        };
        let info = self.redis.command(&["INFO", "server"]).expect("Redis is there");
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"))
            .unwrap_or("?");
        println!(
            "Redis {}, appendonly {}, appendfsync {}, {} drafts of {} accounts: {} bytes of memory each",
            version.trim(),
            setting("appendonly"),
            setting("appendfsync"),
            self.drafts,
            self.drafts.div_ceil(PER_ACCOUNT),
            self.bytes_each,
        );
    }

    /// Types on in a draft that is there.
    async fn save(&self, number: u64, seq: u64, random: &mut fastrand::Rng) -> Duration {
        let (account, form_key) = name(number % self.drafts);
        let draft = draft(seq, None, random);
        let began = Instant::now();
        let told = self.store.write(&account, &form_key, &draft, &Mode::Beside, seq).await;
        let took = began.elapsed();
        assert!(told.is_ok(), "{told:?}");
        took
    }

    async fn load(&self, number: u64) -> Duration {
        let (account, form_key) = name(number % self.drafts);
        let began = Instant::now();
        let seen = self.store.load(&account, &form_key).await.expect("Redis is there");
        let took = began.elapsed();
        assert!(!seen.drafts.is_empty(), "it was filled");
        took
    }
}

async fn compare(few: &Filled, many: &Filled, arguments: &Arguments) {
    println!("{} pairs; milliseconds", arguments.pairs);
    println!(
        "{:<6}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "", "few p50", "many p50", "ratio", "few p99", "many p99", "ratio"
    );
    let mut random = fastrand::Rng::with_seed(arguments.seed);
    for what in ["save", "load"] {
        let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
        for pair in 0..arguments.pairs {
            let number = random.u64(..);
            let mut ask = async |filled: &Filled, into: &mut Vec<Duration>| {
                into.push(match what {
                    "save" => filled.save(number, pair + 2, &mut random).await,
                    _ => filled.load(number).await,
                });
            };
            // In turns first.
            if pair % 2 == 0 {
                ask(few, &mut of_few).await;
                ask(many, &mut of_many).await;
            } else {
                ask(many, &mut of_many).await;
                ask(few, &mut of_few).await;
            }
        }
        let mut columns = String::new();
        for quantile in [0.50, 0.99] {
            let (of_few, of_many) = (at(quantile, &mut of_few), at(quantile, &mut of_many));
            columns += &format!("{of_few:>12.3}{of_many:>12.3}{:>12.2}", of_many / of_few);
        }
        println!("{what:<6}{columns}");
    }
}

/// Everybody saves again within `pause` of the last answer.
async fn at_once(filled: &Filled, pause: Duration, arguments: &Arguments) {
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let clients = (0..arguments.clients).map(|client| {
        let (store, seed) = (filled.store.clone(), arguments.seed ^ client);
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let (account, mut took) = (format!("client {client}, {}", pause.as_millis()), Vec::new());
            let mut seq = 0;
            while Instant::now() < until {
                tokio::time::sleep(pause.mul_f64(random.f64())).await;
                seq += 1;
                let draft = draft(seq, (seq > 1).then_some(seq - 1), &mut random);
                let began = Instant::now();
                let told = store.write(&account, "site/1", &draft, &Mode::Chained, seq).await;
                took.push(began.elapsed());
                assert!(matches!(told, Ok(Written::Stored(_))), "{told:?}");
            }
            took
        })
    });
    let mut took = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        took.extend(client.await.expect("it saves"));
    }
    println!(
        "{} clients for {} s beside {} drafts, pauses of up to {} ms: {} saves, p50 {:.3} ms, p99 {:.3} ms",
        arguments.clients,
        arguments.seconds,
        filled.drafts,
        pause.as_millis(),
        took.len(),
        at(0.50, &mut took),
        at(0.99, &mut took),
    );
}

fn name(number: u64) -> (String, String) {
    (
        format!("account {}", number / PER_ACCOUNT),
        format!("equipment/{}", number % PER_ACCOUNT),
    )
}

/// Of a few fields, and a longer text now and then.
fn draft(seq: u64, on: Option<u64>, random: &mut fastrand::Rng) -> Draft {
    let mut text = |most: usize| {
        let length = random.usize(1..=most);
        Some(
            std::iter::repeat_with(|| random.alphanumeric())
                .take(length)
                .collect::<String>(),
        )
    };
    let values = [("name", 40), ("serial_number", 20), ("location", 60), ("notes", 1_500)];
    let values = values.map(|(column, most)| (column.to_owned(), text(most)));
    let at = |seq| Revision {
        seq,
        writer: "0123456789abcdef0123456789abcdef".to_owned(),
    };
    Draft {
        // As long as a sealed version of a table with some columns.
        version: "v".repeat(700),
        base: [("name".to_owned(), Some("Pump 2".to_owned()))].into(),
        values: values.into(),
        revision: at(seq),
        on: on.map(at),
    }
}

/// Has the log begin anew, as Redis does by itself now and then: appending to one of gigabytes costs the file system
/// more, however few drafts it is about.
async fn rewrite(redis: &PrivateRedis) {
    let is_rewriting = || {
        let info = redis.command(&["INFO", "persistence"]).expect("Redis is there");
        info.contains("aof_rewrite_in_progress:1") || info.contains("aof_rewrite_scheduled:1")
    };
    redis.command(&["BGREWRITEAOF"]).expect("Redis is there");
    while is_rewriting() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Has Redis finish what it does bit by bit. A hash table that has just doubled moves a bucket with each name that is looked
/// up, and each takes 5 µs longer until all are moved; with a million drafts there are 1 050 000 names, just above 2^20.
fn move_tables(redis: &PrivateRedis) {
    // The name has a time to live, so that the table of those is looked into as well.
    const LOOK_UP: &str = "local name = redis.call('RANDOMKEY') for _ = 1, 100000 do redis.call('EXISTS', name) end";
    for _ in 0..40 {
        redis.command(&["EVAL", LOOK_UP, "0"]).expect("Redis is there");
    }
}

fn used_memory(redis: &PrivateRedis) -> u64 {
    let info = redis.command(&["INFO", "memory"]).expect("Redis is there");
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    used.and_then(|used| used.trim().parse().ok()).expect("Redis says it")
}

/// In milliseconds.
fn at(quantile: f64, took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    let place = (took.len().saturating_sub(1)) as f64 * quantile;
    took.get(place.round() as usize).map_or(f64::NAN, Duration::as_secs_f64) * 1e3
}
