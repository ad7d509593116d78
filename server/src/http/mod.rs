//! The way in: routes, the checks every request passes, and answers.

pub mod answers;
mod bodies;
mod compression;
mod cookies;
mod database;
mod degradation;
mod draft_key;
mod drafts;
mod drills;
mod events;
pub mod form_capture;
mod health;
mod incoming;
mod metrics;
mod observing;
pub mod offline;
mod pages;
mod record_forms;
mod request_log;
pub mod router;
pub mod routes;
mod security;
mod sign_in;
pub mod static_files;
mod test_queries;
pub mod visitor;
mod waiting;
