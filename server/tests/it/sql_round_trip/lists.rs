//! Lists: paging, order, search, filters, labels, on each database by the same expectations.

use app::records::model::{ListPage, ListQuery, RecordKey};
use inkfast_server::database::Access;
use inkfast_server::records::read;
use inkfast_server::sql::Dialect;

use super::databases::{Fresh, mariadb, postgres, sqlite};

const SCHEMA: &str = "
    CREATE TABLE place (id integer PRIMARY KEY, name varchar(30) NOT NULL, password varchar(60));
    INSERT INTO place VALUES (1, 'Attic', 'secret'), (2, 'Cellar', NULL), (3, 'Cellar', NULL);
    CREATE TABLE thing (
        id integer PRIMARY KEY, name text NOT NULL, code varchar(10), price numeric(8,2), made_on date,
        place_id integer REFERENCES place (id), working boolean, notes text, weight float);
    CREATE VIEW cheap AS SELECT id, name, price FROM thing WHERE price < 3;
    CREATE TABLE link (a integer, b varchar(10), note text, PRIMARY KEY (b, a));
    INSERT INTO link VALUES (1, 'x', 'one'), (2, 'x', 'two'), (1, 'y', 'three');";

/// 120 things: names repeat, every third has no price, place is 1 to 3 or none.
async fn filled<D: Dialect, Keeper>(fresh: Fresh<D, Keeper>) -> Fresh<D, Keeper> {
    let table = fresh.table("thing").clone();
    for id in 1..=120_u32 {
        let some = |text: String| Some(text);
        let values = [
            ("id", some(id.to_string())),
            ("name", some(format!("Thing {}", id % 10))),
            ("code", some(format!("50%_{id}"))),
            ("price", (id % 3 > 0).then(|| format!("{}.50", id % 7))),
            ("made_on", some(format!("2026-01-{:02}", id % 28 + 1))),
            ("place_id", (id % 4 > 0).then(|| (id % 4).to_string())),
            ("weight", some(format!("0.{}", id % 4))),
            ("working", (id % 5 > 0).then(|| (id % 5 > 2).to_string())),
            (
                "notes",
                (id == 77).then(|| format!("{}Needle's in the HAYSTACK", "hay ".repeat(100))),
            ),
        ];
        fresh.insert(&table, &values).await.unwrap();
    }
    fresh
}

async fn list<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>, table: &str, query: ListQuery) -> ListPage {
    read::list::<D>(&Access::One(&fresh.db), &fresh.catalog, fresh.table(table), &query)
        .await
        .unwrap()
}

fn ids(page: &ListPage) -> Vec<String> {
    page.rows
        .iter()
        .map(|row| row.key.as_ref().unwrap().0.join(","))
        .collect()
}

fn sorted(sort: &[(&str, bool)]) -> ListQuery {
    ListQuery {
        sort: sort.iter().map(|(name, down)| ((*name).into(), *down)).collect(),
        ..ListQuery::default()
    }
}

fn filtered(filters: &[(&str, &str, &str)]) -> ListQuery {
    let owned = |(name, operator, text): &(&str, &str, &str)| ((*name).into(), (*operator).into(), (*text).into());
    ListQuery {
        filters: filters.iter().map(owned).collect(),
        ..ListQuery::default()
    }
}

fn searched(search: &str) -> ListQuery {
    ListQuery {
        search: search.into(),
        ..ListQuery::default()
    }
}

async fn everything_a_list_does<D: Dialect, Keeper>(fresh: Fresh<D, Keeper>) {
    let fresh = filled(fresh).await;
    paging(&fresh).await;
    order(&fresh).await;
    search(&fresh).await;
    filters(&fresh).await;
    cells(&fresh).await;
    references(&fresh).await;
}

async fn paging<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    let mut seen = Vec::new();
    for page in 1..=3 {
        let query = ListQuery {
            page,
            ..sorted(&[("name", true)])
        };
        let page = list(fresh, "thing", query).await;
        assert_eq!((page.total, page.page_size), (Some(120), 50));
        assert_eq!(page.has_next, page.page < 3);
        seen.extend(ids(&page));
    }
    seen.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(seen, (1..=120).map(|id| id.to_string()).collect::<Vec<_>>());
    let beyond = list(
        fresh,
        "thing",
        ListQuery {
            page: 9,
            ..ListQuery::default()
        },
    )
    .await;
    assert_eq!(
        (beyond.rows.len(), beyond.total, beyond.has_next),
        (0, Some(120), false)
    );
    let first = list(
        fresh,
        "thing",
        ListQuery {
            page: 0,
            ..ListQuery::default()
        },
    )
    .await;
    assert_eq!((first.page, ids(&first)[0].as_str()), (1, "1"));
    let last = list(
        fresh,
        "thing",
        ListQuery {
            page: u32::MAX,
            ..ListQuery::default()
        },
    )
    .await;
    assert!(last.rows.is_empty());

    assert_eq!(
        ids(&list(fresh, "link", ListQuery::default()).await),
        ["x,1", "x,2", "y,1"]
    );
    let view = list(fresh, "cheap", ListQuery::default()).await;
    assert!(!view.rows.is_empty() && view.rows.iter().all(|row| row.key.is_none()));
}

async fn order<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    let price = |page: &ListPage| -> Vec<Option<String>> {
        let place = page.columns.iter().position(|name| name == "price").unwrap();
        page.rows.iter().map(|row| row.cells[place].text.clone()).collect()
    };
    for descending in [false, true] {
        let first = list(fresh, "thing", sorted(&[("price", descending)])).await;
        assert!(price(&first).iter().all(Option::is_some), "NULLs come last");
        let expected = if descending { "6.50" } else { "0.50" };
        assert_eq!(price(&first)[0].as_deref(), Some(expected));
        let last = list(
            fresh,
            "thing",
            ListQuery {
                page: 3,
                ..sorted(&[("price", descending)])
            },
        )
        .await;
        assert!(price(&last).iter().all(Option::is_none));
    }
    let twice = list(
        fresh,
        "thing",
        sorted(&[("name", false), ("id", true), ("name", true), ("no such", true)]),
    )
    .await;
    assert_eq!(ids(&twice)[..3], ["120", "110", "100"]);
    // Nothing of a secret may be learnt by sorting.
    let by_secret = list(fresh, "place", sorted(&[("password", true)])).await;
    assert_eq!(ids(&by_secret), ["1", "2", "3"]);
}

async fn search<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    assert_eq!(ids(&list(fresh, "thing", searched("needle's")).await), ["77"]);
    assert_eq!(ids(&list(fresh, "thing", searched("haystack NEEDLE")).await), ["77"]);
    assert_eq!(list(fresh, "thing", searched("needle elsewhere")).await.total, Some(0));
    assert_eq!(ids(&list(fresh, "thing", searched("50%_99")).await), ["99"]);
    assert_eq!(list(fresh, "thing", searched("5_%")).await.total, Some(0));
    assert!(ids(&list(fresh, "thing", searched("42")).await).contains(&"42".to_owned()));
    let in_the_attic = list(fresh, "thing", searched("attic")).await;
    assert_eq!(in_the_attic.total, Some(30));
    assert_eq!(list(fresh, "place", searched("secret")).await.total, Some(0));
    assert_eq!(
        list(fresh, "thing", searched("'; DROP TABLE thing; --")).await.total,
        Some(0)
    );
}

async fn filters<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    for (filter, total) in [
        (&[("id", "lte", "10")][..], 10),
        (&[("id", "gt", "10"), ("id", "lt", "13")], 2),
        (&[("id", "eq", "abc")], 0),
        (&[("id", "ne", "abc")], 120),
        (&[("price", "null", "true")], 40),
        (&[("price", "null", "false")], 80),
        (&[("price", "ne", "0.5")], 108),
        (&[("price", "eq", "0.5")], 12),
        (&[("price", "gte", "6.5")], 11),
        (&[("weight", "eq", "0.1")], 30),
        (&[("weight", "ne", "0.1")], 90),
        (&[("weight", "gt", "0.1")], 60),
        (&[("made_on", "gte", "2026-01-28")], 4),
        (&[("made_on", "eq", "2026-01-32")], 0),
        (&[("working", "eq", "true")], 48),
        (&[("working", "null", "true")], 24),
        (&[("place_id", "eq", "2")], 30),
        (&[("code", "contains", "%_12")], 2),
        (&[("code", "eq", "50%_12")], 1),
        (&[("name", "eq", "")], 0),
        (&[("id", "eq", "")], 120),
        (&[("no such", "eq", "1"), ("id", "no such", "1")], 120),
    ] {
        assert_eq!(
            list(fresh, "thing", filtered(filter)).await.total,
            Some(total),
            "{filter:?}"
        );
    }
    assert_eq!(
        list(fresh, "place", filtered(&[("password", "eq", "wrong")]))
            .await
            .total,
        Some(3)
    );
}

async fn cells<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    let page = list(fresh, "thing", searched("needle")).await;
    assert!(!page.columns.contains(&"notes".to_owned()));
    let cell = |name: &str| page.rows[0].cells[page.columns.iter().position(|column| column == name).unwrap()].clone();
    assert_eq!(
        (cell("place_id").text.as_deref(), cell("place_id").label.as_deref()),
        (Some("1"), Some("Attic"))
    );
    assert_eq!(cell("working").text.as_deref(), Some("false"));
    let form = read::form_values::<D>(
        &Access::One(&fresh.db),
        fresh.table("thing"),
        &RecordKey(vec!["77".into()]),
    )
    .await;
    let notes = form.unwrap().unwrap().values.remove("notes").unwrap().unwrap();
    assert_eq!(notes.len(), 400 + "Needle's in the HAYSTACK".len());

    let places = list(fresh, "place", ListQuery::default()).await;
    let password = places.columns.iter().position(|name| name == "password").unwrap();
    let masked: Vec<bool> = places.rows.iter().map(|row| row.cells[password].masked).collect();
    assert_eq!(masked, [true, false, false]);
    assert!(places.rows.iter().all(|row| row.cells[password].text.is_none()));
    let secret = read::form_values::<D>(
        &Access::One(&fresh.db),
        fresh.table("place"),
        &RecordKey(vec!["1".into()]),
    )
    .await;
    let secret = secret.unwrap().unwrap();
    assert_eq!(secret.secrets_set, ["password"]);
    assert!(!secret.values.contains_key("password"));
}

async fn references<D: Dialect, Keeper>(fresh: &Fresh<D, Keeper>) {
    let thing = fresh.table("thing");
    let column = thing.column("place_id").unwrap();
    let options = read::references::<D>(&Access::One(&fresh.db), &fresh.catalog, column, Some("2"))
        .await
        .unwrap();
    let labels: Vec<(&str, &str)> = options
        .options
        .iter()
        .map(|option| (&*option.value, &*option.label))
        .collect();
    assert_eq!(labels, [("1", "Attic"), ("2", "Cellar (2)"), ("3", "Cellar (3)")]);
    assert_eq!(
        (options.more, options.current_label.as_deref()),
        (false, Some("Cellar (2)"))
    );
    let gone = read::references::<D>(&Access::One(&fresh.db), &fresh.catalog, column, Some("99"))
        .await
        .unwrap();
    assert_eq!(gone.current_label, None);
}

#[tokio::test]
async fn lists_work_on_sqlite() {
    everything_a_list_does(sqlite(SCHEMA).await).await;
}

#[tokio::test]
async fn lists_work_on_postgres() {
    everything_a_list_does(postgres("lists", SCHEMA).await).await;
}

#[tokio::test]
async fn lists_work_on_mariadb() {
    everything_a_list_does(mariadb("lists", SCHEMA).await).await;
}

#[tokio::test]
async fn a_target_with_many_rows_is_typed_not_chosen() {
    let fresh = sqlite(
        "CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT);
         WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 500)
         INSERT INTO place SELECT id, 'Place ' || id FROM n;
         CREATE TABLE thing (id INTEGER PRIMARY KEY, place_id INTEGER REFERENCES place);",
    )
    .await;
    let column = fresh.table("thing").column("place_id").unwrap();
    let options =
        read::references::<inkfast_server::sql::Sqlite>(&Access::One(&fresh.db), &fresh.catalog, column, Some("400"))
            .await
            .unwrap();
    assert_eq!((options.options.len(), options.more), (50, true));
    assert_eq!(options.current_label.as_deref(), Some("Place 400"));
}

/// Labels are an ornament: the list comes without them when their table cannot be read.
#[tokio::test]
async fn a_list_survives_the_loss_of_its_labels() {
    let fresh = filled(sqlite(SCHEMA).await).await;
    fresh.execute("PRAGMA foreign_keys = OFF").await;
    fresh.execute("DROP TABLE place").await;
    let page = list(&fresh, "thing", ListQuery::default()).await;
    assert!(page.without_labels);
    assert_eq!(page.rows.len(), 50);
}
