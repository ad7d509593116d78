//! What a posted form changes, told by the version alone.

use std::collections::BTreeMap;

use app::records::model::{Column, ColumnKind, RecordKey, Table, Text, Values};
use resilient_core::path_text::read_part;
use resilient_core::submission::form_body::{FormBody, NullBesideText, PostedColumn, with_null};

use super::version::{Version, Versions};
use super::writable::{columns_of_a_form, columns_to_write};
use crate::records::check::as_written;
use crate::sql::is_secret;

/// What of a form's input is a change, by column name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Changed columns with their new text, newlines as LF.
    pub values: Values,
    /// The secrets among them: written without merge, stored nowhere else.
    pub secrets: Values,
    /// Columns that can be written but not read: written without merge.
    pub unread: Values,
    /// The bases the page told, for those columns where it drew something else than the record.
    pub bases: BTreeMap<String, Text>,
    /// Input that no column can take, with what to do about it.
    pub errors: BTreeMap<String, String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.unseen().next().is_none()
    }

    /// What a draft may hold: all but the secrets.
    pub fn kept(&self) -> Values {
        let kept = self.values.iter().chain(&self.unread);
        kept.map(|(column, text)| (column.clone(), text.clone())).collect()
    }

    /// What is written without knowing what was there.
    pub fn unseen(&self) -> impl Iterator<Item = (&String, &Text)> {
        self.secrets.iter().chain(&self.unread)
    }

    /// Ordinary columns, secrets and unread ones together: what identifies the submission.
    pub fn all(&self) -> Values {
        self.values
            .iter()
            .chain(self.unseen())
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
        if !column.is_seen() {
            if !posted.text.is_empty() || posted.null {
                let text = (!posted.text.is_empty()).then(|| as_written(column, &posted.text));
                let unseen = match column.secret {
                    true => &mut changes.secrets,
                    false => &mut changes.unread,
                };
                unseen.insert(column.name.clone(), text);
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

/// The tables a form is read by.
#[derive(Clone, Copy, Debug)]
pub struct FormRights<'a> {
    /// Without regard to who asks.
    pub whole: &'a Table,
    /// As the person sees it now.
    pub seen: &'a Table,
}

/// What a posted form changes.
#[derive(Clone, Debug, Default)]
pub struct WithinRights {
    /// All that it says, which is the same whoever posts it.
    pub said: Values,
    /// What of that this person may write, and what was typed into a control that they no longer have.
    pub changes: Changes,
    /// The names of the latter.
    pub withheld: Vec<String>,
    /// What was typed where the database has no column any more, or takes nothing.
    pub gone: Values,
}

/// Reads what a posted form changes. Whatever else was posted is passed over.
pub fn changes_within_rights(
    body: &FormBody,
    rights: FormRights,
    key: Option<&RecordKey>,
    version: Option<&Version>,
    versions: &Versions,
) -> WithinRights {
    let FormRights { whole, seen } = rights;
    let form = columns_of_a_form(whole, key);
    let all = changes_of(body, whole, &form, version, versions);
    let writable = columns_to_write(seen, key);
    let mut changes = changes_of(body, seen, &writable, version, versions);
    let had_control = |column: &str| version.is_none_or(|version| version.had_control(column));
    let said = all.all();
    let withheld = said
        .keys()
        .filter(|column| !writable.contains(*column) && had_control(column));
    let withheld: Vec<String> = withheld.cloned().collect();
    for column in &withheld {
        let kept = match whole.column(column) {
            Some(column) if column.secret => &mut changes.secrets,
            _ => &mut changes.values,
        };
        kept.insert(column.clone(), said.get(column).cloned().flatten());
    }
    let gone = typed_where_no_column_is(body, &form, rights, version, versions);
    for (column, text) in &gone {
        changes.errors.insert(column.clone(), GONE.to_owned());
        // What was typed unseen is shown by nobody.
        let is_unseen = version.map_or_else(|| is_secret(column), |version| version.had_unseen_control(column));
        if !is_unseen {
            changes.values.insert(column.clone(), text.clone());
        }
    }
    WithinRights {
        said,
        changes,
        withheld,
        gone,
    }
}

/// Without it the rest would be saved, and the text thrown away with the draft.
const GONE: &str = "The database takes nothing here any more. Copy your text, then load the page again.";

/// What was typed into controls of columns that have gone since the form was drawn, or cannot be written any more by
/// anybody.
fn typed_where_no_column_is(
    body: &FormBody,
    form: &[String],
    rights: FormRights,
    version: Option<&Version>,
    versions: &Versions,
) -> Values {
    let typed = body.columns.iter().filter_map(|(written, posted)| {
        let column = read_part(written).filter(|column| !form.contains(column))?;
        let text = (!posted.null).then(|| posted.text.clone());
        let Some(version) = version else {
            // Whether it was a control is not known, unless there is no such column.
            let is_news = !posted.text.is_empty() && rights.whole.column(&column).is_none();
            return is_news.then_some((column, text));
        };
        if !version.had_control(&column) {
            return None;
        }
        if version.had_unseen_control(&column) {
            return (posted.null || !posted.text.is_empty()).then_some((column, text));
        }
        let is_drawn = |text: Text| versions.matches(version, &column, &text) == Some(true);
        // What kind of column it was is not known any more: an empty control may stand for NULL, and times may be
        // written as their widgets do.
        let as_drawn = Writing::ALL.into_iter().map(|writing| writing.of(&text)).any(is_drawn);
        (!as_drawn).then_some((column, text))
    });
    typed.collect()
}

/// What a posted text may have been taken for, when its column was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    Text,
    Timestamp,
    Time,
    /// Where it is empty.
    Null,
}

impl Writing {
    pub const ALL: [Self; 4] = [Self::Text, Self::Timestamp, Self::Time, Self::Null];

    pub fn of(self, posted: &Text) -> Text {
        let kind = match self {
            Self::Text => return posted.clone(),
            Self::Null => return posted.clone().filter(|text| !text.is_empty()),
            Self::Timestamp => ColumnKind::Timestamp,
            Self::Time => ColumnKind::Time,
        };
        let column = Column::new("", kind);
        posted.as_deref().map(|text| as_written(&column, text))
    }
}

/// The value one control and the NULL checkbox beside it stand for.
fn posted_text(column: &Column, posted: &PostedColumn, unchanged: &dyn Fn(&Text) -> bool) -> Result<Text, String> {
    let text = posted.text.clone();
    if !column.keeps_empty() {
        // Most other types have no empty value; where the record holds one all the same, it was not touched. Widgets
        // write some times in their own way, which SQLite may hold too.
        if unchanged(&Some(text.clone())) {
            return Ok(Some(text));
        }
        return Ok((!text.is_empty()).then(|| as_written(column, &text)));
    }
    // Bytes that may not be NULL were drawn for no value yet, and left so: their default is not overwritten.
    if text.is_empty() && !column.is_text() && !column.nullable && unchanged(&None) {
        return Ok(None);
    }
    let is_baseline = || match &posted.base {
        Some(base) => *base == Some(text.clone()),
        None => unchanged(&Some(text.clone())),
    };
    with_null(&text, posted.null && column.nullable, is_baseline).map_err(|NullBesideText| {
        "This is marked as having no value, but a text was typed. Clear the text, or take the mark away.".to_owned()
    })
}

/// `text` in the writing of what the record holds: its kind of newlines (LF if it has none or both kinds), and `T`
/// between date and time where it has that.
pub fn as_kept_before(column: Option<&Column>, present: Option<&Text>, text: &Text) -> Text {
    let (Some(present), Some(text)) = (present.and_then(Option::as_deref), text.as_deref()) else {
        return text.clone();
    };
    let is_timestamp =
        column.is_some_and(|column| matches!(column.kind, ColumnKind::Timestamp | ColumnKind::TimestampWithZone));
    if is_timestamp
        && present.as_bytes().get(AFTER_DATE) == Some(&b'T')
        && text.as_bytes().get(AFTER_DATE) == Some(&b' ')
    {
        return Some(text.replacen(' ', "T", 1));
    }
    Some(if has_crlf_only(present) {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    })
}

/// Where the date of a timestamp ends.
const AFTER_DATE: usize = "YYYY-MM-DD".len();

fn has_crlf_only(text: &str) -> bool {
    let breaks = text.matches("\r\n").count();
    breaks > 0 && text.matches('\n').count() == breaks && text.matches('\r').count() == breaks
}

#[cfg(test)]
mod tests {
    use app::records::model::TableName;

    use super::*;
    use crate::keys::Keys;

    fn table() -> Table {
        let columns = vec![
            Column::new("note", ColumnKind::LongText),
            Column::new("data", ColumnKind::Bytes),
            Column::new("doc", ColumnKind::Json),
            Column::new("at", ColumnKind::Timestamp),
            Column {
                secret: true,
                ..Column::new("pin", ColumnKind::Text)
            },
        ];
        Table {
            key: vec!["note".into()],
            ..Table::new(TableName::plain("t"), columns)
        }
    }

    fn changed(record: &[(&str, Option<&str>)], posted: &[(&str, &str)]) -> Changes {
        let versions = Versions::new(&Keys::from_secret(&[1; 32]));
        let record = record
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.map(str::to_owned)))
            .collect();
        let version = versions.issue(&table(), None, &record, 0);
        let body = FormBody::from_pairs(posted.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let writable = ["note", "data", "doc", "at", "pin"].map(str::to_owned);
        changes_of(
            &body,
            &table(),
            &writable,
            versions.open(&version).ok().as_ref(),
            &versions,
        )
    }

    #[test]
    fn an_untouched_empty_value_is_no_change_whatever_its_type() {
        for value in [Some(""), None] {
            assert!(changed(&[("doc", value)], &[("v.doc", "")]).is_empty(), "{value:?}");
        }
        assert_eq!(changed(&[("doc", Some("{}"))], &[("v.doc", "")]).values["doc"], None);
    }

    #[test]
    fn empty_bytes_are_told_from_none() {
        assert!(changed(&[("data", None)], &[("v.data", ""), ("n.data", "1")]).is_empty());
        assert!(changed(&[("data", Some(""))], &[("v.data", "")]).is_empty());
        let emptied = changed(&[("data", Some("ff"))], &[("v.data", "")]);
        assert_eq!(emptied.values["data"].as_deref(), Some(""));
        let removed = changed(&[("data", Some("ff"))], &[("v.data", "ff"), ("n.data", "1")]);
        assert_eq!(removed.values["data"], None);
    }

    #[test]
    fn a_time_is_compared_in_the_writing_the_record_has() {
        for kept in ["2026-01-31 14:30:00", "2026-01-31T14:30:00", "2026-01-31T14:30"] {
            assert!(changed(&[("at", Some(kept))], &[("v.at", kept)]).is_empty(), "{kept}");
        }
        assert!(changed(&[("at", Some("2026-01-31 14:30:00"))], &[("v.at", "2026-01-31T14:30")]).is_empty());
        let at = Column::new("at", ColumnKind::Timestamp);
        let kept = as_kept_before(
            Some(&at),
            Some(&Some("2026-01-31T14:30:00".into())),
            &Some("2026-02-01 08:00:00".into()),
        );
        assert_eq!(kept.as_deref(), Some("2026-02-01T08:00:00"));
    }

    #[test]
    fn newlines_are_no_change_and_are_written_as_they_were() {
        assert!(changed(&[("note", Some("a\nb"))], &[("v.note", "a\r\nb")]).is_empty());
        assert!(changed(&[("note", Some("a\r\nb"))], &[("v.note", "a\r\nb")]).is_empty());
        let note = Column::new("note", ColumnKind::LongText);
        let written = |present: &str| as_kept_before(Some(&note), Some(&Some(present.into())), &Some("x\ny".into()));
        assert_eq!(written("a\r\nb").as_deref(), Some("x\r\ny"));
        assert_eq!(written("a\nb").as_deref(), Some("x\ny"));
        assert_eq!(written("a\r\nb\nc").as_deref(), Some("x\ny"));
        assert_eq!(written("ab").as_deref(), Some("x\ny"));
    }

    #[test]
    fn an_empty_secret_is_unchanged_and_a_typed_one_stands_apart() {
        assert!(changed(&[], &[("v.pin", "")]).is_empty());
        let typed = changed(&[], &[("v.pin", "1234")]);
        assert!(typed.values.is_empty());
        assert_eq!(typed.secrets["pin"].as_deref(), Some("1234"));
        assert_eq!(changed(&[], &[("v.pin", ""), ("n.pin", "1")]).secrets["pin"], None);
    }

    #[test]
    fn null_beside_a_text_is_said_and_the_text_stays() {
        let contradicting = changed(&[("note", None)], &[("v.note", "typed"), ("n.note", "1")]);
        assert!(contradicting.errors.contains_key("note"));
        assert_eq!(contradicting.values["note"].as_deref(), Some("typed"));
        assert!(changed(&[("note", None)], &[("v.note", ""), ("n.note", "1")]).is_empty());
        assert_eq!(
            changed(&[("note", Some("kept"))], &[("v.note", "kept"), ("n.note", "1")]).values["note"],
            None
        );
        assert_eq!(
            changed(&[("note", None)], &[("v.note", "")]).values["note"].as_deref(),
            Some("")
        );
    }

    /// The form is drawn while everything may be written; `now` is what is left of it at the press of Save.
    fn withheld(
        now: impl Fn(&mut Table),
        drawn: impl Fn(&mut Table),
        posted: &[(&str, &str)],
    ) -> (Values, Vec<String>) {
        let versions = Versions::new(&Keys::from_secret(&[1; 32]));
        let key = RecordKey(vec!["k".into()]);
        let (mut then, mut seen) = (table(), table());
        drawn(&mut then);
        now(&mut seen);
        let values = then
            .columns
            .iter()
            .map(|column| (column.name.clone(), Some("old".to_owned())));
        let version = versions.issue(&then, Some(&key), &values.collect(), 0);
        let body = FormBody::from_pairs(posted.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let whole = table();
        let rights = FormRights {
            whole: &whole,
            seen: &seen,
        };
        let version = versions.open(&version).ok();
        let WithinRights {
            said,
            changes,
            withheld,
            ..
        } = changes_within_rights(&body, rights, Some(&key), version.as_ref(), &versions);
        assert_eq!(said.len(), posted.len(), "what was said does not depend on rights");
        (changes.values, withheld)
    }

    fn only_shown(table: &mut Table) {
        table.columns[1].grants.update = false;
    }

    #[test]
    fn what_was_typed_before_the_right_was_taken_away_is_kept_and_told() {
        let (values, told) = withheld(only_shown, |_| {}, &[("v.data", "ff"), ("v.at", "2026-01-01")]);
        assert_eq!(told, ["data"]);
        assert_eq!(
            values.keys().collect::<Vec<_>>(),
            ["at", "data"],
            "a draft holds all of it"
        );
        let (_, told) = withheld(|table| table.columns.clear(), |_| {}, &[("v.data", "ff")]);
        assert_eq!(told, ["data"], "of a column that is out of sight, too");
    }

    #[test]
    fn what_had_no_control_is_passed_over() {
        let (values, told) = withheld(only_shown, only_shown, &[("v.data", "ff"), ("v.at", "2026-01-01")]);
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(values.keys().collect::<Vec<_>>(), ["at"]);
    }
}
