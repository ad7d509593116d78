//! Inkfast's own tables, there and back, on each database.

use std::path::Path;
use std::process::{Command, Output};
use std::str::FromStr;

use inkfast_server::database::Access;
use inkfast_server::sql::migrations::{OwnTables, StepState};
use inkfast_server::sql::{MySql, Postgres, Sqlite};
use resilient_db::{Db, Options, Policy};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::support::private_database::PrivateDatabase;

/// All that the steps make, and the table that notes them.
const OWN_TABLES: i64 = 11;

async fn applied<D: OwnTables>(db: &Db<D::Database>) -> usize {
    let steps: Vec<StepState> = D::steps(&Access::One(db)).await.expect("the steps");
    assert!(!steps.is_empty());
    steps.iter().filter(|step| step.applied).count()
}

/// There, back, and there again; `tables` counts everything that Inkfast has made.
async fn there_and_back<D: OwnTables>(options: &Options<D::Database>, tables: &dyn Fn() -> i64, locks: bool) {
    let db = &Db::<D::Database>::connect_lazily(options.clone(), Policy::default()).await;
    let all = D::steps(&Access::One(db)).await.expect("the steps").len();
    assert_eq!((applied::<D>(db).await, tables()), (0, 0), "to look changes nothing");
    for _ in 0..2 {
        let at_once = futures::future::join_all((0..4).map(|_| D::migrate(options))).await;
        // SQLite has no lock for it: who comes second may find that it is being done.
        let done = at_once.iter().filter(|done| done.is_ok()).count();
        assert!(done == 4 || (!locks && done > 0), "{at_once:?}");
        D::migrate(options).await.expect("nothing is missing");
        assert_eq!(applied::<D>(db).await, all);
        assert!(tables() >= 4);
        D::revert(options, all as i64).await.expect("nothing to undo");
        assert_eq!(applied::<D>(db).await, all);
        D::revert(options, 0).await.expect("undone");
        assert_eq!(applied::<D>(db).await, 0);
        assert_eq!(tables(), 1, "what has been done is still noted there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tables_come_and_go_on_postgresql() {
    let database = PrivateDatabase::postgres();
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let tables = || {
        database
            .query("SELECT count(*) FROM pg_tables WHERE schemaname = 'inkfast'")
            .parse()
            .expect("a number")
    };
    there_and_back::<Postgres>(&PgConnectOptions::from_str(&url).expect("an address"), &tables, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tables_come_and_go_on_mariadb() {
    let database = PrivateDatabase::mariadb();
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let options = MySqlConnectOptions::from_str(&url).expect("an address");
    let tables = || {
        let sql = "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'inkfast\\_%'";
        database.query(sql).parse().expect("a number")
    };
    there_and_back::<MySql>(&options, &tables, true).await;

    // Killed in the middle of a step, on the way there and on the way back.
    MySql::migrate(&options).await.expect("done");
    for left in ["DROP TABLE inkfast_audit", "DROP TABLE inkfast_account", "SELECT 1"] {
        database.query(&format!("UPDATE inkfast_schema_history SET success = 0; {left}"));
        MySql::migrate(&options).await.expect("run again");
        assert_eq!(tables(), OWN_TABLES, "{left}");
        database.query(&format!("UPDATE inkfast_schema_history SET success = 0; {left}"));
        MySql::revert(&options, 0).await.expect("run again");
        assert_eq!(tables(), 1, "{left}");
        MySql::migrate(&options).await.expect("done");
    }
}

fn inkfast(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inkfast"))
        .args(arguments)
        .env_clear()
        .env("INKFAST_DATA_DIR", data_dir)
        .env("RUST_LOG", "off")
        .output()
        .expect("the program was built")
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tables_come_and_go_on_sqlite_and_by_command() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("inkfast.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let tables = || {
        let count = async {
            let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the file");
            let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'inkfast\\_%' ESCAPE '\\'";
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .expect("a number")
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(count))
    };
    there_and_back::<Sqlite>(&options, &tables, false).await;

    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let status = inkfast(directory.path(), &["migrate", "status"]);
    assert!(
        status.status.success()
            && said(&status).contains("missing  create own tables")
            && said(&status).contains("missing  create error history"),
        "{status:?}"
    );
    let up = inkfast(directory.path(), &["migrate", "up"]);
    assert!(
        up.status.success() && said(&up).contains("applied  create own tables"),
        "{up:?}"
    );
    let asked = inkfast(directory.path(), &["migrate", "down", "--to", "0"]);
    assert!(!asked.status.success(), "{asked:?}");
    assert!(String::from_utf8_lossy(&asked.stderr).contains("--yes"), "{asked:?}");
    assert_eq!(tables(), OWN_TABLES);
    let down = inkfast(directory.path(), &["migrate", "down", "--to", "0", "--yes"]);
    assert!(
        down.status.success() && said(&down).contains("missing  create own tables"),
        "{down:?}"
    );
    assert_eq!(tables(), 1);
}
