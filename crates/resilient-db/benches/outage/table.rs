//! The figures as a table, each beside its target.

use std::time::Duration;

use crate::rounds::Measured;
use crate::scene::Fault;

pub const HEAD: &str = "\
| database, fault | outages | requests | in time | slowest read, change | refused in p50, p99 (≤ 50 ms) | attempts a request (≤ 1.1) | first change after p50, p99 (target) | queries after to before (≤ 1.5) | places | wrong |
|---|---|---|---|---|---|---|---|---|---|---|";

pub fn row(database: &str, fault: Fault, measured: &Measured) -> String {
    let (requests, in_time) = (measured.requests.len(), measured.requests.len() - measured.late.len());
    let share = 100.0 * in_time as f64 / requests.max(1) as f64;
    let slowest = [false, true].map(|changes| seconds(measured.slowest(changes)));
    let attempts = measured.attempts_per_call;
    let (median, worst) = fault.target_ms();
    let surge = measured.surges.iter().copied().fold(0.0, f64::max);
    let places = if measured.permits_whole { "whole" } else { "MISSING" };
    let refusals = match measured.refusals.len() {
        0 => "none".to_owned(),
        count => format!("{} ({count})", percentiles(&measured.refusals)),
    };
    format!(
        "| {database}, {} | {} | {requests} | {share:.2} % | {} s, {} s | {refusals} | {attempts:.2} | {} ms ({median}, {worst}) | {surge:.2} | {places} | {} |",
        fault.name(),
        measured.recoveries.len(),
        slowest[0],
        slowest[1],
        percentiles(&measured.recoveries),
        measured.lies.len(),
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

/// Median and 99th percentile, in milliseconds.
fn percentiles(durations: &[Duration]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let at = |part: f64| {
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
    };
    let milliseconds = |duration: Duration| match duration.as_secs_f64() * 1_000.0 {
        small if small < 10.0 => format!("{small:.2}"),
        large => format!("{large:.0}"),
    };
    format!("{}, {}", milliseconds(at(0.5)), milliseconds(at(0.99)))
}
