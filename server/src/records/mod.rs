//! Records: reading them (`read`), saving them exactly once (`save`), and the port that pages see.

mod audit;
pub mod check;
pub mod read;
pub mod save;
pub mod service;
