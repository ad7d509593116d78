use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds {
    least: 2,
    usual: 10,
    most: 20,
};

/// A window that is over, of so many calls that all compare alike.
fn window(limit: &mut Limit, now: &mut Moment, calls: u32, times_usual: f64, running: u32, crowded: bool) -> u32 {
    for _ in 0..calls {
        limit.record(Seen::Answered(Some(times_usual.ln())), running);
    }
    *now = *now + LONGEST_WINDOW;
    assert!(limit.is_due(*now));
    limit.decide(*now, crowded);
    limit.places()
}

/// Ten windows in which no call is answered in time.
fn too_much(limit: &mut Limit, now: &mut Moment) {
    for _ in 0..10 {
        let running = limit.places();
        (0..20).for_each(|_| limit.record(Seen::TooMuch, running));
        *now = *now + LONGEST_WINDOW;
        limit.decide(*now, true);
    }
}

#[test]
fn it_grows_to_its_bound_while_somebody_waits_and_times_are_as_usual_and_stays_there() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    let mut before = limit.places();
    for _ in 0..20 {
        let places = limit.places();
        let after = window(&mut limit, &mut now, 50, 1.0, places, true);
        assert!(after >= before);
        before = after;
    }
    assert_eq!(before, 20);
}

#[test]
fn it_does_not_grow_while_nobody_waits() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    for _ in 0..20 {
        assert_eq!(window(&mut limit, &mut now, 50, 1.0, 8, false), 10);
    }
}

#[test]
fn slow_calls_that_are_few_at_a_time_are_not_ours_to_mend() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    for _ in 0..20 {
        assert_eq!(window(&mut limit, &mut now, 20, 30.0, 2, false), 10);
    }
    assert_eq!(limit.burst(10), 10);
}

#[test]
fn it_shrinks_while_sharing_costs_too_much_and_nothing_bursts_meanwhile() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    assert_eq!(limit.burst(10), 10);
    let places = window(&mut limit, &mut now, 50, 20.0, 10, true);
    assert!(places < 10);
    assert_eq!(limit.burst(10), 0);
}

#[test]
fn timeouts_bring_it_down_to_its_floor_and_calm_brings_it_back() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    too_much(&mut limit, &mut now);
    assert_eq!(limit.places(), 2);
    let mut windows = 0;
    while window(&mut limit, &mut now, 20, 1.0, 2, true) < 10 {
        windows += 1;
        assert!(windows < 12, "{limit:?}");
    }
    // And without anybody.
    too_much(&mut limit, &mut now);
    windows = 0;
    while window(&mut limit, &mut now, 0, 1.0, 0, false) < 10 {
        windows += 1;
        assert!(windows < 12, "{limit:?}");
    }
    assert_eq!(limit.burst(10), 10);
}

#[test]
fn two_long_calls_do_not_hold_it_at_its_floor() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    too_much(&mut limit, &mut now);
    assert_eq!(limit.places(), 2);
    for _ in 0..20 {
        window(&mut limit, &mut now, 1, 1.0, 2, true);
    }
    assert_eq!(limit.places(), 20);
}

#[test]
fn while_no_call_ends_nothing_is_learnt() {
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    for _ in 0..100 {
        assert_eq!(window(&mut limit, &mut now, 0, 1.0, 0, true), 10);
    }
}

#[test]
fn a_server_that_is_slower_the_more_it_is_asked_settles_between_its_bounds() {
    // Two processors: what runs shares them.
    let (mut limit, mut now) = (Limit::new(BOUNDS), Moment::START);
    let mut settled = Vec::new();
    for round in 0..200 {
        let places = limit.places();
        let times_usual = (f64::from(places) / 2.0).max(1.0);
        window(&mut limit, &mut now, 50, times_usual, places, true);
        if round >= 100 {
            settled.push(limit.places());
        }
    }
    let (least, most) = (settled.iter().min().copied(), settled.iter().max().copied());
    assert_eq!((least, most), (Some(6), Some(7)), "{settled:?}");
}

#[derive(Clone, Copy, Debug)]
struct Past {
    calls: u32,
    too_much: u32,
    times_usual: f64,
    running: u32,
    crowded: bool,
}

fn past() -> impl Strategy<Value = Vec<Past>> {
    let window = (0u32..40, 0u32..40, 0.01f64..1_000.0, 0u32..40, any::<bool>());
    let window = window.prop_map(|(calls, too_much, times_usual, running, crowded)| Past {
        calls,
        too_much,
        times_usual,
        running,
        crowded,
    });
    proptest::collection::vec(window, 0..60)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (1u32..10, 0u32..30, 0u32..30).prop_map(|(least, more, most)| Bounds {
        least,
        usual: least + more,
        most: least + more + most,
    })
}

/// Somewhere, by whatever way.
fn led(bounds: Bounds, past: &[Past]) -> Result<(Limit, Moment), TestCaseError> {
    let (mut limit, mut now) = (Limit::new(bounds), Moment::START);
    for window in past {
        (0..window.too_much).for_each(|_| limit.record(Seen::TooMuch, window.running));
        for _ in 0..window.calls {
            limit.record(Seen::Answered(Some(window.times_usual.ln())), window.running);
        }
        now = now + WINDOW;
        limit.decide(now, window.crowded);
        prop_assert!((bounds.least..=bounds.most).contains(&limit.places()), "{:?}", limit);
        prop_assert!(limit.places() + limit.burst(u32::MAX) <= bounds.most);
    }
    Ok((limit, now))
}

proptest! {
    #[test]
    fn it_never_leaves_its_bounds_whatever_is_seen(bounds in bounds(), past in past(), odd in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e300)]) {
        let (mut limit, now) = led(bounds, &past)?;
        limit.record(Seen::Answered(Some(odd)), u32::MAX / 4);
        limit.decide(now + WINDOW, true);
        prop_assert!((bounds.least..=bounds.most).contains(&limit.places()), "{:?}", limit);
    }

    #[test]
    fn it_recovers_from_any_state_under_load(bounds in bounds(), past in past()) {
        let (mut limit, mut now) = led(bounds, &past)?;
        for _ in 0..60 {
            let places = limit.places();
            window(&mut limit, &mut now, 20, 1.0, places, true);
        }
        prop_assert_eq!(limit.places(), bounds.most);
    }

    #[test]
    fn without_load_it_returns_to_where_it_began_and_stays(bounds in bounds(), past in past()) {
        let (mut limit, mut now) = led(bounds, &past)?;
        for _ in 0..60 {
            window(&mut limit, &mut now, 0, 1.0, 0, false);
        }
        for _ in 0..20 {
            prop_assert_eq!(window(&mut limit, &mut now, 0, 1.0, 0, false), bounds.usual);
        }
        prop_assert!(!limit.strained);
    }

    /// Whatever the calls compare to, as long as it stays so: the limit comes to rest.
    #[test]
    fn it_is_stable_while_times_are_constant(bounds in bounds(), past in past(), times_usual in 0.1f64..100.0) {
        let (mut limit, mut now) = led(bounds, &past)?;
        for _ in 0..200 {
            let places = limit.places();
            window(&mut limit, &mut now, 20, times_usual, places, true);
        }
        let settled = limit.places();
        for _ in 0..20 {
            let places = limit.places();
            prop_assert_eq!(window(&mut limit, &mut now, 20, times_usual, places, true), settled);
        }
    }
}
