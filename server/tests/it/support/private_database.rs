//! The servers that a test breaks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

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

    /// PostgreSQL can always be followed.
    pub fn mariadb_primary() -> Self {
        Self::MariaDb(PrivateMariaDb::start_primary().expect("MariaDB is installed"))
    }

    /// A server that follows this one, and has what this one has by now.
    pub fn standby(&self) -> Self {
        let standby = match self {
            Self::Postgres(server) => Self::Postgres(server.start_standby().expect("a standby")),
            Self::MariaDb(server) => Self::MariaDb(server.start_standby().expect("a standby")),
        };
        let begun = Instant::now();
        while !standby.has_the_schema() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        standby
    }

    fn has_the_schema(&self) -> bool {
        let sql = "SELECT count(*) FROM activity";
        let rows = match self {
            Self::Postgres(server) => server.query("maintenance", sql),
            Self::MariaDb(server) => server.query("maintenance", sql),
        };
        rows.is_ok_and(|rows| rows == "400")
    }

    /// Nothing is acknowledged that the standby does not have.
    pub fn keeps_in_step(&self, standby: &Self) {
        match self {
            Self::Postgres(_) => {
                self.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
                self.query("SELECT pg_reload_conf()");
                self.until(
                    "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
                    "1",
                );
            }
            Self::MariaDb(_) => {
                self.query(
                    "SET GLOBAL rpl_semi_sync_master_enabled = 1, GLOBAL rpl_semi_sync_master_timeout = 3600000",
                );
                standby.query("SET GLOBAL rpl_semi_sync_slave_enabled = 1; STOP SLAVE; START SLAVE");
                let clients = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
                     WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_clients'";
                self.until(clients, "1");
            }
        }
    }

    /// Waits for an answer.
    pub fn until(&self, sql: &str, wanted: &str) {
        let begun = Instant::now();
        loop {
            let found = self.query(sql);
            if found == wanted {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{found} instead of {wanted}: {sql}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A standby becomes a primary of its own.
    pub fn promote(&self) {
        match self {
            Self::Postgres(server) => server.promote().expect("promoted"),
            Self::MariaDb(server) => server.promote().expect("promoted"),
        }
    }

    /// A standby stands still, and can be read from; or goes on.
    pub fn hold_back(&self, held: bool) {
        match (self, held) {
            (Self::Postgres(_), true) => self.query("SELECT pg_wal_replay_pause()"),
            (Self::Postgres(_), false) => self.query("SELECT pg_wal_replay_resume()"),
            (Self::MariaDb(_), true) => self.query("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE"),
            (Self::MariaDb(_), false) => self.query("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE"),
        };
    }

    /// After a [`kill`](Self::kill): on the data it had, as what it was.
    pub fn restart(&self) {
        match self {
            Self::Postgres(server) => server.restart().expect("it starts again"),
            Self::MariaDb(server) => server.restart().expect("it starts again"),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url_at(([127, 0, 0, 1], self.port()).into())
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
