//! SQLite's values, whatever their columns were declared to hold.

use app::records::model::RecordKey;
use inkfast_server::records::check;
use inkfast_server::sql::Sqlite;

use super::databases::sqlite;

const EVERYTHING: &str = "CREATE TABLE everything (
    id INTEGER PRIMARY KEY, i INTEGER, b BOOLEAN, flag INTEGER CHECK (flag IN (0, 1)), r REAL, n NUMERIC,
    n2 DECIMAL(10,2), t TEXT, v VARCHAR(5), d DATE, tm TIME, ts DATETIME, u UUID, j JSON, by BLOB, untyped);";

#[tokio::test]
async fn sqlite_values_come_back_as_they_went() {
    let fresh = sqlite(EVERYTHING).await;
    let table = fresh.table("everything");
    let long = "ä\"'\\\n\r\n\tτέλος 𝄞".repeat(2_000);
    let texts: &[(&str, &[&str])] = &[
        ("i", &["-9223372036854775808", "9223372036854775807", "0"]),
        ("b", &["true", "false"]),
        ("flag", &["true", "false"]),
        (
            "r",
            &[
                "0.1",
                "0.30000000000000004",
                "1.7976931348623157e+308",
                "-2.5",
                "1.0e-300",
                "19.99",
            ],
        ),
        ("n", &["12.5", "19.99", "123456789012345", "9007199254740993"]),
        ("n2", &["12.50", "0.10", "19.99", "12345678.90", "-3.00", "0.00"]),
        (
            "t",
            &[
                "",
                " ",
                "two\nlines",
                "carriage\r\nreturn",
                "quotes ' \" \\ ?1",
                "ünïcödé 𝄞",
                "007",
                "1e5",
                "NULL",
                &long,
            ],
        ),
        ("v", &["äääää"]),
        ("d", &["2024-02-29"]),
        ("tm", &["14:30", "14:30:00"]),
        ("ts", &["2026-01-31 14:30:00", "2026-01-31T14:30:00.5"]),
        ("u", &["123e4567-e89b-12d3-a456-426614174000"]),
        ("j", &["{\"a\":  [1, null]}", "[]"]),
        ("by", &["", "00ff", "deadbeef"]),
        ("untyped", &["5", "-7", "007", "1.50", "text", ""]),
    ];
    fresh.round_trips(table, texts).await;
}

/// SQLite's own conversions are exact in the range of things people measure; beyond, the last bit
/// of 53 may differ.
#[tokio::test]
async fn sqlite_doubles_keep_every_bit() {
    let fresh = sqlite(EVERYTHING).await;
    let table = fresh.table("everything");
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..400 {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Any sign and fraction, and exponents from -40 to 59.
        let number = f64::from_bits((bits & 0x800F_FFFF_FFFF_FFFF) | ((1_023 - 40 + bits % 100) << 52));
        let read = fresh.round_trip(table, "r", &format!("{number:e}")).await;
        assert_eq!(
            read.parse::<f64>().unwrap().to_bits(),
            number.to_bits(),
            "{number:e} became {read}"
        );
    }
}

#[tokio::test]
async fn sqlite_values_of_another_class_than_declared_are_shown_whole() {
    let fresh = sqlite(EVERYTHING).await;
    let table = fresh.table("everything");
    fresh
        .execute(
            "INSERT INTO everything (id, i, b, r, n2, t, d, by) VALUES
             (1, 'not a number', 'maybe', 'x', 9007199254740993, x'00ff', 1700000000, 'text in a blob'),
             (2, 1.5, 2, 3, 1.005, CAST(x'41ff' AS TEXT), 2460000.5, 17)",
        )
        .await;
    let seen = async |id: &str, column: &str| {
        fresh
            .read(table, &RecordKey(vec![id.into()]))
            .await
            .unwrap()
            .remove(column)
            .unwrap()
            .unwrap()
    };
    assert_eq!(seen("1", "i").await, "not a number");
    assert_eq!(seen("1", "b").await, "maybe");
    assert_eq!(seen("1", "r").await, "x");
    assert_eq!(seen("1", "n2").await, "9007199254740993");
    assert_eq!(seen("1", "t").await, "x'00ff'");
    assert_eq!(seen("1", "d").await, "1700000000");
    assert_eq!(seen("1", "by").await, "text in a blob");
    assert_eq!(seen("2", "i").await, "1.5");
    assert_eq!(seen("2", "b").await, "2");
    assert_eq!(seen("2", "r").await, "3.0");
    assert_eq!(seen("2", "n2").await, "1.005");
    assert_eq!(seen("2", "t").await, "A\u{fffd}");
    assert_eq!(seen("2", "d").await, "2460000.5");
    assert_eq!(seen("2", "by").await, "17");
}

/// SQLite itself would take every one of these.
#[tokio::test]
async fn sqlite_never_gets_a_text_its_column_was_not_meant_for() {
    let fresh = sqlite(EVERYTHING).await;
    let table = fresh.table("everything");
    for (column, text) in [
        ("i", "abc"),
        ("i", "12abc"),
        ("i", "9223372036854775808"),
        ("b", "2"),
        ("r", "1,5"),
        ("n", "12345678901234567.5"),
        ("n2", "1.234"),
        ("v", "sechs!"),
        ("d", "2026-02-30"),
        ("by", "xyz"),
        ("j", "{"),
    ] {
        assert!(
            check::refusal::<Sqlite>(table.column(column).unwrap(), text).is_some(),
            "{column}: {text}"
        );
    }
}

#[tokio::test]
async fn sqlite_records_have_one_address_each() {
    let fresh = sqlite(
        "CREATE TABLE by_id (id INTEGER PRIMARY KEY, t TEXT);
         CREATE TABLE by_text (k TEXT PRIMARY KEY, t TEXT) WITHOUT ROWID;
         CREATE TABLE by_two (a INTEGER, b TEXT, t TEXT, PRIMARY KEY (b, a));
         CREATE TABLE by_anything (k PRIMARY KEY, t TEXT);
         CREATE TABLE by_bytes (k BLOB PRIMARY KEY);
         CREATE TABLE strictly (k INTEGER PRIMARY KEY, a ANY, r REAL) STRICT;",
    )
    .await;
    let key = |parts: &[&str]| RecordKey(parts.iter().map(|part| (*part).to_owned()).collect());
    let by_id = fresh.table("by_id");
    let made = fresh.insert(by_id, &[("t", Some("x".into()))]).await.unwrap();
    assert_eq!(made, key(&["1"]));
    assert!(fresh.read(by_id, &made).await.is_some());
    for other in ["01", "+1", "1.0", " 1", "2", "abc", ""] {
        assert!(fresh.read(by_id, &key(&[other])).await.is_none(), "{other:?}");
    }
    for (table, parts) in [
        ("by_text", &["a/b, c"][..]),
        ("by_text", &["5"]),
        ("by_text", &[""]),
        ("by_two", &["x", "3"]),
        ("by_anything", &["5"]),
        ("by_anything", &["five"]),
        ("by_bytes", &["00ff"]),
        ("strictly", &["9"]),
    ] {
        let table = fresh.table(table);
        let values: Vec<_> = table
            .key
            .iter()
            .zip(parts)
            .map(|(name, text)| (&**name, Some((*text).to_owned())))
            .collect();
        assert_eq!(fresh.insert(table, &values).await.unwrap(), key(parts));
        assert!(fresh.read(table, &key(parts)).await.is_some(), "{parts:?}");
    }
}
