use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;

use super::*;

const PLACES: Places = Places {
    ordinary: 10,
    burst: 0,
    burst_after: Duration::from_millis(100),
    waiting: 20,
};

fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

#[tokio::test(start_paused = true)]
async fn ten_run_twenty_wait_and_the_thirty_first_is_refused_at_once() {
    let bulkhead = Arc::new(Bulkhead::new(PLACES));
    let mut running = Vec::new();
    for _ in 0..10 {
        running.push(bulkhead.enter(in_a_second(), || 10).await.expect("a place"));
    }
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let bulkhead = Arc::clone(&bulkhead);
                async move { bulkhead.enter(in_a_second(), || 10).await.is_ok() }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (10, 20));
    let before = Instant::now();
    assert_eq!(bulkhead.enter(in_a_second(), || 10).await.err(), Some(Full));
    assert_eq!(before.elapsed(), Duration::ZERO);
    drop(running);
    for entered in waiting {
        assert!(entered.await.expect("no panic"));
    }
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_the_line() {
    let one = Places {
        ordinary: 1,
        waiting: 1,
        ..PLACES
    };
    let bulkhead = Bulkhead::new(one);
    let _place = bulkhead.enter(in_a_second(), || 1).await.expect("a place");
    drop(tokio::time::timeout(Duration::from_millis(10), bulkhead.enter(in_a_second(), || 1)).await);
    assert_eq!(bulkhead.waiting(), 0);
    assert_eq!(bulkhead.enter(in_a_second(), || 1).await.err(), Some(Full));
    assert_eq!(bulkhead.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_comes_again_before_the_next_has_noticed_its_place_is_not_one_too_many() {
    let bulkhead = Bulkhead::new(PLACES);
    let caller = || async {
        for _ in 0..3 {
            let _place = bulkhead.enter(in_a_second(), || 10).await.expect("a place");
            sleep(Duration::from_millis(1)).await;
        }
    };
    // All in one task: ten end, and come again, in one go.
    futures::future::join_all((0..30).map(|_| caller())).await;
}

#[tokio::test(start_paused = true)]
async fn while_calls_open_their_connections_nobody_is_given_one_more() {
    let bulkhead = Bulkhead::new(Places { burst: 10, ..PLACES });
    let mut running = Vec::new();
    for _ in 0..10 {
        running.push(bulkhead.enter(in_a_second(), || 9).await.expect("a place"));
    }
    assert_eq!(bulkhead.enter(in_a_second(), || 9).await.err(), Some(Full));
    let before = Instant::now();
    let place = bulkhead.enter(in_a_second(), || 10).await.expect("one of the burst");
    assert_eq!(place.kind, PlaceKind::Overflow);
    assert_eq!(before.elapsed().as_millis(), 100);
}

/// What happened to the calls of one run.
#[derive(Default)]
struct Seen {
    in_hand: AtomicUsize,
    overflow: AtomicUsize,
    most_overflow: AtomicUsize,
    refused: AtomicUsize,
    served: AtomicUsize,
}

/// One call: comes after `pause`, takes `opening` to get its connection, and holds it for `length`.
async fn call(bulkhead: &Bulkhead, seen: &Seen, [pause, opening, length]: [u64; 3]) -> Result<(), String> {
    sleep(Duration::from_millis(pause)).await;
    let began = Instant::now();
    let in_hand = || seen.in_hand.load(Ordering::SeqCst);
    let place = match bulkhead.enter(in_a_second(), in_hand).await {
        Ok(place) => place,
        Err(Full) => {
            seen.refused.fetch_add(1, Ordering::SeqCst);
            let all_taken = bulkhead.ordinary.in_use() >= bulkhead.limit();
            return all_taken
                .then_some(())
                .ok_or_else(|| "refused with a place free".to_owned());
        }
    };
    let (counter, most) = match place.kind {
        PlaceKind::Ordinary => (&seen.in_hand, None),
        PlaceKind::Overflow => {
            let (held, waited) = (in_hand(), began.elapsed());
            if held < bulkhead.places.ordinary as usize || waited < bulkhead.places.burst_after {
                return Err(format!("one of the burst with {held} in hand, after {waited:?}"));
            }
            (&seen.overflow, Some(&seen.most_overflow))
        }
    };
    if place.kind == PlaceKind::Ordinary {
        sleep(Duration::from_millis(opening)).await;
    }
    let now = counter.fetch_add(1, Ordering::SeqCst) + 1;
    most.map(|most| most.fetch_max(now, Ordering::SeqCst));
    sleep(Duration::from_millis(length)).await;
    counter.fetch_sub(1, Ordering::SeqCst);
    seen.served.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

proptest! {
    /// Whatever comes, and whenever: no place of the burst while an ordinary connection is free, never
    /// more of them than there are, nobody is lost, and at the end all places are free.
    #[test]
    fn the_burst_is_used_only_while_all_connections_are_busy(
        calls in proptest::collection::vec([0u64..1_500, 0u64..300, 0u64..900], 1..80),
        (ordinary, burst, waiting) in (1u32..6, 0u32..6, 0u32..12),
    ) {
        let places = Places { ordinary, burst, waiting, ..PLACES };
        let (bulkhead, seen) = (Bulkhead::new(places), Seen::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let ended = runtime.expect("a runtime").block_on(async {
            let all = calls.iter().map(|times| call(&bulkhead, &seen, *times));
            futures::future::join_all(all).await
        });
        for end in ended {
            prop_assert_eq!(end, Ok(()));
        }
        prop_assert!(seen.most_overflow.load(Ordering::SeqCst) <= burst as usize);
        prop_assert_eq!(seen.served.load(Ordering::SeqCst) + seen.refused.load(Ordering::SeqCst), calls.len());
        prop_assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
        prop_assert_eq!((bulkhead.overflow.there(), bulkhead.overflow.in_use()), (burst, 0));
    }
}

proptest! {
    /// The same while the limit moves, at any moment and to anywhere: never more in all than there were places at
    /// first, nobody is lost, and in the end, moved back, all places are there.
    #[test]
    fn a_limit_that_moves_loses_no_place_and_makes_none(
        calls in proptest::collection::vec([0u64..1_500, 0u64..300, 0u64..900], 1..80),
        moves in proptest::collection::vec((1u64..200, 1u32..12, 0u32..6), 1..20),
        (ordinary, burst) in (1u32..6, 0u32..6),
    ) {
        let places = Places { ordinary, burst, waiting: 12, ..PLACES };
        let (bulkhead, served, most) = (Bulkhead::new(places), AtomicUsize::new(0), AtomicUsize::new(0));
        let all = (ordinary + burst) as usize;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (bulkhead, served, most, running) = (&bulkhead, &served, &most, &AtomicUsize::new(0));
            let call = |[pause, opening, length]: [u64; 3]| async move {
                sleep(Duration::from_millis(pause)).await;
                let Ok(_place) = bulkhead.enter(in_a_second(), || bulkhead.limit() as usize).await else {
                    served.fetch_add(1, Ordering::SeqCst);
                    return;
                };
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(opening + length)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                served.fetch_add(1, Ordering::SeqCst);
            };
            let steering = async {
                for (pause, limit, burst) in &moves {
                    sleep(Duration::from_millis(*pause)).await;
                    bulkhead.steer((*limit).min(all as u32), *burst);
                }
            };
            tokio::join!(futures::future::join_all(calls.iter().map(|times| call(*times))), steering);
        });
        prop_assert_eq!(served.load(Ordering::SeqCst), calls.len());
        prop_assert!(most.load(Ordering::SeqCst) <= all, "{} of {}", most.load(Ordering::SeqCst), all);
        // Twice: who is to grow gets what is free by then.
        (0..2).for_each(|_| bulkhead.steer(ordinary, burst));
        prop_assert_eq!((bulkhead.running(), bulkhead.waiting(), bulkhead.limit()), (0, 0, ordinary));
        prop_assert_eq!((bulkhead.ordinary.there(), bulkhead.overflow.there()), (ordinary, burst));
    }
}
