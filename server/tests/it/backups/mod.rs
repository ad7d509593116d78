//! Backups by the real program, on real databases: made while people write, and brought back.

mod kinds;
mod support;
