//! What stands in the form: the note, or what was typed over it.

use resilient_core::draft::{Draft, Revision, Text, Values};
use resilient_core::submission::answer::{Answer, Conflict, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_drafts::StoredDraft;
use uuid::Uuid;

use crate::notes::Note;
use crate::version;

/// Name, label, and whether it has several lines.
const COLUMNS: [(&str, &str, bool); 2] = [("title", "Title", false), ("text", "Text", true)];

pub struct Shown {
    pub id: i64,
    pub version: String,
    pub submission: String,
    /// What is drawn: a draft, or with `seq` 0 the note itself.
    pub drawn: Revision,
    /// What the drawn draft was built on.
    pub on: Option<Revision>,
    /// Names this page load.
    pub page_writer: String,
    pub state: &'static str,
    pub words: &'static str,
    pub message: Option<String>,
    pub fields: Vec<Field>,
    pub conflicts: Vec<Conflict>,
    /// `None` where the note could not be read.
    pub saves: Option<i64>,
    pub saved: Option<Saved>,
    /// Drafts that are not in the form.
    pub beside: Vec<StoredDraft>,
    /// Where nobody knows what a change is it is a form, and no more.
    pub is_enhanced: bool,
}

pub struct Field {
    pub column: &'static str,
    pub label: &'static str,
    pub is_long: bool,
    pub text: String,
    /// What the note has, where that is something else.
    pub base: Option<String>,
    pub error: Option<String>,
}

/// What this page is the answer to.
pub struct Saved {
    pub id: String,
    pub revision: Revision,
}

impl Shown {
    /// The note, with the latest draft that was built on it as it is now.
    pub fn of(note: &Note, mut kept: Vec<StoredDraft>) -> Self {
        let version = version::of(&note.values);
        let fitting = kept.iter().position(|stored| stored.draft.version == version);
        let draft = fitting.map(|at| kept.remove(at).draft);
        let mut shown = Self::plain(note.id, version, fields(&note.values, &values_of(draft.as_ref(), note)));
        shown.saves = Some(note.saves);
        shown.beside = kept;
        if let Some(draft) = draft {
            shown.state = "dirty";
            (shown.drawn, shown.on) = (draft.revision, draft.on);
        }
        shown
    }

    /// After a post without script that did not save: what was typed, on what the page's version stands for. A column that
    /// was not changed here is drawn as that version has it: drawn as posted, the next press would undo somebody else's.
    pub fn after(id: i64, note: Option<&Note>, posted: &FormBody, answer: &Answer, kept: Option<Revision>) -> Self {
        let drawn_from = posted.version.clone().unwrap_or_default();
        let texts = posted
            .columns
            .iter()
            .map(|(column, posted)| (column.clone(), Some(posted.text.clone())));
        let (unchanged, typed): (Values, Values) =
            texts.partition(|(column, text)| version::is_base(&drawn_from, column, text));
        // What the answer was decided on; the note may have changed again since then.
        let (version, base) = match &answer.version {
            Some(now) => (now.clone(), answer.current.clone()),
            None => {
                let mut base = known_of(&drawn_from, note, posted);
                base.extend(unchanged);
                (drawn_from, base)
            }
        };
        let mut shown = Self::plain(id, version, fields(&base, &typed));
        for field in &mut shown.fields {
            field.error = answer.errors.get(field.column).cloned();
        }
        if let (Outcome::Kept, Some(same)) = (answer.outcome, &posted.id) {
            // Pressed again it is the same press.
            shown.submission.clone_from(same);
        }
        shown.state = match answer.outcome {
            Outcome::Kept => "queued",
            Outcome::Conflict => "conflict",
            Outcome::Invalid => "invalid",
            _ => "dirty",
        };
        shown.words = match (answer.outcome, &kept) {
            (Outcome::Kept, Some(_)) => "Not saved yet, kept on the server. Press Save again.",
            (Outcome::Kept, None) => "Not saved yet. Press Save again.",
            _ => "",
        };
        shown.message = Some(answer.message().to_owned());
        shown.conflicts = answer.conflicts.clone();
        shown.saves = note.map(|note| note.saves);
        // A script would take what is drawn for the base of a column whose base is not known, and not send it.
        shown.is_enhanced = COLUMNS.iter().all(|(column, ..)| base.contains_key(*column));
        if let Some(kept) = kept {
            shown.drawn = kept;
        }
        shown
    }

    pub fn was_saved(&mut self, id: String, answer: Answer) {
        let Answer { seq, writer, .. } = answer;
        self.saved = Some(Saved {
            id,
            revision: Revision { seq, writer },
        });
        if self.state == "clean" {
            (self.state, self.words) = ("saved", "All changes saved");
        }
    }

    pub fn drawn_draft(&self) -> Option<&Revision> {
        (self.drawn.seq > 0).then_some(&self.drawn)
    }

    fn plain(id: i64, version: String, fields: Vec<Field>) -> Self {
        let page_writer = Uuid::new_v4().simple().to_string();
        Self {
            id,
            version,
            submission: Uuid::new_v4().to_string(),
            drawn: Revision {
                seq: 0,
                writer: page_writer.clone(),
            },
            on: None,
            page_writer,
            state: "clean",
            words: "",
            message: None,
            fields,
            conflicts: Vec::new(),
            saves: None,
            saved: None,
            beside: Vec::new(),
            is_enhanced: true,
        }
    }
}

fn values_of(draft: Option<&Draft>, note: &Note) -> Values {
    let mut values = note.values.clone();
    values.extend(draft.map(|draft| draft.values.clone()).unwrap_or_default());
    values
}

/// Of what the version stands for, what the note still has and what the form said of it.
fn known_of(version: &str, note: Option<&Note>, posted: &FormBody) -> Values {
    let of_note = note.map(|note| note.values.clone()).unwrap_or_default();
    let said = posted
        .columns
        .iter()
        .filter_map(|(column, posted)| Some((column.clone(), posted.base.clone()?)));
    of_note
        .into_iter()
        .chain(said)
        .filter(|(column, text)| version::is_base(version, column, text))
        .collect()
}

fn fields(base: &Values, over: &Values) -> Vec<Field> {
    let of = |values: &Values, column: &str| values.get(column).and_then(Text::as_deref).map(str::to_owned);
    let field = |(column, label, is_long)| {
        let base = of(base, column);
        let text = of(over, column).or_else(|| base.clone()).unwrap_or_default();
        Field {
            column,
            label,
            is_long,
            base: base.filter(|base| *base != text),
            text,
            error: None,
        }
    };
    COLUMNS.map(field).into()
}
