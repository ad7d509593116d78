//! Failed forms as drafts in a store, for any application.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use axum::http::request::Parts;
use resilient_core::draft::replacement::Mode;
use resilient_core::draft::{Draft, Revision};
use resilient_core::submission::form_body::{SEQ, WRITER};

use super::fields::{self, Fields};
use super::{Keeper, Kept, NotKept};
use crate::{DraftStore, End, StoreError, StoredDraft, Written};

/// Beyond this a form is no form.
const MOST_FIELDS: usize = 2_000;

type Naming = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type LeftOut = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Keeps what forms post by account and form key. Clones share everything.
#[derive(Clone)]
pub struct FormDrafts {
    store: Arc<dyn DraftStore>,
    account: Naming,
    form_key: Naming,
    left_out: LeftOut,
    most_fields: usize,
}

/// A failed form as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedForm(pub StoredDraft);

/// What can be seen of a form's drafts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedForms {
    /// Latest first.
    pub forms: Vec<CapturedForm>,
    /// Whether that is all of them, as in [`Seen`](crate::Seen); not where one of them cannot be opened.
    pub complete: bool,
}

impl CapturedForm {
    /// What was typed, by name; those of one name in the order posted.
    pub fn fields(&self) -> Vec<(String, String)> {
        fields::of_values(&self.0.draft.values)
    }

    /// The text of the first field of this name.
    pub fn text(&self, name: &str) -> Option<String> {
        let mut fields = self.fields().into_iter();
        fields.find(|(found, _)| found == name).map(|(_, text)| text)
    }

    /// Names of fields that had a text when it failed, and are not in it: secrets, to be typed again.
    pub fn left_out(&self) -> Vec<String> {
        fields::left_out_of(&self.0.draft.values)
    }

    /// Hidden controls, name and value: with them in it, the form's next post names this draft.
    pub fn controls(&self) -> [(&'static str, String); 2] {
        let Revision { seq, writer } = &self.0.draft.revision;
        [(SEQ, seq.to_string()), (WRITER, writer.clone())]
    }
}

impl FormDrafts {
    /// `account` says whose a request is; `None` for nobody, of whom nothing is kept. What identity there is in the
    /// request, a layer outside has to have put there.
    pub fn new(store: Arc<dyn DraftStore>, account: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            store,
            account: Arc::new(account),
            form_key: Arc::new(|parts| Some(parts.uri.path().to_owned())),
            left_out: Arc::new(fields::is_never_kept),
            most_fields: MOST_FIELDS,
        }
    }

    /// Which form a request posts; by default its path. `None` for one that is not looked after.
    pub fn form_key(mut self, form_key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.form_key = Arc::new(form_key);
        self
    }

    /// One more field that is never kept.
    pub fn without(self, name: &'static str) -> Self {
        let before = Arc::clone(&self.left_out);
        self.without_those(move |field| field == name || before(field))
    }

    /// Which fields are never kept, in place of those whose name is like that of a secret.
    pub fn without_those(mut self, left_out: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.left_out = Arc::new(left_out);
        self
    }

    /// How many fields a form may have to be kept; 2000 by default.
    pub fn most_fields(mut self, most: usize) -> Self {
        self.most_fields = most;
        self
    }

    /// Keeps a form whose handler has seen a failure; secrets are left out here.
    ///
    /// # Errors
    /// When nothing was kept.
    pub async fn save(
        &self,
        account: &str,
        form_key: &str,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Kept, NotKept> {
        let fields = Fields::of(pairs.into_iter().take(self.most_fields + 1), &*self.left_out);
        self.keep_fields(account, form_key, fields).await
    }

    /// What is kept of a form.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(&self, account: &str, form_key: &str) -> Result<CapturedForms, StoreError> {
        let seen = self.store.load(account, form_key).await?;
        Ok(CapturedForms {
            complete: seen.complete && seen.unreadable.is_empty(),
            forms: seen.drafts.into_iter().map(CapturedForm).collect(),
        })
    }

    /// Ends what the fields of a form that succeeded prove to be saved: the draft that it was drawn with, and those with
    /// this very text. Any other is another tab's, or later.
    ///
    /// # Errors
    /// When the store cannot be asked. The drafts are then shown once too often.
    pub async fn clear(
        &self,
        account: &str,
        form_key: &str,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), StoreError> {
        self.end_fields(account, form_key, &Fields::of(pairs, &*self.left_out))
            .await
    }

    async fn keep_fields(&self, account: &str, form_key: &str, fields: Fields) -> Result<Kept, NotKept> {
        if fields.pairs.len() > self.most_fields {
            return Err(fields::TooManyFields { most: self.most_fields }.into());
        }
        if fields.pairs.is_empty() {
            return Err(NotKept::NothingToKeep);
        }
        let fresh = fresh_revision();
        let draft = Draft {
            version: String::new(),
            base: Default::default(),
            values: fields.values(),
            revision: fields.drawn_with.unwrap_or_else(|| fresh.clone()),
            on: None,
        };
        let mode = Mode::FailedPostWithoutScript { fresh };
        match self.store.write(account, form_key, &draft, &mode, now_ms()).await? {
            Written::Stored(kept) | Written::SameAgain(kept) | Written::Stale(kept) => Ok(Kept {
                place: kept.kept_in,
                revision: kept.draft.revision,
                left_out: fields.left_out,
            }),
            Written::Diverged(_) | Written::Ended(_) => Err(NotKept::Ended),
        }
    }

    async fn end_fields(&self, account: &str, form_key: &str, fields: &Fields) -> Result<(), StoreError> {
        // Whether a secret was typed is no matter of the text.
        let typed = fields::of_values(&fields.values());
        let seen = self.store.load(account, form_key).await?;
        let is_same = |stored: &StoredDraft| fields::of_values(&stored.draft.values) == typed;
        let same = seen.drafts.into_iter().filter(is_same);
        let drawn_with = fields.drawn_with.clone().filter(|revision| revision.seq > 0);
        for revision in same.map(|stored| stored.draft.revision).chain(drawn_with) {
            self.store
                .end(account, form_key, &revision, End::Saved, now_ms())
                .await?;
        }
        Ok(())
    }

    fn names(&self, parts: &Parts) -> Option<(String, String)> {
        Some(((self.account)(parts)?, (self.form_key)(parts)?))
    }
}

#[async_trait]
impl Keeper for FormDrafts {
    fn takes(&self, parts: &Parts) -> bool {
        self.names(parts).is_some()
    }

    async fn keep(&self, parts: &Parts, body: &[u8]) -> Result<Kept, NotKept> {
        let (account, form_key) = self.names(parts).ok_or(NotKept::NothingToKeep)?;
        let fields = Fields::read(body, self.most_fields, &*self.left_out)?;
        self.keep_fields(&account, &form_key, fields).await
    }

    async fn succeeded(&self, parts: &Parts, body: &[u8]) {
        let Some((account, form_key)) = self.names(parts) else {
            return;
        };
        let Ok(fields) = Fields::read(body, self.most_fields, &*self.left_out) else {
            return;
        };
        if let Err(error) = self.end_fields(&account, &form_key, &fields).await {
            tracing::warn!(?error, "the draft of a form that succeeded could not be ended");
        }
    }
}

fn fresh_revision() -> Revision {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the operating system has random numbers");
    let writer = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Revision { seq: 1, writer }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
