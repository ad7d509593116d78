//! Unsaved work does not stay for ever: whoever has some is told before it goes.

use std::time::{SystemTime, UNIX_EPOCH};

use super::port::KeptDraft;
use crate::ui::written;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// After the last change, as the stores have it.
const KEPT_FOR_MS: u64 = 30 * DAY_MS;
/// After the last change: a week before the end.
const TOLD_FROM_MS: u64 = 23 * DAY_MS;

/// To stand behind when it was changed; empty while there is time.
pub fn note(kept: &KeptDraft) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = since.map_or(0, |since| since.as_millis() as u64);
    words(kept.changed_at_ms, now_ms).unwrap_or_default()
}

fn words(changed_at_ms: u64, now_ms: u64) -> Option<String> {
    (now_ms.saturating_sub(changed_at_ms) >= TOLD_FROM_MS)
        .then(|| format!(" · will be removed on {}", written::moment(changed_at_ms + KEPT_FOR_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
