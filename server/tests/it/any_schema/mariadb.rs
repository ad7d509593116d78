//! A MariaDB with everything that its tables may have, walked as the others are.

use std::str::FromStr;

use axum::http::StatusCode;
use private_servers::PrivateMariaDb;
use resilient_core::path_text::write_key;
use resilient_core::submission::answer::Outcome;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, Row};

use super::walk::{Known, Walk};
use super::witness::{Attribute, Look, Relation, Snapshot, Text};
use crate::support::test_app::TestApp;

/// What a MariaDB says of itself, by a way that shares nothing with the server.
struct Witness(MySqlConnection);

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl Witness {
    async fn connect(url: &str) -> Self {
        let options = MySqlConnectOptions::from_str(url).unwrap();
        Self(options.connect().await.unwrap())
    }

    async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut self.0)
            .await
            .unwrap();
    }

    async fn rows(&mut self, sql: &str) -> Vec<Vec<Text>> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
        let rows = query.fetch_all(&mut self.0).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {sql}"));
        rows.iter()
            .map(|row| (0..row.len()).map(|n| row.get(n)).collect())
            .collect()
    }

    async fn attributes(&mut self, table: &str) -> Vec<Attribute> {
        let sql = format!(
            "SELECT COLUMN_NAME, IF(COLUMN_TYPE IN ('tinyint(1)', 'bit(1)'), 'boolean',
                        IF(EXISTS (SELECT 1 FROM information_schema.CHECK_CONSTRAINTS K WHERE K.CONSTRAINT_SCHEMA = DATABASE()
                                   AND K.TABLE_NAME = C.TABLE_NAME
                                   AND K.CHECK_CLAUSE = CONCAT('json_valid(`', C.COLUMN_NAME, '`)')), 'json', DATA_TYPE)),
                    COLUMN_TYPE, IF(IS_NULLABLE = 'NO', 'true', 'false'),
                    IF(COALESCE(COLUMN_DEFAULT, 'NULL') <> 'NULL' OR EXTRA LIKE '%auto_increment%'
                       OR (DATA_TYPE = 'enum' AND IS_NULLABLE = 'NO'), 'true', 'false'),
                    IF(IS_GENERATED = 'ALWAYS' OR DATA_TYPE = 'point', 'true', 'false'),
                    IF(EXISTS (SELECT 1 FROM information_schema.STATISTICS S WHERE S.TABLE_SCHEMA = DATABASE()
                               AND S.TABLE_NAME = C.TABLE_NAME AND S.COLUMN_NAME = C.COLUMN_NAME AND NON_UNIQUE = 0),
                       'true', 'false')
             FROM information_schema.COLUMNS C WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}'
             ORDER BY ORDINAL_POSITION"
        );
        self.rows(&sql).await.into_iter().map(Attribute::read).collect()
    }

    async fn key(&mut self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT COLUMN_NAME FROM information_schema.STATISTICS
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"
        );
        let rows = self.rows(&sql).await;
        rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect()
    }
}

impl Look for Witness {
    async fn relations(&mut self) -> Vec<Relation> {
        let found = self
            .rows(
                "SELECT TABLE_NAME, IF(TABLE_TYPE = 'VIEW', 'v', IF(ENGINE = 'InnoDB', 'r', 'not transactional'))
                 FROM information_schema.TABLES
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'inkfast\\\\_%' ORDER BY TABLE_NAME",
            )
            .await;
        let mut relations = Vec::new();
        for row in found {
            let [name, kind] = <[Text; 2]>::try_from(row).unwrap().map(Option::unwrap);
            relations.push(Relation {
                written: write_key(std::slice::from_ref(&name)),
                quoted: quote(&name),
                columns: self.attributes(&name).await,
                key: self.key(&name).await,
                has_rules: false,
                kind,
            });
        }
        relations
    }

    async fn snapshot(&mut self, relation: &Relation) -> Snapshot {
        let list: Vec<String> = relation
            .columns
            .iter()
            .map(|column| text(&quote(&column.name), column))
            .collect();
        let mut rows = self
            .rows(&format!("SELECT {} FROM {}", list.join(", "), relation.quoted))
            .await;
        rows.sort();
        Snapshot(rows)
    }

    async fn stored(&mut self, column: &Attribute, typed: &str) -> Text {
        let literal = match column.type_name.as_str() {
            "boolean" => typed.to_owned(),
            "bit" => format!("b'{typed}'"),
            name if is_bytes(name) => format!("x'{typed}'"),
            _ => format!("'{}'", typed.replace('\\', "\\\\").replace('\'', "''")),
        };
        let full_type = &column.full_type;
        self.run(&format!(
            "CREATE TEMPORARY TABLE inkfast_stored (c {full_type}); INSERT INTO inkfast_stored VALUES ({literal})"
        ))
        .await;
        let stored = self
            .rows(&format!("SELECT {} FROM inkfast_stored", text("c", column)))
            .await;
        self.run("DROP TEMPORARY TABLE inkfast_stored").await;
        stored[0][0].clone()
    }

    async fn audit_rows(&mut self) -> String {
        let rows = self.rows("SELECT CAST(count(*) AS CHAR) FROM inkfast_audit").await;
        rows[0][0].clone().unwrap()
    }

    async fn last_audit(&mut self) -> String {
        let rows = self
            .rows("SELECT changes FROM inkfast_audit ORDER BY id DESC LIMIT 1")
            .await;
        rows[0][0].clone().unwrap()
    }
}

fn is_bytes(type_name: &str) -> bool {
    type_name.ends_with("binary") || type_name.ends_with("blob")
}

/// As forms and addresses write it.
fn text(expression: &str, column: &Attribute) -> String {
    match column.type_name.as_str() {
        "boolean" => format!("IF({expression} + 0, 'true', IF({expression} IS NULL, NULL, 'false'))"),
        "bit" => format!("LPAD(BIN({expression} + 0), 3, '0')"),
        "float" => format!("CAST({expression} + 0e0 AS CHAR)"),
        "point" => format!("ST_AsText({expression})"),
        name if is_bytes(name) => format!("LOWER(HEX({expression}))"),
        _ => format!("CAST({expression} AS CHAR)"),
    }
}

const KNOWN: Known = Known {
    set_by_trigger: &[("account", "touched"), ("article", "slug")],
    values: &[
        ("account", "email", "one@example.org"),
        ("account", "email", "two@example.org"),
        ("account", "email", "three@example.org"),
        ("country", "code", "FR"),
        ("article", "slug", "Fresh"),
        ("article", "slug", "Other"),
        ("article", "slug", "a-third"),
        ("article", "price", "12.50"),
        ("article", "price", "13.50"),
        ("opening", "day", "2026-05-01"),
        ("types", "flags", "a,c"),
        ("types", "flags", "b"),
        ("types", "empty_or_x", "x"),
        ("types", "u8", "18446744073709551615"),
    ],
    full: &[],
    secrets: &["password_hash", "api_token"],
    unreadable: &[],
    both_ends: true,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_a_mariadb_is_listed_read_and_saved_exactly() {
    let server = PrivateMariaDb::start().unwrap();
    let url = server.create_database("real").unwrap();
    server.query("real", include_str!("mariadb.sql")).unwrap();
    let witness = Witness::connect(&url).await;
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    let walked = Walk::new(&app, witness, KNOWN).all().await;
    println!("MariaDB: {walked:?}");
    assert!(
        walked.tables >= 18 && walked.columns >= 75 && walked.saves >= 120 && walked.made >= 14 && walked.deleted >= 14,
        "{walked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_refuses_is_said_at_its_field() {
    let server = PrivateMariaDb::start().unwrap();
    let url = server.create_database("real").unwrap();
    server.query("real", include_str!("mariadb.sql")).unwrap();
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    for (path, control, text, words) in [
        ("/records/account/1", "email", "second@example.org", "already in use"),
        ("/records/account/1", "country_code", "XX", "no longer exists"),
        ("/records/article/1", "price", "-1.00", "only where"),
        ("/records/article/1", "note", "forbidden", "We do not say that"),
        ("/records/types/1", "fixed", "0011223344", "too long"),
        ("/records/types/1", "latin", "𝄞", "does not fit"),
        ("/records/types/1", "moment", "1950-01-01 00:00:00", "does not fit"),
    ] {
        let form = app.form(path).await.without(&format!("n.{control}"));
        let form = form.with(&format!("v.{control}"), text);
        let (status, answer) = app.save(&form).await;
        assert_eq!(
            (status, answer.outcome),
            (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid),
            "{control}: {answer:?}"
        );
        let said = answer.errors.get(control).or_else(|| answer.errors.get(""));
        assert!(
            said.is_some_and(|said| said.contains(words)),
            "{control}: {:?}",
            answer.errors
        );
    }
}
