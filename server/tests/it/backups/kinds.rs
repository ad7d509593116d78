//! Each kind of database: copied under writers, restored elsewhere, and everything equal.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::support::{Place, errors, mode};
use crate::support::private_database::PrivateDatabase;

/// Two tables that only ever change together: the sums of both are one number.
const POSTGRES: &str = "
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE odd (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int2, b numeric(30,10), c double precision, d bytea,
        e timestamptz, f text[], g jsonb, h uuid, i mood, j interval, k boolean, l text,
        m int GENERATED ALWAYS AS (a * 2) STORED);
    INSERT INTO odd (a, b, c, d, e, f, g, h, i, j, k, l) VALUES
        (1, 12345678901234567890.0123456789, 0.1::float8 + 0.2, '\\x00ff', '2026-11-26 17:00:00.123456+02', '{a,NULL,\"b c\"}',
            '{\"x\": [1, null]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'bad', '1 mon 2 days', true, E'line\\nbreak ''\"é🙂'),
        (NULL, 'NaN', '-Infinity', NULL, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, '');
    CREATE SEQUENCE lone START 500; SELECT nextval('lone');
    CREATE VIEW seen AS SELECT id, l FROM odd;
    CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
    CREATE MATERIALIZED VIEW later AS SELECT 1 AS one WITH NO DATA;
    CREATE TABLE ledger_left (id serial PRIMARY KEY, amount int NOT NULL);
    CREATE TABLE ledger_right (id int PRIMARY KEY REFERENCES ledger_left, amount int NOT NULL);
    CREATE INDEX by_amount ON ledger_left (amount);
";
const POSTGRES_WRITES: &str = "WITH made AS (INSERT INTO ledger_left (amount) VALUES (7) RETURNING id, amount)
    INSERT INTO ledger_right SELECT id, -amount FROM made";
/// Everything that can be compared of a database, in one text.
const POSTGRES_ALL: &str = "SELECT string_agg(o::text, '|' ORDER BY id) FROM odd o;
    SELECT last_value, is_called FROM lone; SELECT twice(21); SELECT count(*) FROM seen;
    SELECT attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated FROM pg_attribute
        WHERE attrelid IN ('odd'::regclass, 'ledger_left'::regclass) AND attnum > 0 ORDER BY attrelid::regclass::text, attnum;
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2;
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1;";

const MARIADB: &str = "
    CREATE TABLE odd (id bigint AUTO_INCREMENT PRIMARY KEY, a smallint, b decimal(30,10), c double, d varbinary(20),
        e datetime(6), f json, g enum('good','bad'), h bit(10), i boolean, j text, k timestamp(3) NULL,
        m int GENERATED ALWAYS AS (a * 2) STORED, n longblob);
    INSERT INTO odd (a, b, c, d, e, f, g, h, i, j, k, n) VALUES
        (1, 12345678901234567890.0123456789, 0.1e0 + 0.2e0, x'00ff0a0d', '2026-11-26 17:00:00.123456', '{\"x\": [1, null]}',
            'bad', b'1000000001', true, 'line\\nbreak ''\"é🙂 (1),(2); \\\\', '2026-11-26 17:00:00.5', x'1a00'),
        (NULL, NULL, -1e308, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL);
    ALTER TABLE odd AUTO_INCREMENT = 900;
    CREATE DEFINER = tester@'127.0.0.1' VIEW seen AS SELECT id, j FROM odd;
    CREATE DEFINER = tester@'127.0.0.1' FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN x * 2;
    CREATE TABLE ledger_left (id int AUTO_INCREMENT PRIMARY KEY, amount int NOT NULL, KEY by_amount (amount));
    -- Between both when they are copied: it takes a while.
    CREATE TABLE ledger_middle (n int PRIMARY KEY); INSERT INTO ledger_middle SELECT seq FROM seq_1_to_200000;
    CREATE TABLE ledger_right (id int PRIMARY KEY, amount int NOT NULL, FOREIGN KEY (id) REFERENCES ledger_left (id));
    CREATE DEFINER = tester@'127.0.0.1' TRIGGER no_zero BEFORE INSERT ON ledger_left FOR EACH ROW SET NEW.amount = IF(NEW.amount = 0, 1, NEW.amount);
";
const MARIADB_WRITES: &str = "BEGIN; INSERT INTO ledger_left (amount) VALUES (7);
    INSERT INTO ledger_right VALUES (LAST_INSERT_ID(), -7); COMMIT";
const MARIADB_ALL: &str = "SELECT id, a, b, c, hex(d), e, f, g, hex(h), i, hex(j), k, m, hex(n) FROM odd ORDER BY id;
    SELECT twice(21); SELECT count(*) FROM seen;
    SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('odd', 'ledger_left') ORDER BY 1, ORDINAL_POSITION;
    SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE();
    SELECT CONSTRAINT_NAME, CONSTRAINT_TYPE FROM information_schema.TABLE_CONSTRAINTS
        WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, 1;
    SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'odd'";

/// Writes until it is dropped, each time something whole.
struct Writers<'scope> {
    stop: &'scope AtomicBool,
    written: &'scope AtomicU64,
}

impl Drop for Writers<'_> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// Runs `work` while three others write.
fn while_written<T>(write: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    write();
                    written.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        let writers = Writers {
            stop: &stop,
            written: &written,
        };
        let begun = Instant::now();
        while writers.written.load(Ordering::Acquire) < 5 {
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody writes");
            thread::sleep(Duration::from_millis(5));
        }
        let before = writers.written.load(Ordering::Acquire);
        let done = work();
        assert!(
            writers.written.load(Ordering::Acquire) > before,
            "somebody wrote meanwhile"
        );
        done
    })
}

fn over_server(database: &PrivateDatabase, schema: &str, writes: &str, all: &str) {
    database.make_empty("maintenance");
    database.query(schema);
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let place = Place::over(url.clone());
    place.says(&["migrate", "up"]);
    place.says(&["account", "add", "anna", "--role", "editor"]);
    let name = while_written(|| drop(database.query(writes)), || place.backup());
    assert_eq!(mode(&place.shelf().join(&name)), 0o700);
    assert_eq!(mode(&place.file(&name, "database")), 0o600);
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    let told = place.says(&["backup", "verify", &name]);
    assert!(told.contains("is good"), "{told}");

    // Elsewhere, on the same server.
    database.make_empty("elsewhere");
    let elsewhere = url.replace("/maintenance", "/elsewhere");
    place.says(&["restore", &name, "--into", &elsewhere, "--yes"]);
    let there = |sql: &str| database.query_in("elsewhere", sql);
    assert_eq!(there(all), database.query(all));
    let sums = "SELECT (SELECT count(*) FROM ledger_left) - (SELECT count(*) FROM ledger_right),
        (SELECT coalesce(sum(amount), 0) FROM ledger_left) + (SELECT coalesce(sum(amount), 0) FROM ledger_right)";
    assert_eq!(
        there(sums),
        "0|0",
        "of what was written together, nothing was copied alone"
    );
    assert_ne!(there("SELECT count(*) FROM ledger_left"), "0");
    assert_eq!(there(&format!("SELECT name FROM {}", database.own("account"))), "anna");
    // The next key is a new one.
    database.query_in("elsewhere", writes);
    let again = place.ends(&["restore", &name, "--into", &elsewhere, "--yes"]);
    assert!(again.0 == 4 && again.1.contains("is not empty"), "{again:?}");
}

#[test]
fn postgresql_is_copied_while_it_is_written_to_and_comes_back_equal() {
    over_server(&PrivateDatabase::postgres(), POSTGRES, POSTGRES_WRITES, POSTGRES_ALL);
}

#[test]
fn mariadb_is_copied_while_it_is_written_to_and_comes_back_equal() {
    over_server(&PrivateDatabase::mariadb(), MARIADB, MARIADB_WRITES, MARIADB_ALL);
}

/// The old one stays, under another name.
#[test]
fn a_database_of_postgresql_is_replaced_in_one_step() {
    let database = PrivateDatabase::postgres();
    database.make_empty("maintenance");
    database.query(POSTGRES);
    let place = Place::over(database.url_at(([127, 0, 0, 1], database.port()).into()));
    place.says(&["migrate", "up"]);
    let name = place.backup();
    database.query("DROP VIEW seen; DROP TABLE odd");
    let asked = place.ends(&["restore", &name]);
    assert!(asked.0 == 4 && asked.1.contains("--yes"), "{asked:?}");
    let refused = place.ends(&["restore", &name, "--yes"]);
    assert!(refused.0 == 4 && refused.1.contains("--replace"), "{refused:?}");
    let told = place.says(&["restore", &name, "--replace", "--yes"]);
    assert_eq!(database.query("SELECT count(*) FROM odd"), "2");
    let old = told
        .split("kept as ")
        .nth(1)
        .and_then(|rest| rest.split(['.', '\n']).next())
        .expect("its name");
    assert_eq!(database.query_in(old, "SELECT to_regclass('odd') IS NULL"), "t");
    let databases = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE '%restoring%'";
    assert_eq!(database.query(databases), "", "nothing is left");
}

/// It cannot be put in the place of another there; it is beside it, and the old one is what it was.
#[test]
fn a_database_of_mariadb_is_restored_beside_the_old_one() {
    let database = PrivateDatabase::mariadb();
    database.make_empty("maintenance");
    database.query(MARIADB);
    database.query("CREATE TABLE old_kind (x float) ENGINE = MyISAM; INSERT INTO old_kind VALUES (0.1234567)");
    let place = Place::over(database.url_at(([127, 0, 0, 1], database.port()).into()));
    let cautions = errors(&place.run(&["backup"]));
    assert!(
        cautions.contains("not InnoDB's") && cautions.contains("six digits of FLOAT"),
        "{cautions}"
    );
    let name = place.backup();
    database.query("DROP VIEW seen; DROP TABLE odd");
    let told = place.says(&["restore", &name, "--replace", "--yes"]);
    let made = told
        .split("All is restored in ")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .expect("its name");
    assert_eq!(database.query_in(made, "SELECT count(*) FROM odd"), "2");
    let exactly = "SELECT x + 0.0e0 FROM old_kind";
    assert_ne!(
        database.query_in(made, exactly),
        database.query(exactly),
        "this caution can go"
    );
    let there =
        "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'maintenance' AND TABLE_NAME = 'odd'";
    assert_eq!(database.query(there), "0");
}

const SQLITE: &str = "
    CREATE TABLE odd (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b TEXT, c BLOB, d REAL);
    INSERT INTO odd (a, b, c, d) VALUES (1, 'it''s é🙂', x'00ff', 0.1 + 0.2), ('1', '', NULL, 9e999), (x'31', NULL, x'', -0.0);
    DELETE FROM odd WHERE id = 2;
    INSERT INTO odd (id, b) VALUES (900, 'high'); DELETE FROM odd WHERE id = 900;
    -- Without a key of its own, and with gaps.
    CREATE TABLE keyless (x TEXT);
    INSERT INTO keyless VALUES ('a'), ('b'), ('c'), ('d'); DELETE FROM keyless WHERE x IN ('a', 'c');
    CREATE TABLE strict_one (k TEXT PRIMARY KEY, v INT) STRICT, WITHOUT ROWID; INSERT INTO strict_one VALUES ('k', 1);
    CREATE TABLE ledger_left (id INTEGER PRIMARY KEY, amount INT NOT NULL);
    CREATE TABLE ledger_right (id INTEGER PRIMARY KEY REFERENCES ledger_left, amount INT NOT NULL);
    CREATE VIEW seen AS SELECT id FROM odd;
    CREATE TRIGGER no_zero AFTER INSERT ON ledger_left WHEN NEW.amount = 0 BEGIN UPDATE ledger_left SET amount = 1; END;
    PRAGMA user_version = 77; PRAGMA application_id = 78;
";
const SQLITE_ALL: &str = "SELECT group_concat(line, char(10)) FROM (
    SELECT type || name || coalesce(sql, '') AS line FROM sqlite_schema WHERE tbl_name NOT LIKE 'inkfast%' AND name NOT LIKE 'sqlite%'
    UNION ALL SELECT id || typeof(a) || quote(a) || quote(b) || quote(c) || typeof(d) || coalesce(printf('%!.17g', d), '') FROM odd
    UNION ALL SELECT 'rowid ' || rowid || x FROM keyless
    UNION ALL SELECT k || v FROM strict_one
    UNION ALL SELECT name || seq FROM sqlite_sequence
    UNION ALL SELECT user_version FROM pragma_user_version UNION ALL SELECT application_id FROM pragma_application_id
    ORDER BY 1)";

pub async fn opened(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal);
    options
        .busy_timeout(Duration::from_secs(30))
        .connect()
        .await
        .expect("the file")
}

pub async fn text(connection: &mut SqliteConnection, sql: &str) -> String {
    let asked = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection);
    asked.await.unwrap_or_else(|error| panic!("{error}: {sql}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_copied_while_it_is_written_to_and_comes_back_equal() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("records.db");
    let made = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .connect()
        .await;
    made.expect("a new file").close().await.expect("closed");
    let mut connection = opened(&file).await;
    sqlx::raw_sql(SQLITE)
        .execute(&mut connection)
        .await
        .expect("the schema");
    let filling =
        "INSERT INTO ledger_left WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        SELECT i, i FROM n; INSERT INTO ledger_right SELECT id, -amount FROM ledger_left";
    sqlx::raw_sql(filling).execute(&mut connection).await.expect("rows");
    let place = Place::over(format!("sqlite:{}", file.display()));
    place.says(&["migrate", "up"]);
    let runtime = tokio::runtime::Handle::current();
    let write = || {
        runtime.block_on(async {
            let mut connection = opened(&file).await;
            let both = "BEGIN IMMEDIATE; INSERT INTO ledger_left (amount) VALUES (7);
                INSERT INTO ledger_right VALUES (last_insert_rowid(), -7); COMMIT";
            sqlx::raw_sql(both).execute(&mut connection).await.expect("written");
        });
    };
    let name = tokio::task::block_in_place(|| while_written(write, || place.backup()));
    assert_eq!(mode(&place.file(&name, "database")), 0o600);
    assert!(place.says(&["backup", "verify", &name]).contains("is good"));
    let elsewhere = folder.path().join("elsewhere.db");
    let address = format!("sqlite:{}", elsewhere.display());
    place.says(&["restore", &name, "--into", &address, "--yes"]);
    let mut restored = opened(&elsewhere).await;
    assert_eq!(
        text(&mut restored, SQLITE_ALL).await,
        text(&mut connection, SQLITE_ALL).await
    );
    let apart = "SELECT CAST((SELECT count(*) FROM ledger_left) - (SELECT count(*) FROM ledger_right) AS TEXT)";
    assert_eq!(text(&mut restored, apart).await, "0");
    connection.close().await.expect("closed");

    // In the place of the old one, which stays beside it.
    let mut old = opened(&file).await;
    sqlx::raw_sql("DELETE FROM ledger_right; DELETE FROM ledger_left; DROP TABLE keyless")
        .execute(&mut old)
        .await
        .expect("gone");
    let open = place.ends(&["restore", &name, "--replace", "--yes"]);
    assert!(open.0 == 4 && open.1.contains("in use"), "{open:?}");
    old.close().await.expect("closed");
    place.says(&["restore", &name, "--replace", "--yes"]);
    let mut now = opened(&file).await;
    assert_eq!(text(&mut now, SQLITE_ALL).await, text(&mut restored, SQLITE_ALL).await);
    let beside = std::fs::read_dir(folder.path()).expect("the folder").flatten();
    let kept: Vec<_> = beside
        .filter(|entry| entry.file_name().to_string_lossy().contains(".before-"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let mut kept = opened(&kept[0].path()).await;
    assert_eq!(
        text(&mut kept, "SELECT CAST(count(*) AS TEXT) FROM ledger_left").await,
        "0"
    );
}
