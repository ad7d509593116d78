//! The Inkfast server: what answers.

pub mod auth;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod demo;
pub mod drafts;
pub mod events;
pub mod files;
pub mod http;
pub mod instances;
pub mod keys;
pub mod monitoring;
pub mod panel;
mod preparation;
pub mod records;
pub mod replay;
pub mod report;
pub mod reports;
pub mod request_id;
mod schema;
pub mod services;
pub mod sql;
pub mod startup;
pub mod test_queries;
