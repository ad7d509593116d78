//! Every number the resilience layer goes by, in one plain struct.

use std::sync::Arc;
use std::time::Duration;

use resilient_core::breaker;

use crate::faults::Faults;
use crate::observer::{LogChanges, Observer};
use crate::statements::Measuring;

/// Limits and delays. [`Policy::default`] is meant for an application with people in front of it;
/// change a field with `Policy { read_deadline: …, ..Policy::default() }`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the server shows as the client's name. Default `resilient-db`; MySQL has no place for it.
    pub application_name: String,

    /// A read with all its attempts. Default 3 s: a person waits no longer for a page.
    pub read_deadline: Duration,
    /// A write or transaction with all its attempts. Default 5 s.
    pub write_deadline: Duration,
    /// COMMIT gets what is left of the deadline, but at least this: a limit shorter than the server
    /// needs turns successes into questions. Default 2 s.
    pub commit_at_least: Duration,

    /// The server stops a statement of a read itself. Default 2 s, below `read_deadline`: a dropped
    /// future does not stop a query, the server has to.
    pub read_statement_timeout: Duration,
    /// The same for writes and transactions. Default 4 s; MySQL cannot, MariaDB can.
    pub write_statement_timeout: Duration,
    /// Waiting for somebody else's lock; on SQLite the busy timeout. Default 1 s, not below
    /// PostgreSQL's `deadlock_timeout`, or deadlocks would show as lock timeouts. MySQL counts in whole
    /// seconds, and gets one more.
    pub lock_timeout: Duration,
    /// The server ends a transaction that its client forgot. Default 5 s; MySQL cannot, MariaDB can.
    pub idle_in_transaction_timeout: Duration,

    /// Connections per role (reading, writing) and with it the calls that run at once; SQLite writes
    /// through one. Default 10. A server's `max_connections` has to hold twice this and
    /// `burst_connections`, and one probe: 41 by default.
    pub max_connections: u32,
    /// Connections per role beyond `max_connections` while all of those are busy with long calls, and
    /// with it the calls that then run as well. Each is opened for one call and closed after it. SQLite
    /// writes through one connection whatever this says. Default 10; 0 for never.
    pub burst_connections: u32,
    /// So long a call waits for an ordinary place before it is given one of the burst. Default 100 ms.
    /// Where calls are short, the line has moved on by then, and a connection more would only be more
    /// work for a server that is busy already (opening one costs it more than ten short statements). A
    /// person does not notice 100 ms, and enough is left of `waiting_timeout` to open a connection.
    pub burst_after: Duration,
    /// Connections per role kept open; opened by the warm start. Default 1, so 2 in all. SQLite opens
    /// fast and keeps none.
    pub min_connections: u32,
    /// Waiting for a connection, opening one included. Default 1 s; sqlx repeats a refused connect
    /// until this is over.
    pub acquire_timeout: Duration,
    /// An unused connection is closed. Default 5 min.
    pub idle_timeout: Duration,
    /// A connection is replaced at this age. Default 30 min.
    pub max_age: Duration,
    /// `max_age` is spread by this part of it in both directions. Default 0.1: they do not all end
    /// together.
    pub max_age_spread: f64,
    /// A connection idle for longer is pinged before use. Default 1 s.
    pub ping_when_idle_for: Duration,
    /// Limit of that ping. Default 300 ms.
    pub ping_before_use: Duration,
    /// Limit of the ping when a connection is given back. Default 500 ms.
    pub ping_after_release: Duration,

    /// Callers per role that may wait for one of the running places; the next is refused at once.
    /// Default 20. All at once, 30 calls are taken: 10 run and 20 wait. Where the 10 are long, 10 of
    /// those who wait go on after `burst_after` in places of the burst, and leave room in the line for
    /// others: at most `max_connections` + `burst_connections` run and this many wait, 20 and 20.
    pub waiting: u32,
    /// Waiting for a place. Default 1 s, or what is left of the deadline.
    pub waiting_timeout: Duration,

    /// Whether the number of calls that run at once follows what calls take, per role: fewer than
    /// `max_connections` while sharing the server makes them more than twice as slow, or they are not answered
    /// in time; more, up to `burst_connections` more, while somebody waits and they are as quick as alone. SQLite
    /// writes through one connection whatever this says. Default false: see the README for what it was measured
    /// to bring.
    pub adaptive: bool,
    /// So many calls per role may run however slow they are. Default 2.
    pub least_running: u32,

    /// Attempts in all, the first one included. Default 3.
    pub attempts: u32,
    /// The longest first wait before a repetition; doubled for the second. Default 50 ms.
    pub retry_base: Duration,
    /// The same after a deadlock or a serialization failure. Default 10 ms: the other one is done.
    pub retry_base_fast: Duration,
    /// The same when the server is short of something. Default 250 ms.
    pub retry_base_slow: Duration,
    /// No wait is longer. Default 1 s.
    pub retry_cap: Duration,
    /// Waits are anything up to their longest. Default true; false for plain exponential waits.
    pub retry_jitter: bool,

    /// When to stop asking. One breaker per role; `breaker.probe_closed` and `breaker.probe_open`
    /// time the background probe.
    pub breaker: breaker::Settings,
    /// Limit of one probe, connecting included. Default 500 ms.
    pub probe_limit: Duration,
    /// A refusal's `retry_after` is spread by up to this, or all clients would return together.
    /// Default 1 s.
    pub retry_after_spread: Duration,
    /// [`Db::close`](crate::Db::close) waits for calls under way. Default 5 s.
    pub closing_timeout: Duration,
    /// Who is told of changes. Default [`LogChanges`].
    pub observer: Arc<dyn Observer>,
    /// How statements are measured. Default [`Measuring::default`]; `None` measures nothing.
    pub statements: Option<Measuring>,
    /// A switch for failures on purpose. Default none, and then nothing looks for one.
    pub faults: Option<Faults>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            application_name: "resilient-db".to_owned(),
            read_deadline: Duration::from_secs(3),
            write_deadline: Duration::from_secs(5),
            commit_at_least: Duration::from_secs(2),
            read_statement_timeout: Duration::from_secs(2),
            write_statement_timeout: Duration::from_secs(4),
            lock_timeout: Duration::from_secs(1),
            idle_in_transaction_timeout: Duration::from_secs(5),
            max_connections: 10,
            burst_connections: 10,
            burst_after: Duration::from_millis(100),
            min_connections: 1,
            acquire_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(5 * 60),
            max_age: Duration::from_secs(30 * 60),
            max_age_spread: 0.1,
            ping_when_idle_for: Duration::from_secs(1),
            ping_before_use: Duration::from_millis(300),
            ping_after_release: Duration::from_millis(500),
            waiting: 20,
            waiting_timeout: Duration::from_secs(1),
            adaptive: false,
            least_running: 2,
            attempts: 3,
            retry_base: Duration::from_millis(50),
            retry_base_fast: Duration::from_millis(10),
            retry_base_slow: Duration::from_millis(250),
            retry_cap: Duration::from_secs(1),
            retry_jitter: true,
            breaker: breaker::Settings::default(),
            probe_limit: Duration::from_millis(500),
            retry_after_spread: Duration::from_secs(1),
            closing_timeout: Duration::from_secs(5),
            observer: Arc::new(LogChanges),
            statements: Some(Measuring::default()),
            faults: None,
        }
    }
}
