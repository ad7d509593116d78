//! SQLite: by extended result code, whose low byte is the primary one.

use resilient_core::failure::{Action, BreakerEffect, Class, ConnectionFate, Kind, Outcome, Pace, Retry, Severity};

use super::{BAD_VALUE, CONSTRAINT, CONTENTION, DAMAGED, DEFECT, MISCONFIGURED, SHORT, TIMED_OUT};
use crate::error::{Constraint, ConstraintKind};
use crate::statements::Contention;

/// The writer's lock is held, and waiting for it gave nothing.
const BUSY: Class = Class {
    breaker: BreakerEffect::Slow,
    ..CONTENTION
};

/// Rights or a journal keep the file from being written: a person's task.
const NOT_WRITABLE: Class = Class {
    kind: Kind::ReadOnly,
    ..MISCONFIGURED
};

/// The disk failed. Whether a commit went through is known only after opening the file again; the
/// design says so of WRITE and FSYNC, and there is no ground to be surer of the others.
const DISK: Class = Class {
    outcome: Outcome::Unknown,
    breaker: BreakerEffect::Failure,
    ..DAMAGED
};

/// A lock on the file could not be had, so nothing was done.
const DISK_LOCK: Class = Class {
    outcome: Outcome::RolledBack,
    retry: Retry::Yes(Pace::Slow),
    ..DISK
};

const NO_MEMORY: Class = Class {
    connection: ConnectionFate::Drop,
    ..SHORT
};

/// How another connection was in the way.
pub fn contention_of(code: i32) -> Option<Contention> {
    match code {
        517 => Some(Contention::Deadlock),
        5 | 6 | 261 | 262 | 518 | 773 => Some(Contention::LockTimeout),
        _ => None,
    }
}

/// (codes, what they mean); a primary code stands for the extended ones that have no row.
const TABLE: &[(&[i32], Class)] = &[
    (&[5], BUSY),
    (
        &[773],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            ..BUSY
        },
    ),
    (
        &[261],
        Class {
            retry: Retry::Yes(Pace::Slow),
            severity: Severity::Degraded,
            action: Action::Wait,
            ..BUSY
        },
    ),
    // A transaction began by reading and now wants to write: BEGIN IMMEDIATE was forgotten.
    (&[517], CONTENTION),
    (
        &[6, 262, 518],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            severity: Severity::Degraded,
            action: Action::Report,
            ..CONTENTION
        },
    ),
    (&[7, 3082], NO_MEMORY),
    (
        &[8],
        Class {
            kind: Kind::ReadOnly,
            ..DEFECT
        },
    ),
    (&[264, 520, 776, 1288, 1544], NOT_WRITABLE),
    (
        &[1032],
        Class {
            action: Action::Page,
            ..DAMAGED
        },
    ),
    (&[9], TIMED_OUT),
    (&[10], DISK),
    (&[2314, 3850, 2826], DISK_LOCK),
    (&[11], DAMAGED),
    (
        &[13],
        Class {
            kind: Kind::ReadOnly,
            breaker: BreakerEffect::Failure,
            severity: Severity::Critical,
            action: Action::ReadOnly,
            ..DEFECT
        },
    ),
    (
        &[14],
        Class {
            retry: Retry::Yes(Pace::Slow),
            ..MISCONFIGURED
        },
    ),
    (&[270, 526, 782, 1038, 1294, 1550], MISCONFIGURED),
    (
        &[15],
        Class {
            severity: Severity::Degraded,
            ..NO_MEMORY
        },
    ),
    (
        &[17, 513],
        Class {
            retry: Retry::Once,
            connection: ConnectionFate::Reprepare,
            severity: Severity::Contention,
            action: Action::RetryTransaction,
            ..DEFECT
        },
    ),
    (&[18, 20], BAD_VALUE),
    (&[531, 1043, 2323, 2835], DEFECT),
    (&[19], CONSTRAINT),
    (
        &[21],
        Class {
            connection: ConnectionFate::Drop,
            ..DEFECT
        },
    ),
    (
        &[23],
        Class {
            severity: Severity::Degraded,
            ..DEFECT
        },
    ),
    (&[3, 22, 26], MISCONFIGURED),
    (
        &[4],
        Class {
            retry: Retry::Yes(Pace::Ordinary),
            ..CONTENTION
        },
    ),
];

/// What a result code means; one that is not in the table, nor its primary code, is a defect.
pub fn class_of(code: i32) -> Class {
    let row = |wanted: i32| TABLE.iter().find(|(codes, _)| codes.contains(&wanted));
    row(code)
        .or_else(|| row(code & 255))
        .map_or(DEFECT, |(_, class)| *class)
}

/// SQLite offers nothing but the code and its message, whose forms are documented and part of no
/// locale:
///
/// * `UNIQUE constraint failed: t.a, t.b` (an index over expressions: `…: index 'name'`),
/// * `NOT NULL constraint failed: t.a`,
/// * `CHECK constraint failed: name`.
///
/// This is the only place where a message is read, and what it says decides nothing but which field
/// is marked. A foreign key is not named at all.
pub fn constraint_of(code: i32, message: &str) -> Option<Constraint> {
    let kind = constraint_kind(code)?;
    let blank = Constraint {
        kind,
        name: None,
        table: None,
        columns: Vec::new(),
        said: (kind == ConstraintKind::Raised).then(|| message.to_owned()),
    };
    let Some((_, named)) = message.split_once(" constraint failed: ") else {
        return Some(blank);
    };
    let index = named.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\''));
    Some(match (kind, index) {
        (ConstraintKind::Check, _) => Constraint {
            name: Some(named.to_owned()),
            ..blank
        },
        (_, Some(index)) => Constraint {
            name: Some(index.to_owned()),
            ..blank
        },
        (ConstraintKind::Unique, None) => columns_of(named.split(", "), blank),
        (_, None) => columns_of(std::iter::once(named), blank),
    })
}

/// `t.a` for each column. A table whose name has a dot is cut at the wrong one; then no field is
/// found, and the sentence stands above the form.
fn columns_of<'a>(qualified: impl Iterator<Item = &'a str>, blank: Constraint) -> Constraint {
    let (tables, columns): (Vec<_>, Vec<_>) = qualified.filter_map(|one| one.split_once('.')).unzip();
    Constraint {
        table: tables.first().map(|table| (*table).to_owned()),
        columns: columns.into_iter().map(str::to_owned).collect(),
        ..blank
    }
}

/// Which kind of rule a result code names.
pub fn constraint_kind(code: i32) -> Option<ConstraintKind> {
    match code {
        275 => Some(ConstraintKind::Check),
        787 => Some(ConstraintKind::ForeignKey),
        1299 => Some(ConstraintKind::NotNull),
        1555 | 2067 | 2579 => Some(ConstraintKind::Unique),
        1811 => Some(ConstraintKind::Raised),
        18 => Some(ConstraintKind::TooLong),
        20 | 3091 => Some(ConstraintKind::BadValue),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: i32, message: &str) -> (Option<String>, Option<String>, Vec<String>) {
        let constraint = constraint_of(code, message).expect("a constraint");
        (constraint.name, constraint.table, constraint.columns)
    }

    #[test]
    fn a_unique_constraint_names_its_columns() {
        let expected = (
            None,
            Some("site".to_owned()),
            vec!["code".to_owned(), "country".to_owned()],
        );
        assert_eq!(
            found(2067, "UNIQUE constraint failed: site.code, site.country"),
            expected
        );
    }

    #[test]
    fn an_index_over_an_expression_is_named_itself() {
        let expected = (Some("lower_code".to_owned()), None, Vec::new());
        assert_eq!(found(2067, "UNIQUE constraint failed: index 'lower_code'"), expected);
    }

    #[test]
    fn a_missing_value_names_its_column_even_with_a_comma_in_it() {
        let expected = (None, Some("site".to_owned()), vec!["a, b".to_owned()]);
        assert_eq!(found(1299, "NOT NULL constraint failed: site.a, b"), expected);
    }

    #[test]
    fn a_check_is_known_by_its_name() {
        assert_eq!(
            found(275, "CHECK constraint failed: price_positive"),
            (Some("price_positive".to_owned()), None, Vec::new())
        );
    }

    #[test]
    fn a_foreign_key_and_an_unheard_of_message_name_nothing() {
        assert_eq!(found(787, "FOREIGN KEY constraint failed"), (None, None, Vec::new()));
        assert_eq!(found(2067, "something else entirely"), (None, None, Vec::new()));
        assert_eq!(constraint_of(5, "database is locked"), None);
    }
}
