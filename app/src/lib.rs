//! What people see in Inkfast and may ask of it.
//!
//! Pages are rendered on the server and work without script; the islands of `resilient-form` go
//! over them in the browser. What a page needs from the server it asks of ports ([`records::port`],
//! [`drafts::port`], [`monitoring::port`]), which the server provides as Leptos context together
//! with `Option<Account>`, [`ui::page_request::PageRequest`] and, where they apply,
//! [`ui::page_request::Posted`] and [`ui::page_request::SignIn`].

#![recursion_limit = "256"]

pub mod api_error;
pub mod auth;
#[cfg(feature = "ssr")]
mod dashboard_page;
pub mod drafts;
pub mod monitoring;
#[cfg(feature = "ssr")]
mod offline_page;
pub mod records;
#[cfg(feature = "ssr")]
mod shell;
pub mod ui;

#[cfg(feature = "ssr")]
pub use shell::{App, shell};
