//! What goes on in a database: who runs what, since when, and who waits for whom. Statements of others are shown as
//! shapes, without any value.

mod mysql;
mod postgres;

use app::monitoring::statements::Activity;

use super::Watched;
use super::connection::Raw;
use crate::clock::now_ms;
use crate::sql::{MySql, Postgres, Sqlite};

impl Watched for Postgres {
    const SESSIONS: bool = true;

    async fn activity(connection: &mut Raw<Self>) -> Result<Activity, sqlx::Error> {
        postgres::activity(connection).await
    }
}

impl Watched for MySql {
    const SESSIONS: bool = true;

    async fn activity(connection: &mut Raw<Self>) -> Result<Activity, sqlx::Error> {
        mysql::activity(connection).await
    }
}

impl Watched for Sqlite {
    const SESSIONS: bool = false;

    async fn activity(_: &mut Raw<Self>) -> Result<Activity, sqlx::Error> {
        Ok(without_sessions())
    }
}

pub(super) fn without_sessions() -> Activity {
    Activity {
        as_of_ms: now_ms(),
        unseen: vec![
            "SQLite is a file and knows of no sessions: there is nothing to see beyond this server's own statements."
                .to_owned(),
        ],
        ..Activity::default()
    }
}

/// Of a number that the database gave as text; what is not one, or below nought, is not known.
fn milliseconds(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}
