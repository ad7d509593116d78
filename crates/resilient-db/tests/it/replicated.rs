//! Servers that follow each other: a primary, and standbys that can be promoted.

use std::sync::Arc;
use std::time::Duration;

use private_servers::{PrivateMariaDb, PrivatePostgres, ServerError};
use resilient_db::{Policy, Server};
use sqlx::{MySql, Postgres};
use tokio::task::spawn_blocking;

use crate::support::{PrivateServer as _, Served, eventually};

/// A database whose servers can follow each other.
pub trait Replicated: Served {
    /// For the witness: a standby stands still, and goes on.
    const PAUSE: &'static str;
    const RESUME: &'static str;
    /// Where the server listens.
    const PORT: &'static str;

    fn primary() -> Result<Self::Private, ServerError>;
    fn standby(primary: &Self::Private) -> Result<Self::Private, ServerError>;
    fn promote(standby: &Self::Private) -> Result<(), ServerError>;
    /// What has a standby follow this one from now on.
    fn follow(primary: &Self::Private) -> Vec<String>;
}

impl Replicated for Postgres {
    const PAUSE: &'static str = "SELECT pg_wal_replay_pause()";
    const RESUME: &'static str = "SELECT pg_wal_replay_resume()";
    const PORT: &'static str = "SELECT inet_server_port()::bigint";

    fn primary() -> Result<PrivatePostgres, ServerError> {
        PrivatePostgres::start()
    }

    fn standby(primary: &PrivatePostgres) -> Result<PrivatePostgres, ServerError> {
        primary.start_standby()
    }

    fn promote(standby: &PrivatePostgres) -> Result<(), ServerError> {
        standby.promote()
    }

    fn follow(primary: &PrivatePostgres) -> Vec<String> {
        let place = format!("host=127.0.0.1 port={} user=postgres", primary.port());
        vec![
            format!("ALTER SYSTEM SET primary_conninfo = '{place}'"),
            "SELECT pg_reload_conf()".to_owned(),
        ]
    }
}

impl Replicated for MySql {
    const PAUSE: &'static str = "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE";
    const RESUME: &'static str = "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE";
    const PORT: &'static str = "SELECT CAST(@@port AS SIGNED)";

    fn primary() -> Result<PrivateMariaDb, ServerError> {
        PrivateMariaDb::start_primary()
    }

    fn standby(primary: &PrivateMariaDb) -> Result<PrivateMariaDb, ServerError> {
        primary.start_standby()
    }

    fn promote(standby: &PrivateMariaDb) -> Result<(), ServerError> {
        standby.promote()
    }

    fn follow(primary: &PrivateMariaDb) -> Vec<String> {
        let place = format!("MASTER_HOST='127.0.0.1', MASTER_PORT={}", primary.port());
        vec![format!("STOP SLAVE; CHANGE MASTER TO {place}; START SLAVE")]
    }
}

/// Nothing here takes as long, even beside many other tests.
pub const REPLICATED_WITHIN: Duration = Duration::from_secs(60);

/// A primary with the table `effect`, and its standbys, which have it as well.
pub async fn replicated<D: Replicated>(standbys: usize) -> (Arc<D::Private>, Vec<Arc<D::Private>>) {
    let started = spawn_blocking(move || {
        let primary = D::primary().expect("a primary");
        on::<D>(&primary, "CREATE TABLE effect (id bigint PRIMARY KEY)");
        let follow = |_| Arc::new(D::standby(&primary).expect("a standby"));
        let others: Vec<_> = (0..standbys).map(follow).collect();
        (Arc::new(primary), others)
    });
    let (primary, others) = started.await.expect("no panic");
    for standby in &others {
        eventually("it follows", REPLICATED_WITHIN, || async {
            standby.query(D::MAIN, "SELECT count(*) FROM effect").is_ok()
        })
        .await;
    }
    (primary, others)
}

pub async fn promoted<D: Replicated>(standby: &Arc<D::Private>) {
    let standby = Arc::clone(standby);
    let promoting = spawn_blocking(move || D::promote(&standby));
    promoting.await.expect("no panic").expect("promoted");
}

/// What the witness is told.
pub fn on<D: Served>(server: &D::Private, sql: &str) -> String {
    server.query(D::MAIN, sql).expect(sql)
}

pub fn server<D: Served>(name: &'static str, server: &D::Private) -> Server<D> {
    Server {
        name,
        options: server.url(D::MAIN).parse().expect("an address"),
        policy: Policy::default(),
    }
}
