//! What is read out of a SQLite file.

use app::records::model::{ColumnKind, RecordKey};
use inkfast_server::database::Access;
use inkfast_server::records::read;
use inkfast_server::sql::{Sqlite, addressing_key};

use super::databases::sqlite;

#[tokio::test]
async fn sqlite_tables_and_columns_are_what_they_were_declared() {
    let fresh = sqlite(
        r#"PRAGMA foreign_keys = OFF;
        CREATE TABLE inkfast_account (name TEXT PRIMARY KEY);
        CREATE TABLE "Odd Parent" (Id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
        CREATE TABLE item (
            id INTEGER PRIMARY KEY,
            parent INTEGER REFERENCES "odd parent",
            other INTEGER REFERENCES item (ID),
            gone INTEGER REFERENCES nowhere (id),
            status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'old')),
            "Level" INT CONSTRAINT level_is_known CHECK ("level" IN (1, 2, 3)),
            active INTEGER DEFAULT 1 CHECK (active IN (0, 1)),
            on_sale BOOLEAN DEFAULT FALSE,
            price DECIMAL(8,2) DEFAULT 0.50 CHECK (price >= 0),
            twice REAL GENERATED ALWAYS AS (price * 2) STORED,
            thrice REAL AS (price * 3),
            made_at DATETIME DEFAULT CURRENT_TIMESTAMP,
            seen_at DATETIME,
            "remarks and notes" TEXT,
            pin TEXT,
            UNIQUE (status, price));
        CREATE UNIQUE INDEX item_made ON item (made_at);
        CREATE TABLE rowid_only (a INTEGER);
        CREATE TABLE pair (b TEXT, a INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
        CREATE TABLE session (token TEXT PRIMARY KEY, card_id INTEGER, seen TEXT);
        CREATE VIEW cheap AS SELECT id, price, price * 2 AS double FROM item;
        CREATE VIEW broken AS SELECT * FROM not_there;
        INSERT INTO item (id, price, made_at, seen_at) VALUES (1, 1, '2026-01-31 10:00:00', NULL), (2, 2, NULL, 1700000000);"#,
    )
    .await;
    let names: Vec<&str> = fresh
        .catalog
        .tables()
        .iter()
        .map(|table| table.name.name.as_str())
        .collect();
    assert_eq!(names, ["cheap", "item", "Odd Parent", "pair", "rowid_only", "session"]);
    assert_eq!(fresh.table("pair").key, ["a", "b"]);
    assert!(fresh.table("rowid_only").key.is_empty());
    assert!(fresh.table("cheap").is_view);
    // A secret must not stand in an address.
    let session = fresh.table("session");
    assert!(session.column("token").unwrap().secret);
    assert!(addressing_key(session.key.clone(), &session.columns).is_empty());
    assert!(!session.column("card_id").unwrap().secret);

    let item = fresh.table("item");
    let column = |name: &str| item.column(name).unwrap();
    let choice = |values: &[&str]| ColumnKind::Choice(values.iter().map(|value| (*value).to_owned()).collect());
    assert!(column("id").has_default && !column("id").nullable);
    let parent = column("parent").reference.as_ref().unwrap();
    assert_eq!(
        (parent.table.name.as_str(), parent.column.as_str()),
        ("Odd Parent", "Id")
    );
    assert_eq!(
        column("other").reference.as_ref().map(|to| to.column.as_str()),
        Some("id")
    );
    assert!(column("gone").reference.is_none());
    assert_eq!(column("status").kind, choice(&["new", "old"]));
    assert_eq!(
        (column("status").default.as_deref(), column("status").nullable),
        (Some("new"), false)
    );
    assert_eq!(column("Level").kind, choice(&["1", "2", "3"]));
    assert_eq!(
        (&column("active").kind, column("active").default.as_deref()),
        (&ColumnKind::Boolean, Some("true"))
    );
    assert_eq!(
        (&column("on_sale").kind, column("on_sale").default.as_deref()),
        (&ColumnKind::Boolean, Some("false"))
    );
    assert_eq!(
        (&column("price").kind, column("price").default.as_deref()),
        (&ColumnKind::Decimal, Some("0.50"))
    );
    assert!(column("twice").generated && column("thrice").generated);
    assert_eq!(column("twice").sql_type, "REAL");
    assert!(column("made_at").has_default && column("made_at").default.is_none());
    assert_eq!(
        (&column("made_at").kind, &column("seen_at").kind),
        (&ColumnKind::Timestamp, &ColumnKind::Integer)
    );
    assert_eq!(column("remarks and notes").kind, ColumnKind::LongText);
    assert!(column("pin").secret);

    let unique: Vec<&[String]> = item.unique.iter().map(|(_, columns)| columns.as_slice()).collect();
    assert!(
        unique.contains(&&["status".to_owned(), "price".to_owned()][..]),
        "{unique:?}"
    );
    assert!(item.unique.contains(&("item_made".into(), vec!["made_at".into()])));
    let checks: Vec<(&str, &[String])> = item
        .checks
        .iter()
        .map(|(name, _, columns)| (&**name, &**columns))
        .collect();
    assert!(
        checks.contains(&("level_is_known", &["Level".to_owned()])),
        "{checks:?}"
    );
    assert!(checks.contains(&("price >= 0", &["price".to_owned()])), "{checks:?}");
}

/// In double quotes the name would be taken for a text, and every row would hold it.
#[tokio::test]
async fn a_column_that_is_gone_is_an_error_and_no_text() {
    let fresh = sqlite("CREATE TABLE t (id INTEGER PRIMARY KEY, gone TEXT); INSERT INTO t VALUES (1, 'here')").await;
    fresh.execute("ALTER TABLE t DROP COLUMN gone").await;
    let key = RecordKey(vec!["1".into()]);
    assert!(
        read::form_values::<Sqlite>(&Access::One(&fresh.db), fresh.table("t"), &key)
            .await
            .is_err()
    );
}
