//! Which field a refused value belongs to, as each server tells it.

use resilient_db::failure::{Kind, Retry};
use resilient_db::{Constraint, ConstraintKind, Db, Policy};
use sqlx::{MySql, Postgres};

use crate::support::{Served, connected_to, execute, on_each_server, private_server};

on_each_server!(a_refused_value_names_its_rule);

async fn refused<D: Served>(db: &Db<D>, sql: &str) -> (Kind, Constraint) {
    let error = execute(db, sql).await.expect_err(sql);
    assert_eq!(error.class.retry, Retry::Never, "{sql}");
    assert_eq!(error.attempts, 1, "{sql}");
    (
        error.class.kind,
        *error.constraint.unwrap_or_else(|| panic!("{sql}: no constraint")),
    )
}

/// The statement, and what it is refused for.
type Refusal = (&'static str, Kind, Constraint);

fn named(kind: ConstraintKind, name: Option<&str>, table: Option<&str>, columns: &[&str]) -> Constraint {
    Constraint {
        kind,
        name: name.map(str::to_owned),
        table: table.map(str::to_owned),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        said: (kind == ConstraintKind::Raised).then(|| "no".to_owned()),
    }
}

trait Rules: Served {
    /// What makes the rules, in tables `site` and `part`.
    const MADE: &'static [&'static str];

    fn refusals() -> Vec<Refusal>;
}

impl Rules for Postgres {
    const MADE: &'static [&'static str] = &[
        "CREATE TABLE site (id int PRIMARY KEY, code varchar(3) CONSTRAINT site_code UNIQUE, price int CONSTRAINT price_positive CHECK (price > 0), name text NOT NULL DEFAULT '')",
        "CREATE TABLE part (site int CONSTRAINT part_site REFERENCES site)",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER no BEFORE DELETE ON site FOR EACH ROW EXECUTE FUNCTION no()",
        "INSERT INTO site VALUES (1, 'abc', 1)",
    ];

    fn refusals() -> Vec<Refusal> {
        vec![
            (
                "INSERT INTO site VALUES (2, 'abc', 1)",
                Kind::Constraint,
                named(ConstraintKind::Unique, Some("site_code"), Some("site"), &[]),
            ),
            (
                "INSERT INTO part VALUES (9)",
                Kind::Constraint,
                named(ConstraintKind::ForeignKey, Some("part_site"), Some("part"), &[]),
            ),
            (
                "INSERT INTO site (id, name) VALUES (3, NULL)",
                Kind::Constraint,
                named(ConstraintKind::NotNull, None, Some("site"), &["name"]),
            ),
            (
                "INSERT INTO site (id, price) VALUES (3, 0)",
                Kind::Constraint,
                named(ConstraintKind::Check, Some("price_positive"), Some("site"), &[]),
            ),
            (
                "INSERT INTO site (id, code) VALUES (3, 'abcd')",
                Kind::BadValue,
                named(ConstraintKind::TooLong, None, None, &[]),
            ),
            (
                "INSERT INTO site (id) VALUES ('x'::text::int)",
                Kind::BadValue,
                named(ConstraintKind::BadValue, None, None, &[]),
            ),
            (
                "DELETE FROM site",
                Kind::Constraint,
                named(ConstraintKind::Raised, None, None, &[]),
            ),
        ]
    }
}

impl Rules for MySql {
    const MADE: &'static [&'static str] = &[
        "CREATE TABLE site (id int PRIMARY KEY, code varchar(3), price int, name varchar(9) NOT NULL DEFAULT '', day date, mark varchar(9) NOT NULL, \
         CONSTRAINT site_code UNIQUE (code), CONSTRAINT price_positive CHECK (price > 0))",
        "CREATE TABLE part (site int, CONSTRAINT part_site FOREIGN KEY (site) REFERENCES site (id))",
        "INSERT INTO site (id, code, price, mark) VALUES (1, 'abc', 1, ''), (2, 'def', 1, '')",
        "INSERT INTO part VALUES (2)",
        "CREATE TRIGGER no BEFORE UPDATE ON site FOR EACH ROW IF NEW.name = 'no' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF",
    ];

    fn refusals() -> Vec<Refusal> {
        vec![
            (
                "INSERT INTO site (id, code, mark) VALUES (3, 'abc', '')",
                Kind::Constraint,
                named(ConstraintKind::Unique, Some("site_code"), None, &[]),
            ),
            (
                "INSERT INTO site (id, mark) VALUES (1, '')",
                Kind::Constraint,
                named(ConstraintKind::Unique, Some("PRIMARY"), None, &[]),
            ),
            (
                "INSERT INTO part VALUES (9)",
                Kind::Constraint,
                named(ConstraintKind::ForeignKey, Some("part_site"), Some("part"), &[]),
            ),
            (
                "DELETE FROM site WHERE id = 2",
                Kind::Constraint,
                named(ConstraintKind::ForeignKey, Some("part_site"), Some("part"), &[]),
            ),
            (
                "INSERT INTO site (id, name, mark) VALUES (3, NULL, '')",
                Kind::Constraint,
                named(ConstraintKind::NotNull, None, None, &["name"]),
            ),
            (
                "INSERT INTO site (id) VALUES (3)",
                Kind::Constraint,
                named(ConstraintKind::NotNull, None, None, &["mark"]),
            ),
            (
                "INSERT INTO site (id, price, mark) VALUES (3, 0, '')",
                Kind::Constraint,
                named(ConstraintKind::Check, Some("price_positive"), Some("site"), &[]),
            ),
            (
                "INSERT INTO site (id, code, mark) VALUES (3, 'abcd', '')",
                Kind::BadValue,
                named(ConstraintKind::TooLong, None, None, &["code"]),
            ),
            (
                "INSERT INTO site (id, price, mark) VALUES (3, 'x', '')",
                Kind::BadValue,
                named(ConstraintKind::BadValue, None, Some("site"), &["price"]),
            ),
            (
                "INSERT INTO site (id, price, mark) VALUES (3, 99999999999, '')",
                Kind::BadValue,
                named(ConstraintKind::BadValue, None, None, &["price"]),
            ),
            (
                "INSERT INTO site (id, day, mark) VALUES (3, '2026-02-30', '')",
                Kind::BadValue,
                named(ConstraintKind::BadValue, None, Some("site"), &["day"]),
            ),
            (
                "UPDATE site SET name = 'no'",
                Kind::Constraint,
                named(ConstraintKind::Raised, None, None, &[]),
            ),
        ]
    }
}

async fn a_refused_value_names_its_rule<D: Rules>() {
    let server = private_server::<D>().await;
    let db = connected_to::<D>(&server, Policy::default()).await;
    for sql in D::MADE {
        execute(&db, *sql).await.expect(sql);
    }
    for (sql, kind, constraint) in D::refusals() {
        assert_eq!(refused(&db, sql).await, (kind, constraint), "{sql}");
    }
    assert!(
        db.health().write.is_closed(),
        "people's mistakes do not open the breaker"
    );
}
