//! Fresh databases for one test, and the few things the tests do to them.

use std::str::FromStr;
use std::sync::{Arc, Mutex, Weak};

use app::records::model::{RecordKey, Table, TableName, Text, Values};
use inkfast_server::database::Access;
use inkfast_server::records::read;
use inkfast_server::sql::catalog::Catalog;
use inkfast_server::sql::{Dialect, MySql, Postgres, Sqlite};
use private_servers::{PrivateMariaDb, PrivatePostgres};
use resilient_db::{Db, DbError, Policy};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// A database, and what keeps it alive.
pub struct Fresh<D: Dialect, Keeper> {
    pub db: Db<D::Database>,
    pub catalog: Catalog,
    _keeper: Keeper,
}

pub type FreshSqlite = Fresh<Sqlite, TempDir>;
pub type FreshPostgres = Fresh<Postgres, Arc<PrivatePostgres>>;
pub type FreshMariaDb = Fresh<MySql, Arc<PrivateMariaDb>>;

pub async fn sqlite(schema: &'static str) -> FreshSqlite {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("test.db"))
        .create_if_missing(true);
    let db = Db::connect_lazily(options, Policy::default()).await;
    db.write("test.schema", |mut connection| async move {
        sqlx::raw_sql(schema).execute(&mut connection).await
    })
    .await
    .unwrap();
    let catalog = introspect::<Sqlite>(&db).await;
    Fresh {
        db,
        catalog,
        _keeper: directory,
    }
}

/// One server for all tests that run at the same time.
static POSTGRES: Mutex<Weak<PrivatePostgres>> = Mutex::new(Weak::new());

pub async fn postgres(name: &str, schema: &'static str) -> FreshPostgres {
    let server = tokio::task::spawn_blocking(|| shared(&POSTGRES, || PrivatePostgres::start().unwrap()))
        .await
        .unwrap();
    let url = server.create_database(name).unwrap();
    let db = Db::connect_lazily(PgConnectOptions::from_str(&url).unwrap(), Policy::default()).await;
    db.write("test.schema", |mut connection| async move {
        sqlx::raw_sql(schema).execute(&mut connection).await
    })
    .await
    .unwrap();
    let catalog = introspect::<Postgres>(&db).await;
    Fresh {
        db,
        catalog,
        _keeper: server,
    }
}

static MARIADB: Mutex<Weak<PrivateMariaDb>> = Mutex::new(Weak::new());

pub async fn mariadb(name: &str, schema: &'static str) -> FreshMariaDb {
    let server = tokio::task::spawn_blocking(|| shared(&MARIADB, || PrivateMariaDb::start().unwrap()))
        .await
        .unwrap();
    let url = server.create_database(name).unwrap();
    server.query(name, schema).unwrap();
    let db = Db::connect_lazily(MySqlConnectOptions::from_str(&url).unwrap(), Policy::default()).await;
    let catalog = introspect::<MySql>(&db).await;
    Fresh {
        db,
        catalog,
        _keeper: server,
    }
}

fn shared<S>(known: &Mutex<Weak<S>>, start: fn() -> S) -> Arc<S> {
    let mut known = known.lock().unwrap();
    known.upgrade().unwrap_or_else(|| {
        let server = Arc::new(start());
        *known = Arc::downgrade(&server);
        server
    })
}

pub async fn introspect<D: Dialect>(db: &Db<D::Database>) -> Catalog {
    let work = |mut connection| async move { D::introspect(&mut connection).await };
    Catalog::new(db.read("test.introspect", work).await.unwrap())
}

impl<D: Dialect, Keeper> Fresh<D, Keeper> {
    pub fn table(&self, name: &str) -> &Arc<Table> {
        let name = TableName {
            schema: None,
            name: name.to_owned(),
        };
        self.catalog
            .table(&name)
            .unwrap_or_else(|| panic!("{name:?} is not in the catalog"))
    }

    /// Inserts one row and gives its key.
    pub async fn insert(&self, table: &Table, values: &[(&str, Text)]) -> Result<RecordKey, DbError> {
        let values: Values = values
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.clone()))
            .collect();
        let key = read::key_columns_sql::<D>(table);
        let work = |mut connection| {
            let (values, key) = (&values, &key);
            async move { D::insert(&mut connection, table, values, key).await }
        };
        let made = self.db.write("test.insert", work).await?.expect("a row");
        Ok(RecordKey(made.into_iter().map(Option::unwrap).collect()))
    }

    pub async fn read(&self, table: &Table, key: &RecordKey) -> Option<Values> {
        read::form_values::<D>(&Access::One(&self.db), table, key)
            .await
            .unwrap()
            .map(|record| record.values)
    }

    /// What is read back after `text` was written to `column` of a new row.
    pub async fn round_trip(&self, table: &Table, column: &str, text: &str) -> String {
        let refusal = inkfast_server::records::check::refusal::<D>(table.column(column).unwrap(), text);
        assert_eq!(refusal, None, "{column}: {text:?}");
        let key = self.insert(table, &[(column, Some(text.to_owned()))]).await.unwrap();
        self.read(table, &key).await.unwrap().remove(column).unwrap().unwrap()
    }

    /// Each text of each column, and all columns but the key, so that a new one is not forgotten.
    pub async fn round_trips(&self, table: &Table, texts: &[(&str, &[&str])]) {
        for (column, texts) in texts {
            for text in *texts {
                assert_eq!(self.round_trip(table, column, text).await, *text, "{column}");
            }
        }
        assert_eq!(texts.len() + 1, table.columns.len());
    }

    pub async fn execute(&self, sql: &'static str) {
        let work = |mut connection| async move { D::execute(&mut connection, sql.to_owned(), Vec::new()).await };
        self.db.write("test.execute", work).await.unwrap();
    }
}
