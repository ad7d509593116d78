//! Saves that have failed, as drafts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use app::records::port::Manner;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision, Text};
use resilient_core::submission::form_body::{FormBody, PostedColumn, with_null};
use resilient_drafts::{Place, StoreError, StoredDraft, Written};

use super::DraftService;

/// The `seq` of a form that was drawn with no draft. What names it was built on nothing.
const DRAWN_WITHOUT_DRAFT: u64 = 0;

/// A failed save that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPost {
    pub revision: Revision,
    pub kept_in: Place,
}

/// Why a failed save has left no draft.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    #[error("the draft was saved or discarded meanwhile")]
    Ended,
    #[error("only secrets were changed, and those are never stored")]
    OnlySecrets,
    #[error("the form names neither its version nor its draft")]
    Unnamed,
    #[error("the draft store did not take it")]
    Store(#[from] StoreError),
}

impl DraftService {
    /// Keeps a failed save, and tells where and under which revision. Scripted, that is the one
    /// the page gave it. Plain, the posted one names what was drawn into the form, so the draft gets
    /// a fresh writer (unless that very text is kept already) and replaces the drawn one: the page
    /// that answers has to be drawn with the revision given here.
    ///
    /// # Errors
    /// When nothing was kept; what was kept before is as it was.
    pub async fn keep_failed_post(
        &self,
        account: &str,
        form_key: &str,
        draft: Draft,
        manner: Manner,
    ) -> Result<KeptPost, NotKept> {
        let draft = self.without_secrets(form_key, draft);
        if draft.values.is_empty() {
            return Err(NotKept::OnlySecrets);
        }
        let mode = match manner {
            Manner::Scripted | Manner::Repeated => Mode::FailedPost,
            Manner::Plain => Mode::FailedPostWithoutScript {
                fresh: fresh_revision(),
            },
        };
        match self.write_counted(account, form_key, &draft, &mode).await? {
            Written::Stored(kept) | Written::SameAgain(kept) => Ok(KeptPost {
                revision: kept.draft.revision,
                kept_in: kept.kept_in,
            }),
            // Its page has written a later draft, which holds this one.
            Written::Stale(later) => Ok(KeptPost {
                revision: draft.revision,
                kept_in: later.kept_in,
            }),
            // Only a chained write can diverge; a failed post is stored beside.
            Written::Diverged(_) | Written::Ended(_) => Err(NotKept::Ended),
        }
    }

    /// Keeps a posted form of which nothing is known but that it was posted. `changed` says which columns were changed, in
    /// the `~HH` writing; where it cannot, all that were posted are kept.
    ///
    /// # Errors
    /// When nothing was kept; what was kept before is as it was.
    pub async fn keep_posted(
        &self,
        account: &str,
        form_key: &str,
        body: &FormBody,
        changed: impl FnOnce() -> Option<Vec<String>>,
        manner: Manner,
    ) -> Result<KeptPost, NotKept> {
        let (Some(version), Some(revision)) = (body.version.clone(), body.revision.clone()) else {
            return Err(NotKept::Unnamed);
        };
        // What has made the save panic may do it here again.
        let changed = catch_unwind(AssertUnwindSafe(changed)).unwrap_or_default();
        let is_changed = |column: &String| changed.as_ref().is_none_or(|changed| changed.contains(column));
        let posted = body.columns.iter().filter(|(column, _)| is_changed(column));
        let base = posted
            .clone()
            .filter_map(|(column, one)| Some((column.clone(), one.base.clone()?)));
        let draft = Draft {
            version,
            base: base.collect(),
            values: posted.map(|(column, one)| (column.clone(), value_of(one))).collect(),
            revision,
            on: None,
        };
        let draft = match manner {
            Manner::Plain => self.with_what_had_no_control(account, form_key, draft, body).await,
            Manner::Scripted | Manner::Repeated => draft,
        };
        self.keep_failed_post(account, form_key, draft, manner).await
    }

    /// With what the drawn draft has for columns that the form had no control for, because they are gone or may not be
    /// written any more: what is kept replaces that draft, and the form could not post it. Where nobody can look for
    /// that draft now, what is kept does not name it, and so replaces nothing.
    pub async fn with_what_had_no_control(
        &self,
        account: &str,
        form_key: &str,
        mut draft: Draft,
        body: &FormBody,
    ) -> Draft {
        let (seen, complete) = match self.stored(account, form_key).await {
            Ok(seen) => (seen.drafts, seen.complete),
            Err(error) => {
                tracing::warn!(?error, "what a form could not post cannot be looked up");
                (Vec::new(), false)
            }
        };
        let drawn = seen.into_iter().find(|kept| kept.draft.revision == draft.revision);
        let Some(StoredDraft { draft: drawn, .. }) = drawn else {
            if !complete {
                draft.revision.seq = DRAWN_WITHOUT_DRAFT;
            }
            return draft;
        };
        for (column, text) in drawn.values {
            if body.columns.contains_key(&column) || draft.values.contains_key(&column) {
                continue;
            }
            if let Some(base) = drawn.base.get(&column) {
                draft.base.insert(column.clone(), base.clone());
            }
            draft.values.insert(column, text);
        }
        draft
    }
}

/// What a control and its box for NULL say. Text beside a ticked box is kept: nobody knows which of the two is meant.
fn value_of(posted: &PostedColumn) -> Text {
    let is_base = || {
        posted
            .base
            .as_ref()
            .is_some_and(|base| base.as_deref() == Some(&posted.text))
    };
    with_null(&posted.text, posted.null, is_base).unwrap_or_else(|_| Some(posted.text.clone()))
}

fn fresh_revision() -> Revision {
    Revision {
        seq: 1,
        writer: uuid::Uuid::new_v4().simple().to_string(),
    }
}
