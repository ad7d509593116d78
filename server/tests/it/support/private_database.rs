//! The servers that a test breaks.

use std::net::SocketAddr;

use private_servers::{PrivateMariaDb, PrivatePostgres};

use super::{MARIADB_SCHEMA, SCHEMA};

/// A database server of a test's own, with a database `maintenance`.
pub enum PrivateDatabase {
    Postgres(PrivatePostgres),
    MariaDb(PrivateMariaDb),
}

impl PrivateDatabase {
    pub fn postgres() -> Self {
        Self::Postgres(PrivatePostgres::start().expect("PostgreSQL is installed"))
    }

    pub fn mariadb() -> Self {
        Self::MariaDb(PrivateMariaDb::start().expect("MariaDB is installed"))
    }

    /// Another database of the same server.
    pub fn make_empty(&self, name: &str) {
        let made = match self {
            Self::Postgres(server) => server.create_database(name),
            Self::MariaDb(server) => server.create_database(name),
        };
        made.expect("a new database");
    }

    /// The small maintenance schema, in its own words.
    pub fn make_schema(&self) {
        self.make_empty("maintenance");
        match self {
            Self::Postgres(_) => self.query(SCHEMA),
            Self::MariaDb(_) => self.query(MARIADB_SCHEMA),
        };
    }

    /// The database at another address.
    pub fn url_at(&self, address: SocketAddr) -> String {
        match self {
            Self::Postgres(_) => format!("postgres://postgres@{address}/maintenance?sslmode=disable"),
            Self::MariaDb(_) => format!("mysql://tester:tester@{address}/maintenance"),
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::MariaDb(server) => server.port(),
        }
    }

    /// By the server's own program.
    pub fn query(&self, sql: &str) -> String {
        self.query_in("maintenance", sql)
    }

    /// The same in another database.
    pub fn query_in(&self, name: &str, sql: &str) -> String {
        let answer = match self {
            Self::Postgres(server) => server.query(name, sql),
            Self::MariaDb(server) => server.query(name, sql),
        };
        answer.unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    /// The name of one of Inkfast's own tables.
    pub fn own(&self, table: &str) -> String {
        match self {
            Self::Postgres(_) => format!("inkfast.{table}"),
            Self::MariaDb(_) => format!("inkfast_{table}"),
        }
    }

    /// What a client sends to commit.
    pub fn commit(&self) -> &'static [u8] {
        match self {
            Self::Postgres(_) => b"COMMIT",
            // With the order to run it before it: each connection also says READ COMMITTED once.
            Self::MariaDb(_) => b"\x03COMMIT",
        }
    }

    pub fn kill(&self) {
        match self {
            Self::Postgres(server) => server.kill(),
            Self::MariaDb(server) => server.kill(),
        }
    }

    pub fn freeze(&self) {
        match self {
            Self::Postgres(server) => server.freeze(),
            Self::MariaDb(server) => server.freeze(),
        }
    }

    pub fn thaw(&self) {
        match self {
            Self::Postgres(server) => server.thaw(),
            Self::MariaDb(server) => server.thaw(),
        }
    }

    /// Whether changes are taken, as an administrator sets it.
    pub fn take_changes(&self, take: bool) {
        match self {
            Self::Postgres(_) => {
                let on = if take { "off" } else { "on" };
                self.query(&format!("ALTER SYSTEM SET default_transaction_read_only = {on}"));
                self.query("SELECT pg_reload_conf()");
            }
            Self::MariaDb(_) => {
                self.query(&format!("SET GLOBAL read_only = {}", u8::from(!take)));
            }
        }
    }
}
