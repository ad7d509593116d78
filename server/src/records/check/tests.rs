use proptest::prelude::*;

use super::*;
use crate::sql::{Postgres, Sqlite};

fn column(kind: ColumnKind, sql_type: &str) -> Column {
    Column {
        name: "c".into(),
        label: "C".into(),
        comment: None,
        kind,
        sql_type: sql_type.into(),
        nullable: true,
        generated: false,
        has_default: false,
        default: None,
        max_length: None,
        reference: None,
        secret: false,
    }
}

fn on_postgres(kind: ColumnKind, sql_type: &str, text: &str) -> Option<String> {
    refusal::<Postgres>(&column(kind, sql_type), text)
}

fn on_sqlite(kind: ColumnKind, sql_type: &str, text: &str) -> Option<String> {
    refusal::<Sqlite>(&column(kind, sql_type), text)
}

#[test]
fn integers_fit_their_type() {
    for (sql_type, text, fits) in [
        ("smallint", "32767", true),
        ("smallint", "32768", false),
        ("integer", "-2147483648", true),
        ("integer", "2147483648", false),
        ("bigint", "9223372036854775807", true),
        ("bigint", "9223372036854775808", false),
        ("bigint", "99999999999999999999999999999999999999999999999999", false),
        ("integer", "abc", false),
        ("integer", "1.5", false),
        ("integer", "1e3", false),
        ("integer", "+7", true),
        ("integer", "-", false),
        ("integer", "--1", false),
        ("integer", "", false),
        ("integer", " 1", false),
    ] {
        assert_eq!(
            on_postgres(ColumnKind::Integer, sql_type, text).is_none(),
            fits,
            "{sql_type} {text:?}"
        );
    }
    assert_eq!(on_sqlite(ColumnKind::Integer, "integer", "2147483648"), None);
    assert_eq!(
        on_postgres(ColumnKind::Integer, "smallint", "40000").as_deref(),
        Some("Enter a number from -32768 to 32767.")
    );
}

#[test]
fn decimals_keep_every_digit_or_are_refused() {
    for (sql_type, text, fits) in [
        ("numeric(5,2)", "123.45", true),
        ("numeric(5,2)", "123.450", true),
        ("numeric(5,2)", "123.456", false),
        ("numeric(5,2)", "1234", false),
        ("numeric(5,2)", "0.001", false),
        ("numeric(5,2)", "1e2", true),
        ("numeric(5,2)", "1e3", false),
        ("numeric(5,2)", "0e999999999999", true),
        ("numeric(3,0)", "999", true),
        ("numeric(3)", "99.5", false),
        ("numeric", "123456789012345678901234567890.123456789", true),
        ("numeric", ".5", true),
        ("numeric", "5.", true),
        ("numeric", ".", false),
        ("numeric", "1,5", false),
        ("numeric", "1e", false),
        ("numeric", "NaN", true),
    ] {
        assert_eq!(
            on_postgres(ColumnKind::Decimal, sql_type, text).is_none(),
            fits,
            "{sql_type} {text:?}"
        );
    }
    assert!(on_sqlite(ColumnKind::Decimal, "DECIMAL", "NaN").is_some());
    assert!(on_sqlite(ColumnKind::Decimal, "DECIMAL", "1234567890123456.5").is_some());
    assert!(on_sqlite(ColumnKind::Decimal, "DECIMAL", "1234567890123456789").is_none());
    assert!(on_sqlite(ColumnKind::Decimal, "DECIMAL(10, 2)", "12.345").is_some());
}

#[test]
fn floats_are_finite_unless_the_database_has_others() {
    assert_eq!(
        on_postgres(ColumnKind::Float, "double precision", "0.30000000000000004"),
        None
    );
    assert_eq!(on_postgres(ColumnKind::Float, "double precision", "-Infinity"), None);
    assert!(on_postgres(ColumnKind::Float, "double precision", "1e400").is_some());
    assert!(on_postgres(ColumnKind::Float, "double precision", "inf").is_some());
    assert!(on_sqlite(ColumnKind::Float, "REAL", "NaN").is_some());
}

#[test]
fn dates_exist() {
    for (text, exists) in [
        ("2024-02-29", true),
        ("2023-02-29", false),
        ("1900-02-29", false),
        ("2000-02-29", true),
        ("2026-04-31", false),
        ("2026-13-01", false),
        ("0000-01-01", false),
        ("2026-1-1", false),
        ("31.01.2026", false),
        ("2026-01-31x", false),
        ("２０２６-01-01", false),
    ] {
        assert_eq!(on_sqlite(ColumnKind::Date, "DATE", text).is_none(), exists, "{text}");
    }
    assert_eq!(on_postgres(ColumnKind::Date, "date", "infinity"), None);
    assert_eq!(on_postgres(ColumnKind::Date, "date", "0044-03-15 BC"), None);
    assert_eq!(on_postgres(ColumnKind::Date, "date", "12026-01-01"), None);
    assert!(on_sqlite(ColumnKind::Date, "DATE", "infinity").is_some());
}

#[test]
fn times_of_day_and_timestamps_are_complete() {
    for (kind, text, fits) in [
        (ColumnKind::Time, "14:30", true),
        (ColumnKind::Time, "14:30:59.123456", true),
        (ColumnKind::Time, "14:30:59.1234567", false),
        (ColumnKind::Time, "14:30.5", false),
        (ColumnKind::Time, "24:00", false),
        (ColumnKind::Time, "14:60", false),
        (ColumnKind::Time, "2:30", false),
        (ColumnKind::Timestamp, "2026-01-31 14:30:00", true),
        (ColumnKind::Timestamp, "2026-01-31T14:30", true),
        (ColumnKind::Timestamp, "2026-01-31", false),
        (ColumnKind::Timestamp, "2026-01-31 14:30:00+01", false),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00+01", true),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00.5-03:30", true),
        (ColumnKind::TimestampWithZone, "2026-01-31T14:30:00Z", true),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00+0130", true),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00", true),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00+99", false),
        (ColumnKind::TimestampWithZone, "2026-01-31 14:30:00+1", false),
    ] {
        assert_eq!(on_postgres(kind.clone(), "", text).is_none(), fits, "{kind:?} {text}");
    }
}

#[test]
fn other_kinds_are_refused_in_words() {
    let message = |kind: ColumnKind, text: &str| on_sqlite(kind, "", text).unwrap_or_default();
    assert_eq!(message(ColumnKind::Boolean, "1"), "Choose true or false.");
    assert_eq!(
        message(ColumnKind::Json, "{\"a\":\n oops}"),
        "This is not valid JSON: see line 2, column 2."
    );
    assert_eq!(message(ColumnKind::Json, "[1, null]"), "");
    assert_eq!(
        message(ColumnKind::Bytes, "0g"),
        "Write bytes as pairs of the digits 0-9 and a-f."
    );
    assert_eq!(message(ColumnKind::Bytes, "00FF"), "");
    assert_eq!(
        message(ColumnKind::Choice(vec!["a".into()]), "b"),
        "Choose one of the listed values."
    );
    assert_eq!(message(ColumnKind::Uuid, "123e4567-e89b-12d3-a456-426614174000"), "");
    assert!(message(ColumnKind::Uuid, "123").starts_with("This is no UUID."));
    assert_eq!(message(ColumnKind::Date, ""), "Enter a value.");
    assert_eq!(message(ColumnKind::Text, ""), "");
    assert!(message(ColumnKind::Text, "a\0b").contains("NUL"));
}

#[test]
fn lengths_count_characters_not_bytes() {
    let short = Column {
        max_length: Some(3),
        ..column(ColumnKind::Text, "character varying")
    };
    assert_eq!(refusal::<Postgres>(&short, "äöü"), None);
    let message = refusal::<Postgres>(&short, "äöüß");
    assert_eq!(message.as_deref(), Some("At most 3 characters fit here; this has 4."));
}

#[test]
fn what_a_widget_writes_becomes_what_the_database_writes() {
    for (kind, text, written) in [
        (ColumnKind::Time, "14:30", "14:30:00"),
        (ColumnKind::Timestamp, "2026-01-31T14:30", "2026-01-31 14:30:00"),
        (ColumnKind::Timestamp, "2026-01-31T14:30:15.5", "2026-01-31 14:30:15.5"),
        (
            ColumnKind::TimestampWithZone,
            "2026-01-31T14:30+00",
            "2026-01-31 14:30:00+00",
        ),
        (ColumnKind::Text, "14:30", "14:30"),
        (ColumnKind::Timestamp, "soon", "soon"),
    ] {
        assert_eq!(as_written(&column(kind, ""), text), written);
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in ".{0,40}") {
        let kinds = [
            ColumnKind::Boolean, ColumnKind::Integer, ColumnKind::Decimal, ColumnKind::Float, ColumnKind::Text,
            ColumnKind::Date, ColumnKind::Time, ColumnKind::Timestamp, ColumnKind::TimestampWithZone,
            ColumnKind::Uuid, ColumnKind::Json, ColumnKind::Bytes, ColumnKind::Other,
        ];
        for kind in kinds {
            let column = column(kind, "numeric(7,3)");
            let _ = refusal::<Postgres>(&column, &text);
            let _ = refusal::<Sqlite>(&column, &text);
            let _ = as_written(&column, &text);
        }
    }

    #[test]
    fn timestamps_are_judged_without_a_panic(text in "[0-9TZ:. +-]{0,30}") {
        for kind in [ColumnKind::Time, ColumnKind::Timestamp, ColumnKind::TimestampWithZone] {
            let _ = refusal::<Postgres>(&column(kind, ""), &text);
        }
    }

    #[test]
    fn every_double_is_accepted_as_rust_writes_it(number in proptest::num::f64::NORMAL) {
        prop_assert_eq!(on_sqlite(ColumnKind::Float, "REAL", &format!("{number:e}")), None);
    }
}
