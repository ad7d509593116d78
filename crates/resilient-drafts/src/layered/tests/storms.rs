//! Pages type while Redis gets into one trouble after the other.

use super::*;

/// The round in which all trouble ends.
const LAST: u64 = 35;

/// A page that types, and does what pages do when they are told of other drafts.
struct Page {
    form_key: String,
    writer: String,
    seq: u64,
    held: Option<Revision>,
}

impl Page {
    fn text(&self) -> String {
        format!("{} {}", self.writer, self.seq)
    }

    async fn types(&mut self, store: &LayeredStore, slowest: &AtomicU64) {
        self.seq += 1;
        for _ in 0..4 {
            let draft = draft(&self.writer, self.seq, self.held.clone(), &self.text());
            let began = Instant::now();
            let told = store
                .write("ann", &self.form_key, &draft, &Mode::Chained, self.seq)
                .await;
            slowest.fetch_max(began.elapsed().as_millis() as u64, Ordering::Relaxed);
            match told.expect("a draft is taken, or it is said what stands in its way") {
                Written::Stored(_) | Written::SameAgain(_) => return self.held = Some(draft.revision),
                Written::Stale(_) => return,
                Written::Diverged(other) => self.held = other.map(|other| other.draft.revision),
                Written::Ended(end) => panic!("nobody ended {:?}: {end:?}", draft.revision),
            }
        }
        panic!("{}: no answer settles it", self.form_key);
    }
}

/// Pages type while `trouble` does what it does to Redis; afterwards each form's text is there, once.
pub(super) async fn nothing_is_lost_or_doubled(
    name: &str,
    store: LayeredStore,
    trouble: impl AsyncFn(u64),
    alone: bool,
) {
    let slowest = Arc::new(AtomicU64::new(0));
    let overrun = Arc::new(AtomicU64::new(0));
    let ticking = tokio::spawn({
        let overrun = Arc::clone(&overrun);
        async move {
            loop {
                let began = Instant::now();
                sleep(Duration::from_millis(5)).await;
                let late = began.elapsed().saturating_sub(Duration::from_millis(5));
                overrun.fetch_max(late.as_millis() as u64, Ordering::Relaxed);
            }
        }
    });
    let writers: &[&str] = if alone { &["a"] } else { &["a", "b"] };
    let mut pages: Vec<Page> = (0..4)
        .flat_map(|form| {
            writers.iter().map(move |writer| Page {
                form_key: format!("site/{form}"),
                writer: (*writer).to_owned(),
                seq: 0,
                held: None,
            })
        })
        .collect();
    for round in 0..30 {
        trouble(round).await;
        for page in &mut pages {
            page.types(&store, &slowest).await;
        }
    }
    trouble(LAST).await;
    until_all_is_moved(&store).await;
    ticking.abort();
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    println!(
        "{name}: the slowest of {} writes took {} ms; the machine was late by {} ms",
        30 * pages.len(),
        load(&slowest),
        load(&overrun)
    );

    let found = store.redis.forms("ann", &BTreeSet::new()).await.unwrap();
    assert_eq!((found.forms.len(), found.complete), (4, true));
    for form in found.forms.values() {
        for page in pages.iter().filter(|page| page.form_key == form.key) {
            let last = at(&page.writer, page.seq);
            let holds = form.entries.iter().any(|entry| entry.kept.lineage.covers(&last));
            assert!(holds, "{name}: {last:?} of {} is lost", form.key);
            let own = form.entries.iter().find(|entry| entry.kept.draft.revision == last);
            if let Some(own) = own {
                assert!(
                    own.kept.draft.values.values().any(|text| *text == Some(page.text())),
                    "{name}: {last:?} of {} has another text",
                    form.key
                );
            }
        }
        for entry in &form.entries {
            let revision = &entry.kept.draft.revision;
            let twice = |other: &&crate::form::Entry| {
                other.kept.draft.revision != *revision && other.kept.lineage.covers(revision)
            };
            assert!(
                form.entries.iter().find(twice).is_none(),
                "{name}: {revision:?} is there twice"
            );
        }
        if alone {
            assert_eq!(form.entries.len(), 1, "{name}: one page has one draft");
        }
    }
    // Waiting is bounded: 200 ms a call, plus what the machine was late in each of its steps.
    let allowed = 200 + 20 * load(&overrun).max(1) + 200;
    assert!(load(&slowest) <= allowed, "{name}: {} ms", load(&slowest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_is_killed_again_and_again() {
    for alone in [true, false] {
        let (store, servers) = hurried().await;
        let trouble = async |round: u64| match round % 6 {
            2 => servers.redis.kill(),
            5 => servers.redis.restart().unwrap(),
            _ => sleep(Duration::from_millis(40)).await,
        };
        nothing_is_lost_or_doubled("killed", store, trouble, alone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_freezes_again_and_again() {
    for alone in [true, false] {
        let (store, servers) = hurried().await;
        let trouble = async |round: u64| match round % 6 {
            2 => servers.redis.freeze(),
            5 => servers.redis.thaw(),
            _ => sleep(Duration::from_millis(40)).await,
        };
        nothing_is_lost_or_doubled("frozen", store, trouble, alone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_the_way_is_cut_between_any_two_steps() {
    for (seed, alone) in [(7, true), (8, false), (9, true)] {
        let (redis, directory) = (PrivateRedis::start().unwrap(), tempfile::tempdir().unwrap());
        let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], redis.port()));
        let proxy = FaultProxy::start(upstream).await.unwrap();
        let store = over(&format!("redis://{}", proxy.address()), &directory, Limits::default()).await;
        let trouble = async |round: u64| {
            let fault = match round {
                LAST => Fault::Pass,
                _ => Fault::CutAtRandom {
                    probability: 0.08,
                    seed: seed + round,
                },
            };
            proxy.set(fault).await;
            // So long that Redis is used again in most rounds.
            sleep(Duration::from_millis(20)).await;
        };
        nothing_is_lost_or_doubled("cut at random", store, trouble, alone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_is_flushed_again_and_again() {
    let (store, servers) = hurried().await;
    let trouble = async |round: u64| {
        if round % 5 == 2 && round != LAST {
            servers.redis.command(&["FLUSHALL"]).unwrap();
        }
    };
    nothing_is_lost_or_doubled("flushed", store, trouble, true).await;
}
