//! `inkfast serve --require-database`: there is no start without the database.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use private_servers::PrivatePostgres;

use crate::support::test_app::PASSWORD;

/// Of the program itself, which has nothing else to do than to say it.
const PATIENCE: Duration = Duration::from_secs(9);

fn served(database: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (Output, Duration) {
    let data_dir = tempfile::tempdir().expect("a temporary directory");
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_inkfast"))
        .arg("serve")
        .args(arguments)
        .env_clear()
        .env("INKFAST_LISTEN", "127.0.0.1:0")
        .env("INKFAST_DATA_DIR", data_dir.path())
        .env("INKFAST_ADMIN_PASSWORD", PASSWORD)
        .env("DATABASE_URL", database)
        .envs(settings.iter().copied())
        .current_dir(data_dir.path())
        .output()
        .expect("the program was built");
    (output, begun.elapsed())
}

#[test]
fn without_a_database_that_is_required_it_ends_at_once_and_says_why() {
    let nobody = fault_proxy::free_port().expect("a free port");
    let url = format!("postgres://me:hunter2@127.0.0.1:{nobody}/shop?sslmode=disable");
    for (arguments, settings) in [
        (&["--require-database"][..], &[][..]),
        (&[], &[("INKFAST_REQUIRE_DATABASE", "1")]),
    ] {
        let (output, took) = served(&url, arguments, settings);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("DATABASE_URL: the database cannot be reached"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(took < PATIENCE, "{took:?}");
        println!("ended after {took:?}");
    }
}

#[test]
fn a_database_that_cannot_be_prepared_is_not_there_either() {
    let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
    // Something of somebody else's stands where an own table has to be.
    let taken = "CREATE SCHEMA inkfast; CREATE VIEW inkfast.account AS SELECT 1";
    postgres.query("postgres", taken).expect("a schema");
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable",
        postgres.port()
    );
    let (output, _) = served(&url, &["--require-database"], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not prepared in time"), "{said}");
}
