//! The way in: routes, the checks every request passes, and answers.

pub mod answers;
mod bodies;
mod cookies;
mod health;
mod pages;
mod record_forms;
pub mod router;
pub mod routes;
mod security;
mod sign_in;
pub mod static_files;
mod visitor;
