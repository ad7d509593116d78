//! The server against real databases, from outside: one binary, so that it links once.

mod lost_answers;
mod redis_drafts;
mod requests;
mod restricted_database;
mod saving;
mod sql_round_trip;
mod support;
mod thousand_saves;
mod unhealthy_database;
