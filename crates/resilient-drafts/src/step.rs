//! A call that changes a form, as something a store can take along into a task of its own.

use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};

use crate::form::Form;
use crate::store::{fitting_json, unavailable};
use crate::{End, Ended, StoreError, Written};

/// [`DraftStore::write`](crate::DraftStore::write)
pub struct Writing {
    pub account: String,
    pub form_key: String,
    draft: Draft,
    mode: Mode,
    now_ms: u64,
    pub room: Room,
}

/// Whether text is refused where there is enough of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Limited,
    Unlimited,
}

impl Room {
    /// The text of a failed save may be nowhere else: it is never too much.
    pub fn of(mode: &Mode) -> Self {
        match mode {
            Mode::FailedPost | Mode::FailedPostWithoutScript { .. } => Self::Unlimited,
            Mode::Chained | Mode::Beside => Self::Limited,
        }
    }
}

/// [`DraftStore::end`](crate::DraftStore::end)
pub struct Ending {
    pub account: String,
    pub form_key: String,
    revision: Revision,
    end: End,
    now_ms: u64,
}

impl Writing {
    /// # Errors
    /// Where the draft is too large for any store.
    pub fn new(account: &str, form_key: &str, draft: &Draft, mode: &Mode, now_ms: u64) -> Result<Self, StoreError> {
        fitting_json(draft)?;
        Ok(Self {
            account: account.to_owned(),
            form_key: form_key.to_owned(),
            draft: draft.clone(),
            mode: mode.clone(),
            now_ms,
            room: Room::of(mode),
        })
    }

    /// What becomes of it, and the form afterwards.
    pub fn decide(&self, form: &Form) -> (Written, Form) {
        form.receive(&self.draft, &self.mode, self.now_ms)
    }

    /// The same while another store, which may hold more of this form, cannot be asked.
    #[cfg(feature = "redis")]
    pub fn decide_unseen(&self, form: &Form) -> (Written, Form) {
        form.receive_unseen(&self.draft, &self.mode, self.now_ms)
    }
}

impl Ending {
    pub fn new(account: &str, form_key: &str, revision: &Revision, end: End, now_ms: u64) -> Self {
        Self {
            account: account.to_owned(),
            form_key: form_key.to_owned(),
            revision: revision.clone(),
            end,
            now_ms,
        }
    }

    /// What becomes of it, and the form afterwards.
    pub fn decide(&self, form: &Form) -> (Ended, Form) {
        form.end(&self.revision, self.end, self.now_ms)
    }
}

/// In a task of its own: a browser that hangs up does not stop it half-way.
pub async fn to_its_end<T: Send + 'static>(
    step: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(step).await.map_err(unavailable)?
}
