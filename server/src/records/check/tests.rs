use proptest::prelude::*;

use super::*;
use crate::sql::{Postgres, Sqlite};

fn column(kind: ColumnKind, sql_type: &str) -> Column {
    Column {
        sql_type: sql_type.into(),
        ..Column::new("c", kind)
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
        "This is not valid JSON: see line 2, column 2, at “o”. A value is a text in double quotes, a number, true, false, null, \
         a list or an object."
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
fn kinds_of_postgres_are_refused_only_where_postgres_would() {
    let array = |of| ColumnKind::Array(Box::new(of));
    for (kind, sql_type, text, words) in [
        (
            ColumnKind::Interval,
            "interval",
            "1 year 2 mons 3 days 04:05:06.789",
            "",
        ),
        (ColumnKind::Interval, "interval", "@ 1 hour ago", ""),
        (ColumnKind::Interval, "interval", "P1Y2M", ""),
        (ColumnKind::Interval, "interval", "soon", "length of time"),
        (ColumnKind::TimeWithZone, "time with time zone", "12:00:00+05:30", ""),
        (
            ColumnKind::TimeWithZone,
            "time with time zone",
            "noon",
            "a time and an offset",
        ),
        (ColumnKind::Time, "time(0) without time zone", "12:00:00.0", ""),
        (
            ColumnKind::Time,
            "time(0) without time zone",
            "12:00:00.5",
            "Parts of a second",
        ),
        (
            ColumnKind::Timestamp,
            "timestamp(3) without time zone",
            "2026-01-31 12:00:00.1234",
            "At most 3 digits",
        ),
        (
            ColumnKind::TimestampWithZone,
            "timestamp(3) with time zone",
            "2026-01-31 12:00:00.123+02",
            "",
        ),
        (ColumnKind::NetworkAddress, "inet", "10.1/16", ""),
        (ColumnKind::NetworkAddress, "inet", "::1", ""),
        (ColumnKind::NetworkAddress, "inet", "example.org", "192.168.0.1"),
        (ColumnKind::Network, "cidr", "10", ""),
        (ColumnKind::Network, "cidr", "the net", "192.168.0.0/24"),
        (ColumnKind::HardwareAddress, "macaddr", "08002b:010203", ""),
        (ColumnKind::HardwareAddress, "macaddr", "08:00:2b:01:02:0g", "08:00:2b"),
        (ColumnKind::Bits, "\"bit\"", "x1f", ""),
        (ColumnKind::Bits, "\"bit\"", "102", "0 and 1"),
        (ColumnKind::Decimal, "numeric(5,-2)", "12300", ""),
        (ColumnKind::Decimal, "numeric(5,-2)", "12345", "multiples of 100"),
        (ColumnKind::Decimal, "numeric(2,4)", "0.0099", ""),
        (ColumnKind::Decimal, "numeric(2,4)", "0.01", "too large"),
        (ColumnKind::Integer, "oid", "4294967295", ""),
        (ColumnKind::Integer, "oid", "4294967296", "from 0 to 4294967295"),
        (ColumnKind::Text, "name", "xä", ""),
        (ColumnKind::Other, "\"char\"", "\\303", ""),
        (ColumnKind::Other, "\"char\"", "ab", "One letter"),
        (array(ColumnKind::Integer), "smallint[]", "{{1, 2},{NULL,-3}}", ""),
        (
            array(ColumnKind::Integer),
            "smallint[]",
            "{1,40000}",
            "Entry 2: Enter a number from -32768 to 32767.",
        ),
        (
            array(ColumnKind::Decimal),
            "numeric(4,2)[]",
            "{1.234}",
            "At most 2 decimal places",
        ),
        (array(ColumnKind::Boolean), "boolean[]", "{t,yes,NULL}", ""),
        (array(ColumnKind::Text), "text[]", "{\"\",NULL,a b}", ""),
        (array(ColumnKind::Json), "jsonb[]", "{\"{\\\"a\\\": 1}\"}", ""),
        (
            array(ColumnKind::Json),
            "jsonb[]",
            "{\"{a: 1}\"}",
            "Entry 1: This is not valid JSON",
        ),
        (
            ColumnKind::Range(Box::new(ColumnKind::Integer)),
            "int4range",
            "(,5]",
            "",
        ),
        (
            ColumnKind::Range(Box::new(ColumnKind::Integer)),
            "int4range",
            "1-5",
            "lower and an upper bound",
        ),
        (
            ColumnKind::Multirange(Box::new(ColumnKind::Integer)),
            "int4multirange",
            "[1,2)",
            "in braces",
        ),
    ] {
        let said = on_postgres(kind.clone(), sql_type, text);
        match words {
            "" => assert_eq!(said, None, "{sql_type} {text}"),
            words => assert!(
                said.as_deref().unwrap_or_default().contains(words),
                "{sql_type} {text}: {said:?}"
            ),
        }
    }
    let three_bits = Column {
        max_length: Some(3),
        ..column(ColumnKind::Bits, "\"bit\"")
    };
    assert!(
        refusal::<Postgres>(&three_bits, "10")
            .unwrap_or_default()
            .contains("Exactly 3 digits")
    );
    assert!(refusal::<Postgres>(&column(ColumnKind::Text, "name"), &"ä".repeat(32)).is_some());
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
            ColumnKind::Uuid, ColumnKind::Json, ColumnKind::Bytes, ColumnKind::Other, ColumnKind::Interval,
            ColumnKind::TimeWithZone, ColumnKind::Bits, ColumnKind::NetworkAddress, ColumnKind::HardwareAddress,
            ColumnKind::Array(Box::new(ColumnKind::Json)), ColumnKind::Range(Box::new(ColumnKind::Date)),
            ColumnKind::Multirange(Box::new(ColumnKind::Date)),
        ];
        for kind in kinds {
            let column = column(kind, "numeric(7,3)");
            let _ = refusal::<Postgres>(&column, &text);
            let _ = refusal::<Sqlite>(&column, &text);
            let _ = as_written(&column, &text);
        }
    }

    #[test]
    fn lists_and_documents_are_judged_without_a_panic(text in "[{}\\[\\](),\"\\\\a1ä \n:=]{0,30}") {
        for kind in [
            ColumnKind::Array(Box::new(ColumnKind::Text)), ColumnKind::Json,
            ColumnKind::Range(Box::new(ColumnKind::Date)), ColumnKind::Multirange(Box::new(ColumnKind::Date)),
        ] {
            let _ = refusal::<Postgres>(&column(kind, "text[]"), &text);
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
