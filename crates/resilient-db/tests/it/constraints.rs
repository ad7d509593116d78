//! Which field a refused value belongs to, as PostgreSQL tells it.

use resilient_db::failure::{Kind, Retry};
use resilient_db::{Constraint, ConstraintKind, Db, Policy};
use sqlx::Postgres;

use crate::support::{connected, execute, private_postgres};

async fn refused(db: &Db<Postgres>, sql: &'static str) -> (Kind, Constraint) {
    let error = execute(db, sql).await.expect_err(sql);
    assert_eq!(error.class.retry, Retry::Never, "{sql}");
    assert_eq!(error.attempts, 1, "{sql}");
    (
        error.class.kind,
        *error.constraint.unwrap_or_else(|| panic!("{sql}: no constraint")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_value_names_its_rule() {
    let postgres = private_postgres().await;
    let db = connected(&postgres.url("postgres"), Policy::default()).await;
    for sql in [
        "CREATE TABLE site (id int PRIMARY KEY, code varchar(3) CONSTRAINT site_code UNIQUE, price int CONSTRAINT price_positive CHECK (price > 0), name text NOT NULL DEFAULT '')",
        "CREATE TABLE part (site int CONSTRAINT part_site REFERENCES site)",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER no BEFORE DELETE ON site FOR EACH ROW EXECUTE FUNCTION no()",
        "INSERT INTO site VALUES (1, 'abc', 1)",
    ] {
        execute(&db, sql).await.expect(sql);
    }
    let named = |kind, name: Option<&str>, table: Option<&str>, columns: &[&str]| Constraint {
        kind,
        name: name.map(str::to_owned),
        table: table.map(str::to_owned),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        said: (kind == ConstraintKind::Raised).then(|| "no".to_owned()),
    };
    let rows = [
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
    ];
    for (sql, kind, constraint) in rows {
        assert_eq!(refused(&db, sql).await, (kind, constraint), "{sql}");
    }
    assert!(
        db.health().write.is_closed(),
        "people's mistakes do not open the breaker"
    );
}
