//! What a draft is by now: in which state, and where it differs from the record.

use std::sync::Arc;

use resilient_core::draft::{Text, Values};
use resilient_core::path_text::read_part;
use resilient_core::secret_name;
use resilient_core::submission::form_body::same_text;
use resilient_core::submission::queue::Entry;

use super::port::KeptDraft;
use crate::records::address;
use crate::records::model::Table;
use crate::records::port::Present;

/// What there is to compare a draft with.
pub struct Beside<'a> {
    /// As the catalog knows it; `None` where it does not, or this person may not see it.
    pub table: Option<&'a Arc<Table>>,
    /// `None` for the form of a new record.
    pub present: Option<&'a Present>,
    /// Presses of Save of this form that the server sends, or has sent.
    pub sent: &'a [&'a Entry],
    /// The columns, by name, whose text is no longer what a version saw; `None` for a version that cannot be opened.
    pub changed_since: &'a (dyn Fn(&Values, &str) -> Option<Vec<String>> + Sync),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// Nobody has pressed Save yet, or the last press was refused.
    Typed,
    /// The same for a record that is not there yet.
    TypedForNew,
    /// Save was pressed; it could not be done yet.
    WaitsToBeSaved,
    /// The same, and the server has it in its line.
    WaitsInLine,
    /// The server has sent it, and it was not saved.
    NotSaved,
    /// Somebody else has changed the same columns.
    NeedsDecision,
    /// The record says the same by now.
    SavedMeanwhile,
    RecordGone,
    /// The record cannot be read at the moment.
    RecordUnreadable,
    /// There is no such table, or this person may not see it.
    TableUnknown,
}

/// One column of a draft, of which the record has another text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub label: String,
    pub mine: Text,
    /// `None` where it is not known, or not for this person to see.
    pub now: Option<Text>,
    pub changed_meanwhile: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub state: DraftState,
    pub differences: Vec<Difference>,
    /// How many columns say what the record says.
    pub same: usize,
}

pub fn compare(kept: &KeptDraft, beside: &Beside) -> Compared {
    let draft = &kept.draft;
    let values = match beside.present {
        Some(Present::Here(_, values)) => Some(values),
        _ => None,
    };
    let table = match beside.present {
        Some(Present::Here(table, _)) => Some(table),
        _ => beside.table,
    };
    let changed = values.and_then(|values| (beside.changed_since)(values, &draft.version));
    let mut compared = Compared {
        state: DraftState::Typed,
        differences: Vec::new(),
        same: 0,
    };
    let mut columns: Vec<_> = shown_columns(table, &draft.values).collect();
    columns.sort_by_key(|(written, _)| place(table, written));
    for (written, mine) in columns {
        let name = read_part(written).unwrap_or_default();
        let now = values.and_then(|values| values.get(&name));
        if now.is_some_and(|now| same_text(now, mine)) {
            compared.same += 1;
            continue;
        }
        let changed_meanwhile = now.is_some_and(|now| match (&changed, draft.base.get(written)) {
            (Some(changed), _) => changed.contains(&name),
            (None, Some(base)) => !same_text(base, now),
            (None, None) => true,
        });
        compared.differences.push(Difference {
            label: label(table, written),
            mine: mine.clone(),
            now: now.cloned(),
            changed_meanwhile,
        });
    }
    compared.state = state(kept, beside, &compared);
    compared
}

/// The press that was of this very text; the latest of them.
pub fn sent_of<'a>(kept: &KeptDraft, sent: &[&'a Entry]) -> Option<&'a Entry> {
    let of_this = |entry: &&&Entry| entry.form_key == kept.form_key && entry.revision == kept.draft.revision;
    sent.iter().rev().find(of_this).copied()
}

fn state(kept: &KeptDraft, beside: &Beside, compared: &Compared) -> DraftState {
    let sent = sent_of(kept, beside.sent);
    match beside.present {
        _ if beside.table.is_none() => DraftState::TableUnknown,
        Some(Present::Gone) => DraftState::RecordGone,
        // Where nothing of it can be shown, nothing is known to be saved.
        Some(Present::Here(..)) if compared.differences.is_empty() && compared.same > 0 => DraftState::SavedMeanwhile,
        Some(Present::Here(..)) if compared.differences.iter().any(|one| one.changed_meanwhile) => {
            DraftState::NeedsDecision
        }
        _ if sent.is_some_and(|entry| entry.is_waiting()) => DraftState::WaitsInLine,
        _ if sent.is_some_and(|entry| entry.has_failed()) => DraftState::NotSaved,
        _ if kept.waits_to_be_saved => DraftState::WaitsToBeSaved,
        Some(Present::Unreadable) => DraftState::RecordUnreadable,
        Some(Present::Here(..)) => DraftState::Typed,
        None => DraftState::TypedForNew,
    }
}

/// Without what is a secret by now, or would be if its table could be read.
pub fn shown_columns<'a>(
    table: Option<&'a Arc<Table>>,
    values: &'a Values,
) -> impl Iterator<Item = (&'a String, &'a Text)> {
    values.iter().filter(move |(written, _)| {
        let known = table.and_then(|table| table.column_written(written));
        match known {
            Some(column) => !column.secret,
            None => read_part(written).is_some_and(|name| !secret_name::is_secret(&name)),
        }
    })
}

/// In the order of the form; what it does not have comes last.
fn place(table: Option<&Arc<Table>>, written: &str) -> usize {
    let name = read_part(written).unwrap_or_default();
    let found = table.and_then(|table| table.columns.iter().position(|column| column.name == name));
    found.unwrap_or(usize::MAX)
}

pub fn label(table: Option<&Arc<Table>>, written: &str) -> String {
    let known = table.and_then(|table| table.column_written(written));
    known.map_or_else(|| address::readable_table(written), |column| column.label.clone())
}

#[cfg(test)]
mod tests {
    use resilient_core::draft::{Draft, Revision};
    use resilient_core::submission::queue::State;

    use super::*;
    use crate::drafts::sent_words::sample_entry;
    use crate::records::model::{Column, ColumnKind};
    use crate::records::sample::{column, nullable, table, text};

    fn site() -> Arc<Table> {
        let secret = Column {
            secret: true,
            ..column("code", ColumnKind::Text)
        };
        Arc::new(table(
            "site",
            vec![
                column("id", ColumnKind::Integer),
                column("name", ColumnKind::Text),
                nullable("notes", ColumnKind::LongText),
                secret,
            ],
        ))
    }

    fn kept(values: &[(&str, Text)], base: &[(&str, Text)]) -> KeptDraft {
        let of = |pairs: &[(&str, Text)]| {
            pairs
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.clone()))
                .collect()
        };
        KeptDraft {
            form_key: "site/7".into(),
            draft: Draft {
                version: "v".into(),
                base: of(base),
                values: of(values),
                revision: Revision {
                    seq: 1,
                    writer: "w".into(),
                },
                on: None,
            },
            changed_at_ms: 0,
            waits_to_be_saved: false,
        }
    }

    fn here(name: &str, notes: Text) -> Present {
        let values = [("id", text("7")), ("name", text(name)), ("notes", notes)];
        Present::Here(
            site(),
            values.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        )
    }

    fn compared(kept: &KeptDraft, present: Option<&Present>, changed: Option<&[&str]>) -> Compared {
        let site = site();
        let changed = changed.map(|changed| changed.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        compare(
            kept,
            &Beside {
                table: Some(&site),
                present,
                sent: &[],
                changed_since: &|_, _| changed.clone(),
            },
        )
    }

    #[test]
    fn only_what_differs_is_told_and_line_ends_do_not() {
        let kept = kept(&[("name", text("North")), ("notes", text("a\nb"))], &[]);
        let told = compared(&kept, Some(&here("South", text("a\r\nb"))), Some(&[]));
        assert_eq!((told.state, told.same), (DraftState::Typed, 1));
        let [only] = &told.differences[..] else {
            panic!("{told:?}")
        };
        assert_eq!(
            (only.mine.clone(), only.now.clone()),
            (text("North"), Some(text("South")))
        );
        assert!(!only.changed_meanwhile);
    }

    #[test]
    fn what_somebody_else_changed_too_needs_a_decision() {
        let other = kept(&[("name", text("North"))], &[]);
        let told = |changed| compared(&other, Some(&here("South", None)), changed).state;
        assert_eq!(told(Some(&["name"][..])), DraftState::NeedsDecision);
        assert_eq!(told(Some(&["notes"][..])), DraftState::Typed);
        assert_eq!(told(None), DraftState::NeedsDecision, "nobody can say that it was not");
        let known = kept(&[("name", text("North"))], &[("name", text("South"))]);
        let told = compared(&known, Some(&here("South", None)), None);
        assert_eq!(told.state, DraftState::Typed, "its base is what the record says");
    }

    #[test]
    fn null_is_not_the_empty_text() {
        let kept = kept(&[("notes", text(""))], &[]);
        assert_eq!(compared(&kept, Some(&here("x", None)), Some(&[])).differences.len(), 1);
        assert_eq!(
            compared(&kept, Some(&here("x", text(""))), Some(&[])).state,
            DraftState::SavedMeanwhile
        );
    }

    #[test]
    fn each_state_of_the_record_is_told() {
        let mut typed = kept(&[("name", text("North"))], &[]);
        let told = |kept: &KeptDraft, present: Option<&Present>| compared(kept, present, Some(&[])).state;
        assert_eq!(told(&typed, None), DraftState::TypedForNew);
        assert_eq!(told(&typed, Some(&Present::Gone)), DraftState::RecordGone);
        assert_eq!(told(&typed, Some(&Present::Unreadable)), DraftState::RecordUnreadable);
        typed.waits_to_be_saved = true;
        assert_eq!(told(&typed, Some(&Present::Unreadable)), DraftState::WaitsToBeSaved);
        assert_eq!(told(&typed, Some(&here("North", None))), DraftState::SavedMeanwhile);
        assert_eq!(told(&typed, Some(&here("South", None))), DraftState::WaitsToBeSaved);
    }

    #[test]
    fn the_server_s_line_is_told_of_the_very_text_that_was_sent_and_after_what_the_record_says() {
        let typed = kept(&[("name", text("North"))], &[]);
        let (site, south) = (site(), here("South", None));
        let told = |seq, state, changed: &[&str]| {
            let mut entry = sample_entry("site/7", state);
            entry.revision = Revision {
                seq,
                writer: "w".into(),
            };
            let changed: Vec<String> = changed.iter().map(|name| (*name).to_owned()).collect();
            let beside = Beside {
                table: Some(&site),
                present: Some(&south),
                sent: &[&entry],
                changed_since: &|_, _| Some(changed.clone()),
            };
            compare(&typed, &beside).state
        };
        let dead = State::Dead { at_ms: 0 };
        assert_eq!(told(1, State::Waiting, &[]), DraftState::WaitsInLine);
        assert_eq!(told(1, dead, &[]), DraftState::NotSaved);
        assert_eq!(told(1, dead, &["name"]), DraftState::NeedsDecision);
        assert_eq!(told(2, dead, &[]), DraftState::Typed, "that was other text");
    }

    #[test]
    fn a_secret_is_never_among_them() {
        let kept = kept(
            &[
                ("code", text("1234")),
                ("old_password", text("x")),
                ("gone", text("kept")),
            ],
            &[],
        );
        let told = compared(&kept, Some(&here("x", None)), Some(&[]));
        assert_eq!(
            told.differences
                .iter()
                .map(|one| one.label.as_str())
                .collect::<Vec<_>>(),
            ["gone"]
        );
        assert_eq!(told.differences[0].now, None);
        let only_secret = self::kept(&[("code", text("1234"))], &[]);
        let told = compared(&only_secret, Some(&here("x", None)), Some(&[]));
        assert_eq!(told.state, DraftState::Typed, "nothing says that it was saved");
    }
}
