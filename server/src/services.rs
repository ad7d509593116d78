//! Everything a request can need, put together once at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::drafts::port::Drafts;
use app::monitoring::port::Monitor;
use app::records::port::Records;

use crate::auth::service::Auth;
use crate::config::Settings;
use crate::drafts::DraftService;

#[derive(Clone)]
pub struct Services {
    pub settings: Arc<Settings>,
    pub auth: Arc<Auth>,
    pub records: Arc<dyn Records>,
    pub drafts: Arc<DraftService>,
    pub monitor: Arc<dyn Monitor>,
    /// Logical asset names to their URL paths.
    pub assets: Arc<BTreeMap<String, String>>,
}

impl Services {
    pub fn drafts_port(&self) -> Arc<dyn Drafts> {
        self.drafts.clone()
    }
}
