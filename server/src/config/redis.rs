//! Where drafts go first, if anywhere but the data directory.

use resilient_drafts::redis::{Address, Limits};

use super::Lookup;

#[derive(Clone, Debug, Default)]
pub struct RedisSettings {
    /// `REDIS_URL`; absent: drafts are kept in the data directory alone.
    pub address: Option<Address>,
    /// How long a call may wait for it. A page that waits longer serves nobody, so no variable sets this.
    pub limits: Limits,
}

impl RedisSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let address = lookup("REDIS_URL").map(|url| url.parse());
        // The text itself may hold a password: what is wrong is said without it.
        let address = address
            .transpose()
            .map_err(|wrong| vec![format!("REDIS_URL {wrong}.")])?;
        let limits = Limits::default();
        Ok(Self { address, limits })
    }
}
