//! Which drafts end with a save, and what of them stays.

use std::collections::BTreeSet;

use app::records::model::{RecordKey, TableName};
use app::records::port::Manner;
use resilient_core::draft::Revision;
use resilient_core::draft::lineage::Lineage;
use resilient_core::path_text;
use resilient_core::submission::answer::Answer;
use resilient_core::submission::form_body::same_text;
use resilient_core::submission::queue::Answered;

use super::read;
use super::save::Intent;
use super::service::RecordService;
use crate::sql::Dialect;

/// A form that was saved.
#[derive(Clone, Copy)]
pub(super) struct SavedForm<'a> {
    pub account: &'a str,
    pub form_key: &'a str,
    pub table: &'a TableName,
    /// The submission's.
    pub id: &'a str,
    /// The columns that it had a control for, in the `~HH` writing. Of a page with script nobody asks.
    pub posted: &'a BTreeSet<String>,
    pub manner: Manner,
}

impl<D: Dialect> RecordService<D> {
    /// Ends the draft `revision`, which the form was drawn with or kept as. What a page without script could not post of
    /// it stays a draft: it is in no record.
    pub(super) async fn end_saved(&self, saved: SavedForm<'_>, revision: &Revision) {
        if saved.manner != Manner::Plain || self.keeps_what_was_not_posted(saved, revision).await {
            let drafts = &self.parts.drafts;
            let ended = drafts.saved(saved.account, saved.form_key, revision).await;
            self.end_earlier_presses(saved, ended).await;
        }
    }

    /// What was pressed with a text that this one was built on, by whichever page, was seen to.
    async fn end_earlier_presses(&self, saved: SavedForm<'_>, ended: Lineage) {
        let waiting = self.parts.drafts.waiting();
        for revision in ended.revisions() {
            let answered = Answered {
                id: saved.id,
                form_key: saved.form_key,
                revision: &revision,
                is_told: saved.manner.tells_its_person(),
            };
            waiting.saved(saved.account, answered).await;
        }
    }

    /// Such a page shows text for columns that are gone, or may not be written any more, and has no control for it.
    /// Whether all of that is kept on by itself, so that this draft may end.
    async fn keeps_what_was_not_posted(&self, saved: SavedForm<'_>, revision: &Revision) -> bool {
        let SavedForm { account, form_key, .. } = saved;
        let drafts = &self.parts.drafts;
        let whole = self.parts.panel.whole();
        let stored = drafts.stored(account, form_key).await;
        let (Some(table), Ok(stored)) = (whole.table(saved.table), stored) else {
            return false;
        };
        let is_left = |written: &String| table.column_written(written).is_none() || !saved.posted.contains(written);
        let drawn = stored.drafts.into_iter();
        let drawn: Vec<_> = drawn.filter(|kept| kept.draft.revision == *revision).collect();
        if drawn.is_empty() && !stored.complete {
            // It may be where nobody can look now, with such text in it.
            return false;
        }
        for kept in drawn {
            let mut rest = kept.draft;
            let all = rest.values.len();
            rest.values.retain(|written, _| is_left(written));
            rest.base.retain(|written, _| is_left(written));
            if rest.values.is_empty() {
                continue;
            }
            if rest.values.len() == all {
                // None of it was saved: it is what is kept on.
                return false;
            }
            if let Err(error) = drafts.keep_failed_post(account, form_key, rest, Manner::Plain).await {
                tracing::warn!(%error, "text that a form could not post could not be kept by itself; its draft stays");
                return false;
            }
        }
        true
    }

    /// A save can hold what a stored draft held without naming it: one that was drawn into the form,
    /// or one kept when an earlier press failed. What the record has now is not unsaved.
    pub(super) async fn end_drafts_equal_to_the_record(&self, intent: &Intent, answer: &Answer) {
        let (drafts, account) = (&self.parts.drafts, &intent.account.name);
        let seen = drafts.stored(account, &intent.form_key).await;
        let stored = seen.map(|seen| seen.drafts).unwrap_or_default();
        let key = answer
            .key
            .as_deref()
            .and_then(RecordKey::read)
            .filter(|_| !stored.is_empty());
        let Some(key) = key else { return };
        let Ok(Some(record)) = read::form_values::<D>(&self.parts.db.primary(), &intent.table, &key).await else {
            return;
        };
        for draft in stored {
            let has_all = draft.draft.values.iter().all(|(written, text)| {
                let now = path_text::read_part(written).and_then(|column| record.values.get(&column));
                now.is_some_and(|now| same_text(now, text))
            });
            if has_all {
                drafts.saved(account, &intent.form_key, &draft.draft.revision).await;
            }
        }
    }
}
