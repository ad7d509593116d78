//! Every plain type of MariaDB, written as text and read as text.

use app::records::model::{RecordKey, Text, Values};
use inkfast_server::database::Access;
use inkfast_server::records::{check, read};
use inkfast_server::sql::{Dialect, MySql};
use resilient_db::ConstraintKind;

use super::databases::mariadb;

const EVERYTHING: &str = "
    CREATE TABLE everything (
        id bigint AUTO_INCREMENT PRIMARY KEY,
        i1 tinyint, i2 smallint, i3 mediumint, i4 int, i8 bigint, u1 tinyint unsigned, u8 bigint unsigned, y year,
        n decimal(65,30), n2 decimal(10,2), n0 decimal(3), f4 float, f8 double,
        t text, tt tinytext, lt longtext, v varchar(10), c char(5), lat varchar(20) CHARACTER SET latin1,
        b boolean, bit1 bit(1), bi bit(3), b64 bit(64),
        d date, tm time, tm6 time(6), ts datetime, ts6 datetime(6), tz timestamp NULL,
        u uuid, ip inet6, j json, by4 binary(4), vb varbinary(8), bl blob,
        m enum('sad', 'o''k', 'Very \"happy\"', '1'), e0 enum('', 'x'), s set('a', 'b', 'c'));";

#[tokio::test]
async fn mariadb_values_come_back_as_they_went() {
    let fresh = mariadb("values_", EVERYTHING).await;
    let table = fresh.table("everything");
    let long = "ä\"'\\\n\r\n\tτέλος 𝄞".repeat(2_000);
    let texts: &[(&str, &[&str])] = &[
        ("i1", &["-128", "127", "0"]),
        ("i2", &["-32768", "32767"]),
        ("i3", &["-8388608", "8388607"]),
        ("i4", &["-2147483648", "2147483647"]),
        ("i8", &["-9223372036854775808", "9223372036854775807"]),
        ("u1", &["0", "255"]),
        ("u8", &["0", "18446744073709551615"]),
        ("y", &["1901", "2155"]),
        (
            "n",
            &["12345678901234567890123456789012345.123456789012345678901234567890"],
        ),
        ("n2", &["-99999999.99", "0.00", "1.50"]),
        ("n0", &["999", "-1"]),
        ("f4", &["0.1", "-2.5", "3.40282e38", "16777216", "16777217024", "0"]),
        (
            "f8",
            &[
                "0.30000000000000004",
                "1.7976931348623157e308",
                "2.2250738585072014e-308",
                "0.1",
                "-2.5",
                "0",
            ],
        ),
        (
            "t",
            &[
                "",
                " ",
                "two\nlines",
                "carriage\r\nreturn",
                "quotes ' \" \\ %s $1 ? ?1",
                "ünïcödé 𝄞 \u{202e}",
                &long,
            ],
        ),
        ("tt", &["", "short"]),
        ("lt", &[&long]),
        ("v", &["", "ten chars!", "ääääääääää", "trailing  "]),
        ("c", &["abc", "abcde"]),
        ("lat", &["Müller €"]),
        ("b", &["true", "false"]),
        ("bit1", &["true", "false"]),
        ("bi", &["101", "000"]),
        (
            "b64",
            &["1111111111111111111111111111111111111111111111111111111111111111"],
        ),
        ("d", &["2024-02-29", "0001-01-01", "9999-12-31"]),
        ("tm", &["00:00:00", "23:59:59"]),
        ("tm6", &["23:59:59.999999"]),
        ("ts", &["2026-01-31 14:30:00"]),
        ("ts6", &["2026-01-31 14:30:00.123456"]),
        ("tz", &["2026-01-31 14:30:00"]),
        ("u", &["123e4567-e89b-12d3-a456-426614174000"]),
        ("ip", &["2001:db8::1"]),
        ("j", &["{\"b\": 1,   \"a\": [1, null, \"x\"]}", "1.50", "\"\""]),
        ("by4", &["00ff7f80"]),
        ("vb", &["", "00ff7f"]),
        ("bl", &["", "deadbeef"]),
        ("m", &["sad", "o'k", "Very \"happy\"", "1"]),
        ("e0", &["", "x"]),
        ("s", &["", "a", "a,c"]),
    ];
    fresh.round_trips(table, texts).await;
}

#[tokio::test]
async fn mariadb_nulls_stay_nulls() {
    let fresh = mariadb("nulls", EVERYTHING).await;
    let table = fresh.table("everything");
    let none: Vec<(&str, Text)> = table.columns[1..]
        .iter()
        .map(|column| (column.name.as_str(), None))
        .collect();
    let key = fresh.insert(table, &none).await.unwrap();
    let values = fresh.read(table, &key).await.unwrap();
    assert!(
        values.iter().all(|(name, text)| text.is_none() || name == "id"),
        "{values:?}"
    );
}

/// The server writes FLOATs with six digits, which is not enough to tell them apart.
#[tokio::test]
async fn mariadb_floats_keep_every_bit() {
    let fresh = mariadb("floats", EVERYTHING).await;
    let table = fresh.table("everything");
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..200 {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Any sign and fraction, and exponents from -40 to 59.
        let double = f64::from_bits((bits & 0x800F_FFFF_FFFF_FFFF) | ((1_023 - 40 + bits % 100) << 52));
        let read = fresh.round_trip(table, "f8", &format!("{double:e}")).await;
        assert_eq!(
            read.parse::<f64>().unwrap().to_bits(),
            double.to_bits(),
            "{double:e}: {read}"
        );
        let float = double as f32;
        let read = fresh.round_trip(table, "f4", &format!("{float:e}")).await;
        assert_eq!(
            read.parse::<f32>().unwrap().to_bits(),
            float.to_bits(),
            "{float:e}: {read}"
        );
        // What was typed with few digits is shown with as many.
        let short = format!("{:.3e}", float).parse::<f32>().unwrap();
        let typed = format!("{short}");
        if typed.len() <= 7 && short.abs() >= 1e-3 && short.abs() < 1e6 {
            assert_eq!(fresh.round_trip(table, "f4", &typed).await, typed);
        }
    }
}

#[tokio::test]
async fn mariadb_refuses_what_does_not_fit_instead_of_changing_it() {
    let fresh = mariadb("cutting", EVERYTHING).await;
    let table = fresh.table("everything");
    for (column, text) in [
        ("v", "eleven char"),
        ("c", "abcdef"),
        ("tt", "ü".repeat(128).as_str()),
        ("n2", "1.234"),
        ("n0", "1000"),
        ("i1", "128"),
        ("u1", "-1"),
        ("u8", "18446744073709551616"),
        ("y", "1900"),
        ("b", "2"),
        ("bit1", "1"),
        ("bi", "b101"),
        ("bi", "1011"),
        ("ts", "2026-01-31 14:30:00.5"),
        ("tm", "14:30:00.5"),
        ("tm", "27:00:00"),
        ("d", "2026-02-30"),
        ("d", "0000-00-00"),
        ("bl", "xyz"),
        ("j", "{"),
        ("m", "2"),
        ("m", "glad"),
        ("e0", "1"),
        ("s", "3"),
        ("s", "a,d"),
        ("f8", "NaN"),
    ] {
        let column = table.column(column).unwrap();
        assert!(
            check::refusal::<MySql>(column, text).is_some(),
            "{}: {text:?}",
            column.name
        );
    }
    // What only the database can judge is refused by it, and said of the column.
    for (column, text) in [
        ("by4", "0011223344"),
        ("vb", "001122334455667788"),
        ("lat", "𝄞"),
        ("ip", "no address"),
        ("f4", "1e39"),
        ("tz", "1950-01-01 00:00:00"),
    ] {
        assert_eq!(
            check::refusal::<MySql>(table.column(column).unwrap(), text).filter(|_| column != "ip"),
            None
        );
        let error = fresh.insert(table, &[(column, Some(text.into()))]).await.unwrap_err();
        let constraint = error
            .constraint
            .as_ref()
            .unwrap_or_else(|| panic!("{column}: {error:?}"));
        assert!(
            matches!(constraint.kind, ConstraintKind::TooLong | ConstraintKind::BadValue),
            "{column}: {constraint:?}"
        );
        assert_eq!(constraint.columns, [column], "{constraint:?}");
    }
}

#[tokio::test]
async fn mariadb_values_of_another_kind_than_theirs_are_shown_whole() {
    let fresh = mariadb("unlikely", EVERYTHING).await;
    let table = fresh.table("everything");
    fresh
        .execute("INSERT INTO everything (id, b, tm) VALUES (1, 2, '-27:15:00')")
        .await;
    let values = fresh.read(table, &RecordKey(vec!["1".into()])).await.unwrap();
    assert_eq!(values["b"].as_deref(), Some("2"));
    assert_eq!(values["tm"].as_deref(), Some("-27:15:00"));
}

#[tokio::test]
async fn mariadb_records_have_one_address_each() {
    let fresh = mariadb(
        "keys_",
        "CREATE TABLE by_id (id int AUTO_INCREMENT PRIMARY KEY, t text);
         CREATE TABLE by_big (id bigint unsigned PRIMARY KEY, t text);
         CREATE TABLE by_text (k varchar(30) PRIMARY KEY, t text);
         CREATE TABLE by_three (a int, `B b` varchar(20), c date, t text, PRIMARY KEY (c, a, `B b`));
         CREATE TABLE by_bytes (k varbinary(8) PRIMARY KEY);
         CREATE TABLE by_decimal (k decimal(6,2) PRIMARY KEY);
         CREATE TABLE by_float (k float PRIMARY KEY);
         CREATE TABLE by_default (k uuid PRIMARY KEY DEFAULT (uuid()), t text);
         CREATE TABLE by_trigger (k varchar(30) PRIMARY KEY);
         CREATE TRIGGER upper_k BEFORE INSERT ON by_trigger FOR EACH ROW SET NEW.k = UPPER(NEW.k);",
    )
    .await;
    let key = |parts: &[&str]| RecordKey(parts.iter().map(|part| (*part).to_owned()).collect());

    let by_id = fresh.table("by_id");
    assert_eq!(
        fresh.insert(by_id, &[("t", Some("x".into()))]).await.unwrap(),
        key(&["1"])
    );
    assert_eq!(fresh.insert(by_id, &[]).await.unwrap(), key(&["2"]));
    assert!(fresh.read(by_id, &key(&["1"])).await.is_some());
    for other in ["01", "+1", "1.0", " 1", "3", "abc", "", "1,1", "99999999999"] {
        assert!(fresh.read(by_id, &key(&[other])).await.is_none(), "{other:?}");
    }

    // Compared as doubles these two would be the same.
    let by_big = fresh.table("by_big");
    for text in ["18446744073709551614", "18446744073709551615"] {
        let made = fresh
            .insert(by_big, &[("id", Some(text.into())), ("t", Some(text.into()))])
            .await
            .unwrap();
        assert_eq!(made, key(&[text]));
        assert_eq!(fresh.read(by_big, &made).await.unwrap()["t"].as_deref(), Some(text));
    }

    let by_text = fresh.table("by_text");
    for text in ["", "a/b,c.d~", "new", "ä ' \" \\"] {
        let made = fresh.insert(by_text, &[("k", Some(text.into()))]).await.unwrap();
        assert_eq!(made, key(&[text]));
        assert!(fresh.read(by_text, &made).await.is_some());
    }
    for other in ["NEW", "new ", "A/B,C.D~"] {
        assert!(fresh.read(by_text, &key(&[other])).await.is_none(), "{other:?}");
    }

    let by_three = fresh.table("by_three");
    let parts = [("a", "1"), ("B b", "x,y"), ("c", "2026-01-31")].map(|(name, text)| (name, Some(text.to_owned())));
    let made = fresh.insert(by_three, &parts).await.unwrap();
    assert_eq!(made, key(&["2026-01-31", "1", "x,y"]));
    assert!(fresh.read(by_three, &made).await.is_some());
    assert!(fresh.read(by_three, &key(&["2026-02-31", "1", "x,y"])).await.is_none());

    for (table, text) in [("by_bytes", "00ff"), ("by_decimal", "1.50"), ("by_float", "0.1")] {
        let table = fresh.table(table);
        assert_eq!(
            fresh.insert(table, &[("k", Some(text.into()))]).await.unwrap(),
            key(&[text])
        );
        assert!(fresh.read(table, &key(&[text])).await.is_some());
    }

    // A key that only the database knows.
    let by_default = fresh.table("by_default");
    let made = fresh.insert(by_default, &[("t", Some("x".into()))]).await.unwrap();
    assert_eq!(made.0[0].len(), 36);
    assert!(fresh.read(by_default, &made).await.is_some());
    let by_trigger = fresh.table("by_trigger");
    assert_eq!(
        fresh.insert(by_trigger, &[("k", Some("low".into()))]).await.unwrap(),
        key(&["LOW"])
    );

    let label = read::record_label::<MySql>(&Access::One(&fresh.db), by_id, &key(&["no number"]))
        .await
        .unwrap();
    assert_eq!(label, None);
}

/// What a server does that cannot give back what it inserted: the row is looked up.
#[tokio::test]
async fn a_parameter_may_stand_anywhere_and_as_often_as_it_is_needed() {
    let fresh = mariadb("parameters", "CREATE TABLE `a?b` (`c ? d` varchar(20) PRIMARY KEY)").await;
    let column = fresh.table("a?b").columns[0].clone();
    let sql = format!(
        "SELECT {0}, {1}, {0}, '?' FROM {2} AS t WHERE {3} = {1}",
        MySql::placeholder(2),
        MySql::placeholder(1),
        MySql::table(&fresh.table("a?b").name),
        MySql::quote(&column.name),
    );
    fresh
        .insert(fresh.table("a?b"), &[("c ? d", Some("one".into()))])
        .await
        .unwrap();
    let work = |mut connection| {
        let sql = sql.clone();
        async move { MySql::fetch(&mut connection, sql, vec![Some("one".into()), Some("two".into())]).await }
    };
    let rows = fresh.db.read("test.parameters", work).await.unwrap();
    let texts: Vec<&str> = rows[0].iter().map(|text| text.as_deref().unwrap()).collect();
    assert_eq!(texts, ["two", "one", "two", "?"]);
}

#[tokio::test]
async fn mariadb_says_which_value_it_did_not_take() {
    let fresh = mariadb("which_value", EVERYTHING).await;
    let table = fresh.table("everything");
    let values: Values = [("t", "fine"), ("lat", "𝄞"), ("i4", "7")]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Some(text.to_owned())))
        .collect();
    let values: Vec<(&str, Text)> = values
        .iter()
        .map(|(name, text)| (name.as_str(), text.clone()))
        .collect();
    let error = fresh.insert(table, &values).await.unwrap_err();
    assert_eq!(error.constraint.unwrap().columns, ["lat"]);
}
