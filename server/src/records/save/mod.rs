//! Saving, exactly once.
//!
//! The submission's id, its answer, the audit row and the change are written in one transaction of
//! the record's own database: the id is there exactly when the change is. Everything else here
//! follows from that: a lost answer is found again by the id, and a second press changes nothing.

mod changes;
mod delete;
mod in_flight;
mod intent;
mod refusals;
mod rows;
mod statements;
mod transaction;
mod unheard;
mod version;
mod writable;

pub use changes::{FormRights, changes_of, changes_within_rights};
pub use delete::Deletion;
pub use in_flight::InFlight;
pub use intent::{Intent, Posted};
pub use refusals::{DELETE_NOT_PERMITTED, kept_from_deleting, messages};
pub use statements::{claim, made_from, saved_submission, settled_submission, sweep};
pub use transaction::run;
pub use unheard::Unheard;
pub use version::{UNTIL_SERVED_MS, Undone, Versions};
pub use writable::{columns_of_a_form, columns_to_write, takes_saves};

/// How long ids are kept: longer than any draft lives (30 days), plus two weeks for clocks and
/// late replays. A form issued before that is never run, because its id may have been forgotten.
pub const IDS_KEPT_MS: u64 = 45 * DAY_MS;

/// Forgotten only this much later: the database's clock and this server's need not agree.
pub const IDS_FORGOTTEN_MS: u64 = IDS_KEPT_MS + 3 * DAY_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
