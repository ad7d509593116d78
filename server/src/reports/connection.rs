//! The connection of one look.

use std::time::{Duration, Instant};

use resilient_db::{Options, Policy, Purpose, Role, Supported};
use sqlx::Connection;
use tokio::time::timeout;

use crate::config::Servers;
use crate::database::Database;
use crate::sql::Dialect;

/// The database stops a statement after this.
const STATEMENT_LIMIT: Duration = Duration::from_secs(5);
/// A farewell that is not answered is not waited for.
const ENDING: Duration = Duration::from_millis(500);

/// A connection as the driver has it.
pub type Raw<D> = <<D as Dialect>::Database as sqlx::Database>::Connection;

/// How to get one.
pub struct Way<D: Dialect> {
    servers: Servers<Options<D::Database>>,
    db: Database<D::Database>,
    policy: Policy,
    server: <D::Database as Supported>::Server,
}

impl<D: Dialect> Way<D> {
    pub fn new(servers: Servers<Options<D::Database>>, db: Database<D::Database>) -> Self {
        let policy = Policy {
            application_name: "inkfast-report".to_owned(),
            read_statement_timeout: STATEMENT_LIMIT,
            ..Policy::default()
        };
        Self {
            servers,
            db,
            policy,
            server: Default::default(),
        }
    }

    /// To the server that takes changes, or did; with the limits of a connection that may only read.
    pub async fn connect(&self) -> Result<Raw<D>, sqlx::Error> {
        let (policy, purpose) = (&self.policy, Purpose::Work(Role::Read));
        let leading = self.db.state().leading().name;
        let found = self.servers.named().find(|(name, _)| *name == leading);
        let options = found.map_or(&self.servers.main, |(_, options)| options);
        let options = <D::Database as Supported>::options(options, Role::Read, policy);
        let mut connection = Raw::<D>::connect_with(&options).await?;
        <D::Database as Supported>::settle_in(&mut connection, purpose, policy, &self.server).await?;
        // Where no server stops statements: what is counted may be a view, which has to be made before its first row.
        let until = Instant::now() + policy.read_statement_timeout;
        <D::Database as Supported>::limit(&mut connection, until).await?;
        Ok(connection)
    }
}

pub async fn close(connection: impl Connection) {
    let _ = timeout(ENDING, connection.close()).await;
}

#[cfg(test)]
mod tests {
    use resilient_db::Db;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::sql::Sqlite;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_view_takes_for_ever_to_make_is_not_counted_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.db");
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let db = Db::connect_lazily(options.clone(), Policy::default()).await;
        let mut way = Way::<Sqlite>::new(Servers::only(options), db.into());
        way.policy.read_statement_timeout = Duration::from_millis(300);
        let mut connection = way.connect().await.unwrap();
        let endless = "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)";
        let counting = sqlx::query(endless).execute(&mut connection);
        let ended = timeout(Duration::from_secs(30), counting).await;
        assert!(ended.expect("it is ended").is_err());
    }
}
