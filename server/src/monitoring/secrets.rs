//! Whether anything still needs the secrets that are no longer in use.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resilient_drafts::{Secrets, Swept};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::now_ms;
use crate::records::save::IDS_KEPT_MS;
use crate::{files, keys};

/// Since when which secret is in use, in the data directory.
const FILE: &str = "secret-in-use.json";

#[derive(Debug, Default)]
pub struct SecretsSeen {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    old: usize,
    since_ms: u64,
    swept: Option<Swept>,
    told: bool,
}

#[derive(Deserialize, Serialize)]
struct InUse {
    mark: String,
    since_unix_ms: u64,
}

impl SecretsSeen {
    /// Begins to count from when the present one was first met here.
    pub fn begin(&self, data_dir: &Path, secrets: &Secrets) {
        let mark = keys::secret_mark(&secrets.present);
        let path = data_dir.join(FILE);
        let noted = std::fs::read(&path).ok();
        let noted: Option<InUse> = noted.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let since_unix_ms = match noted.filter(|noted| noted.mark == mark) {
            Some(noted) => noted.since_unix_ms,
            None => {
                let since_unix_ms = now_ms();
                let noted = serde_json::to_vec(&InUse { mark, since_unix_ms }).unwrap_or_default();
                if let Err(error) = files::write_whole(&path, &noted) {
                    tracing::warn!(%error, "since when the secret is in use cannot be kept in the data directory");
                }
                since_unix_ms
            }
        };
        *self.state() = State {
            old: secrets.all().len() - 1 - secrets.next.iter().filter(|next| **next != secrets.present).count(),
            since_ms: since_unix_ms,
            ..State::default()
        };
    }

    /// What the last sweep of drafts has found; `None` where it could not be done.
    pub fn swept(&self, swept: Option<Swept>, now_ms: u64) {
        let mut state = self.state();
        state.swept = swept;
        // Neither 0 nor what an earlier sweep has found is what is there: where not all could be seen, no number is.
        let all = swept.filter(|swept| swept.complete);
        let count = |of: fn(&Swept) -> u64| all.map_or(f64::NAN, |swept| of(&swept) as f64);
        metrics::gauge!("inkfast_drafts_sealed_with_old_secret").set(count(|swept| swept.still_old));
        metrics::gauge!("inkfast_drafts_sealed_with_unknown_secret").set(count(|swept| swept.unknown));
        if let Some(swept) = swept {
            metrics::counter!("inkfast_drafts_resealed_total").increment(swept.resealed);
        }
        let news = state.old > 0 && !state.told && state.is_done(now_ms);
        state.told |= news;
        drop(state);
        if news {
            tracing::warn!("no text needs the old secrets any more: they can be taken away");
        }
    }

    pub fn report(&self) -> Value {
        let state = self.state();
        let all = state.swept.filter(|swept| swept.complete);
        json!({
            "old": state.old,
            "in_use_since_unix_ms": state.since_ms,
            "drafts_sealed_with_old": all.map(|swept| swept.still_old),
            "drafts_sealed_with_unknown": all.map(|swept| swept.unknown),
            "all_drafts_seen": all.is_some(),
            "forms_need_old_until_unix_ms": (state.old > 0).then(|| state.since_ms + IDS_KEPT_MS),
            "old_needed": state.old > 0 && !state.is_done(now_ms()),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// All drafts are sealed with the present one, and no form that was drawn before it can be saved any more.
    fn is_done(&self, now_ms: u64) -> bool {
        let drafts = self.swept.is_some_and(|swept| swept.complete && swept.still_old == 0);
        drafts && now_ms.saturating_sub(self.since_ms) > IDS_KEPT_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(present: u8, next: &[u8], old: &[u8]) -> Secrets {
        let all = |numbers: &[u8]| numbers.iter().map(|number| [*number; 32]).collect();
        Secrets {
            present: [present; 32],
            next: all(next),
            old: all(old),
        }
    }

    fn swept(still_old: u64, complete: bool) -> Option<Swept> {
        Some(Swept {
            still_old,
            complete,
            ..Swept::default()
        })
    }

    #[test]
    fn an_old_secret_is_needed_until_all_drafts_are_sealed_anew_and_no_form_is_older() {
        let folder = tempfile::tempdir().unwrap();
        let seen = SecretsSeen::default();
        seen.begin(folder.path(), &secrets(2, &[3], &[1]));
        assert_eq!(
            (seen.report()["old"].as_u64(), &seen.report()["old_needed"]),
            (Some(1), &json!(true))
        );
        let since = seen.state().since_ms;
        let done = |swept, at_ms| {
            seen.swept(swept, at_ms);
            seen.state().is_done(at_ms)
        };
        let late = since + IDS_KEPT_MS + 1;
        assert!(!done(swept(0, true), late - 1));
        assert!(!done(swept(1, true), late) && !done(swept(0, false), late) && !done(None, late));
        assert_eq!(seen.report()["drafts_sealed_with_old"], Value::Null, "not known");
        done(swept(0, false), late);
        assert_eq!(
            seen.report()["drafts_sealed_with_old"],
            Value::Null,
            "there may be more"
        );
        assert!(done(swept(0, true), late));
        assert_eq!(seen.report()["drafts_sealed_with_old"], 0);
        assert!(seen.state().told, "once");

        seen.begin(folder.path(), &secrets(2, &[], &[1]));
        assert_eq!(seen.state().since_ms, since, "a new start is not a new secret");
        seen.begin(folder.path(), &secrets(4, &[], &[]));
        assert_eq!(seen.report()["old_needed"], false);
        assert!(seen.state().since_ms >= since);
    }
}
