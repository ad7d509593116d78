//! Every plain type of PostgreSQL, written as text and read as text.

use inkfast_server::database::Access;
use inkfast_server::records::{check, read};
use inkfast_server::sql::Postgres;
use resilient_db::ConstraintKind;

use super::databases::postgres;

const EVERYTHING: &str = r#"
    CREATE TYPE mood AS ENUM ('sad', 'o''k', 'Very "happy"');
    CREATE SCHEMA "Other Schema";
    CREATE TYPE "Other Schema"."My Type" AS ENUM ('x');
    CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'nope');
    CREATE TABLE everything (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        i2 smallint, i4 integer, i8 bigint, n numeric, n2 numeric(10,2), f4 real, f8 double precision,
        t text, v varchar(10), c char(5), b boolean, d date, tm time, ts timestamp, tz timestamptz, iv interval,
        u uuid, j json, jb jsonb, by bytea, m mood, far "Other Schema"."My Type", a integer[], ta text[], va varchar(3)[],
        dom short, ip inet, r int4range, bi bit(3), vb varbit(5), n0 numeric(3,0), na name, iy interval day to second)"#;

#[tokio::test]
async fn postgres_values_come_back_as_they_went() {
    let fresh = postgres("values", EVERYTHING).await;
    let table = fresh.table("everything");
    let long = "ä\"'\\\n\r\n\tτέλος 𝄞".repeat(2_000);
    let texts: &[(&str, &[&str])] = &[
        ("i2", &["-32768", "32767", "0"]),
        ("i4", &["-2147483648", "2147483647"]),
        ("i8", &["-9223372036854775808", "9223372036854775807"]),
        (
            "n",
            &[
                "0.10",
                "123456789012345678901234567890.0123456789",
                "NaN",
                "-0.000000000000000001",
                "Infinity",
            ],
        ),
        ("n2", &["-99999999.99", "0.00", "1.50"]),
        ("n0", &["999"]),
        ("f4", &["0.1", "3.4028235e+38", "NaN"]),
        (
            "f8",
            &[
                "0.30000000000000004",
                "5e-324",
                "1.7976931348623157e+308",
                "NaN",
                "-Infinity",
                "-0",
                "0.1",
            ],
        ),
        (
            "t",
            &[
                "",
                " ",
                "two\nlines",
                "carriage\r\nreturn",
                "quotes ' \" \\ %s $1 ?",
                "ünïcödé 𝄞 \u{202e}",
                &long,
            ],
        ),
        ("v", &["", "ten chars!", "ääääääääää"]),
        ("c", &["abc", "abcde"]),
        ("b", &["true", "false"]),
        (
            "d",
            &["2024-02-29", "0001-01-01", "9999-12-31", "infinity", "0044-03-15 BC"],
        ),
        ("tm", &["00:00:00", "23:59:59.999999", "12:00:00.5"]),
        ("ts", &["2026-01-31 14:30:00", "2026-01-31 14:30:00.123456", "infinity"]),
        ("tz", &["2026-01-31 14:30:00+00", "2026-01-31 14:30:00.123456+00"]),
        ("iv", &["1 year 2 mons 3 days 04:05:06.789", "-00:00:01"]),
        ("iy", &["3 days 04:05:06.5"]),
        ("u", &["123e4567-e89b-12d3-a456-426614174000"]),
        ("j", &["{\"b\": 1,   \"a\": [1, null, \"x\"]}", "1.50", "\"\""]),
        ("jb", &["{\"a\": [1, null], \"b\": 1.50}"]),
        ("by", &["", "00ff7f", "deadbeef"]),
        ("m", &["sad", "o'k", "Very \"happy\""]),
        ("far", &["x"]),
        ("a", &["{1,2,NULL}", "{}", "{{1,2},{3,4}}"]),
        ("ta", &["{\"with, comma\",\"quote \\\" in\",NULL,\"\"}"]),
        ("va", &["{abc,x}"]),
        ("dom", &["12345"]),
        ("ip", &["192.168.0.1", "2001:db8::/32"]),
        ("r", &["[1,10)"]),
        ("bi", &["101"]),
        ("vb", &["10110"]),
        ("na", &["a name"]),
    ];
    fresh.round_trips(table, texts).await;
}

#[tokio::test]
async fn postgres_nulls_stay_nulls() {
    let fresh = postgres("nulls", EVERYTHING).await;
    let table = fresh.table("everything");
    let key = fresh
        .insert(table, &[("t", None), ("i4", None), ("by", None), ("m", None)])
        .await
        .unwrap();
    let values = fresh.read(table, &key).await.unwrap();
    assert!(
        values.iter().all(|(name, text)| text.is_none() || name == "id"),
        "{values:?}"
    );
}

/// An explicit cast to varchar(5) or bit(3) would cut; nobody may lose text that way.
#[tokio::test]
async fn postgres_refuses_what_does_not_fit_instead_of_cutting_it() {
    let fresh = postgres("cutting", EVERYTHING).await;
    let table = fresh.table("everything");
    for (column, text) in [
        ("v", "eleven char"),
        ("c", "abcdef"),
        ("dom", "123456"),
        ("bi", "1011"),
        ("va", "{abcd}"),
    ] {
        let error = fresh.insert(table, &[(column, Some(text.into()))]).await.unwrap_err();
        let kind = error.constraint.as_ref().map(|broken| broken.kind);
        let expected = [Some(ConstraintKind::TooLong), Some(ConstraintKind::BadValue)];
        assert!(expected.contains(&kind), "{column}: {kind:?}");
    }
    for (column, text) in [
        ("v", "eleven char"),
        ("n2", "1.234"),
        ("i2", "32768"),
        ("dom", "123456"),
        ("m", "glad"),
    ] {
        assert!(
            check::refusal::<Postgres>(table.column(column).unwrap(), text).is_some(),
            "{column}"
        );
    }
    let error = fresh.insert(table, &[("dom", Some("nope".into()))]).await.unwrap_err();
    assert_eq!(error.constraint.map(|broken| broken.kind), Some(ConstraintKind::Check));
}

#[tokio::test]
async fn postgres_records_have_one_address_each() {
    let fresh = postgres(
        "keys",
        "CREATE TABLE by_id (id integer PRIMARY KEY, t text);
         CREATE TABLE by_text (k text PRIMARY KEY, t text);
         CREATE TABLE by_three (a integer, \"B b\" text, c date, t text, PRIMARY KEY (c, a, \"B b\"));
         CREATE TABLE by_inet (k inet PRIMARY KEY);
         CREATE TABLE by_uuid (k uuid PRIMARY KEY);",
    )
    .await;
    let key = |parts: &[&str]| app::records::model::RecordKey(parts.iter().map(|part| (*part).to_owned()).collect());

    let by_id = fresh.table("by_id");
    assert_eq!(
        fresh.insert(by_id, &[("id", Some("7".into()))]).await.unwrap(),
        key(&["7"])
    );
    assert!(fresh.read(by_id, &key(&["7"])).await.is_some());
    for other in ["07", "+7", "8", "abc", "", "99999999999", "7,7"] {
        assert!(fresh.read(by_id, &key(&[other])).await.is_none(), "{other:?}");
    }
    assert!(fresh.read(by_id, &key(&["7", "7"])).await.is_none());

    let by_text = fresh.table("by_text");
    for text in ["", "a/b,c.d~", "new", "ä ' \" \\"] {
        let made = fresh.insert(by_text, &[("k", Some(text.into()))]).await.unwrap();
        assert_eq!(made, key(&[text]));
        assert!(fresh.read(by_text, &made).await.is_some());
    }

    let by_three = fresh.table("by_three");
    let parts = [("a", "1"), ("B b", "x,y"), ("c", "2026-01-31")].map(|(name, text)| (name, Some(text.to_owned())));
    let made = fresh.insert(by_three, &parts).await.unwrap();
    assert_eq!(made, key(&["2026-01-31", "1", "x,y"]));
    assert!(fresh.read(by_three, &made).await.is_some());
    assert!(fresh.read(by_three, &key(&["2026-02-31", "1", "x,y"])).await.is_none());

    // What only the database can judge is no error either.
    let by_inet = fresh.table("by_inet");
    assert!(fresh.read(by_inet, &key(&["no address"])).await.is_none());
    let label = read::record_label::<Postgres>(&Access::One(&fresh.db), by_inet, &key(&["no address"]))
        .await
        .unwrap();
    assert_eq!(label, None);
}

#[tokio::test]
async fn postgres_says_which_value_it_did_not_take() {
    let fresh = postgres("which_value", EVERYTHING).await;
    let table = fresh.table("everything");
    let values = [
        ("ip", "no address"),
        ("a", "{1,two}"),
        ("jb", "\"\\u0000\""),
        ("i4", "7"),
        ("t", "fine"),
    ];
    let values = values
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Some(text.to_owned())))
        .collect();
    let refused = check::refused_by_database::<Postgres>(&Access::One(&fresh.db), table, &values)
        .await
        .unwrap();
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["a", "ip", "jb"]);
    assert_eq!(
        refused["ip"],
        "This is no value of the type inet. It is written like 192.168.0.1."
    );
}
