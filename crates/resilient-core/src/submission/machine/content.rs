//! What stands in the form, and what the record has.

use crate::collections::{BTreeMap, BTreeSet};
use crate::draft::{Text, Values};
use crate::submission::answer::Conflict;

/// The fields and their baselines. Values are as the controls show them: a column without a NULL
/// control has the empty text where the record has NULL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// What the record has, as of `version`.
    pub base: Values,
    /// What is in the controls.
    pub fields: Values,
    pub version: String,
    /// Columns whose text never leaves page memory but by a save.
    pub secrets: BTreeSet<String>,
    /// Columns with a control for NULL.
    pub nullable: BTreeSet<String>,
    /// Fields that both sides changed and nobody has decided yet.
    pub undecided: BTreeMap<String, Undecided>,
    /// While something is undecided: the version that drafts still name, so that a reload asks again.
    pub draft_version: Option<String>,
}

/// Both sides of a field in conflict, as they were when it was met. The control may have another text since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    pub base: Option<Text>,
    pub mine: Text,
    pub theirs: Text,
    pub decided: bool,
}

impl Content {
    /// The value as this form's control of the column shows it.
    pub fn as_shown(&self, column: &str, value: Text) -> Text {
        match value {
            None if !self.nullable.contains(column) => Some(String::new()),
            other => other,
        }
    }

    fn changed_columns(&self) -> impl Iterator<Item = (&String, &Text)> {
        self.fields
            .iter()
            .filter(|(column, value)| self.base.get(*column) != Some(value))
    }

    pub fn changed_names(&self) -> impl Iterator<Item = &String> {
        self.changed_columns().map(|(column, _)| column)
    }

    /// Everything that differs from the record, secrets included.
    pub fn changed(&self) -> Values {
        self.changed_columns()
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect()
    }

    /// The same without secrets: what may be stored.
    pub fn changed_plain(&self) -> Values {
        self.without_secrets(&self.changed())
    }

    pub fn without_secrets(&self, values: &Values) -> Values {
        values
            .iter()
            .filter(|(column, _)| !self.secrets.contains(*column))
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect()
    }

    pub fn is_changed(&self) -> bool {
        self.changed_columns().next().is_some() || self.is_undecided()
    }

    pub fn has_plain_changes(&self) -> bool {
        self.changed_columns().any(|(column, _)| !self.secrets.contains(column)) || self.is_undecided()
    }

    pub fn has_secret_changes(&self) -> bool {
        self.changed_secrets().next().is_some()
    }

    /// Columns in which a secret was typed.
    pub fn changed_secrets(&self) -> impl Iterator<Item = &String> {
        self.changed_names().filter(|column| self.secrets.contains(*column))
    }

    pub fn is_undecided(&self) -> bool {
        self.undecided.values().any(|field| !field.decided)
    }

    /// A field needs a choice and nobody knows what it was based on: a draft that named the
    /// record's present version would overwrite theirs after a reload.
    pub fn lacks_a_base(&self) -> bool {
        self.undecided
            .values()
            .any(|field| !field.decided && field.base.is_none())
    }

    /// The first field that still needs a choice.
    pub fn first_undecided(&self) -> Option<&String> {
        self.undecided
            .iter()
            .find(|(_, field)| !field.decided)
            .map(|(column, _)| column)
    }

    /// What a draft says the changed columns were based on.
    pub fn draft_base(&self, values: &Values) -> Values {
        let mut base = Values::new();
        for column in values.keys() {
            let known = match self.undecided.get(column) {
                Some(field) if self.draft_version.is_some() => field.base.clone(),
                _ => self.base.get(column).cloned(),
            };
            if let Some(known) = known {
                base.insert(column.clone(), known);
            }
        }
        base
    }

    /// The values of a draft: what is changed, and what is undecided even if it equals the record by now.
    pub fn draft_values(&self) -> Values {
        let mut values = self.changed_plain();
        if self.draft_version.is_some() {
            for (column, field) in &self.undecided {
                if let Some(value) = self.fields.get(column) {
                    let differs_from_base = field.base.as_ref() != Some(value);
                    if differs_from_base {
                        values.insert(column.clone(), value.clone());
                    }
                }
            }
        }
        values
    }

    /// Takes the record's text for a column: the baseline follows it, the field only where
    /// `untouched` says that nobody has been there. Answers whether the field took a new value.
    pub fn take(&mut self, column: &str, value: Text, untouched: bool) -> bool {
        if !self.fields.contains_key(column) || self.secrets.contains(column) {
            return false;
        }
        let value = self.as_shown(column, value);
        self.base.insert(column.to_owned(), value.clone());
        if untouched && self.fields.get(column) != Some(&value) {
            self.fields.insert(column.to_owned(), value);
            return true;
        }
        false
    }

    /// Both sides changed these columns: mine stays in the field, theirs becomes the baseline.
    pub fn open_conflicts(&mut self, conflicts: Vec<Conflict>) {
        let old_version = self.draft_version.take().unwrap_or_else(|| self.version.clone());
        for conflict in conflicts {
            let Some(mine) = self.fields.get(&conflict.column).cloned() else {
                continue;
            };
            let theirs = self.as_shown(&conflict.column, conflict.theirs);
            let known = conflict.base.or_else(|| self.base.get(&conflict.column).cloned());
            let base = known
                .map(|value| self.as_shown(&conflict.column, value))
                .filter(|base| *base != theirs);
            self.base.insert(conflict.column.clone(), theirs.clone());
            let decided = mine == theirs;
            self.undecided.insert(
                conflict.column,
                Undecided {
                    base,
                    mine,
                    theirs,
                    decided,
                },
            );
        }
        self.draft_version = Some(old_version);
        self.settle();
    }

    /// The field has what the person wants there: by a choice, or by typing into it. Both sides stay as they are
    /// shown, so that either can still be chosen.
    pub fn decide(&mut self, column: &str) {
        if let Some(field) = self.undecided.get_mut(column) {
            field.decided = true;
        }
        self.settle();
    }

    /// Once everything is decided, drafts are built on the record's present version. The choices
    /// stay open to change until the next answer.
    fn settle(&mut self) {
        if !self.is_undecided() {
            self.draft_version = None;
        }
    }

    /// After fields in conflict were taken back.
    pub fn forget_decided(&mut self) {
        if !self.is_undecided() {
            self.close_conflicts();
        }
    }

    pub fn close_conflicts(&mut self) {
        self.undecided.clear();
        self.draft_version = None;
    }
}
