//! Every row of the design's tables, in the design's own notation, against the classifier.
//!
//! `outcome retry connection breaker severity action`, as `tests/rows/postgres.txt` explains it.

use std::io::ErrorKind;

use resilient_core::failure::Class;

use super::Phase;

#[path = "../../tests/rows/mod.rs"]
#[allow(
    dead_code,
    reason = "what people are told is compared where the rows come over the wire"
)]
mod expectation;

fn assert_row(what: &str, class: Class, expected: &str) {
    let columns: Vec<&str> = expected.split_whitespace().collect();
    let expected = columns.try_into().expect("a row has six columns");
    expectation::assert_class(what, &class, expected);
}

#[cfg(feature = "postgres")]
#[test]
fn every_sqlstate_means_what_the_table_says() {
    for row in expectation::rows(include_str!("../../tests/rows/postgres.txt")) {
        let class = super::postgres::class_of(row.code, row.fatal);
        expectation::assert_class(row.code, &class, row.class());
    }
}

#[cfg(feature = "postgres")]
#[test]
fn an_unknown_sqlstate_is_a_lost_connection_if_fatal_and_a_defect_if_not() {
    for code in ["ZZ999", "", "é", "4"] {
        assert_row(
            code,
            super::postgres::class_of(code, true),
            "Unknown K drop F 3 RESOLVE",
        );
        assert_row(
            code,
            super::postgres::class_of(code, false),
            "RolledBack N keep ok 3 BUG",
        );
    }
}

#[cfg(feature = "postgres")]
#[test]
fn a_shutdown_is_in_doubt_at_commit_alone() {
    let shutdown = super::postgres::class_of("57P01", true);
    assert_row(
        "idle",
        super::in_phase(shutdown, Phase::Connect),
        "NotSent K drop F 3 RECONN",
    );
    assert_row(
        "in transaction",
        super::in_phase(shutdown, Phase::InTransaction),
        "RolledBack K drop F 3 RECONN",
    );
    assert_row(
        "at commit",
        super::in_phase(shutdown, Phase::Commit),
        "Unknown K drop F 3 RESOLVE",
    );
    assert_row(
        "by itself",
        super::in_phase(shutdown, Phase::Autocommit),
        "Unknown K drop F 3 RESOLVE",
    );
}

#[cfg(feature = "mysql")]
fn reported(number: &str, flavour: Option<super::mysql::Flavour>) -> Class {
    let number = number.parse().expect("a number");
    super::mysql::class_of(number, "HY000", "the server runs with the --read-only option", flavour)
}

#[cfg(feature = "mysql")]
#[test]
fn every_mysql_number_means_what_the_table_says() {
    use super::mysql::Flavour;
    const OF_BOTH: &str = include_str!("../../tests/rows/mysql_and_mariadb.txt");
    const OF_MYSQL: &str = include_str!("../../tests/rows/mysql.txt");
    const OF_MARIADB: &str = include_str!("../../tests/rows/mariadb.txt");
    for (flavour, own) in [(Flavour::MySql, OF_MYSQL), (Flavour::MariaDb, OF_MARIADB)] {
        for row in expectation::rows(OF_BOTH).chain(expectation::rows(own)) {
            expectation::assert_class(row.code, &reported(row.code, Some(flavour)), row.class());
        }
    }
}

#[cfg(feature = "mysql")]
#[test]
fn what_the_products_use_differently_means_nothing_until_it_is_known_which_one_answers() {
    for number in ["1927", "1969", "3024", "3572", "3819", "4025", "4031"] {
        assert_row(number, reported(number, None), "RolledBack N keep ok 3 BUG");
    }
}

#[cfg(feature = "mysql")]
#[test]
fn an_option_that_prevents_a_statement_is_a_standby_only_where_it_forbids_changes() {
    let class = |message| super::mysql::class_of(1290, "HY000", message, None);
    for option in ["--read-only", "--super-read-only", "read_only"] {
        assert_row(option, class(option), "RolledBack K drop Fwrite 3 FAILOVER");
    }
    assert_row("other", class("--secure-file-priv"), "RolledBack N keep ok 3 BUG");
}

#[cfg(feature = "mysql")]
#[test]
fn an_unknown_number_is_understood_by_its_sqlstate_where_that_says_enough() {
    let class = |number, state| super::mysql::class_of(number, state, "", None);
    assert_row("raised", class(30_001, "45000"), "RolledBack N keep ok 0 FIX");
    assert_row("connection", class(65_000, "08S01"), "Unknown K drop F 3 RESOLVE");
    assert_row(
        "a number that has a row",
        class(1213, "45000"),
        "RolledBack Yfast keep ok 1 RETRY-TX",
    );
    for state in ["HY000", "", "é"] {
        assert_row(state, class(65_000, state), "RolledBack N keep ok 3 BUG");
    }
}

#[cfg(feature = "mysql")]
#[test]
fn a_shutdown_of_mysql_is_in_doubt_at_commit_alone() {
    let in_phase = |phase| super::in_phase(reported("1053", None), phase);
    assert_row("before", in_phase(Phase::InTransaction), "RolledBack K drop F 3 RECONN");
    assert_row("at commit", in_phase(Phase::Commit), "Unknown K drop F 3 RESOLVE");
}

#[cfg(feature = "sqlite")]
const SQLITE: &[(&str, &str)] = &[
    ("5", "RolledBack Yfast keep slow 1 RETRY-TX"),
    ("517", "RolledBack Yfast keep ok 1 RETRY-TX"),
    ("261", "RolledBack Yslow keep slow 2 WAIT"),
    ("773", "RolledBack Y keep slow 1 RETRY-TX"),
    ("6 262 518", "RolledBack Y keep ok 2 BUG"),
    ("7 3082", "RolledBack Yslow drop F 3 WAIT"),
    ("8", "RolledBack N keep ok 3 BUG"),
    ("264 520 776 1288 1544", "- N drop iso 4 PAGE"),
    ("1032", "- N drop iso 4 PAGE"),
    ("9", "RolledBack N keep slow 2 M10"),
    ("778 1034", "Unknown N drop F 4 READONLY"),
    (
        "10 266 522 1290 1546 1802 2058 2570 3338 4618 4874 5130 5386 6154 8202 8458",
        "- N drop F 4 READONLY",
    ),
    ("2314 3850 2826", "RolledBack Yslow drop F 4 READONLY"),
    ("11 267 523 779", "- N drop iso 4 READONLY"),
    ("13", "RolledBack N keep F 4 READONLY"),
    ("14", "NotSent Yslow drop iso 4 PAGE"),
    ("270 526 782 1038 1294 1550", "NotSent N drop iso 4 PAGE"),
    ("15", "- Yslow drop F 2 WAIT"),
    ("17 513", "RolledBack 1 reprep ok 1 RETRY-TX"),
    ("18 20", "RolledBack N keep ok 0 FIX"),
    ("25", "RolledBack N keep ok 3 BUG"),
    ("19 275 787 1299 1555 2067 2579 3091 1811", "RolledBack N keep ok 0 FIX"),
    ("531 1043 2323 2835", "RolledBack N keep ok 3 BUG"),
    ("2 1", "RolledBack N keep ok 3 BUG"),
    ("21", "RolledBack N drop ok 3 BUG"),
    ("23", "RolledBack N keep ok 2 BUG"),
    ("26", "- N drop iso 4 PAGE"),
    ("4 516", "RolledBack Y keep ok 1 RETRY-TX"),
    ("3 22", "- N drop iso 4 PAGE"),
];

#[cfg(feature = "sqlite")]
#[test]
fn every_sqlite_code_means_what_the_table_says() {
    for (codes, expected) in SQLITE {
        for code in codes.split_whitespace() {
            assert_row(code, super::sqlite::class_of(code.parse().expect("a number")), expected);
        }
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_failed_fsync_is_in_doubt_at_commit_alone() {
    let fsync = super::sqlite::class_of(1034);
    assert_row(
        "before",
        super::in_phase(fsync, Phase::InTransaction),
        "RolledBack N drop F 4 READONLY",
    );
    assert_row(
        "at commit",
        super::in_phase(fsync, Phase::Commit),
        "Unknown N drop F 4 READONLY",
    );
}

/// The kind, the row while connecting, the row when it happens to a statement that commits itself.
const IO: &[(ErrorKind, &str, &str)] = &[
    (
        ErrorKind::ConnectionRefused,
        "NotSent Y drop F 3 WAIT",
        "NotSent Y - F - -",
    ),
    (ErrorKind::NotFound, "NotSent Y drop F 3 WAIT", "NotSent Y - F - -"),
    (
        ErrorKind::PermissionDenied,
        "NotSent N - iso 4 PAGE",
        "NotSent N - iso 4 PAGE",
    ),
    // Name resolution: `Uncategorized`, which cannot be named; any kind without a row goes the same way.
    (
        ErrorKind::Other,
        "NotSent Yslow drop F 3 WAIT",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::AddrNotAvailable,
        "NotSent Yslow - ignored - SHED",
        "NotSent Yslow - ignored - SHED",
    ),
    (
        ErrorKind::HostUnreachable,
        "NotSent Y drop F 3 FAILOVER",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::NetworkUnreachable,
        "NotSent Y drop F 3 FAILOVER",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::NetworkDown,
        "NotSent Y drop F 3 FAILOVER",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::TimedOut,
        "NotSent Y drop F 3 FAILOVER",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::UnexpectedEof,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::ConnectionReset,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::BrokenPipe,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::NotConnected,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::ConnectionAborted,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (
        ErrorKind::WriteZero,
        "NotSent K drop F - RECONN",
        "Unknown K drop F 3 RESOLVE",
    ),
    (ErrorKind::Interrupted, "- Y - ignored - -", "- Y - ignored - -"),
    (ErrorKind::WouldBlock, "- Y - ignored - -", "- Y - ignored - -"),
    (
        ErrorKind::InvalidData,
        "NotSent N drop F 3 BUG",
        "Unknown N drop F 3 BUG",
    ),
    (
        ErrorKind::OutOfMemory,
        "RolledBack N - iso 4 READONLY",
        "RolledBack N - iso 4 READONLY",
    ),
    (
        ErrorKind::StorageFull,
        "RolledBack N - iso 4 READONLY",
        "RolledBack N - iso 4 READONLY",
    ),
    (
        ErrorKind::ReadOnlyFilesystem,
        "RolledBack N - iso 4 READONLY",
        "RolledBack N - iso 4 READONLY",
    ),
    (
        ErrorKind::QuotaExceeded,
        "RolledBack N - iso 4 READONLY",
        "RolledBack N - iso 4 READONLY",
    ),
];

#[test]
fn every_io_kind_means_what_the_table_says() {
    for (kind, connecting, committing) in IO {
        let row = |phase| super::in_phase(super::io::class_of_kind(*kind, phase), phase);
        assert_row(&format!("{kind:?} while connecting"), row(Phase::Connect), connecting);
        assert_row(&format!("{kind:?} in use"), row(Phase::Autocommit), committing);
    }
}

#[test]
fn running_out_of_files_is_not_the_databases_fault() {
    for code in [23, 24] {
        let class = super::io::class_of(&std::io::Error::from_raw_os_error(code), Phase::Connect);
        assert_row("too many files", class, "NotSent Yslow - ignored - SHED");
    }
}

#[test]
fn a_connection_lost_before_commit_takes_the_transaction_back() {
    let lost = |phase| super::in_phase(super::io::class_of_kind(ErrorKind::UnexpectedEof, phase), phase);
    assert_row(
        "before COMMIT",
        lost(Phase::InTransaction),
        "RolledBack K drop F 2 RECONN",
    );
    assert_row("at COMMIT", lost(Phase::Commit), "Unknown K drop F 3 RESOLVE");
    assert_row("reading", lost(Phase::Read), "RolledBack K drop F 2 RECONN");
}

#[test]
fn every_sqlx_variant_means_what_the_table_says() {
    use sqlx::Error;
    let decode = || Box::new(std::fmt::Error);
    let rows = [
        (Error::Tls(decode()), "NotSent N drop iso 4 PAGE"),
        (
            Error::Tls(Box::new(std::io::Error::from(ErrorKind::UnexpectedEof))),
            "NotSent Y drop F 3 WAIT",
        ),
        (Error::Protocol(String::new()), "Unknown N drop F 3 BUG"),
        (Error::PoolTimedOut, "NotSent 1 - F 2 SHED"),
        (Error::PoolClosed, "NotSent N - ignored 1 SHED"),
        (Error::WorkerCrashed, "Unknown N drop F 4 PAGE"),
        (Error::RowNotFound, "Applied N keep ok 0 404"),
        (
            Error::ColumnDecode {
                index: String::new(),
                source: decode(),
            },
            "Applied N keep ok 3 BUG",
        ),
        (Error::Decode(decode()), "Applied N keep ok 3 BUG"),
        (Error::ColumnNotFound(String::new()), "Applied N keep ok 3 BUG"),
        (
            Error::ColumnIndexOutOfBounds { index: 1, len: 1 },
            "Applied N keep ok 3 BUG",
        ),
        (
            Error::TypeNotFound {
                type_name: String::new(),
            },
            "NotSent N keep ok 3 BUG",
        ),
        (Error::Encode(decode()), "NotSent N keep ok 3 BUG"),
        (Error::BeginFailed, "NotSent N drop ok 3 BUG"),
        (Error::InvalidSavePointStatement, "NotSent N drop ok 3 BUG"),
        (Error::Configuration(decode()), "NotSent N - iso 4 PAGE"),
        (Error::InvalidArgument(String::new()), "NotSent N - iso 4 PAGE"),
        (Error::AnyDriverError(decode()), "NotSent N - iso 4 PAGE"),
    ];
    for (error, expected) in rows {
        assert_row(
            &format!("{error:?}"),
            super::sqlx_variant::class_of_variant(&error),
            expected,
        );
    }
}
