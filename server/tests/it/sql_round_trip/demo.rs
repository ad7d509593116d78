//! The embedded demo database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::records::model::{ColumnKind, ListQuery, RecordKey, Table};
use inkfast_server::database::Access;
use inkfast_server::demo;
use inkfast_server::records::{check, read};
use inkfast_server::sql::catalog::Catalog;
use inkfast_server::sql::{Dialect, Sqlite};

use super::databases::{FreshSqlite, introspect, sqlite};

async fn demo() -> FreshSqlite {
    let mut fresh = sqlite("").await;
    assert!(demo::create(&fresh.db).await.unwrap());
    fresh.catalog = introspect::<Sqlite>(&fresh.db).await;
    fresh
}

async fn count(fresh: &FreshSqlite, sql: String) -> u64 {
    let work = |mut connection| {
        let sql = sql.clone();
        async move { Sqlite::fetch(&mut connection, sql, Vec::new()).await }
    };
    fresh.db.read("test.count", work).await.unwrap()[0][0]
        .as_ref()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn the_demo_is_made_once_and_quickly() {
    // Up to three times: what is slow is slow each time, and a busy machine is not.
    let mut took = Vec::new();
    let fresh = loop {
        let started = Instant::now();
        let fresh = demo().await;
        took.push(started.elapsed());
        if started.elapsed() < Duration::from_secs(2) {
            break fresh;
        }
        assert!(took.len() < 3, "{took:?}");
    };
    println!("the demo took {took:?}");
    assert!(!demo::create(&fresh.db).await.unwrap());
    let counts = read::counts::<Sqlite>(&Access::One(&fresh.db), fresh.catalog.tables()).await;
    let counted = |name: &str| {
        let place = fresh
            .catalog
            .tables()
            .iter()
            .position(|table| table.name.name == name)
            .unwrap();
        counts[place].unwrap()
    };
    assert_eq!(counted("activities"), 5_000);
    for table in [
        "sites",
        "site_contacts",
        "technicians",
        "activity_types",
        "equipment",
        "schedules",
        "comments",
    ] {
        assert!(counted(table) >= 9, "{table}");
    }
}

#[tokio::test]
async fn somebody_elses_file_gets_no_demo() {
    let fresh = sqlite("CREATE TABLE mine (id INTEGER PRIMARY KEY)").await;
    assert!(!demo::create(&fresh.db).await.unwrap());
    assert_eq!(introspect::<Sqlite>(&fresh.db).await.tables().len(), 1);
}

#[tokio::test]
async fn the_demo_shows_every_kind_of_column() {
    let fresh = demo().await;
    let kind = |table: &str, column: &str| fresh.table(table).column(column).unwrap().kind.clone();
    assert!(matches!(kind("activities", "status"), ColumnKind::Choice(values) if values.len() == 5));
    assert!(matches!(kind("activities", "priority"), ColumnKind::Choice(values) if values[0] == "low"));
    assert_eq!(kind("activities", "planned_on"), ColumnKind::Date);
    assert_eq!(kind("activities", "started_at"), ColumnKind::Timestamp);
    assert_eq!(kind("activities", "duration_hours"), ColumnKind::Decimal);
    assert_eq!(kind("activities", "notes"), ColumnKind::LongText);
    assert_eq!(kind("activities", "approved"), ColumnKind::Boolean);
    assert!(fresh.table("activities").column("approved").unwrap().nullable);
    assert_eq!(kind("sites", "address"), ColumnKind::LongText);
    assert_eq!(fresh.table("activities").column("title").unwrap().max_length, Some(120));
    assert_eq!(fresh.table("site_contacts").key, ["site_id", "position"]);
    assert!(fresh.table("technicians").column("pin_hash").unwrap().secret);
    assert!(
        fresh
            .table("technicians")
            .unique
            .iter()
            .any(|(_, columns)| *columns == ["email"])
    );
    let parent = fresh
        .table("equipment")
        .column("parent_id")
        .unwrap()
        .reference
        .clone()
        .unwrap();
    assert_eq!(parent.table.name, "equipment");
    assert_eq!(fresh.catalog.referring_to(&fresh.table("technicians").name).count(), 3);
}

/// What the demo holds could have been typed: an unchanged field is never refused.
#[tokio::test]
async fn every_value_of_the_demo_is_valid() {
    let fresh = demo().await;
    for table in fresh.catalog.tables() {
        let checked = table.columns.iter().filter(|column| !column.secret);
        let columns: Vec<_> = checked.collect();
        let list: Vec<String> = columns.iter().map(|column| Sqlite::text_of(column)).collect();
        let sql = format!("SELECT {} FROM {}", list.join(", "), Sqlite::table(&table.name));
        let work = |mut connection| {
            let sql = sql.clone();
            async move { Sqlite::fetch(&mut connection, sql, Vec::new()).await }
        };
        for row in fresh.db.read("test.values", work).await.unwrap() {
            for (column, text) in columns
                .iter()
                .zip(row)
                .filter_map(|(column, text)| Some((column, text?)))
            {
                let refusal = check::refusal::<Sqlite>(column, &text);
                assert_eq!(refusal, None, "{}.{}: {text:?}", table.label, column.name);
            }
        }
    }
    assert_eq!(
        count(
            &fresh,
            "SELECT CAST(count(*) AS TEXT) FROM pragma_foreign_key_check".into()
        )
        .await,
        0
    );
}

#[tokio::test]
async fn the_demos_lists_show_labels_and_hide_secrets() {
    let fresh = demo().await;
    let list = async |name: &str, query: ListQuery| {
        let table: &Arc<Table> = fresh.table(name);
        let catalog: &Catalog = &fresh.catalog;
        read::list::<Sqlite>(&Access::One(&fresh.db), catalog, table, &query)
            .await
            .unwrap()
    };
    let page = list(
        "activities",
        ListQuery {
            page: 100,
            ..ListQuery::default()
        },
    )
    .await;
    assert_eq!(
        (page.total, page.rows.len(), page.has_next, page.without_labels),
        (Some(5_000), 50, false, false)
    );
    let equipment = page.columns.iter().position(|name| name == "equipment_id").unwrap();
    assert!(page.rows.iter().all(|row| row.cells[equipment].label.is_some()));

    let technicians = list("technicians", ListQuery::default()).await;
    let pin = technicians.columns.iter().position(|name| name == "pin_hash").unwrap();
    assert!(technicians.rows.iter().any(|row| row.cells[pin].masked));
    assert!(technicians.rows.iter().all(|row| row.cells[pin].text.is_none()));

    let form = read::form_values::<Sqlite>(
        &Access::One(&fresh.db),
        fresh.table("technicians"),
        &RecordKey(vec!["1".into()]),
    )
    .await;
    let form = form.unwrap().unwrap();
    assert!(!form.values.contains_key("pin_hash"));
}

#[tokio::test]
async fn deleting_a_technician_would_touch_what_refers_to_them() {
    let fresh = demo().await;
    let technicians = fresh.table("technicians");
    let key = RecordKey(vec!["1".into()]);
    let referring = read::referring::<Sqlite>(&Access::One(&fresh.db), &fresh.catalog, technicians, &key)
        .await
        .unwrap();
    let rows = |label: &str| {
        referring
            .iter()
            .find(|(found, _)| found == label)
            .map(|(_, rows)| *rows)
    };
    let counted = count(
        &fresh,
        "SELECT CAST(count(*) AS TEXT) FROM activities WHERE technician_id = 1".into(),
    )
    .await;
    assert_eq!(rows("Activities"), Some(counted));
    assert!(rows("Comments").is_some());
    let label = read::record_label::<Sqlite>(&Access::One(&fresh.db), technicians, &key)
        .await
        .unwrap();
    assert!(label.unwrap().starts_with("Amira"));
}
