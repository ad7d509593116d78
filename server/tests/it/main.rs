//! The server against real databases, from outside: one binary, so that it links once.

mod any_schema;
mod backups;
mod canary;
mod cross_site;
mod drills;
mod events;
mod health;
mod health_check;
mod lost_answers;
mod metric_labels;
mod migrations;
mod monitoring;
mod observing;
mod redis_drafts;
mod request_ids;
mod requests;
mod restricted_database;
mod rights;
mod saving;
mod schema_drift;
mod sql_round_trip;
mod stopping;
mod support;
mod test_queries;
mod thousand_saves;
mod unhealthy_database;
