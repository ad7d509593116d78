//! A page over a table that was changed under it.

use leptos::prelude::*;

use crate::ui::notice::{Tone, notice};

/// Reading failed with what was known of the table, and went well with what it is now.
pub fn table_has_changed() -> AnyView {
    let words = "This table was changed in the database: the page shows it as it is now.";
    notice(Tone::Waiting, words, ())
}
