//! Where drafts go first, if anywhere but the data directory.

use resilient_drafts::redis::Address;

use super::Lookup;

#[derive(Clone, Debug, Default)]
pub struct RedisSettings {
    /// `REDIS_URL`; absent: drafts are kept in the data directory alone.
    pub address: Option<Address>,
}

impl RedisSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let address = lookup("REDIS_URL").map(|url| url.parse());
        // The text itself may hold a password: what is wrong is said without it.
        let address = address
            .transpose()
            .map_err(|wrong| vec![format!("REDIS_URL {wrong}.")])?;
        Ok(Self { address })
    }
}
