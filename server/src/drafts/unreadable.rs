//! Drafts that cannot be opened: each is counted and logged once, however often it is met.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use resilient_drafts::{Unreadable, WhyUnreadable};

/// More are not remembered: there is something else wrong then, and it was said.
const MOST: usize = 10_000;

/// Account, form key, writer, seq.
type Name = (String, String, String, u64);

#[derive(Debug, Default)]
pub struct UnreadableDrafts(Mutex<BTreeSet<Name>>);

impl UnreadableDrafts {
    pub fn tell(&self, account: &str, found: &[Unreadable]) {
        for draft in found {
            if !self.is_news(account, draft) {
                continue;
            }
            let why = match draft.why {
                WhyUnreadable::OtherSecret => "other_secret",
                WhyUnreadable::Changed => "changed",
            };
            metrics::counter!("inkfast_drafts_unreadable_total", "why" => why).increment(1);
            tracing::error!(
                account,
                form_key = draft.form_key,
                seq = draft.revision.seq,
                writer = draft.revision.writer,
                changed_at_unix_ms = draft.changed_at_ms,
                kept_in = draft.kept_in.word(),
                why,
                "a draft cannot be opened: it stays where it is until it is too old or discarded"
            );
        }
    }

    fn is_news(&self, account: &str, draft: &Unreadable) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = &draft.revision;
        let name = (
            account.to_owned(),
            draft.form_key.clone(),
            revision.writer.clone(),
            revision.seq,
        );
        told.len() < MOST && told.insert(name)
    }
}
