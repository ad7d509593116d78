//! The names of a form's controls, and reading and writing its body as pairs.
//!
//! A pair list is what any form decoder yields; percent-coding is not this module's business.

use crate::collections::BTreeMap;
use crate::draft::{Revision, Text, Values};

pub const ID: &str = "_id";
/// Whose form it is: a form drawn for one person is never saved as another's.
pub const ACCOUNT: &str = "_account";
pub const VERSION: &str = "_version";
pub const SEQ: &str = "_seq";
pub const WRITER: &str = "_writer";
pub const VALUE: &str = "v.";
pub const NULL: &str = "n.";
pub const BASE: &str = "b.";
pub const BASE_NULL: &str = "bn.";
/// Without script: whose text a field in conflict takes; see [`THEIRS`].
pub const CHOICE: &str = "c.";
/// The choice that leaves the column as the record has it, whatever stands in its control.
pub const THEIRS: &str = "theirs";

/// One posted column, before anyone knows whether the checkbox beside it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostedColumn {
    /// The text with its newlines as LF.
    pub text: String,
    /// The NULL checkbox beside it was on.
    pub null: bool,
    /// The base the page drew, where the drawn value was not the record's.
    pub base: Option<Text>,
}

/// NULL is ticked beside a text that is not the record's: nobody can tell which of the two is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullBesideText;

/// What a control and the checkbox for NULL beside it say together. Unticked: the text, the empty one too.
/// Ticked: NULL beside no text, or beside the text that the record had when the box was ticked.
///
/// # Errors
/// Ticked beside any other text. The text is never dropped for it.
pub fn with_null(text: &str, ticked: bool, is_baseline: impl FnOnce() -> bool) -> Result<Text, NullBesideText> {
    match ticked {
        false => Ok(Some(text.to_owned())),
        true if text.is_empty() || is_baseline() => Ok(None),
        true => Err(NullBesideText),
    }
}

/// A form body as posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormBody {
    pub id: Option<String>,
    pub account: Option<String>,
    pub version: Option<String>,
    pub revision: Option<Revision>,
    pub columns: BTreeMap<String, PostedColumn>,
}

impl FormBody {
    /// Reads a decoded pair list. Unknown names are passed over; the last of two equal names wins.
    pub fn from_pairs<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut body = Self::default();
        let (mut seq, mut writer) = (None, None);
        let (mut nulls, mut bases) = (Vec::new(), BTreeMap::<String, Text>::new());
        let mut theirs = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            match name {
                ID => body.id = Some(value),
                ACCOUNT => body.account = Some(value),
                VERSION => body.version = Some(value),
                SEQ => seq = value.parse().ok(),
                WRITER => writer = Some(value),
                _ => {
                    if let Some(column) = name.strip_prefix(VALUE) {
                        body.columns.entry(column.to_owned()).or_default().text = with_line_feeds(&value);
                    } else if let Some(column) = name.strip_prefix(NULL) {
                        nulls.push(column.to_owned());
                    } else if let Some(column) = name.strip_prefix(CHOICE) {
                        theirs.extend((value == THEIRS).then(|| column.to_owned()));
                    } else if let Some(column) = name.strip_prefix(BASE_NULL) {
                        bases.insert(column.to_owned(), None);
                    } else if let Some(column) = name.strip_prefix(BASE) {
                        bases.insert(column.to_owned(), Some(with_line_feeds(&value)));
                    }
                }
            }
        }
        for column in nulls {
            if let Some(posted) = body.columns.get_mut(&column) {
                posted.null = true;
            }
        }
        for (column, base) in bases {
            if let Some(posted) = body.columns.get_mut(&column) {
                posted.base = Some(base);
            }
        }
        // What is not posted stays as it is.
        for column in theirs {
            body.columns.remove(&column);
        }
        if let (Some(seq), Some(writer)) = (seq, writer) {
            body.revision = Some(Revision { seq, writer });
        }
        body
    }
}

/// The body of a submission as pairs: what [`FormBody::from_pairs`] reads back.
pub fn to_pairs(id: &str, version: &str, revision: &Revision, values: &Values) -> Vec<(String, String)> {
    let mut pairs = vec![
        (ID.to_owned(), id.to_owned()),
        (VERSION.to_owned(), version.to_owned()),
        (SEQ.to_owned(), revision.seq.to_string()),
        (WRITER.to_owned(), revision.writer.clone()),
    ];
    for (column, value) in values {
        pairs.push(([VALUE, column].concat(), value.clone().unwrap_or_default()));
        if value.is_none() {
            pairs.push(([NULL, column].concat(), "1".to_owned()));
        }
    }
    pairs
}

/// Browsers post CRLF whatever was typed; comparisons are made on LF.
pub fn with_line_feeds(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\r') {
        lines.push_str(line);
        lines.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines.push_str(rest);
    lines
}

/// Whether two values are one text: line ends do not count, and NULL is no text.
pub fn same_text(one: &Text, other: &Text) -> bool {
    one.as_deref().map(with_line_feeds) == other.as_deref().map(with_line_feeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_not_the_empty_text_and_a_typed_text_is_never_dropped_for_it() {
        assert_eq!(with_null("", false, || true), Ok(Some(String::new())));
        assert_eq!(with_null("", true, || false), Ok(None));
        assert_eq!(with_null("as it was", true, || true), Ok(None));
        assert_eq!(with_null("typed", true, || false), Err(NullBesideText));
        assert_eq!(with_null("typed", false, || false), Ok(Some("typed".to_owned())));
    }

    #[test]
    fn line_ends_do_not_make_another_text_and_null_does() {
        let text = |text: &str| Some(text.to_owned());
        assert!(same_text(&text("a\r\nb\rc"), &text("a\nb\nc")));
        assert!(!same_text(&text("a\n"), &text("a")));
        assert!(!same_text(&None, &text("")));
        assert!(same_text(&None, &None));
    }

    #[test]
    fn a_column_that_is_left_to_theirs_is_as_if_it_was_not_posted() {
        let posted = [
            ("v.a", "mine"),
            ("n.a", "1"),
            ("b.a", "old"),
            ("c.a", "theirs"),
            ("v.b", "mine"),
            ("c.b", "mine"),
        ];
        let body = FormBody::from_pairs(posted);
        assert_eq!(body.columns.into_keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_submission_is_read_back_from_its_pairs_as_it_was() {
        let revision = Revision {
            seq: 3,
            writer: "page".to_owned(),
        };
        let values = [("a", Some("one\ntwo")), ("b", None), ("c", Some(""))];
        let values: Values = values
            .into_iter()
            .map(|(column, text)| (column.to_owned(), text.map(str::to_owned)))
            .collect();
        let body = FormBody::from_pairs(to_pairs("id", "version", &revision, &values));
        assert_eq!(
            (body.id.as_deref(), body.version.as_deref(), body.account),
            (Some("id"), Some("version"), None)
        );
        assert_eq!(body.revision, Some(revision));
        let read = body.columns.into_iter().map(|(column, posted)| {
            let text = with_null(&posted.text, posted.null, || false);
            (column, text.expect("NULL or a text"))
        });
        assert_eq!(read.collect::<Values>(), values);
    }
}
