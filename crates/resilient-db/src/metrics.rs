//! What the layer does, as numbers of the [`metrics`] facade: whichever recorder the application has
//! installed gets them. Units stand in the names, and each label has few values: a call's name comes
//! from the code, never from input.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use resilient_core::breaker::{State, Transition};
use resilient_core::failure::Class;

use crate::health::{ProbeReport, RoleHealth};
use crate::observer::{CallEnded, Contended, ContentionCluster, Observer, Refusal, SlowStatement};
use crate::supported::Role;
use crate::trend::{Trend, TrendChange, Trends};

/// An [`Observer`] that counts. `database` is the label by which several databases are told apart.
#[derive(Clone, Copy, Debug)]
pub struct CountMetrics {
    pub database: &'static str,
}

impl CountMetrics {
    /// Describes every metric to the recorder, once one is installed.
    pub fn describe() {
        describe_counter!("db_calls_total", "Calls that have ended, by outcome");
        describe_histogram!(
            "db_call_duration_seconds",
            Unit::Seconds,
            "From asking to the answer, all attempts and waits included"
        );
        describe_counter!("db_retries_total", "Attempts that were repeated, by the failure's kind");
        describe_counter!("db_refusals_total", "Calls turned away without an attempt");
        describe_counter!(
            "db_pool_overflows_total",
            "Calls that ran in a place of the burst, because all connections were busy"
        );
        describe_gauge!("db_breaker_state", "0 closed, 1 half-open, 2 open");
        describe_counter!("db_breaker_changes_total", "Changes of the breaker, by the new state");
        describe_gauge!("db_pool_connections", "Open connections, by state");
        describe_gauge!("db_pool_connections_max", "Connections at most, but for the burst's");
        describe_gauge!(
            "db_pool_connections_overflow",
            "Connections of the burst, among those in use"
        );
        describe_gauge!(
            "db_pool_calls",
            "Calls that have a place among the running, or wait for one"
        );
        describe_gauge!("db_pool_limit", "Calls that may run at once, but for the burst's");
        describe_gauge!(
            "db_trend_rising",
            "1 while calls fail more often or take longer than usual, by trend"
        );
        describe_counter!(
            "db_slow_statements_total",
            "Slow statements that were told of: one a minute for each shape"
        );
        describe_counter!(
            "db_contention_total",
            "Statements that lost to another transaction, repeated or not"
        );
        describe_counter!(
            "db_contention_clusters_total",
            "Warnings that transactions meet too often over one statement"
        );
        describe_counter!("db_writer_changes_total", "Writes went to another server, or to none");
        describe_counter!("db_two_writers_total", "Another server could be written to as well");
        describe_counter!("db_probes_total", "Probes that have ended, by result");
        describe_histogram!(
            "db_probe_duration_seconds",
            Unit::Seconds,
            "How long a probe took, connecting included"
        );
    }
}

impl Observer for CountMetrics {
    fn call_ended(&self, call: &CallEnded) {
        let (database, call_name, role) = (self.database, call.name, call.role.name());
        let outcome = call.ending.name();
        counter!("db_calls_total", "database" => database, "call" => call_name, "role" => role, "outcome" => outcome)
            .increment(1);
        histogram!("db_call_duration_seconds", "database" => database, "call" => call_name, "role" => role)
            .record(call.took);
    }

    fn repeating(&self, name: &'static str, role: Role, _failed_attempts: u32, class: &Class, _delay: Duration) {
        let (role, kind) = (role.name(), class.kind.name());
        counter!("db_retries_total", "database" => self.database, "call" => name, "role" => role, "kind" => kind)
            .increment(1);
    }

    fn refused(&self, name: &'static str, role: Role, refusal: Refusal) {
        let (role, reason) = (role.name(), refusal.name());
        counter!("db_refusals_total", "database" => self.database, "call" => name, "role" => role, "reason" => reason)
            .increment(1);
    }

    fn overflowed(&self, name: &'static str, role: Role, _waited: Duration) {
        counter!("db_pool_overflows_total", "database" => self.database, "call" => name, "role" => role.name())
            .increment(1);
    }

    fn breaker_changed(&self, role: Role, change: &Transition, _cause: Option<&sqlx::Error>) {
        let (role, to) = (role.name(), change.to.name());
        counter!("db_breaker_changes_total", "database" => self.database, "role" => role, "to" => to).increment(1);
        self.set_breaker(role, change.to);
    }

    fn trend_changed(&self, role: Role, change: &TrendChange) {
        self.set_trend(role.name(), *change);
    }

    fn writer_changed(&self, _from: Option<&str>, to: Option<&str>) {
        let to = to.unwrap_or("none").to_owned();
        counter!("db_writer_changes_total", "database" => self.database, "to" => to).increment(1);
    }

    fn two_writers(&self, _writer: Option<&str>, other: &str) {
        counter!("db_two_writers_total", "database" => self.database, "other" => other.to_owned()).increment(1);
    }

    fn probed(&self, probe: &ProbeReport) {
        let result = if probe.succeeded { "succeeded" } else { "failed" };
        counter!("db_probes_total", "database" => self.database, "result" => result).increment(1);
        histogram!("db_probe_duration_seconds", "database" => self.database).record(probe.took);
    }

    fn counted(&self, role: Role, health: &RoleHealth) {
        let (database, role, pool) = (self.database, role.name(), &health.pool);
        for (state, connections) in [("idle", pool.idle), ("in_use", pool.in_use)] {
            gauge!("db_pool_connections", "database" => database, "role" => role, "state" => state).set(connections);
        }
        gauge!("db_pool_connections_max", "database" => database, "role" => role).set(pool.max);
        gauge!("db_pool_connections_overflow", "database" => database, "role" => role).set(pool.overflow);
        for (state, calls) in [("running", pool.running), ("waiting", pool.waiting)] {
            gauge!("db_pool_calls", "database" => database, "role" => role, "state" => state).set(calls);
        }
        gauge!("db_pool_limit", "database" => database, "role" => role).set(pool.limit);
        let Trends { failing, slowing } = health.trends;
        for (trend, rising) in [(Trend::Failing, failing), (Trend::Slowing, slowing)] {
            self.set_trend(role, TrendChange { trend, rising });
        }
        self.set_breaker(role, health.breaker);
    }

    fn slow_statement(&self, slow: &SlowStatement) {
        counter!("db_slow_statements_total", "database" => self.database, "call" => slow.call, "role" => slow.role.name())
            .increment(1);
    }

    fn contended(&self, contended: &Contended) {
        let (role, kind) = (contended.role.name(), contended.contention.name());
        counter!("db_contention_total", "database" => self.database, "call" => contended.call, "role" => role, "kind" => kind)
            .increment(1);
    }

    fn contention_clustered(&self, cluster: &ContentionCluster) {
        counter!("db_contention_clusters_total", "database" => self.database, "call" => cluster.call).increment(1);
    }
}

impl CountMetrics {
    fn set_trend(&self, role: &'static str, change: TrendChange) {
        let (trend, level) = (change.trend.name(), f64::from(u8::from(change.rising)));
        gauge!("db_trend_rising", "database" => self.database, "role" => role, "trend" => trend).set(level);
    }

    fn set_breaker(&self, role: &'static str, state: State) {
        let level = match state {
            State::Closed => 0,
            State::HalfOpen => 1,
            State::Open => 2,
        };
        gauge!("db_breaker_state", "database" => self.database, "role" => role).set(level);
    }
}
