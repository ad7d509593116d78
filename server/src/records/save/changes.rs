//! What a posted form changes, told by the version alone.

use std::collections::BTreeMap;

use app::records::model::{Column, ColumnKind, Table, Text, Values};
use resilient_core::submission::form_body::{FormBody, PostedColumn};

use super::version::{Version, Versions};
use crate::records::check::as_written;

/// What of a form's input is a change, by column name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Changed columns with their new text, newlines as LF.
    pub values: Values,
    /// The secrets among them: written without merge, stored nowhere else.
    pub secrets: Values,
    /// The bases the page told, for those columns where it drew something else than the record.
    pub bases: BTreeMap<String, Text>,
    /// Input that no column can take, with what to do about it.
    pub errors: BTreeMap<String, String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.secrets.is_empty()
    }

    /// Ordinary columns and secrets together: what identifies the submission.
    pub fn all(&self) -> Values {
        self.values
            .iter()
            .chain(&self.secrets)
            .map(|(column, text)| (column.clone(), text.clone()))
            .collect()
    }
}

/// Reads the changes out of a posted form. Columns that are not `writable` are passed over even if
/// they were posted. Without a `version` that opens, everything posted counts as changed.
pub fn changes_of(
    body: &FormBody,
    table: &Table,
    writable: &[String],
    version: Option<&Version>,
    versions: &Versions,
) -> Changes {
    let mut changes = Changes::default();
    for (written, posted) in &body.columns {
        let Some(column) = table.column_written(written) else {
            continue;
        };
        if !writable.contains(&column.name) {
            continue;
        }
        if column.secret {
            if !posted.text.is_empty() || posted.null {
                let text = (!posted.text.is_empty()).then(|| posted.text.clone());
                changes.secrets.insert(column.name.clone(), text);
            }
            continue;
        }
        let unchanged =
            |text: &Text| version.is_some_and(|version| versions.matches(version, &column.name, text) == Some(true));
        match posted_text(column, posted, &unchanged) {
            Ok(text) if unchanged(&text) => {}
            Ok(text) => {
                changes.values.insert(column.name.clone(), text);
                if let Some(base) = &posted.base {
                    changes.bases.insert(column.name.clone(), base.clone());
                }
            }
            Err(message) => {
                changes.errors.insert(column.name.clone(), message);
                changes.values.insert(column.name.clone(), Some(posted.text.clone()));
            }
        }
    }
    changes
}

/// The value one control and the NULL checkbox beside it stand for.
fn posted_text(column: &Column, posted: &PostedColumn, unchanged: &dyn Fn(&Text) -> bool) -> Result<Text, String> {
    let text = posted.text.clone();
    if !column.is_text() {
        // Most other types have no empty value; where the record holds one all the same, it was not touched. Widgets
        // write some times in their own way, which SQLite may hold too.
        if unchanged(&Some(text.clone())) {
            return Ok(Some(text));
        }
        return Ok((!text.is_empty()).then(|| as_written(column, &text)));
    }
    if !posted.null || !column.nullable {
        return Ok(Some(text));
    }
    let is_baseline = match &posted.base {
        Some(base) => *base == Some(text.clone()),
        None => unchanged(&Some(text.clone())),
    };
    if text.is_empty() || is_baseline {
        Ok(None)
    } else {
        Err(
            "This is marked as having no value, but a text was typed. Clear the text, or take the mark away."
                .to_owned(),
        )
    }
}

/// `text` in the writing of what the record holds: its kind of newlines (LF if it has none or both kinds), and `T`
/// between date and time where it has that.
pub fn as_kept_before(column: Option<&Column>, present: Option<&Text>, text: &Text) -> Text {
    let (Some(present), Some(text)) = (present.and_then(Option::as_deref), text.as_deref()) else { return text.clone() };
    let is_timestamp = column.is_some_and(|column| matches!(column.kind, ColumnKind::Timestamp | ColumnKind::TimestampWithZone));
    if is_timestamp && present.as_bytes().get(AFTER_DATE) == Some(&b'T') && text.as_bytes().get(AFTER_DATE) == Some(&b' ') {
        return Some(text.replacen(' ', "T", 1));
    }
    Some(if has_crlf_only(present) { text.replace('\n', "\r\n") } else { text.to_owned() })
}

/// Where the date of a timestamp ends.
const AFTER_DATE: usize = "YYYY-MM-DD".len();

fn has_crlf_only(text: &str) -> bool {
    let breaks = text.matches("\r\n").count();
    breaks > 0 && text.matches('\n').count() == breaks && text.matches('\r').count() == breaks
}
