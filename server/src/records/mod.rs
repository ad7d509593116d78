//! Records: reading them (`read`), saving them exactly once (`save`), and the port that pages see.

mod asking;
mod audit;
pub mod check;
mod deleting;
mod ending;
mod last_good;
mod present;
mod queueing;
pub mod read;
pub mod save;
mod saving;
pub mod service;
mod unfinished;
