use resilient_core::breaker::{Breaker, Cause, Observation, Settings};

use super::*;
use crate::usual::Usual;

/// Random numbers from a seed: what is drawn here has to be the same in each run.
struct Chance(fastrand::Rng);

impl Chance {
    fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn happens(&mut self, part: f64) -> bool {
        self.0.f64() < part
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.0.f64()
    }

    /// Normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let (one, other) = (1.0 - self.0.f64(), self.0.f64());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}

/// What calls are like: how often they come and fail, and how long they take.
#[derive(Clone, Copy, Debug)]
struct Load {
    a_second: f64,
    failing: f64,
    /// Median.
    seconds: f64,
    /// How far times are spread: 1 is from a third to three times the median, in two of three calls.
    spread: f64,
    /// The part of calls that take 20 times as long, as where something is read from the disk.
    rare: f64,
}

impl Load {
    fn drawn(chance: &mut Chance) -> Self {
        Self {
            a_second: chance.between(0.5, 50.0),
            failing: chance.between(0.0, 0.05),
            seconds: chance.between(0.002, 0.1),
            spread: chance.between(0.0, 1.0),
            rare: chance.between(0.0, 0.05),
        }
    }
}

struct World {
    chance: Chance,
    now: Moment,
    usual: Usual,
    watch: Watch,
    breaker: Breaker,
    told: Vec<TrendChange>,
    opened: Option<Cause>,
}

impl World {
    fn seeded(seed: u64) -> Self {
        Self {
            chance: Chance::seeded(seed),
            now: Moment::START,
            usual: Usual::default(),
            watch: Watch::default(),
            breaker: Breaker::new(Settings::default()),
            told: Vec::new(),
            opened: None,
        }
    }

    /// One call as the lane would tell of it.
    fn call(&mut self, load: &Load) {
        let pause = -(1.0 - self.chance.0.f64()).ln() / load.a_second;
        self.now = self.now + Duration::from_secs_f64(pause);
        let failed = self.chance.happens(load.failing);
        let rare = if self.chance.happens(load.rare) { 20.0 } else { 1.0 };
        let took = load.seconds * rare * (load.spread * self.chance.normal()).exp();
        // The server stops what takes longer.
        let took = Duration::from_secs_f64(took.min(2.5));
        let slow = took > Settings::default().slow_after;
        let compared = (!failed).then(|| self.usual.record(self.now, "call", took, false));
        let evidence = Evidence {
            failed,
            slow,
            compared: compared.and_then(|compared| compared.with_all),
        };
        self.told
            .extend(self.watch.record(self.now, evidence).into_iter().flatten());
        let observation = match failed {
            true => Observation::Failure,
            false => Observation::Success,
        };
        let change = self.breaker.record(self.now, observation, took);
        self.opened = self.opened.or(change.map(|change| change.cause));
    }

    fn is_rising(&self, trend: Trend) -> bool {
        self.told.contains(&TrendChange { trend, rising: true })
    }
}

#[test]
fn stationary_noise_is_no_trend_however_long() {
    const LOADS: u64 = 100;
    const CALLS: u32 = 20_000;
    for seed in 0..LOADS {
        let mut world = World::seeded(seed);
        let load = Load::drawn(&mut world.chance);
        for _ in 0..CALLS {
            world.call(&load);
        }
        assert_eq!(world.told, [], "seed {seed}, {load:?}");
    }
    let calls = LOADS * u64::from(CALLS);
    println!(
        "no trend in {calls} calls of {LOADS} loads: at most {:.1e} a call (3/n)",
        3.0 / calls as f64
    );
}

#[test]
fn failures_that_become_more_are_told_before_the_breaker_opens() {
    const RAMPS: u64 = 2_000;
    let mut causes = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..RAMPS {
        let mut world = World::seeded(seed);
        let steady = Load {
            failing: world.chance.between(0.0, 0.001),
            ..Load::drawn(&mut world.chance)
        };
        for _ in 0..1_500 {
            world.call(&steady);
        }
        assert_eq!((world.told.len(), world.opened), (0, None), "seed {seed}");
        let begun = world.now;
        let length = world.chance.between(10.0, 600.0);
        while world.opened.is_none() {
            let part = world.now.since(begun).as_secs_f64() / length;
            assert!(part < 60.0, "seed {seed}: the breaker never opened");
            let failing = steady.failing + part.min(1.0);
            world.call(&Load { failing, ..steady });
        }
        let World { opened, watch, .. } = &world;
        assert!(
            world.is_rising(Trend::Failing),
            "seed {seed}, {length} s, {steady:?}, {opened:?}, {watch:?}"
        );
        *causes.entry(name(world.opened)).or_default() += 1;
    }
    println!("{RAMPS} ramps of failures, all told before the breaker opened: {causes:?}");
}

#[test]
fn times_that_become_longer_are_told_before_the_breaker_opens() {
    const RAMPS: u64 = 1_000;
    for seed in 0..RAMPS {
        let mut world = World::seeded(seed);
        let steady = Load {
            a_second: world.chance.between(2.0, 50.0),
            failing: 0.0,
            rare: 0.0,
            spread: world.chance.between(0.0, 0.7),
            ..Load::drawn(&mut world.chance)
        };
        for _ in 0..500 {
            world.call(&steady);
        }
        assert_eq!((world.told.len(), world.opened), (0, None), "seed {seed}");
        let begun = world.now;
        let length = world.chance.between(10.0, 300.0);
        while world.opened.is_none() {
            let part = world.now.since(begun).as_secs_f64() / length;
            assert!(part < 60.0, "seed {seed}: the breaker never opened");
            let seconds = steady.seconds + part * 2.0;
            world.call(&Load { seconds, ..steady });
        }
        assert!(world.is_rising(Trend::Slowing), "seed {seed}, {length} s, {steady:?}");
    }
    println!("{RAMPS} ramps of times, all told before the breaker opened");
}

fn name(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::FailuresInARow(_)) => "in a row",
        Some(Cause::FailureRatio(_)) => "half of them",
        Some(Cause::SlowRatio(_)) => "slow",
        _ => "otherwise",
    }
}

const FINE: Evidence = Evidence {
    failed: false,
    slow: false,
    compared: Some(0.0),
};
const FAILED: Evidence = Evidence {
    failed: true,
    slow: false,
    compared: None,
};

fn at(seconds: u64) -> Moment {
    Moment::after_start(Duration::from_secs(seconds))
}

#[test]
fn a_trend_is_told_once_lasts_half_a_minute_and_is_over_once() {
    let mut watch = Watch::default();
    let told = |changes: Changes| changes.into_iter().flatten().collect::<Vec<_>>();
    let mut all = Vec::new();
    (0..20).for_each(|_| all.extend(told(watch.record(at(1), FAILED))));
    let failing = |rising| TrendChange {
        trend: Trend::Failing,
        rising,
    };
    assert_eq!(all, [failing(true)]);
    assert!(watch.trends().failing && !watch.trends().slowing);
    all.clear();
    (0..200).for_each(|_| all.extend(told(watch.record(at(30), FINE))));
    assert_eq!(all, [], "not yet");
    (0..20).for_each(|_| all.extend(told(watch.record(at(31), FINE))));
    assert_eq!(all, [failing(false)]);
    assert_eq!(watch.trends(), Trends::default());
}

#[test]
fn where_nobody_calls_any_more_a_trend_is_over_after_a_minute() {
    let mut watch = Watch::default();
    let begun = (0..20).filter(|_| watch.record(at(1), FAILED) != [None, None]);
    assert_eq!(begun.count(), 1);
    assert_eq!(watch.tick(at(60)), [None, None]);
    let over = TrendChange {
        trend: Trend::Failing,
        rising: false,
    };
    assert_eq!(watch.tick(at(61)), [Some(over), None]);
}

#[test]
fn one_call_that_takes_very_long_is_no_trend() {
    let mut watch = Watch::default();
    let long = Evidence {
        slow: true,
        compared: Some(9.0),
        ..FINE
    };
    for second in 0..1_000 {
        let evidence = if second % 50 == 0 { long } else { FINE };
        assert_eq!(watch.record(at(second), evidence), [None, None], "{second}");
    }
}
