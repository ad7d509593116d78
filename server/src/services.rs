//! Everything a request can need, put together once at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::drafts::port::Drafts;
use app::monitoring::port::Monitor;
use app::records::port::Records;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::auth::service::Auth;
use crate::backup::Schedule;
use crate::config::Settings;
use crate::drafts::DraftService;
use crate::events::Hub;
use crate::http::offline::Offline;
use crate::keys::DeviceDraftKeys;
use crate::monitoring::Observations;
use crate::monitoring::drills::Drills;
use crate::panel::Panel;
use crate::replay::Replay;
use crate::test_queries::TestQueries;

#[derive(Clone)]
pub struct Services {
    pub settings: Arc<Settings>,
    pub auth: Arc<Auth>,
    pub records: Arc<dyn Records>,
    pub drafts: Arc<DraftService>,
    pub panel: Arc<Panel>,
    pub monitor: Arc<dyn Monitor>,
    pub observations: Arc<Observations>,
    /// Only where the server was started with drills.
    pub drills: Option<Arc<Drills>>,
    /// Only where they are switched on.
    pub test_queries: Option<Arc<TestQueries>>,
    /// What `/metrics` shows; `None` without a token to ask with.
    pub metrics: Option<PrometheusHandle>,
    /// What open pages are told.
    pub events: Arc<Hub>,
    /// Stops with the server.
    pub replay: Arc<Replay>,
    /// Stops with the server.
    pub backups: Arc<Schedule>,
    /// What seals drafts in browsers.
    pub device_drafts: DeviceDraftKeys,
    /// Logical asset names to their URL paths.
    pub assets: Arc<BTreeMap<String, String>>,
    /// What browsers are given to show pages without the server.
    pub offline: Arc<Offline>,
}

impl Services {
    pub fn drafts_port(&self) -> Arc<dyn Drafts> {
        self.drafts.clone()
    }
}
