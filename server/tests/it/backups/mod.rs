//! Backups by the real program, on real databases: made while people write, and brought back.

mod by_schedule;
mod kinds;
mod meanwhile;
mod nothing_runs;
mod refused;
mod served;
mod support;
