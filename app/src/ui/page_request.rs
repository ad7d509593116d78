//! What the server tells a page about the request it answers.

use std::collections::BTreeMap;

use resilient_core::draft::Revision;
use resilient_core::submission::answer::Answer;
use resilient_core::submission::form_body::FormBody;

/// One request for a page.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// Path as the browser sent it.
    pub path: String,
    /// Decoded query, the last of two equal names.
    pub query: BTreeMap<String, String>,
    /// Random, for `_writer`: names this page load.
    pub writer: String,
    /// A fresh submission id, for `_id` where the form has none of its own.
    pub submission_id: String,
    /// Addresses of the hashed assets: `inkfast.css`, `inkfast-reading.css`, `inkfast.js`, `inkfast_bg.wasm`, `page.js`, `sealed.js`, `sealed_bg.wasm` to their URL paths; and, where
    /// a release made them, the inline scripts' code by their names.
    pub assets: std::sync::Arc<BTreeMap<String, String>>,
    /// Which build draws this page.
    pub build: String,
    /// Whether browsers keep pages, to show them without the server.
    pub offline_pages: bool,
    pub local_drafts: LocalDrafts,
    /// Of the key that seals drafts now, where they are sealed and somebody is signed in.
    pub draft_key_mark: Option<String>,
}

/// How browsers keep what is typed and not saved yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalDrafts {
    /// As text that anybody who may read the browser's files can read.
    #[default]
    Plain,
    /// Sealed with a key of the account, which only the server hands out, to somebody signed in.
    Sealed,
    /// Not at all: the server alone keeps drafts.
    Off,
}

impl LocalDrafts {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Sealed, Self::Off];

    /// As settings and pages name it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Sealed => "sealed",
            Self::Off => "off",
        }
    }

    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.code() == code)
    }
}

impl PageRequest {
    /// The address again, without one part of the query.
    pub fn address_without(&self, name: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(asked, _)| *asked != name));
        match query.finish() {
            query if query.is_empty() => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }
}

/// A save that was posted without script and did not succeed: the page is drawn again around it.
#[derive(Clone, Debug)]
pub struct Posted {
    pub body: FormBody,
    pub answer: Answer,
    /// Columns, in the `~HH` writing, whose posted text is not the version's: what this person
    /// changed. `None` where the version could not be opened; then every column that differs
    /// from the record is drawn as a conflict.
    pub changed: Option<Vec<String>>,
}

/// The save that led to this page: what `?saved={id}` names, where it is this person's and was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedMark {
    /// The form that was saved (of a create: `{table}/new-{uuid}`), not the record it led to.
    pub form_key: String,
    /// The draft that the save was made of.
    pub revision: Revision,
    /// Columns, in the `~HH` writing, that somebody else had changed and the save kept.
    pub merged: Vec<String>,
}

/// A sign-in that failed, or that is needed in the middle of a save.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    pub message: Option<String>,
    pub username: String,
    /// Where to go afterwards: a path on this server.
    pub next: String,
    /// A form body that was posted by somebody no longer signed in: carried through the sign-in as hidden controls.
    pub carried: Vec<(String, String)>,
}
