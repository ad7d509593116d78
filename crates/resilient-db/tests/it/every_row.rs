//! Every row of the classifier's tables, said by a server over the wire to the real driver, at each
//! point of a call; and the connection cut at each of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use resilient_db::breaker::{Settings, State, Transition};
use resilient_db::classify::mysql::Flavour;
use resilient_db::classify::{Phase, mysql, postgres, sqlx_variant};
use resilient_db::{DbError, End, Message, Observer, OnUnknownCommit, Policy, Role};
use sqlx::{Connection as _, MySql, Postgres};

use crate::fake::mysql::FakeMySql;
use crate::fake::postgres::FakePostgres;
use crate::fake::{Act, At, FakeServer, Protocol, Refusal, Seen};
use crate::rows::{Row, assert_class, rows};
use crate::support::{Served, connected, eventually, run};

const OF_BOTH: &str = include_str!("../rows/mysql_and_mariadb.txt");
const OF_MYSQL: &str = include_str!("../rows/mysql.txt");
const OF_MARIADB: &str = include_str!("../rows/mariadb.txt");

/// The statement that is refused.
const CHANGE: &str = "INSERT INTO effect VALUES (1)";
const QUESTION: &str = "SELECT effect";

/// Where in a call the server says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Connecting,
    Reading,
    /// A statement that commits itself.
    Changing,
    InTransaction,
    Committing,
}

const POINTS: [Point; 5] = [
    Point::Connecting,
    Point::Reading,
    Point::Changing,
    Point::InTransaction,
    Point::Committing,
];

impl Point {
    fn at(self) -> At {
        match self {
            Self::Connecting => At::SignIn,
            Self::Reading => At::Statement(QUESTION),
            Self::Changing | Self::InTransaction => At::Statement(CHANGE),
            Self::Committing => At::Statement("COMMIT"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sqlstate_is_understood_at_each_point_of_a_call() {
    let all: Vec<_> = rows(include_str!("../rows/postgres.txt")).collect();
    for code in postgres::codes() {
        assert!(all.iter().any(|row| row.code.starts_with(code)), "no row for {code}");
    }
    said_everywhere::<Postgres, _>("PostgreSQL", FakePostgres, all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_of_mariadb_is_understood_at_each_point_of_a_call() {
    let all: Vec<_> = rows(OF_BOTH).chain(rows(OF_MARIADB)).collect();
    assert_all_have_rows(Flavour::MariaDb, &all);
    said_everywhere::<MySql, _>("MariaDB", FakeMySql::MariaDb, all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_of_mysql_is_understood_at_each_point_of_a_call() {
    let all: Vec<_> = rows(OF_BOTH).chain(rows(OF_MYSQL)).collect();
    assert_all_have_rows(Flavour::MySql, &all);
    said_everywhere::<MySql, _>("MySQL", FakeMySql::MySql, all).await;
}

fn assert_all_have_rows(flavour: Flavour, all: &[Row<'_>]) {
    for number in mysql::numbers(flavour) {
        let code = number.to_string();
        assert!(all.iter().any(|row| row.code == code), "no row for {code}");
    }
}

async fn said_everywhere<D: Served, P: Protocol>(product: &str, protocol: P, all: Vec<Row<'static>>) {
    let (codes, mut injected) = (all.len(), 0);
    let each = all.into_iter().flat_map(|row| POINTS.map(|point| (row, point)));
    let mut said = stream::iter(each)
        .map(|(row, point)| said_at::<D, P>(protocol, row, point))
        .buffer_unordered(8);
    while let Some(struck) = said.next().await {
        injected += struck;
    }
    println!(
        "{product}: {codes} codes at {} points, {injected} errors injected",
        POINTS.len()
    );
}

/// How often it was said.
async fn said_at<D: Served, P: Protocol>(protocol: P, row: Row<'static>, point: Point) -> usize {
    let what = format!("{} {point:?}", row.code);
    let server = FakeServer::start(protocol).await;
    let url = D::url_at(server.address());
    if point == Point::Connecting {
        connecting_is_refused::<D>(&what, &server, &url, row).await;
        return server.struck();
    }
    // As often as it is worth repeating, with a breaker that never opens.
    let db = connected::<D>(&url, policy(3, 1_000, Arc::default())).await;
    server.order(Some((point.at(), Act::Refuse(refusal(row)))));
    let failed = call::<D>(&db, point).await.expect_err(&what);
    assert_class(
        &what,
        &failed.class,
        expected(&row, point).each_ref().map(String::as_str),
    );
    assert_eq!(failed.attempts, attempts(&row, point), "{what}: attempts");
    assert_message(&what, &failed, &row, point);
    if point == Point::InTransaction {
        assert_connection(&what, &server, row).await;
    }
    let repeated = server.struck();
    drop((db, server));
    // Once, with a breaker that opens at the first failure.
    repeated + breaker_counts_it::<D, P>(&what, protocol, row, point).await
}

fn refusal(row: Row<'_>) -> Refusal {
    Refusal {
        code: row.code.to_owned(),
        message: "injected; this server runs with the --read-only option".to_owned(),
        fatal: row.fatal,
    }
}

/// A pool would hide why; the driver itself does not.
async fn connecting_is_refused<D: Served>(what: &str, server: &FakeServer, url: &str, row: Row<'_>) {
    let db = connected::<D>(url, policy(1, 1_000, Arc::default())).await;
    server.order(Some((Point::Connecting.at(), Act::Refuse(refusal(row)))));
    let options = url.parse().expect("an address");
    let refused = D::Connection::connect_with(&options).await;
    let error = refused.map(drop).expect_err(what);
    let class = sqlx_variant::classify::<D>(&error, Phase::Connect, db.server());
    let expected = expected(&row, Point::Connecting);
    assert_class(what, &class, expected.each_ref().map(String::as_str));
}

async fn breaker_counts_it<D: Served, P: Protocol>(what: &str, protocol: P, row: Row<'_>, point: Point) -> usize {
    let server = FakeServer::start(protocol).await;
    let opened = Arc::<Opened>::default();
    let db = connected::<D>(&D::url_at(server.address()), policy(1, 1, opened.clone())).await;
    server.order(Some((point.at(), Act::Refuse(refusal(row)))));
    call::<D>(&db, point).await.expect_err(what);
    let (role, expected) = match (point, row.breaker) {
        (Point::Reading, "F" | "iso") => (Role::Read, true),
        (Point::Reading, _) => (Role::Read, false),
        (_, "F" | "Fwrite" | "iso") => (Role::Write, true),
        (_, _) => (Role::Write, false),
    };
    let opened = opened.0.lock().expect("no panic").clone();
    assert_eq!(opened.contains(&role), expected, "{what}: breakers opened {opened:?}");
    server.struck()
}

/// The breakers that have opened.
#[derive(Debug, Default)]
struct Opened(Mutex<Vec<Role>>);

impl Observer for Opened {
    fn breaker_changed(&self, role: Role, change: &Transition, _: Option<&sqlx::Error>) {
        if change.to == State::Open {
            self.0.lock().expect("no panic").push(role);
        }
    }
}

/// The probe keeps quiet, and waits are short.
fn policy(attempts: u32, failures_in_a_row: u32, observer: Arc<Opened>) -> Policy {
    let breaker = Settings {
        failures_in_a_row,
        probe_closed: Duration::from_secs(3_600),
        ..Settings::default()
    };
    Policy {
        attempts,
        breaker,
        observer,
        retry_base: Duration::from_millis(1),
        retry_base_fast: Duration::from_millis(1),
        retry_base_slow: Duration::from_millis(1),
        ..Policy::default()
    }
}

async fn call<D: Served>(db: &resilient_db::Db<D>, point: Point) -> Result<(), DbError> {
    match point {
        Point::Reading => db.read("asks", |connection| run(connection, QUESTION)).await.map(drop),
        Point::Connecting | Point::Changing => {
            let changed = db.write("changes", |connection| run(connection, CHANGE));
            changed.await.map(drop)
        }
        Point::InTransaction | Point::Committing => {
            db.transaction("commits", OnUnknownCommit::Report, |connection| async move {
                run(connection, CHANGE).await?;
                Ok(End::Commit(()))
            })
            .await
        }
    }
}

/// What the row says, at this point. What is lost before COMMIT is undone, what is lost with it or by
/// itself is in doubt; what is in doubt is to be looked into, whatever else is to be done.
fn expected(row: &Row<'_>, point: Point) -> [String; 6] {
    let [outcome, retry, connection, breaker, severity, action] = row.class().map(str::to_owned);
    // When it happens decides: that is what a row that leaves the outcome open says by this action.
    let outcome = match (outcome.as_str(), action.as_str()) {
        ("-", "RECONN") => "Unknown".to_owned(),
        _ => outcome,
    };
    let outcome = match (outcome.as_str(), point) {
        ("Unknown", Point::Connecting) => "NotSent".to_owned(),
        ("Unknown", Point::Reading | Point::InTransaction) => "RolledBack".to_owned(),
        _ => outcome,
    };
    let in_doubt = outcome == "Unknown";
    let looked_into = in_doubt && (point == Point::Committing || action == "RECONN");
    let (severity, action) = match (action.as_str(), looked_into) {
        (_, true) => (severity.max("3".to_owned()), "RESOLVE".to_owned()),
        ("RESOLVE", false) if !in_doubt => (severity, "RECONN".to_owned()),
        _ => (severity, action),
    };
    [outcome, retry, connection, breaker, severity, action]
}

/// What is in doubt is not repeated, unless it was a read.
fn attempts(row: &Row<'_>, point: Point) -> u32 {
    let [outcome, retry, ..] = expected(row, point);
    let reads = point == Point::Reading;
    match retry.as_str() {
        _ if outcome == "Unknown" => 1,
        "1" => 2,
        "R1" if reads => 2,
        "R1" | "N" => 1,
        _ => 3,
    }
}

fn assert_message(what: &str, failed: &DbError, row: &Row<'_>, point: Point) {
    let in_doubt = expected(row, point)[0] == "Unknown";
    let expected = match row.message {
        _ if in_doubt => "M7",
        // Nothing is in doubt at this point.
        "M7" => return,
        message => message,
    };
    let found = match failed.message() {
        Message::CheckFields => "M1",
        Message::TakenValue => "M2",
        Message::MissingReference => "M3",
        Message::Busy => "M5",
        Message::Unreachable => "M6",
        Message::BeingLookedInto => "M7",
        Message::SwitchedOff => "M8",
        Message::OurFault => "M9",
        Message::TookTooLong => "M10",
        Message::NotFound => "404",
    };
    let agrees = expected == "-" || expected.split('/').any(|message| message == found);
    assert!(agrees, "{what}: expected {expected}, found {found}");
}

/// A connection that is kept is used to roll back; one that is not is closed without a word.
async fn assert_connection(what: &str, server: &FakeServer, row: Row<'_>) {
    let expected = match (row.fatal, row.connection) {
        (true, _) => None,
        (false, "keep") => Some(Seen::Statement("ROLLBACK".to_owned())),
        (false, _) => Some(Seen::Gone),
    };
    eventually(what, Duration::from_secs(5), || async {
        server.after_the_first_stroke().first() == expected.as_ref()
    })
    .await;
}

/// The wire breaks instead: before the answer, or in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_each_point_of_a_call_is_undone_or_in_doubt_and_never_a_failure_that_may_be_done() {
    let cuts = [Act::Cut, Act::CutInTheAnswer];
    let mut cut = 0;
    for (point, act) in POINTS
        .iter()
        .flat_map(|point| cuts.iter().map(move |act| (*point, act)))
    {
        cut += cut_at::<Postgres, _>(FakePostgres, point, act.clone()).await;
        cut += cut_at::<MySql, _>(FakeMySql::MariaDb, point, act.clone()).await;
        cut += cut_at::<MySql, _>(FakeMySql::MySql, point, act.clone()).await;
    }
    println!("{cut} cuts at {} points", POINTS.len());
}

async fn cut_at<D: Served, P: Protocol>(protocol: P, point: Point, act: Act) -> usize {
    let what = format!("{} {act:?} {point:?}", D::NAME);
    let server = FakeServer::start(protocol).await;
    let url = D::url_at(server.address());
    let db = connected::<D>(&url, policy(3, 1_000, Arc::default())).await;
    let lost = |outcome, severity, action| [outcome, "K", "drop", "F", severity, action];
    if point == Point::Connecting {
        for at in [At::Greeting, At::SignIn] {
            server.order(Some((at, act.clone())));
            let refused = D::Connection::connect_with(&url.parse().expect("an address")).await;
            let error = refused.map(drop).expect_err(&what);
            let class = sqlx_variant::classify::<D>(&error, Phase::Connect, db.server());
            assert_class(&what, &class, lost("NotSent", "2", "RECONN"));
        }
        return server.struck();
    }
    server.order(Some((point.at(), act)));
    let failed = call::<D>(&db, point).await.expect_err(&what);
    let (expected, attempts) = match point {
        Point::Reading | Point::InTransaction => (lost("RolledBack", "2", "RECONN"), 3),
        _ => (lost("Unknown", "3", "RESOLVE"), 1),
    };
    assert_class(&what, &failed.class, expected);
    assert_eq!(failed.attempts, attempts, "{what}: attempts");
    if attempts == 1 {
        assert_eq!(failed.message(), Message::BeingLookedInto, "{what}");
    }
    // Nothing of it is left: the next one goes through.
    server.order(None);
    call::<D>(&db, point).await.expect(&what);
    server.struck()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_product_is_asked_for_by_the_first_connection_alone() {
    for (fake, flavour, limit) in [
        (FakeMySql::MySql, Flavour::MySql, "max_execution_time"),
        (FakeMySql::MariaDb, Flavour::MariaDb, "max_statement_time"),
    ] {
        let server = FakeServer::start(fake).await;
        let url = MySql::url_at(server.address());
        let db = connected::<MySql>(&url, policy(1, 1_000, Arc::default())).await;
        for _ in 0..3 {
            call(&db, Point::InTransaction).await.expect("done");
        }
        assert_eq!(db.server().flavour(), Some(flavour));
        assert_eq!(server.statements("SELECT CAST(VERSION()").len(), 1);
        // At least one to read, one to write, and the probe's own.
        let settled = server.statements("SET ");
        assert!(
            settled.iter().all(|settings| settings.contains(limit)),
            "one message each: {settled:?}"
        );
        for milliseconds in ["2000", "2.000", "4000", "4.000", "500", "0.500"] {
            let wanted = format!("{limit} = {milliseconds}");
            let expected = milliseconds.contains('.') == (flavour == Flavour::MariaDb);
            let found = settled.iter().any(|settings| settings.contains(&wanted));
            assert_eq!(found, expected, "{wanted} in {settled:?}");
        }
        assert!(settled.iter().any(|settings| settings.ends_with("READ ONLY")));
    }
}
