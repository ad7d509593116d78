#[cfg(feature = "ssr")]
mod controls;
#[cfg(feature = "ssr")]
mod degraded;
#[cfg(feature = "ssr")]
mod drill_report;
#[cfg(feature = "ssr")]
pub mod drills_page;
#[cfg(feature = "ssr")]
mod error_list;
#[cfg(feature = "ssr")]
pub mod model;
#[cfg(feature = "ssr")]
pub mod monitoring_page;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
mod sent_saves;
#[cfg(feature = "ssr")]
mod servers_panel;
pub mod statements;
#[cfg(feature = "ssr")]
pub mod statements_page;
