//! Whether superusers may run statements of their own, and as whom.

use super::{DatabaseSettings, Lookup, switch};

const URL: &str = "INKFAST_TEST_QUERIES_URL";

#[derive(Clone, Debug, Default)]
pub struct TestQuerySettings {
    /// `INKFAST_TEST_QUERIES`, default off.
    pub on: bool,
    /// `INKFAST_TEST_QUERIES_URL`: the same database by an account that may do no more than read what may be asked
    /// about; absent: as `DATABASE_URL`.
    pub database: Option<DatabaseSettings>,
}

impl TestQuerySettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let on = switch(lookup, "INKFAST_TEST_QUERIES").map_err(|found| problems.extend(found));
        let database = lookup(URL).map(|url| DatabaseSettings::from_url(URL, &url)).transpose();
        let database = database.map_err(|found| problems.extend(found));
        match (on, database) {
            (Ok(on), Ok(database)) => Ok(Self { on, database }),
            _ => Err(problems),
        }
    }

    /// A statement is read as the kind of database that is served would read it.
    pub(super) fn fits(&self, served: &DatabaseSettings) -> Result<(), Vec<String>> {
        match &self.database {
            Some(own) if own.kind() != served.kind() => Err(vec![format!(
                "{URL} is of {}, and DATABASE_URL of {}; it takes the same database.",
                own.kind(),
                served.kind()
            )]),
            _ => Ok(()),
        }
    }
}
