//! Accounts are those of one database: what is done there at the same time, and what another one says of the same names.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use app::auth::model::Role;
use futures::future::join_all;
use inkfast_server::auth::repository::{Adding, Removing};
use inkfast_server::clock::now_ms;
use private_servers::PrivateRedis;

use super::{SECRET, is_signed_in, until};
use crate::support::private_database::PrivateDatabase;
use crate::support::test_app::TestApp;

/// As while servers are moved to another database: the secret and the Redis are the same, the accounts are not.
#[tokio::test(flavor = "multi_thread")]
async fn servers_of_different_databases_do_not_believe_each_other_about_accounts() {
    let redis = PrivateRedis::start().expect("Redis");
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("INKFAST_SECRET", SECRET)];
    let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    let anna = one.signed_in_as("anna", Role::Superuser).await;
    let bert = other.signed_in_as("bert", Role::Superuser).await;
    // Newer than what is there.
    let there = one.signed_in_as("clara", Role::Viewer).await;
    let here = other.signed_in_as("clara", Role::Viewer).await;
    let begun = Instant::now();
    // Long enough for each to read and tell several times.
    while begun.elapsed() < Duration::from_secs(7) {
        for app in [&one, &other] {
            app.services().auth.refresh().await.expect("its database is there");
        }
        for (app, cookies) in [
            (&one, [&one.cookie, &anna, &there]),
            (&other, [&other.cookie, &bert, &here]),
        ] {
            for cookie in cookies {
                assert!(is_signed_in(app, cookie).await, "{:?}", begun.elapsed());
            }
        }
        assert!(!is_signed_in(&other, &anna).await, "it has no such account");
        assert!(!is_signed_in(&one, &bert).await, "it has no such account");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // They have heard each other: a session is over wherever it was ended.
    one.post_as(&anna, "/logout", &[]).await;
    let ended = || other.services().auth.directory.ended(now_ms());
    until("the other one has heard it", async || !ended().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_add_an_account_at_once_one_does_and_of_two_last_superusers_one_stays() {
    for database in [PrivateDatabase::postgres(), PrivateDatabase::mariadb()] {
        database.make_schema();
        let url = database.url();
        let app = TestApp::with(&[("DATABASE_URL", url.as_str())]).await;
        let accounts = app.accounts();
        for round in 0..10 {
            let name = format!("anna{round}");
            let adding = (0..4).map(|n| {
                let (accounts, name) = (&accounts, &name);
                async move { accounts.add(name, &format!("hash {n}"), Role::Superuser).await }
            });
            let added: Vec<_> = join_all(adding).await;
            let added: Vec<_> = added.into_iter().map(|added| added.expect("no error")).collect();
            let first = added.iter().filter(|added| **added == Adding::Added).count();
            let taken = added.iter().filter(|added| **added == Adding::Taken).count();
            assert_eq!((first, taken), (1, 3));

            let last = format!("anna{round}");
            let other = match round {
                0 => "admin".to_owned(),
                _ => database.query(&format!(
                    "SELECT name FROM {} WHERE name <> '{last}'",
                    database.own("account")
                )),
            };
            let removed = join_all([last, other].iter().map(|name| accounts.remove(name, now_ms()))).await;
            let mut removed: Vec<_> = removed.into_iter().map(|removed| removed.expect("no error")).collect();
            removed.sort_by_key(|removed| *removed == Removing::LastSuperuser);
            assert_eq!(removed, [Removing::Removed, Removing::LastSuperuser]);
        }
    }
}

fn account(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inkfast"))
        .arg("account")
        .args(arguments)
        .env_clear()
        .env("INKFAST_DATA_DIR", data_dir)
        .env("RUST_LOG", "off")
        .output()
        .expect("the program was built")
}

#[test]
fn why_an_account_is_not_removed_or_added_is_said_in_words() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let done = |arguments: &[&str]| {
        let output = account(directory.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    let refused = |arguments: &[&str], words: &str| {
        let output = account(directory.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(words),
            "{arguments:?}: {said}"
        );
    };
    done(&["add", "anna", "--role", "superuser"]);
    refused(&["add", "anna", "--role", "viewer"], "There is such an account already");
    done(&["add", "off", "--role", "superuser"]);
    done(&["disable", "off"]);
    refused(&["remove", "anna", "--yes"], "the last superuser");
    refused(&["remove", "nobody", "--yes"], "no such account");
    done(&["add", "bert", "--role", "superuser"]);
    done(&["remove", "anna", "--yes"]);
    refused(&["add", "anna", "--role", "viewer"], "free again in 48 days");
    refused(&["remove", "bert", "--yes"], "the last superuser");
    done(&["remove", "off", "--yes"]);
}
