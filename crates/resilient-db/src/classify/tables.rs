//! Every row of the design's tables, in the design's own notation, against the classifier.
//!
//! `outcome retry connection breaker severity action`, where `-` says that the design leaves it
//! open. Retry: `Y` with its pace, `K` only if repeatable, `1` once, `R1` once if it is a read, `N`.

use std::io::ErrorKind;

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Outcome, Pace, Retry};

use super::Phase;

fn notation(class: Class) -> [String; 6] {
    let outcome = match class.outcome {
        Outcome::NotSent => "NotSent",
        Outcome::RolledBack => "RolledBack",
        Outcome::Unknown => "Unknown",
        Outcome::Applied => "Applied",
    };
    let retry = match class.retry {
        Retry::Yes(Pace::Ordinary) => "Y",
        Retry::Yes(Pace::Fast) => "Yfast",
        Retry::Yes(Pace::Slow) => "Yslow",
        Retry::IfRepeatable(_) => "K",
        Retry::Once => "1",
        Retry::OnceIfRead => "R1",
        Retry::Never => "N",
    };
    let connection = match class.connection {
        ConnectionFate::Keep => "keep",
        ConnectionFate::Drop => "drop",
        ConnectionFate::Reprepare => "reprep",
    };
    let breaker = match class.breaker {
        BreakerEffect::Failure => "F",
        BreakerEffect::FailureOfWrites => "Fwrite",
        BreakerEffect::Success => "ok",
        BreakerEffect::Slow => "slow",
        BreakerEffect::Isolate => "iso",
        BreakerEffect::Ignored => "ignored",
    };
    let action = match class.action {
        Action::Fix => "FIX",
        Action::RetryTransaction => "RETRY-TX",
        Action::Reconnect => "RECONN",
        Action::Wait => "WAIT",
        Action::FailOver => "FAILOVER",
        Action::Resolve => "RESOLVE",
        Action::Shed => "SHED",
        Action::ReadOnly => "READONLY",
        Action::Report => "BUG",
        Action::Page => "PAGE",
        Action::Narrow => "M10",
        Action::NotFound => "404",
    };
    let severity = (class.severity as u8).to_string();
    [outcome, retry, connection, breaker, &severity, action].map(str::to_owned)
}

fn assert_row(what: &str, class: Class, expected: &str) {
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(expected.len(), 6, "{what}: a row has six columns");
    let found = notation(class);
    let agrees = expected
        .iter()
        .zip(&found)
        .all(|(expected, found)| *expected == "-" || expected == found);
    assert!(agrees, "{what}: expected {expected:?}, found {found:?}");
}

#[cfg(feature = "postgres")]
const POSTGRES: &[(&str, &str)] = &[
    ("08000 08003", "NotSent Y drop F 3 RECONN"),
    ("08001 08004", "NotSent Yslow drop F 3 WAIT"),
    ("08006", "Unknown K drop F 3 RESOLVE"),
    ("08007", "Unknown K drop F 3 RESOLVE"),
    ("08P01", "Unknown N drop F 3 BUG"),
    ("0A000", "RolledBack 1 reprep ok 2 RECONN"),
    ("21000", "RolledBack N keep ok 3 BUG"),
    (
        "22001 22003 22007 22008 22021 22P02 22P05 22032 22023",
        "RolledBack N keep ok 0 FIX",
    ),
    ("22012 22P03", "RolledBack N keep ok 3 BUG"),
    ("23502 23514 23P01", "RolledBack N keep ok 0 FIX"),
    ("23505", "RolledBack N keep ok 0 FIX"),
    ("23503 23001", "RolledBack N keep ok 0 FIX"),
    ("25001 25P01 2D000 3B001", "RolledBack N keep ok 3 BUG"),
    ("25006", "RolledBack K drop Fwrite 3 FAILOVER"),
    ("25P02", "RolledBack N keep ok 3 BUG"),
    ("25P03", "RolledBack Y drop ignored 2 RETRY-TX"),
    ("25P04", "RolledBack N drop slow 2 M10"),
    ("26000", "NotSent 1 drop ignored 2 RECONN"),
    ("28000 28P01", "NotSent N drop iso 4 PAGE"),
    ("3D000 3F000", "NotSent N drop iso 4 PAGE"),
    ("40001", "RolledBack Yfast keep ok 1 RETRY-TX"),
    ("40P01", "RolledBack Yfast keep ok 1 RETRY-TX"),
    ("40002", "RolledBack N keep ok 0 FIX"),
    ("40003", "Unknown K drop F 3 RESOLVE"),
    ("42501", "RolledBack N keep ok 3 BUG"),
    ("42601 42703 42883 42804 42702", "RolledBack N keep ok 3 BUG"),
    ("42P01", "RolledBack N keep ok 3 BUG"),
    ("42P05 42P07", "RolledBack N reprep ok 2 BUG"),
    ("53100", "RolledBack N keep Fwrite 4 READONLY"),
    ("53200", "RolledBack Yslow keep F 3 WAIT"),
    ("53300", "NotSent Yslow drop F 3 SHED"),
    ("53400 54000 54001 54011 54023", "RolledBack N keep ok 2 M10"),
    ("55000 55006", "RolledBack Y keep ok 1 RETRY-TX"),
    ("55P03", "RolledBack Y keep slow 1 RETRY-TX"),
    ("57014", "RolledBack R1 keep slow 2 M10"),
    // Idle, in a transaction or at commit: the phase decides, see below.
    ("57P01", "- K drop F 3 RECONN"),
    ("57P02", "- K drop F 3 RECONN"),
    ("57P03", "NotSent Y drop F 2 WAIT"),
    ("57P04", "NotSent N drop iso 4 PAGE"),
    ("57P05", "NotSent Y drop ignored 1 RECONN"),
    ("58000 58030 58P01", "Unknown N drop F 4 READONLY"),
    ("72000", "RolledBack Y keep ok 1 RETRY-TX"),
    ("F0000 F0001", "NotSent N drop iso 4 PAGE"),
    ("P0001", "RolledBack N keep ok 0 FIX"),
    ("P0004", "RolledBack N keep ok 3 BUG"),
    ("XX000", "RolledBack 1 keep F 3 BUG"),
    ("XX001 XX002", "- N drop iso 4 READONLY"),
];

#[cfg(feature = "postgres")]
#[test]
fn every_sqlstate_means_what_the_table_says() {
    for (codes, expected) in POSTGRES {
        for code in codes.split_whitespace() {
            assert_row(code, super::postgres::class_of(code, false), expected);
        }
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
const MYSQL_AND_MARIADB: &[(&str, &str)] = &[
    ("1020", "RolledBack Y keep ok 1 RETRY-TX"),
    ("1021 1026 1114", "RolledBack N keep F 4 READONLY"),
    ("1022 1062 1169 1586 1859", "RolledBack N keep ok 0 FIX"),
    ("1037 1038 1041", "RolledBack Yslow keep F 3 WAIT"),
    ("1040", "NotSent Yslow drop F 3 SHED"),
    ("1042", "NotSent Y drop F 3 WAIT"),
    ("1043", "NotSent N drop iso 3 PAGE"),
    ("1044 1045 1049 1130 1129 1862 1873", "NotSent N drop iso 4 PAGE"),
    ("1046", "NotSent 1 drop ignored 2 RECONN"),
    ("1048 1364", "RolledBack N keep ok 0 FIX"),
    // At commit or before it: the phase decides, see below.
    ("1053 1077 1079", "- K drop F 3 RECONN"),
    ("1054 1064 1146 1051 1052 1295 1390", "RolledBack N keep ok 3 BUG"),
    ("1243", "RolledBack 1 reprep ok 3 BUG"),
    ("1105", "Unknown N drop F 3 BUG"),
    ("1142 1143 1227", "RolledBack N keep ok 3 BUG"),
    ("1152 1158 1159 1160 1161 1184", "Unknown K drop F 3 RECONN"),
    ("1153", "NotSent N drop ignored 0 FIX"),
    ("1154 1155 1156 1157 1835", "Unknown K drop F 3 RECONN"),
    ("1180 1181", "Unknown K drop F 4 RESOLVE"),
    ("1194 1195 1034 1035", "- N keep iso 4 PAGE"),
    ("1203 1226", "NotSent Yslow drop F 3 SHED"),
    ("1205", "RolledBack Y keep slow 1 RETRY-TX"),
    ("1206", "RolledBack Yslow keep F 3 WAIT"),
    ("1213", "RolledBack Yfast keep ok 1 RETRY-TX"),
    ("1216 1217 1451 1452 1830 1834", "RolledBack N keep ok 0 FIX"),
    ("1223 1099 1100 1192", "RolledBack Yslow keep ok 2 WAIT"),
    ("1264 1265 1292 1366 1406 1690", "RolledBack N keep ok 0 FIX"),
    ("1290", "RolledBack K drop Fwrite 3 FAILOVER"),
    ("1297 1689", "RolledBack Y keep ok 1 RETRY-TX"),
    ("1412 1615", "RolledBack Y reprep ok 1 RETRY-TX"),
    ("1317", "RolledBack N keep slow 2 M10"),
    ("1402 1613 1614", "RolledBack Y keep ok 1 RETRY-TX"),
    ("1461", "NotSent 1 reprep F 3 PAGE"),
    ("1467", "RolledBack Y keep F 3 WAIT"),
    // What a trigger raises, as P0001 is PostgreSQL's.
    ("1644", "RolledBack N keep ok 0 FIX"),
    ("1792", "RolledBack N keep ok 3 BUG"),
    ("1836", "RolledBack K drop Fwrite 3 FAILOVER"),
    ("1028", "RolledBack R1 keep slow 2 M10"),
    ("3032", "NotSent Yslow drop F 3 WAIT"),
    ("3058", "RolledBack Y keep ok 1 RETRY-TX"),
];

#[cfg(feature = "mysql")]
const MARIADB: &[(&str, &str)] = &[
    ("1927", "Unknown K drop F 2 RECONN"),
    ("1969", "RolledBack R1 keep slow 2 M10"),
    ("4025", "RolledBack N keep ok 0 FIX"),
];

#[cfg(feature = "mysql")]
const MYSQL: &[(&str, &str)] = &[
    ("3024", "RolledBack R1 keep slow 2 M10"),
    ("3101", "RolledBack Y keep ok 1 RETRY-TX"),
    ("3572", "RolledBack Y keep slow 1 RETRY-TX"),
    ("3819", "RolledBack N keep ok 0 FIX"),
    ("4031", "NotSent Y drop ignored 1 RECONN"),
];

#[cfg(feature = "mysql")]
fn reported(number: &str, flavour: Option<super::mysql::Flavour>) -> Class {
    let number = number.parse().expect("a number");
    super::mysql::class_of(number, "HY000", "the server runs with the --read-only option", flavour)
}

#[cfg(feature = "mysql")]
#[test]
fn every_mysql_number_means_what_the_table_says() {
    use super::mysql::Flavour;
    for (flavour, own) in [(Flavour::MySql, MYSQL), (Flavour::MariaDb, MARIADB)] {
        let mut rows = Vec::new();
        for (numbers, expected) in MYSQL_AND_MARIADB.iter().chain(own) {
            for number in numbers.split_whitespace() {
                assert_row(number, reported(number, Some(flavour)), expected);
                rows.push(number.parse().expect("a number"));
            }
        }
        let mut known: Vec<u16> = super::mysql::numbers(flavour).collect();
        known.sort_unstable();
        rows.sort_unstable();
        assert_eq!(known, rows, "{flavour:?}: no row is without its expectation");
    }
}

#[cfg(feature = "mysql")]
#[test]
fn a_number_of_the_other_product_is_a_defect() {
    use super::mysql::Flavour;
    let defect = "RolledBack N keep ok 3 BUG";
    for (flavour, others) in [(Flavour::MySql, MARIADB), (Flavour::MariaDb, MYSQL)] {
        for (number, _) in others {
            assert_row(number, reported(number, Some(flavour)), defect);
            assert_row(number, reported(number, None), defect);
        }
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
