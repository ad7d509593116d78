//! What is read out of MariaDB's catalog.

use app::records::model::{Column, ColumnKind};
use inkfast_server::sql::{Dialect, MySql};
use private_servers::PrivateMariaDb;
use resilient_db::{Db, Policy};
use sqlx::mysql::MySqlConnectOptions;

use super::databases::{introspect, mariadb};

const SCHEMA: &str = "
    CREATE TABLE inkfast_own (id int PRIMARY KEY);
    CREATE TABLE `Odd ``Order` (Id int PRIMARY KEY, `Total €` decimal(10,2)) COMMENT 'What was sold';
    CREATE TABLE item (
        id int AUTO_INCREMENT PRIMARY KEY,
        order_id int REFERENCES `Odd ``Order` (Id),
        twin_a int, twin_b int,
        name varchar(40) NOT NULL COMMENT 'As on the box',
        long_name text GENERATED ALWAYS AS (CONCAT(name, '!')) VIRTUAL,
        description varchar(2000),
        status varchar(10) NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'old')),
        level int CHECK (level IN (1, 2, 3)),
        price decimal(8,2) DEFAULT 0.50,
        size enum('small', 'large') DEFAULT 'large',
        rank_ enum('first', 'second') NOT NULL,
        odd enum('a\\\\b') DEFAULT NULL,
        said varchar(20) DEFAULT 'it''s',
        path varchar(20) DEFAULT 'a\\\\b',
        made_on date DEFAULT '2020-01-01',
        made_at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        data json,
        bytes varbinary(4) DEFAULT 'ab',
        flag boolean DEFAULT true NOT NULL,
        spot point,
        api_key text,
        UNIQUE KEY twins (twin_a, twin_b),
        CONSTRAINT price_is_not_negative CHECK (price >= 0));
    CREATE VIEW cheap AS SELECT id, name, price FROM item WHERE price < 10;
    CREATE VIEW broken AS SELECT id FROM item;
    CREATE TABLE keyless (a int);
    CREATE TABLE loose (id int PRIMARY KEY, a text) ENGINE = MyISAM;
    CREATE SEQUENCE numbers;
    CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY HASH (id) PARTITIONS 2;
    CREATE TABLE child (id int PRIMARY KEY, item_id int REFERENCES item (id), a int, b int,
        FOREIGN KEY (a, b) REFERENCES item (twin_a, twin_b));
    DROP VIEW broken; CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT id FROM gone; DROP TABLE gone;";

#[tokio::test]
async fn mariadb_tables_are_listed_as_they_are() {
    let fresh = mariadb("tables_", SCHEMA).await;
    let names: Vec<&str> = fresh
        .catalog
        .tables()
        .iter()
        .map(|table| table.name.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["cheap", "child", "item", "keyless", "loose", "Odd `Order", "parted"]
    );
    let order = fresh.table("Odd `Order");
    assert_eq!(order.comment.as_deref(), Some("What was sold"));
    assert_eq!(order.key, ["Id"]);
    assert!(order.editable());
    assert!(fresh.table("cheap").is_view && !fresh.table("cheap").editable());
    assert!(fresh.table("keyless").key.is_empty());
    assert_eq!(fresh.table("parted").key, ["id", "day"]);
    // What it changes could not be undone with the rest of a save.
    let loose = fresh.table("loose");
    assert!(!loose.writable && !loose.may_insert() && !loose.may_update() && !loose.may_delete());
    let referring: Vec<_> = fresh
        .catalog
        .referring_to(&fresh.table("item").name)
        .map(|(table, column)| (&*table.label, &*column.name))
        .collect();
    assert_eq!(referring, [("Child", "item_id")]);
    assert_eq!(fresh.table("child").foreign.len(), 1);
    assert_eq!(fresh.table("child").foreign[0].1, ["a", "b"]);
}

#[tokio::test]
async fn mariadb_columns_are_what_they_were_declared() {
    let fresh = mariadb("columns_", SCHEMA).await;
    let item = fresh.table("item");
    let column = |name: &str| item.column(name).unwrap();
    let default = |name: &str| column(name).default.as_deref();
    let choice = |values: &[&str]| ColumnKind::Choice(values.iter().map(|value| (*value).to_owned()).collect());

    assert!(column("id").has_default && !column("id").generated && !column("id").nullable);
    assert!(column("long_name").generated && default("long_name").is_none());
    assert_eq!(column("name").max_length, Some(40));
    assert_eq!(column("name").comment.as_deref(), Some("As on the box"));
    assert!(!column("name").has_default && !column("description").has_default);
    assert_eq!(
        (&column("name").kind, &column("description").kind),
        (&ColumnKind::Text, &ColumnKind::LongText)
    );
    assert_eq!(
        (&column("status").kind, default("status")),
        (&choice(&["new", "old"]), Some("new"))
    );
    assert_eq!(column("level").kind, choice(&["1", "2", "3"]));
    assert_eq!(
        (&column("size").kind, default("size")),
        (&choice(&["small", "large"]), Some("large"))
    );
    assert_eq!((column("rank_").has_default, default("rank_")), (true, Some("first")));
    assert!(!column("odd").grants.update, "how it is written is not plain");
    assert_eq!(default("said"), Some("it's"));
    assert_eq!((column("path").has_default, default("path")), (true, None));
    assert_eq!(
        (column("price").sql_type.as_str(), default("price")),
        ("decimal(8,2)", Some("0.50"))
    );
    assert_eq!(default("made_on"), Some("2020-01-01"));
    assert_eq!((column("made_at").has_default, default("made_at")), (true, None));
    assert_eq!(column("made_at").comment.as_deref(), Some("In UTC."));
    assert_eq!(column("data").kind, ColumnKind::Json);
    assert_eq!((&column("bytes").kind, default("bytes")), (&ColumnKind::Bytes, None));
    assert_eq!(
        (&column("flag").kind, default("flag")),
        (&ColumnKind::Boolean, Some("true"))
    );
    assert!(column("spot").grants.read && !column("spot").grants.update);
    assert!(column("api_key").secret);
    let order = column("order_id").reference.as_ref().unwrap();
    assert_eq!((order.table.name.as_str(), order.column.as_str()), ("Odd `Order", "Id"));
    assert!(fresh.table("child").column("a").unwrap().reference.is_none());
    assert_eq!(
        item.unique,
        [("twins".to_owned(), vec!["twin_a".to_owned(), "twin_b".to_owned()])]
    );
    let price = item
        .checks
        .iter()
        .find(|(name, ..)| name == "price_is_not_negative")
        .unwrap();
    assert_eq!(price.2, ["price"]);
}

#[tokio::test]
async fn mariadb_rights_decide_what_is_seen_and_written() {
    let server = PrivateMariaDb::start().unwrap();
    server
        .query(
            "main",
            "CREATE TABLE seen (id int PRIMARY KEY, a text, hidden text, fixed text);
             CREATE TABLE only_read (id int PRIMARY KEY);
             CREATE TABLE all_of (id int PRIMARY KEY);
             CREATE TABLE unseen (id int PRIMARY KEY);
             CREATE USER clerk@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('clerk');
             GRANT SELECT (id, a, fixed), INSERT (id, a), UPDATE (id, a) ON seen TO clerk@'127.0.0.1';
             GRANT SELECT ON only_read TO clerk@'127.0.0.1';
             GRANT SELECT, INSERT, UPDATE, DELETE ON all_of TO clerk@'127.0.0.1';",
        )
        .unwrap();
    let options = MySqlConnectOptions::new().host("127.0.0.1").port(server.port());
    let options = options.username("clerk").password("clerk").database("main");
    let db = Db::connect_lazily(options, Policy::default()).await;
    let catalog = introspect::<MySql>(&db).await;
    let names: Vec<&str> = catalog.tables().iter().map(|table| table.name.name.as_str()).collect();
    assert_eq!(names, ["all_of", "only_read", "seen"]);
    let [all_of, only_read, seen] = catalog.tables() else {
        unreachable!()
    };
    assert!(all_of.may_delete() && all_of.may_insert() && all_of.may_update());
    assert!(!only_read.writable);
    assert!(seen.may_update() && seen.may_insert() && !seen.may_delete());
    let update = |column: &Column| (column.name.clone(), column.grants.update);
    let updates: Vec<_> = seen.columns.iter().map(update).collect();
    assert_eq!(
        updates,
        [("id".into(), true), ("a".into(), true), ("fixed".into(), false)]
    );
}

#[tokio::test]
async fn mariadb_estimates_are_by_name() {
    let fresh = mariadb("estimates", "CREATE TABLE item (id int PRIMARY KEY)").await;
    fresh.execute("INSERT INTO item SELECT seq FROM seq_1_to_300").await;
    fresh.execute("ANALYZE TABLE item").await;
    let work = |mut connection| async move { MySql::estimates(&mut connection).await };
    let estimates = fresh.db.read("test.estimates", work).await.unwrap();
    assert_eq!(estimates, [(fresh.table("item").name.clone(), 300)]);
}
