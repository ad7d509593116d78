//! MySQL and MariaDB: by error number. SQLSTATE is too coarse there: a lock wait that timed out is
//! `HY000` like a hundred other things.

mod constraint;

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};

use super::{
    BAD_VALUE, BROKEN, CONSTRAINT, CONTENTION, DAMAGED, DEFECT, LOST, MISCONFIGURED, SHORT, STALE, TIMED_OUT,
    UNREACHABLE,
};

use crate::statements::Contention;

pub use constraint::{constraint_kind, constraint_of};

/// Which of the two it is. They have used the same numbers for different things since they parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    MySql,
    MariaDb,
}

/// The server has no place for another connection.
const FULL: Class = Class {
    outcome: Outcome::NotSent,
    connection: ConnectionFate::Drop,
    action: Action::Shed,
    ..SHORT
};

/// This server does not take changes; another one may.
const STANDBY: Class = Class {
    kind: Kind::ReadOnly,
    retry: Retry::IfRepeatable(Pace::Ordinary),
    connection: ConnectionFate::Drop,
    breaker: BreakerEffect::FailureOfWrites,
    action: Action::FailOver,
    ..DEFECT
};

/// Two transactions met, or a definition changed under one: nothing that waiting makes better.
const UNDONE: Class = Class {
    retry: Retry::Yes(Pace::Ordinary),
    ..CONTENTION
};

/// Waiting for a lock took too long.
const LOCK_WAIT: Class = Class {
    breaker: BreakerEffect::Slow,
    ..UNDONE
};

const STOPPED: Class = Class {
    retry: Retry::OnceIfRead,
    ..TIMED_OUT
};

/// An option of the server forbids the statement. Its number does not say which one.
const OPTION_PREVENTS: u16 = 1290;

/// What an unhandled SIGNAL in a trigger or procedure comes as, if it gives itself no other number.
const SIGNAL: u16 = 1644;

/// (numbers, what they mean), where both products agree.
const TABLE: &[(&[u16], Class)] = &[
    (&[1020], UNDONE),
    (
        &[1021, 1026, 1114],
        Class {
            kind: Kind::ReadOnly,
            breaker: BreakerEffect::Failure,
            severity: Severity::Critical,
            action: Action::ReadOnly,
            ..DEFECT
        },
    ),
    (&[1022, 1062, 1169, 1586, 1859], CONSTRAINT),
    (&[1037, 1038, 1041, 1206], SHORT),
    (&[1040, 1203, 1226], FULL),
    (&[1042], UNREACHABLE),
    (
        &[1043],
        Class {
            severity: Severity::Outage,
            ..MISCONFIGURED
        },
    ),
    (&[1044, 1045, 1049, 1129, 1130, 1862, 1873], MISCONFIGURED),
    (
        &[1046],
        Class {
            retry: Retry::Once,
            severity: Severity::Degraded,
            ..STALE
        },
    ),
    (&[1048, 1364], CONSTRAINT),
    (&[1053, 1077, 1079], BROKEN),
    (&[1051, 1052, 1054, 1064, 1146, 1295, 1390], DEFECT),
    (
        &[1243],
        Class {
            retry: Retry::Once,
            connection: ConnectionFate::Reprepare,
            ..DEFECT
        },
    ),
    (
        &[1105],
        Class {
            kind: Kind::Defect,
            retry: Retry::Never,
            action: Action::Report,
            ..LOST
        },
    ),
    (&[1142, 1143, 1227], DEFECT),
    (
        &[1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1835],
        BROKEN,
    ),
    // The server closes the connection, and yet it is the input that is too large.
    (
        &[1153],
        Class {
            outcome: Outcome::NotSent,
            connection: ConnectionFate::Drop,
            breaker: BreakerEffect::Ignored,
            ..BAD_VALUE
        },
    ),
    (
        &[1180, 1181],
        Class {
            severity: Severity::Critical,
            ..LOST
        },
    ),
    (
        &[1034, 1035, 1194, 1195],
        Class {
            connection: ConnectionFate::Keep,
            action: Action::Page,
            ..DAMAGED
        },
    ),
    // Only the statement is undone. The rest of the transaction still stands and would be committed,
    // were it not rolled back like every transaction with a failed statement.
    (&[1205], LOCK_WAIT),
    (&[1213], CONTENTION),
    (&[1216, 1217, 1451, 1452, 1830, 1834], CONSTRAINT),
    // A backup or an administrator holds the tables.
    (
        &[1099, 1100, 1192, 1223],
        Class {
            kind: Kind::ReadOnly,
            retry: Retry::Yes(Pace::Slow),
            severity: Severity::Degraded,
            action: Action::Wait,
            ..DEFECT
        },
    ),
    // 1267: letters that the column's character set does not have, compared with it.
    (&[1264, 1265, 1267, 1292, 1366, 1406, 1690], BAD_VALUE),
    (&[OPTION_PREVENTS, 1836], STANDBY),
    (&[1297, 1402, 1613, 1614, 1689, 3058], UNDONE),
    (
        &[1412, 1615],
        Class {
            connection: ConnectionFate::Reprepare,
            ..UNDONE
        },
    ),
    (&[1317], TIMED_OUT),
    (
        &[1461],
        Class {
            kind: Kind::Busy,
            outcome: Outcome::NotSent,
            retry: Retry::Once,
            connection: ConnectionFate::Reprepare,
            breaker: BreakerEffect::Failure,
            action: Action::Page,
            ..DEFECT
        },
    ),
    (
        &[1467],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            ..SHORT
        },
    ),
    (&[SIGNAL], CONSTRAINT),
    // A connection for reading was given something to write.
    (
        &[1792],
        Class {
            kind: Kind::ReadOnly,
            ..DEFECT
        },
    ),
    // The server logs statements instead of rows, and so takes no change from transactions that lock no gaps.
    (
        &[1665],
        Class {
            kind: Kind::ReadOnly,
            severity: Severity::Critical,
            action: Action::Page,
            ..DEFECT
        },
    ),
    (&[1028], STOPPED),
    (
        &[3032],
        Class {
            kind: Kind::ReadOnly,
            retry: Retry::Yes(Pace::Slow),
            ..UNREACHABLE
        },
    ),
];

/// Numbers that only MySQL uses, or uses for this.
const MYSQL: &[(&[u16], Class)] = &[
    (&[3024], STOPPED),
    (&[3101], UNDONE),
    (&[3572], LOCK_WAIT),
    (&[3819], CONSTRAINT),
    (
        &[4031],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            severity: Severity::Contention,
            ..STALE
        },
    ),
];

/// Numbers that only MariaDB uses, or uses for this.
const MARIADB: &[(&[u16], Class)] = &[
    (
        &[1927],
        Class {
            severity: Severity::Degraded,
            ..BROKEN
        },
    ),
    (&[1969], STOPPED),
    (&[4025], CONSTRAINT),
];

fn own_table(flavour: Flavour) -> &'static [(&'static [u16], Class)] {
    match flavour {
        Flavour::MySql => MYSQL,
        Flavour::MariaDb => MARIADB,
    }
}

/// Every number that has a row for this product.
pub fn numbers(flavour: Flavour) -> impl Iterator<Item = u16> {
    let rows = TABLE.iter().chain(own_table(flavour));
    rows.flat_map(|(numbers, _)| numbers.iter().copied())
}

/// What a number means; `None` for one that is not in the table. What the products use differently
/// means nothing as long as it is not known which one answers.
pub fn row_of(number: u16, flavour: Option<Flavour>) -> Option<Class> {
    let own = flavour.map_or(&[][..], own_table);
    let fits = |row: &&(&[u16], Class)| row.0.contains(&number);
    own.iter().chain(TABLE).find(fits).map(|(_, class)| *class)
}

/// What the server reports means. Two things are not said by the number: whether the option that
/// prevents a statement is the one that forbids changes (its name stands in the message, and is the
/// same in every language), and what a number is that somebody's SIGNAL has made up.
pub fn class_of(number: u16, state: &str, message: &str, flavour: Option<Flavour>) -> Class {
    match row_of(number, flavour) {
        Some(_) if number == OPTION_PREVENTS && !names_read_only(message) => DEFECT,
        Some(class) => class,
        None if is_signal(number, state) => CONSTRAINT,
        None if state.starts_with("08") => LOST,
        None => DEFECT,
    }
}

/// How another transaction was in the way.
pub fn contention_of(number: u16) -> Option<Contention> {
    match number {
        1213 | 1614 => Some(Contention::Deadlock),
        // MariaDB, where a transaction sees one state: the row was changed since it was read.
        1020 => Some(Contention::Serialization),
        1205 | 1613 | 3572 => Some(Contention::LockTimeout),
        _ => None,
    }
}

fn names_read_only(message: &str) -> bool {
    message.contains("read-only") || message.contains("read_only")
}

/// 45000 is SQL's own for "raised by a user", and what SIGNAL uses by default.
fn is_signal(number: u16, state: &str) -> bool {
    number == SIGNAL || state == "45000"
}
