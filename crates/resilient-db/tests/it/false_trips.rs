//! What people and their transactions get wrong says that the database lives: no breaker may open for it.

use std::time::Duration;

use resilient_core::time::Moment;
use resilient_db::breaker::{Breaker, Observation, Settings};
use resilient_db::classify::mysql::Flavour;
use resilient_db::classify::{mysql, postgres, sqlite};
use resilient_db::failure::Class;

/// 20 a second.
const CALLS_OF_AN_HOUR: u64 = 72_000;
const BETWEEN_CALLS: Duration = Duration::from_millis(50);

/// What a duplicate key and a deadlock are on each database.
fn refusals() -> [(&'static str, Class, Class); 4] {
    let mysql = |number, state, flavour| mysql::class_of(number, state, "", Some(flavour));
    [
        (
            "PostgreSQL",
            postgres::class_of("23505", false),
            postgres::class_of("40P01", false),
        ),
        (
            "MariaDB",
            mysql(1062, "23000", Flavour::MariaDb),
            mysql(1213, "40001", Flavour::MariaDb),
        ),
        (
            "MySQL",
            mysql(1062, "23000", Flavour::MySql),
            mysql(1213, "40001", Flavour::MySql),
        ),
        ("SQLite", sqlite::class_of(2067), sqlite::class_of(517)),
    ]
}

/// Of each hundred calls the first thirty are refused and the next five deadlock: a breaker that counts
/// failures in a row would have most to count that way.
fn observed(call: u64, constraint: &Class, deadlock: &Class, guards_writes: bool) -> Option<Observation> {
    match call % 100 {
        0..30 => Observation::of(constraint.breaker, guards_writes),
        30..35 => Observation::of(deadlock.breaker, guards_writes),
        _ => Some(Observation::Success),
    }
}

#[test]
fn an_hour_of_constraints_and_deadlocks_opens_no_breaker() {
    for (database, constraint, deadlock) in refusals() {
        for guards_writes in [false, true] {
            let mut breaker = Breaker::new(Settings::default());
            for call in 0..CALLS_OF_AN_HOUR {
                let Some(observation) = observed(call, &constraint, &deadlock, guards_writes) else {
                    continue;
                };
                let now = Moment::after_start(BETWEEN_CALLS.mul_f64(call as f64));
                let change = breaker.record(now, observation, Duration::from_millis(5));
                assert_eq!(change, None, "{database}, call {call}");
            }
        }
    }
}
