//! What comes back does nothing by itself, nothing can be saved in it before it says what was undone, and what killed
//! processes have left goes.

use std::time::{SystemTime, UNIX_EPOCH};

use inkfast_server::backup::{BackedUp, Places};
use inkfast_server::sql::{MySql, Postgres};

use super::support::{Place, errors};
use crate::support::private_database::PrivateDatabase;

fn over(database: &PrivateDatabase) -> Place {
    database.make_schema();
    Place::over(database.url())
}

async fn what_saving_hangs_on_comes_last<D: BackedUp>(database: PrivateDatabase, tables: &str) {
    let place = over(&database);
    place.says(&["migrate", "up"]);
    place.says(&["account", "add", "anna", "--role", "editor"]);
    database.query(&format!(
        "INSERT INTO {} (account, id, fingerprint) VALUES ('anna', 'one', 'f')",
        database.own("submission")
    ));
    let name = place.backup();
    database.make_empty("elsewhere");
    let address = place.url.replace("/maintenance", "/elsewhere");
    let (options, file) = (
        D::read_address(&address).expect("an address"),
        place.file(&name, "database"),
    );
    let places = Places::default();
    D::fill(&options, &places, &file, false).await.expect("filled");
    let there = |table: &str| database.query_in("elsewhere", &tables.replace("{}", table));
    assert_eq!([there("account"), there("submission")], ["1", "0"]);
    D::release(&options, &places, &file, false).await.expect("released");
    assert_eq!(there("submission"), "1");
    let saves = format!("SELECT count(*) FROM {}", database.own("submission"));
    assert_eq!(database.query_in("elsewhere", &saves), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_saved_in_postgresql_before_it_is_said_what_was_undone() {
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'inkfast' AND tablename = '{}'";
    what_saving_hangs_on_comes_last::<Postgres>(PrivateDatabase::postgres(), tables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_saved_in_mariadb_before_it_is_said_what_was_undone() {
    let tables = "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_NAME = 'inkfast_{}'";
    what_saving_hangs_on_comes_last::<MySql>(PrivateDatabase::mariadb(), tables).await;
}

#[test]
fn events_come_back_switched_off_and_are_named() {
    let database = PrivateDatabase::mariadb();
    let place = over(&database);
    database.query("CREATE DEFINER = tester@'127.0.0.1' EVENT tidy ON SCHEDULE EVERY 1 HOUR DO DELETE FROM activity");
    let status = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()";
    assert_eq!(database.query(status), "ENABLED");
    let name = place.backup();
    place.says(&["backup", "verify", &name]);
    database.make_empty("elsewhere");
    let elsewhere = place.url.replace("/maintenance", "/elsewhere");
    let told = place.says(&["restore", &name, "--into", &elsewhere, "--yes"]);
    assert_eq!(database.query_in("elsewhere", status), "DISABLED");
    assert!(told.contains("switched off: tidy"), "{told}");
    assert_eq!(database.query(status), "ENABLED", "the old one is what it was");
}

#[test]
fn what_an_account_may_not_see_is_named_with_the_backup() {
    let database = PrivateDatabase::mariadb();
    let place = over(&database);
    database.query(
        "CREATE TRIGGER kept BEFORE INSERT ON activity FOR EACH ROW SET NEW.title = NEW.title;
         CREATE USER clerk@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('clerk');
         GRANT SELECT, SHOW VIEW, EVENT ON maintenance.* TO clerk@'127.0.0.1'",
    );
    let whole = errors(&place.run(&["backup"]));
    assert!(!whole.contains("triggers"), "{whole}");
    let clerk = Place::over(place.url.replace("tester:tester@", "clerk:clerk@"));
    let said = errors(&clerk.run(&["backup"]));
    assert!(said.contains("may not see all triggers (it takes TRIGGER)"), "{said}");
    assert!(!said.contains("all events"), "{said}");
    let cautions = clerk.backups()[0]["manifest"]["cautions"].to_string();
    assert!(cautions.contains("TRIGGER"), "{cautions}");
}

fn what_a_killed_process_has_left_goes(database: &PrivateDatabase, names: &str) {
    let place = over(database);
    let name = place.backup();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let yesterday = now - 25 * 60 * 60 * 1_000;
    for made in [
        format!("maintenance_verify_{yesterday}"),
        format!("maintenance_verify_{now}"),
        format!("other_verify_{yesterday}"),
    ] {
        database.make_empty(&made);
    }
    place.says(&["backup", "verify", &name]);
    let left = database.query(names);
    assert_eq!(left, format!("maintenance_verify_{now} other_verify_{yesterday}"));
}

#[test]
fn what_a_killed_process_has_left_in_postgresql_goes_with_the_next() {
    let names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE '%verify%'";
    what_a_killed_process_has_left_goes(&PrivateDatabase::postgres(), names);
}

#[test]
fn what_a_killed_process_has_left_in_mariadb_goes_with_the_next() {
    let names = "SELECT group_concat(SCHEMA_NAME ORDER BY 1 SEPARATOR ' ') FROM information_schema.SCHEMATA \
         WHERE SCHEMA_NAME LIKE '%verify%'";
    what_a_killed_process_has_left_goes(&PrivateDatabase::mariadb(), names);
}
