use app::records::model::{Column, ColumnKind, Table, TableName};

use super::*;
use crate::sql::catalog::Catalog;

/// `open(id, name)`, `closed(id, api_key)` of which the key is kept, and `sales.orders(id)`.
fn visible() -> Visible {
    let table = |schema: Option<&str>, name: &str, columns: &[&str]| {
        let columns = columns.iter().map(|name| Column::new(name, ColumnKind::Text));
        let name = TableName {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        };
        Table::new(name, columns.collect())
    };
    let others = || {
        [
            table(None, "open", &["id", "name"]),
            table(Some("sales"), "orders", &["id"]),
        ]
    };
    let mut found = others().to_vec();
    found.push(table(None, "closed", &["id", "api_key"]));
    let mut seen = others().to_vec();
    seen.push(table(None, "closed", &["id"]));
    Visible::new(&Catalog::new(found), &Catalog::new(seen))
}

fn postgres(sql: &str) -> Result<String, Refused> {
    check(Grammar::Postgres, &visible(), "app", sql)
}

#[test]
fn what_is_run_is_written_anew_and_each_table_has_the_columns_that_are_shown() {
    let open = r#"(SELECT "id", "name" FROM "app"."open")"#;
    let closed = r#"(SELECT "id" FROM "app"."closed")"#;
    for (sql, expected) in [
        (
            "select ID from OPEN -- a remark",
            format!("SELECT ID FROM {open} AS \"open\""),
        ),
        (
            "SELECT app.open.id, o2.* FROM app.open JOIN sales.orders o2 USING (id);",
            format!(
                "SELECT open.id, o2.* FROM {open} AS \"open\" JOIN (SELECT \"id\" FROM \"sales\".\"orders\") o2 USING(id)"
            ),
        ),
        (
            "WITH a AS (SELECT id FROM open) SELECT * FROM a, closed c",
            format!("WITH a AS (SELECT id FROM {open} AS \"open\") SELECT * FROM a, {closed} c"),
        ),
        ("SELECT c FROM closed AS c", format!("SELECT c FROM {closed} AS c")),
    ] {
        let found = postgres(sql).map(|written| written.split_whitespace().collect::<Vec<_>>().join(" "));
        let found = found.map(|written| written.replace("( ", "(").replace(" )", ")"));
        assert_eq!(found, Ok(expected), "{sql}");
    }
}

#[test]
fn a_text_is_the_same_text_whatever_is_in_it() {
    for text in [
        r"a\''; DROP TABLE open; --",
        "''''",
        r"\",
        r"\\''''x",
        "a''b''''c",
        "/* */ -- $$",
        "é\u{1F600}\n",
    ] {
        let sql = format!("SELECT '{text}' AS a");
        assert_eq!(postgres(&sql), Ok(sql.clone()), "{text}");
    }
    // A quoted name that the library would write wrongly is not run at all.
    let odd = r#"SELECT 1 AS "a\"" UNION SELECT api_key FROM closed --""#;
    assert!(postgres(odd).is_err(), "{:?}", postgres(odd));
}

#[test]
fn on_mysql_names_stand_in_its_own_quotes_and_a_backslash_ends_no_text() {
    let mysql = |sql: &str| check(Grammar::MySql, &visible(), "app", sql);
    let table = mysql("SELECT `id` FROM Open # a remark").map(|written| written.replace("( ", "(").replace(" )", ")"));
    assert_eq!(
        table.as_deref(),
        Ok("SELECT `id` FROM (SELECT `id`, `name` FROM `app`.`open`) AS `open`")
    );
    for (text, written) in [
        (r"'it\'s'", r"'it''s'"),
        (r"'\\'", r"'\\'"),
        (r"'a\\''; DROP TABLE open; -- '", r"'a\\''; DROP TABLE open; -- '"),
        (r"'a\nb'", "'a\nb'"),
    ] {
        let found = mysql(&format!("SELECT {text} AS a"));
        assert_eq!(found, Ok(format!("SELECT {written} AS a")), "{text}");
    }
    for sql in [
        "SELECT @a",
        "SELECT @@port",
        "SELECT @a := 1",
        "SELECT \"a\"",
        "SELECT 1 AS \"a\"",
    ] {
        assert_eq!(mysql(sql), Err(Refused::NotUnderstood), "{sql}");
    }
}

#[test]
fn two_tables_that_differ_in_capital_letters_alone_are_not_confused() {
    let named = |name: &str| {
        let name = TableName {
            schema: None,
            name: name.to_owned(),
        };
        Table::new(name, vec![Column::new("id", ColumnKind::Text)])
    };
    let two = Catalog::new(vec![named("open"), named("Open"), named("other")]);
    let visible = Visible::new(&two, &two);
    let asked = |name: &str| check(Grammar::MySql, &visible, "app", &format!("SELECT 1 FROM {name}"));
    assert_eq!(asked("open"), Err(Refused::NoSuchTable("open".to_owned())));
    assert!(asked("OTHER").is_ok());
}

#[test]
fn a_column_is_not_taken_for_a_function_and_one_that_is_kept_is_said_to_be() {
    for sql in [
        "SELECT c.to_jsonb FROM closed c",
        "SELECT o.to_jsonb FROM open o",
        "SELECT c.to_jsonb, 1 AS to_jsonb FROM closed c, (SELECT 1 AS to_jsonb) AS d",
        "SELECT c.to_jsonb FROM closed c, LATERAL (SELECT 1 AS x) AS c2",
        "SELECT x FROM (closed c JOIN open o ON true) AS x",
        "SELECT api_key FROM closed",
        "SELECT 1 FROM open o, closed c WHERE c.API_KEY IS NULL",
        "SELECT \"C\".to_jsonb FROM closed AS \"C\"",
        "SELECT nobody.id FROM open",
    ] {
        assert!(postgres(sql).is_err(), "{sql}: {:?}", postgres(sql));
    }
    for sql in [
        "SELECT c.id FROM closed c",
        "SELECT o.* FROM open o",
        "SELECT id, count(*) FROM closed GROUP BY id",
    ] {
        assert!(postgres(sql).is_ok(), "{sql}: {:?}", postgres(sql));
    }
}

#[test]
fn a_common_table_hides_nothing_outside_its_query() {
    for sql in [
        "SELECT * FROM pg_authid WHERE EXISTS (WITH pg_authid AS (SELECT 1) SELECT 1)",
        "SELECT (WITH later AS (SELECT 1) SELECT 1) FROM later",
        "SELECT * FROM later WHERE EXISTS (WITH later AS (SELECT 1) SELECT 1)",
        "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
        "WITH a AS (SELECT * FROM a) SELECT * FROM a",
        "WITH open AS (SELECT 1) SELECT * FROM open",
        "WITH \"A\" AS (SELECT 1) SELECT * FROM A",
        "WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    ] {
        assert!(postgres(sql).is_err(), "{sql}: {:?}", postgres(sql));
    }
}

#[test]
fn the_longest_and_the_deepest_are_looked_at_without_harm() {
    let long = |part: &str| format!("SELECT 1{}", part.repeat((LONGEST - 8) / part.len()));
    assert!(postgres(&long("+1")).is_ok());
    assert!(postgres(&long(" OR 1")).is_ok());
    assert!(postgres(&long("+111111111")).is_ok());
    assert_eq!(postgres(&format!("{} ", long("+1")).repeat(2)), Err(Refused::TooLong));
    for (open, close) in [
        ("(", ")"),
        ("NOT ", ""),
        ("- ", ""),
        ("CASE WHEN ", " THEN 1 END"),
        ("lower(", ")"),
    ] {
        let deep = format!("SELECT {}1{}", open.repeat(300), close.repeat(300));
        let _ = postgres(&deep);
    }
    let unions = format!("SELECT 1{}", " UNION SELECT 1".repeat(500));
    let _ = postgres(&unions);
}

#[test]
fn the_log_is_told_the_statement_and_no_value_of_it() {
    let told = without_values(
        Grammar::Sqlite,
        "SELECT name FROM open WHERE name = 'mira' AND id > 4711",
    );
    assert_eq!(told.as_deref(), Some("SELECT name FROM open WHERE name = ? AND id > ?"));
    assert_eq!(without_values(Grammar::Sqlite, "SELECT 'it"), None);
}
