//! The breaker against its rules, one by one and by random histories.

use proptest::prelude::*;

use super::*;

const QUICK: Duration = Duration::from_millis(5);

fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(milliseconds))
}

fn new_breaker() -> Breaker {
    Breaker::new(Settings::default())
}

fn opened() -> Breaker {
    let mut breaker = new_breaker();
    for _ in 0..5 {
        breaker.record(at(0), Observation::Failure, QUICK);
    }
    assert_eq!(breaker.state(), State::Open);
    breaker
}

#[test]
fn five_failures_in_a_row_open_it() {
    let mut breaker = new_breaker();
    for _ in 0..4 {
        assert_eq!(breaker.record(at(0), Observation::Failure, QUICK), None);
    }
    let transition = breaker.record(at(0), Observation::Failure, QUICK);
    assert_eq!(transition.map(|change| change.cause), Some(Cause::FailuresInARow(5)));
}

#[test]
fn a_success_between_breaks_the_row() {
    let mut breaker = new_breaker();
    for moment in 0..4 {
        breaker.record(at(moment * 20_000), Observation::Failure, QUICK);
    }
    breaker.record(at(80_000), Observation::Success, QUICK);
    breaker.record(at(100_000), Observation::Failure, QUICK);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn half_of_eight_calls_failing_opens_it() {
    let mut breaker = new_breaker();
    for call in 0..7 {
        let observation = if call % 2 == 0 {
            Observation::Success
        } else {
            Observation::Failure
        };
        assert_eq!(breaker.record(at(0), observation, QUICK), None);
    }
    let transition = breaker.record(at(0), Observation::Failure, QUICK);
    assert!(matches!(
        transition,
        Some(Transition {
            cause: Cause::FailureRatio(Tally {
                calls: 8,
                failures: 4,
                ..
            }),
            ..
        })
    ));
}

#[test]
fn slow_calls_open_it_though_they_succeed() {
    let mut breaker = new_breaker();
    for call in 0..7 {
        let took = if call == 0 { QUICK } else { Duration::from_millis(2_100) };
        assert_eq!(breaker.record(at(0), Observation::Success, took), None);
    }
    let transition = breaker.record(at(0), Observation::Slow, QUICK);
    assert!(matches!(
        transition,
        Some(Transition {
            cause: Cause::SlowRatio(_),
            ..
        })
    ));
}

#[test]
fn calls_that_take_just_as_long_as_they_may_are_not_slow() {
    let longest = Settings::default().slow_after;
    let opened_by = |took| {
        let mut breaker = new_breaker();
        (0..100).find_map(|_| breaker.record(at(0), Observation::Success, took))
    };
    assert_eq!(opened_by(longest), None);
    assert!(opened_by(longest + Duration::from_millis(1)).is_some());
}

#[test]
fn a_thousand_broken_constraints_do_not_open_it() {
    let mut breaker = new_breaker();
    for _ in 0..1_000 {
        let observation = Observation::of(BreakerEffect::Success, true).expect("recorded");
        assert_eq!(breaker.record(at(0), observation, QUICK), None);
    }
}

#[test]
fn a_full_disk_stops_writes_and_not_reads() {
    assert_eq!(
        Observation::of(BreakerEffect::FailureOfWrites, true),
        Some(Observation::Failure)
    );
    assert_eq!(
        Observation::of(BreakerEffect::FailureOfWrites, false),
        Some(Observation::Success)
    );
    assert_eq!(Observation::of(BreakerEffect::Ignored, true), None);
}

#[test]
fn two_failed_probes_open_it_without_any_call() {
    let mut breaker = new_breaker();
    assert_eq!(breaker.probe_ended(at(0), Observation::Failure, 0.5), None);
    let transition = breaker.probe_ended(at(1_000), Observation::Failure, 0.5);
    assert_eq!(transition.map(|change| change.cause), Some(Cause::FailedProbes(2)));
}

#[test]
fn one_successful_probe_closes_it_with_an_empty_memory() {
    let mut breaker = opened();
    breaker.probe_started();
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(breaker.admit(at(300)).is_err(), "half-open admits no user");
    breaker.probe_ended(at(300), Observation::Success, 0.5);
    assert_eq!(breaker.admit(at(300)), Ok(()));
    assert_eq!(breaker.record(at(300), Observation::Failure, QUICK), None);
}

#[test]
fn of_five_hundred_calls_none_pays_for_finding_out_whether_it_is_back() {
    let mut breaker = opened();
    let is_refused = |breaker: &Breaker, milliseconds| (0..500).all(|_| breaker.admit(at(milliseconds)).is_err());
    assert!(
        is_refused(&breaker, 0) && is_refused(&breaker, 10_000),
        "open, however long"
    );
    assert!(breaker.probe_started().is_some());
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(is_refused(&breaker, 10_000), "half-open: the one probe is under way");
    assert_eq!(breaker.probe_started(), None, "there is never a second one");
    assert!(breaker.probe_ended(at(10_001), Observation::Success, 0.5).is_some());
    assert!((0..500).all(|_| breaker.admit(at(10_001)).is_ok()));
}

#[test]
fn what_was_under_way_when_it_opened_neither_closes_nor_shifts_it() {
    let mut breaker = opened();
    let before = breaker.admit(at(10));
    assert_eq!(breaker.record(at(10), Observation::Success, QUICK), None);
    assert_eq!(breaker.record(at(10), Observation::Isolate, QUICK), None);
    assert_eq!(breaker.admit(at(10)), before);
}

#[test]
fn a_wrong_password_opens_it_at_once_and_is_asked_about_ever_more_rarely() {
    let mut breaker = new_breaker();
    assert_eq!(
        breaker
            .probe_ended(at(0), Observation::Isolate, 0.5)
            .map(|change| change.cause),
        Some(Cause::Isolated)
    );
    let mut now = Moment::START;
    let mut distances = Vec::new();
    for _ in 0..10 {
        let distance = breaker.next_probe(now);
        distances.push(distance.as_millis());
        now = now + distance;
        breaker.probe_started();
        breaker.probe_ended(now, Observation::Isolate, 0.5);
    }
    assert_eq!(
        distances,
        [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]
    );
}

#[test]
fn an_outage_that_turns_out_to_be_a_wrong_password_is_asked_about_ever_more_rarely() {
    let mut breaker = opened();
    let mut distance_after = |observation| {
        breaker.probe_started();
        breaker.probe_ended(at(0), observation, 0.5);
        breaker.next_probe(at(0)).as_millis()
    };
    let wrong = [Observation::Isolate; 3].map(&mut distance_after);
    assert_eq!(wrong, [200, 400, 800]);
    let gone = [Observation::Failure; 2].map(&mut distance_after);
    assert_eq!(gone, [200, 200], "once it fails by itself it may heal by itself");
}

#[test]
fn states_are_told_apart_in_labels() {
    let names = [State::Closed, State::Open, State::HalfOpen].map(State::name);
    let different: std::collections::BTreeSet<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
}

#[test]
fn a_fixed_open_time_holds_off_the_first_probe() {
    let mut breaker = Breaker::new(Settings {
        open_at_least: Duration::from_secs(60),
        ..Settings::default()
    });
    breaker.probe_ended(at(0), Observation::Isolate, 0.5);
    assert_eq!(breaker.next_probe(at(0)), Duration::from_secs(60));
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Call(Observation, u64),
    Probe(Observation, f64),
    Pause(u64),
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        6 => Just(Observation::Success),
        6 => Just(Observation::Failure),
        2 => Just(Observation::Slow),
        1 => Just(Observation::Isolate),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any_observation(), 0u64..4_000).prop_map(|(seen, took)| Event::Call(seen, took)),
        2 => (any_observation(), 0.0f64..1.0).prop_map(|(seen, random)| Event::Probe(seen, random)),
        2 => (0u64..3_000).prop_map(Event::Pause),
    ]
}

/// The rules again, recounted from a list of everything since it last closed.
fn should_open(calls: &[(u64, Observation, u64)], now: u64) -> bool {
    let failed = |seen: &Observation| matches!(seen, Observation::Failure | Observation::Isolate);
    let in_a_row = calls.iter().rev().take_while(|(_, seen, _)| failed(seen)).count();
    let recent: Vec<_> = calls.iter().filter(|(second, ..)| second + 10 > now / 1_000).collect();
    let failures = recent.iter().filter(|(_, seen, _)| failed(seen)).count();
    let slow = recent
        .iter()
        .filter(|(_, seen, took)| *seen == Observation::Slow || *took > 2_000)
        .count();
    let isolated = calls.last().is_some_and(|(_, seen, _)| *seen == Observation::Isolate);
    let ratio = recent.len() >= 8 && (2 * failures >= recent.len() || 5 * slow >= 4 * recent.len());
    isolated || in_a_row >= 5 || ratio
}

proptest! {
    #[test]
    fn it_opens_exactly_when_a_recount_says_so(events in proptest::collection::vec(any_event(), 1..120)) {
        let mut breaker = new_breaker();
        let (mut now, mut calls, mut failed_probes) = (0u64, Vec::new(), 0);
        for event in events {
            let was_closed = breaker.admit(at(now)).is_ok();
            match event {
                Event::Pause(by) => now += by,
                Event::Call(seen, took) if was_closed => {
                    calls.push((now / 1_000, seen, took));
                    let opened = breaker.record(at(now), seen, Duration::from_millis(took)).is_some();
                    prop_assert_eq!(opened, should_open(&calls, now));
                }
                Event::Call(seen, took) => {
                    prop_assert_eq!(breaker.record(at(now), seen, Duration::from_millis(took)), None);
                }
                Event::Probe(seen, random) => {
                    prop_assert_eq!(breaker.probe_started().is_some(), !was_closed);
                    prop_assert!(was_closed || breaker.state() == State::HalfOpen);
                    breaker.probe_ended(at(now), seen, random);
                    let failed = matches!(seen, Observation::Failure | Observation::Isolate);
                    failed_probes = if failed { failed_probes + 1 } else { 0 };
                    let stays_closed = was_closed && seen != Observation::Isolate && failed_probes < 2;
                    prop_assert_eq!(breaker.admit(at(now)).is_ok(), !failed || stays_closed);
                }
            }
            if breaker.admit(at(now)).is_err() {
                (calls, failed_probes) = (Vec::new(), 2);
            }
        }
    }

    #[test]
    fn an_ordinary_outage_is_probed_every_200_ms_give_or_take_a_fifth(randoms in proptest::collection::vec(0.0f64..1.0, 1..50)) {
        let mut breaker = opened();
        let mut now = at(0);
        for random in randoms {
            breaker.probe_started();
            breaker.probe_ended(now, Observation::Failure, random);
            let distance = breaker.next_probe(now);
            prop_assert!((Duration::from_millis(160)..=Duration::from_millis(240)).contains(&distance), "{distance:?}");
            now = now + distance;
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back(random in 0.0f64..1.0, later in 0u64..5_000) {
        let mut breaker = opened();
        breaker.probe_ended(at(0), Observation::Failure, random);
        let Err(Rejected { retry_after }) = breaker.admit(at(later)) else { panic!("open") };
        prop_assert!(retry_after >= Duration::from_millis(200));
        prop_assert!(at(later) + retry_after >= at(0) + breaker.next_probe(at(0)));
    }
}
