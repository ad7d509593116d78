//! Addresses of tables, records and forms.

use resilient_core::path_text;

use super::model::{RecordKey, Table, TableName};

/// The list of a table.
pub fn table_url(table: &TableName) -> String {
    format!("/records/{}", table.written())
}

/// A record's form.
pub fn record_url(table: &TableName, key: &RecordKey) -> String {
    format!("{}/{}", table_url(table), key.written())
}

/// A new record's form; the server gives it a form id.
pub fn new_url(table: &TableName) -> String {
    format!("{}/new", table_url(table))
}

/// What a form edits: this names its draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Existing(RecordKey),
    /// With the form id out of `?form=`.
    New(String),
}

impl Target {
    pub fn form_key(&self, table: &TableName) -> String {
        match self {
            Self::Existing(key) => format!("{}/{}", table.written(), key.written()),
            Self::New(form) => format!("{}/new-{form}", table.written()),
        }
    }

    /// Where the form is shown and posted to.
    pub fn url(&self, table: &TableName) -> String {
        match self {
            Self::Existing(key) => record_url(table, key),
            Self::New(form) => format!("{}?form={form}", new_url(table)),
        }
    }
}

pub fn draft_url(form_key: &str) -> String {
    format!("/api/drafts/{form_key}")
}

/// The table's and the target's parts of a form key; `None` where it is none.
pub fn read_form_key(form_key: &str) -> Option<(String, Target)> {
    let (table, rest) = form_key.split_once('/')?;
    let target = match rest.strip_prefix("new-") {
        Some(form) => Target::New(form.to_owned()),
        None => Target::Existing(RecordKey::read(rest)?),
    };
    Some((table.to_owned(), target))
}

/// The address of the form that a form key names.
pub fn form_url(form_key: &str) -> Option<String> {
    let (table, target) = read_form_key(form_key)?;
    Some(match target {
        Target::Existing(key) => format!("/records/{table}/{}", key.written()),
        Target::New(form) => format!("/records/{table}/new?form={form}"),
    })
}

/// A table's name for people, out of its `~HH` writing, where the catalog does not know it.
pub fn readable_table(written: &str) -> String {
    let parts: Option<Vec<String>> = written.split('.').map(path_text::read_part).collect();
    parts.map_or_else(|| written.to_owned(), |parts| parts.join("."))
}

/// A key for people.
pub fn readable_key(table: &Table, key: &RecordKey) -> String {
    match (table.key.as_slice(), key.0.as_slice()) {
        ([_], [only]) => only.clone(),
        (names, parts) if names.len() == parts.len() => {
            let named = names.iter().zip(parts).map(|(name, part)| format!("{name} {part}"));
            named.collect::<Vec<_>>().join(", ")
        }
        (_, parts) => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: Option<&str>, name: &str) -> TableName {
        TableName {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_form_key_leads_back_to_its_form() {
        let activity = name(None, "activity");
        let existing = Target::Existing(RecordKey(vec!["a b".into(), "new".into()]));
        assert_eq!(existing.form_key(&activity), "activity/a~20b,~6eew");
        assert_eq!(
            form_url(&existing.form_key(&activity)).as_deref(),
            Some("/records/activity/a~20b,~6eew")
        );
        let new = Target::New("01d2".into());
        assert_eq!(
            form_url(&new.form_key(&activity)).as_deref(),
            Some("/records/activity/new?form=01d2")
        );
        assert_eq!(read_form_key("activity"), None);
    }

    #[test]
    fn a_table_outside_the_default_schema_has_two_parts() {
        assert_eq!(table_url(&name(Some("my.own"), "a/b")), "/records/my~2eown.a~2fb");
        assert_eq!(readable_table("my~2eown.a~2fb"), "my.own.a/b");
    }
}
