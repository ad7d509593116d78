//! Databases that are made beside the one that is served, and go again.

use std::time::Duration;

use resilient_db::Options;

use super::{BackedUp, BackupError, Why};
use crate::clock::now_ms;
use crate::sql::migrations::OwnTables;

/// What it is made for, as its name says.
pub const VERIFYING: &str = "verify";
pub const RESTORING: &str = "restoring";
/// Of a name, which has a bound: 63 bytes or 64 letters.
const SHORT: usize = 20;
/// Nothing takes so long: whoever made it is gone.
const LEFT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A database beside the one that is served.
pub struct Beside<D: OwnTables> {
    pub name: String,
    pub options: Options<D::Database>,
}

/// Makes one, empty. `make`: by this name; `may_not`: whether it failed for want of the right to.
///
/// # Errors
/// [`Why::Refused`] where this account may not make one.
pub async fn made<D: OwnTables>(
    database: &str,
    purpose: &str,
    make: impl AsyncFnOnce(&str) -> Result<Options<D::Database>, sqlx::Error>,
    may_not: fn(&sqlx::Error) -> bool,
) -> Result<Beside<D>, BackupError> {
    let name = format!("{}{}", beginning(database, purpose), now_ms());
    match make(&name).await {
        Ok(options) => Ok(Beside { name, options }),
        Err(error) if may_not(&error) => Err(BackupError::new(
            Why::Refused,
            "This account may not make a database beside the one it uses.",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Throws away what killed processes have left beside this database, as far as nobody uses it.
pub async fn sweep<D: BackedUp>(options: &Options<D::Database>) {
    let swept = async {
        for name in D::unused_beside(options).await? {
            if D::LEFT_BESIDE
                .iter()
                .any(|purpose| is_left(&name, &D::database_of(options), purpose, now_ms()))
            {
                let left = Beside::<D> {
                    name,
                    options: options.clone(),
                };
                D::remove_beside(options, &left).await?;
                tracing::info!(
                    name = left.name,
                    "a database that a killed process had left was removed"
                );
            }
        }
        Ok::<(), BackupError>(())
    };
    if let Err(error) = swept.await {
        tracing::warn!(%error, "what killed processes have left beside the database is still there");
    }
}

fn beginning(database: &str, purpose: &str) -> String {
    let short: String = database.chars().take(SHORT).collect();
    format!("{short}_{purpose}_")
}

fn is_left(name: &str, database: &str, purpose: &str, now_ms: u64) -> bool {
    let made_ms = name.strip_prefix(&beginning(database, purpose));
    let made_ms = made_ms
        .filter(|digits| digits.len() == 13)
        .and_then(|digits| digits.parse::<u64>().ok());
    made_ms.is_some_and(|made_ms| now_ms.saturating_sub(made_ms) >= LEFT_AFTER.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_for_this_and_long_ago_is_left() {
        let now = 1_795_232_712_045;
        let old = now - LEFT_AFTER.as_millis() as u64;
        for (name, left) in [
            (format!("shop_verify_{old}"), true),
            (format!("shop_verify_{}", old + 1), false),
            (format!("shop_verify_{now}"), false),
            (format!("shop_restoring_{old}"), false),
            (format!("shop2_verify_{old}"), false),
            ("shop_verify_1".to_owned(), false),
            ("shop_verify_old".to_owned(), false),
            ("shop".to_owned(), false),
        ] {
            assert_eq!(is_left(&name, "shop", VERIFYING, now), left, "{name}");
        }
        let long = "a_database_with_a_rather_long_name";
        assert!(is_left(
            &format!("{}{old}", beginning(long, VERIFYING)),
            long,
            VERIFYING,
            now
        ));
    }
}
