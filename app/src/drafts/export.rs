//! Unsaved work as a file, to keep or to copy from. It holds what the person typed, and no secrets.

use std::sync::Arc;

use resilient_core::draft::Text;
use resilient_core::path_text::read_part;
use serde_json::{Value, json};

use super::comparing::{label, shown_columns};
use super::naming::FormName;
use super::port::{KeptDraft, SeenDrafts};
use crate::records::address;
use crate::records::model::Table;
use crate::ui::written;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Format {
    /// As a query names it; text is the one that everybody can read.
    pub fn read(word: Option<&str>) -> Self {
        match word {
            Some("json") => Self::Json,
            _ => Self::Text,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// Plain ASCII, so that every browser reads it in a header.
    pub fn file_name(self, now_ms: u64) -> String {
        let moment = written::moment(now_ms);
        let day = moment.split(' ').next().unwrap_or_default();
        let ending = match self {
            Self::Text => "txt",
            Self::Json => "json",
        };
        format!("unsaved-work-{day}.{ending}")
    }

    pub fn write(self, account: &str, tables: &[Arc<Table>], seen: &SeenDrafts, now_ms: u64) -> String {
        match self {
            Self::Text => text(account, tables, seen, now_ms),
            Self::Json => format!("{:#}\n", as_json(account, tables, seen, now_ms)),
        }
    }
}

/// Text that does not open is in no file.
fn is_whole(seen: &SeenDrafts) -> bool {
    seen.complete && seen.unreadable.is_empty()
}

fn text(account: &str, tables: &[Arc<Table>], seen: &SeenDrafts, now_ms: u64) -> String {
    let mut text = format!("Unsaved work of {account}, {}\n", written::moment(now_ms));
    if !is_whole(seen) {
        text.push_str("There may be more: not all of it could be read when this was written.\n");
    }
    for kept in &seen.drafts {
        let name = FormName::of(&kept.form_key, tables);
        text.push_str(&format!("\n\n{}\n", name.words));
        text.push_str(&format!("Last changed {}\n", written::moment(kept.changed_at_ms)));
        for (written, value) in shown_columns(name.table, &kept.draft.values) {
            text.push_str(&format!(
                "\n{}:\n{}\n",
                label(name.table, written),
                written::value(value)
            ));
        }
    }
    text
}

fn as_json(account: &str, tables: &[Arc<Table>], seen: &SeenDrafts, now_ms: u64) -> Value {
    let drafts: Vec<Value> = seen.drafts.iter().map(|kept| draft(tables, kept)).collect();
    json!({
        "account": account,
        "exported_at_unix_ms": now_ms,
        "complete": is_whole(seen),
        "drafts": drafts,
    })
}

fn draft(tables: &[Arc<Table>], kept: &KeptDraft) -> Value {
    let name = FormName::of(&kept.form_key, tables);
    let by_name =
        |(written, value): (&String, &Text)| (read_part(written).unwrap_or_else(|| written.clone()), json!(value));
    let values: serde_json::Map<String, Value> = shown_columns(name.table, &kept.draft.values).map(by_name).collect();
    let before: serde_json::Map<String, Value> = shown_columns(name.table, &kept.draft.base).map(by_name).collect();
    json!({
        "form_key": kept.form_key,
        "form": name.words,
        "address": address::form_url(&kept.form_key),
        "changed_at_unix_ms": kept.changed_at_ms,
        "waits_to_be_saved": kept.waits_to_be_saved,
        "seq": kept.draft.revision.seq,
        "writer": kept.draft.revision.writer,
        "values": values,
        "before": before,
    })
}

#[cfg(test)]
mod tests {
    use resilient_core::draft::{Draft, Revision, Values};

    use super::*;
    use crate::drafts::port::UnreadableDraft;
    use crate::records::model::{Column, ColumnKind};
    use crate::records::sample::{column, table, text};

    const NOW_MS: u64 = 1_795_232_700_000;

    fn seen(complete: bool) -> SeenDrafts {
        let values = [
            ("name", "North"),
            ("code", "canary"),
            ("old_password", "canary"),
            ("gone~2eby", "kept"),
        ];
        let draft = Draft {
            version: "v".into(),
            base: Values::from([("name".into(), text("South")), ("code".into(), text("canary"))]),
            values: values.map(|(name, value)| (name.to_owned(), text(value))).into(),
            revision: Revision {
                seq: 4,
                writer: "w1".into(),
            },
            on: None,
        };
        let kept = KeptDraft {
            form_key: "site/7".into(),
            draft,
            changed_at_ms: 0,
            waits_to_be_saved: false,
        };
        SeenDrafts {
            unreadable: Vec::new(),
            drafts: vec![kept],
            complete,
        }
    }

    fn tables() -> Vec<Arc<Table>> {
        let secret = Column {
            secret: true,
            ..column("code", ColumnKind::Text)
        };
        let columns = vec![
            column("id", ColumnKind::Integer),
            column("name", ColumnKind::Text),
            secret,
        ];
        vec![Arc::new(table("site", columns))]
    }

    #[test]
    fn the_file_holds_what_was_typed_and_no_secret() {
        for format in [Format::Text, Format::Json] {
            let file = format.write("ann", &tables(), &seen(true), NOW_MS);
            for word in ["ann", "North", "gone.by", "kept"] {
                assert!(file.contains(word), "{word}: {file}");
            }
            assert!(!file.contains("canary"), "{file}");
        }
    }

    #[test]
    fn json_is_whole_and_says_what_stood_there_before() {
        let file: Value = serde_json::from_str(&Format::Json.write("ann", &tables(), &seen(true), NOW_MS)).unwrap();
        assert_eq!(file["complete"], true);
        let draft = &file["drafts"][0];
        assert_eq!(draft["values"], json!({"name": "North", "gone.by": "kept"}));
        assert_eq!(draft["before"], json!({"name": "South"}));
        assert_eq!(draft["address"], "/records/site/7");
    }

    #[test]
    fn a_file_that_is_not_whole_says_so() {
        let told = |complete| {
            Format::Text
                .write("ann", &tables(), &seen(complete), NOW_MS)
                .contains("There may be more")
        };
        assert_eq!((told(true), told(false)), (false, true));
        let mut closed = seen(true);
        closed.unreadable.push(UnreadableDraft {
            form_key: "site/8".into(),
            revision: closed.drafts[0].draft.revision.clone(),
            changed_at_ms: None,
            is_of_another_secret: true,
        });
        let file = Format::Json.write("ann", &tables(), &closed, NOW_MS);
        let file: Value = serde_json::from_str(&file).unwrap();
        assert_eq!(file["complete"], false, "what does not open is not in it");
    }

    #[test]
    fn the_file_is_named_for_its_day() {
        assert_eq!(
            Format::read(Some("json")).file_name(NOW_MS),
            "unsaved-work-2026-11-21.json"
        );
        assert_eq!(Format::read(None).file_name(NOW_MS), "unsaved-work-2026-11-21.txt");
    }
}
