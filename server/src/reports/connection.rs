//! The connection of one look.

use std::time::Duration;

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
        Ok(connection)
    }
}

pub async fn close(connection: impl Connection) {
    let _ = timeout(ENDING, connection.close()).await;
}
