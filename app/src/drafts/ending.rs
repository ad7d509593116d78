//! Unsaved work does not stay for ever: whoever has some is told before it goes.

use std::time::{SystemTime, UNIX_EPOCH};

use resilient_core::draft::ends_soon_at_ms;

use super::port::KeptDraft;
use crate::ui::written;

/// To stand behind when it was changed; empty while there is time.
pub fn note(kept: &KeptDraft) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since.map_or(0, |since| since.as_millis() as u64);
    words(kept.changed_at_ms, now_ms).unwrap_or_default()
}

fn words(changed_at_ms: u64, now_ms: u64) -> Option<String> {
    let ends_at_ms = ends_soon_at_ms(changed_at_ms, now_ms)?;
    Some(format!(" · will be removed on {}", written::moment(ends_at_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const TOLD_FROM_MS: u64 = 23 * DAY_MS;
    const KEPT_FOR_MS: u64 = 30 * DAY_MS;

    #[test]
    fn one_is_told_a_week_before() {
        let changed = 1_764_100_800_000;
        assert_eq!(words(changed, changed), None);
        assert_eq!(words(changed, changed + TOLD_FROM_MS - 1), None);
        let told = " · will be removed on 2025-12-25 20:00 UTC";
        assert_eq!(words(changed, changed + TOLD_FROM_MS).as_deref(), Some(told));
        assert_eq!(words(changed, changed + KEPT_FOR_MS).as_deref(), Some(told));
        assert_eq!(words(changed, 0), None, "a clock that was set back");
    }
}
