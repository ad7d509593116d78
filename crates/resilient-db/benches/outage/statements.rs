//! What the load says to a database, and a plain client that asks whether it takes changes.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use resilient_db::{Options, Supported};
use sqlx::{MySql, Postgres, Sqlite};
use tokio::time::{sleep, timeout};

use crate::databases::{Queries, Served};

/// A database that is under load. A change is a row of some kilobytes: a full disk must be felt.
pub trait Loaded: Queries {
    /// A change by the plain client; no change of the load has this id.
    const PLAIN_CHANGE: &'static str;

    /// Two tables: the ids that were claimed, and the effects, in `place` where one is given.
    fn tables(place: Option<&Path>) -> Vec<String>;

    /// Inserts, and does nothing where the id is taken.
    fn claim_id(id: i32) -> String;

    fn effect(id: i32) -> String;
}

const CLAIM: &str = "CREATE TABLE claim (id int PRIMARY KEY)";

impl Loaded for Postgres {
    const PLAIN_CHANGE: &'static str = "INSERT INTO effect VALUES (0, repeat('x', 3000))";

    fn tables(place: Option<&Path>) -> Vec<String> {
        let space = if place.is_some() { "TABLESPACE small" } else { "" };
        vec![
            CLAIM.to_owned(),
            format!("CREATE TABLE effect (id int, load text) {space}"),
            // Not made small: a full disk must be felt.
            "ALTER TABLE effect ALTER load SET STORAGE PLAIN".to_owned(),
        ]
    }

    fn claim_id(id: i32) -> String {
        Self::claim("claim", id)
    }

    fn effect(id: i32) -> String {
        format!("INSERT INTO effect VALUES ({id}, repeat('x', 3000))")
    }
}

impl Loaded for MySql {
    const PLAIN_CHANGE: &'static str = "INSERT INTO effect VALUES (0, REPEAT('x', 6000))";

    fn tables(place: Option<&Path>) -> Vec<String> {
        let directory = place.map_or(String::new(), |place| format!("DATA DIRECTORY = '{}'", place.display()));
        vec![
            CLAIM.to_owned(),
            format!(
                "CREATE TABLE effect (id int, `load` varchar(6000) CHARACTER SET latin1) ENGINE = InnoDB {directory}"
            ),
        ]
    }

    fn claim_id(id: i32) -> String {
        Self::claim("claim", id)
    }

    fn effect(id: i32) -> String {
        format!("INSERT INTO effect VALUES ({id}, REPEAT('x', 6000))")
    }
}

impl Loaded for Sqlite {
    const PLAIN_CHANGE: &'static str = "INSERT INTO effect VALUES (0, zeroblob(3000))";

    fn tables(_place: Option<&Path>) -> Vec<String> {
        vec![CLAIM.to_owned(), "CREATE TABLE effect (id int, load blob)".to_owned()]
    }

    fn claim_id(id: i32) -> String {
        format!("INSERT OR IGNORE INTO claim VALUES ({id})")
    }

    fn effect(id: i32) -> String {
        format!("INSERT INTO effect VALUES ({id}, zeroblob(3000))")
    }
}

/// A living server answers within this; TLS takes long where nothing is optimised.
const PLAIN_LIMIT: Duration = Duration::from_secs(1);
const BETWEEN_LOOKS: Duration = Duration::from_millis(3);
/// One that was sent just before the way was mended may never be answered.
const BESIDE_ANOTHER: Duration = Duration::from_millis(25);
/// It is to look, and not to be a crowd itself.
const AT_MOST_AT_ONCE: usize = 3;

/// One change by a client that does nothing but connect and ask, each time anew.
pub async fn plain_change<D: Loaded>(options: &Options<D>) -> bool {
    let attempt = async {
        let mut connection = <D::Connection as sqlx::Connection>::connect_with(options).await?;
        // Dropped rather than closed: with TLS, sqlx waits for the server's farewell.
        <D as Supported>::run(&mut connection, D::PLAIN_CHANGE).await
    };
    matches!(timeout(PLAIN_LIMIT, attempt).await, Ok(Ok(())))
}

/// When the plain client first had its change taken.
pub async fn accepts<D: Loaded>(options: &Options<D>) -> Instant {
    let mut asked = FuturesUnordered::new();
    loop {
        if asked.len() < AT_MOST_AT_ONCE {
            asked.push(plain_change::<D>(options));
        }
        match timeout(BESIDE_ANOTHER, asked.select_next_some()).await {
            Ok(true) => return Instant::now(),
            Ok(false) => sleep(BETWEEN_LOOKS).await,
            Err(_) => {}
        }
    }
}
