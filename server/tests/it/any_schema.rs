//! Whole schemas, walked through the server as its users meet it: every table lists, every form opens, an untouched
//! save changes nothing, and a changed field changes exactly its column.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod granted;
mod mariadb;
mod odd;
mod typical;
mod values;
mod walk;
mod witness;

use private_servers::PrivatePostgres;

use self::witness::Witness;
use crate::support::test_app::TestApp;

/// A server over a database of its own with this schema, and somebody who looks at it from outside.
async fn served(schema: &str) -> (PrivatePostgres, TestApp, Witness) {
    let postgres = PrivatePostgres::start().unwrap();
    let url = postgres.create_database("real").unwrap();
    let mut witness = Witness::connect(&url).await;
    witness.run(schema).await;
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    (postgres, app, witness)
}
