//! A form as a hash in Redis, and the keys under which forms lie.
//!
//! All keys of one account carry the same `{tag}`: they are in one slot, also where Redis is a
//! cluster one day. Only sealed text, revisions' names and times are stored.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use resilient_core::draft::Revision;
use resilient_core::draft::lineage::Lineage;
use resilient_core::draft::replacement::Kept;
use serde::{Deserialize, Serialize};

use crate::form::{Difference, Entry, Form, Mark};
use crate::seal::binding;
use crate::store::{fitting_json, unavailable, why_unreadable};
use crate::{End, Place, Sealer, StoreError, Unreadable};

/// Fields and values, as `HGETALL` gives them.
pub type Fields = HashMap<String, String>;

pub const MARK: &str = "mark";
const DRAFT: &str = "draft:";
const ENDED: &str = "ended:";

/// Makes the keys of one application's drafts.
#[derive(Clone)]
pub struct Keys {
    pub prefix: String,
}

impl Keys {
    pub fn form(&self, account: &str, form_key: &str) -> String {
        format!("{}:form:{form_key}", self.account(account))
    }

    pub fn index(&self, account: &str) -> String {
        format!("{}:forms", self.account(account))
    }

    /// What a Redis that has kept its memory still has, and another one never.
    pub fn memory(&self) -> String {
        format!("{}:memory", self.prefix)
    }

    /// A pattern for `SCAN` that finds all forms.
    pub fn all_forms(&self) -> String {
        format!("{}:{{*}}:form:*", self.literal_prefix())
    }

    /// The same for all indexes.
    pub fn all_indexes(&self) -> String {
        format!("{}:{{*}}:forms", self.literal_prefix())
    }

    /// The account of an index's key.
    pub fn read_index(&self, key: &str) -> Option<String> {
        let tag = key
            .strip_prefix(&self.prefix)?
            .strip_prefix(":{")?
            .strip_suffix("}:forms")?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(tag).ok()?).ok()
    }

    fn literal_prefix(&self) -> String {
        self.prefix.chars().flat_map(|each| ['\\', each]).collect()
    }

    /// Account and form key of a form's key.
    pub fn read_form(&self, key: &str) -> Option<(String, String)> {
        let rest = key.strip_prefix(&self.prefix)?.strip_prefix(":{")?;
        let (tag, form_key) = rest.split_once("}:form:")?;
        let account = URL_SAFE_NO_PAD.decode(tag).ok()?;
        Some((String::from_utf8(account).ok()?, form_key.to_owned()))
    }

    pub fn of(&self, account: &str, what: &str) -> String {
        format!("{}:{what}", self.account(account))
    }

    /// Of all accounts together.
    pub fn of_everybody(&self, what: &str) -> String {
        format!("{}:{what}", self.prefix)
    }

    /// A pattern for `SCAN` that finds that of all accounts.
    pub fn of_all(&self, what: &str) -> String {
        format!("{}:{{*}}:{what}", self.literal_prefix())
    }

    /// The account of such a key.
    pub fn read_of(&self, key: &str, what: &str) -> Option<String> {
        let tag = key.strip_prefix(&self.prefix)?.strip_prefix(":{")?;
        let tag = tag.strip_suffix(what)?.strip_suffix("}:")?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(tag).ok()?).ok()
    }

    fn account(&self, account: &str) -> String {
        // A brace in a name would end the tag.
        format!("{}:{{{}}}", self.prefix, URL_SAFE_NO_PAD.encode(account))
    }
}

/// A form, and the mark that changes with every change of it; empty where there is none.
pub struct Loaded {
    pub form: Form,
    pub mark: String,
}

/// What becomes of a hash's fields.
#[derive(Default)]
pub struct Change {
    pub remove: Vec<String>,
    pub set: Vec<(String, String)>,
    /// When the form's latest draft changed, as it is then; 0 where it has none that can be opened.
    pub changed_at_ms: u64,
}

#[derive(Deserialize, Serialize)]
struct Value {
    changed_at_ms: u64,
    lineage: Lineage,
    sealed: String,
}

#[derive(Deserialize, Serialize)]
struct Ended {
    seq: u64,
    saved: bool,
    at_ms: u64,
}

/// What cannot be opened hides nothing else.
pub fn read(fields: &Fields, sealer: &Sealer, account: &str, form_key: &str) -> Loaded {
    let mut form = Form::empty(form_key, Place::Redis);
    for (field, value) in fields {
        if let Some(name) = field.strip_prefix(DRAFT) {
            match open(value, sealer, account, form_key).filter(|entry| draft_name(&entry.kept.draft.revision) == name)
            {
                Some(entry) => form.entries.push(entry),
                None => form.unreadable.extend(unreadable(name, value, sealer, form_key)),
            }
        } else if let Some(writer) = field.strip_prefix(ENDED) {
            form.ended.extend(ended(writer, value));
        }
    }
    // A hash has no order; two drafts of one moment need one all the same.
    form.entries.sort_by(|one, other| {
        let key = |entry: &Entry| {
            (
                entry.changed_at_ms,
                entry.kept.draft.revision.seq,
                entry.kept.draft.revision.writer.clone(),
            )
        };
        key(other).cmp(&key(one))
    });
    let mark = fields.get(MARK).cloned().unwrap_or_default();
    Loaded { form, mark }
}

/// A form's difference to what it is afterwards, as that of its hash.
pub fn written(
    difference: &Difference,
    after: &Form,
    sealer: &Sealer,
    account: &str,
    form_key: &str,
) -> Result<Change, StoreError> {
    let removed = difference
        .remove
        .iter()
        .map(|revision| format!("{DRAFT}{}", draft_name(revision)));
    let mut set = Vec::new();
    for Entry {
        kept, changed_at_ms, ..
    } in &difference.insert
    {
        let value = Value {
            changed_at_ms: *changed_at_ms,
            lineage: kept.lineage.clone(),
            sealed: sealer.seal(&binding(&[account, form_key]), &fitting_json(&kept.draft)?),
        };
        let value = serde_json::to_string(&value).map_err(unavailable)?;
        set.push((format!("{DRAFT}{}", draft_name(&kept.draft.revision)), value));
    }
    for mark in &difference.marks {
        let value = Ended {
            seq: mark.revision.seq,
            saved: mark.end == End::Saved,
            at_ms: mark.at_ms,
        };
        let value = serde_json::to_string(&value).map_err(unavailable)?;
        set.push((format!("{ENDED}{}", mark.revision.writer), value));
    }
    let changed_at_ms = after.entries.iter().map(|entry| entry.changed_at_ms).max();
    Ok(Change {
        remove: removed.collect(),
        set,
        changed_at_ms: changed_at_ms.unwrap_or(0),
    })
}

/// What the sweep makes of a form.
#[derive(Default)]
pub struct Tidied {
    pub change: Change,
    pub removed: u64,
    pub resealed: u64,
    /// Sealed with a secret that is not at hand.
    pub unknown: u64,
}

/// Without the fields whose last change was at `too_old_ms` or before, opened or not; what an old secret has sealed
/// is sealed anew.
pub fn tidied(fields: &Fields, sealer: &Sealer, account: &str, form_key: &str, too_old_ms: u64) -> Tidied {
    let mut tidied = Tidied::default();
    for (field, value) in fields {
        if field.starts_with(DRAFT) {
            tidied.take_draft(field, value, sealer, &binding(&[account, form_key]), too_old_ms);
        } else if field.starts_with(ENDED) {
            let ended = serde_json::from_str::<Ended>(value).ok();
            if ended.is_some_and(|ended| ended.at_ms <= too_old_ms) {
                tidied.change.remove.push(field.clone());
            }
        }
    }
    tidied
}

impl Tidied {
    pub fn is_needed(&self) -> bool {
        !self.change.remove.is_empty() || !self.change.set.is_empty()
    }

    fn take_draft(&mut self, field: &str, value: &str, sealer: &Sealer, bound_to: &[u8], too_old_ms: u64) {
        let Ok(mut kept) = serde_json::from_str::<Value>(value) else {
            return;
        };
        if kept.changed_at_ms <= too_old_ms {
            self.change.remove.push(field.to_owned());
            self.removed += 1;
            return;
        }
        self.change.changed_at_ms = self.change.changed_at_ms.max(kept.changed_at_ms);
        self.unknown += u64::from(sealer.is_of_another_secret(&kept.sealed));
        if !sealer.is_old(&kept.sealed) {
            return;
        }
        // What was changed since does not open, and stays as it is.
        let Ok(plain) = sealer.open(bound_to, &kept.sealed) else {
            return;
        };
        kept.sealed = sealer.seal(bound_to, &plain);
        if let Ok(anew) = serde_json::to_string(&kept) {
            self.change.set.push((field.to_owned(), anew));
            self.resealed += 1;
        }
    }
}

/// What is known of a draft that does not open; nothing where it is not even named like one.
fn unreadable(name: &str, value: &str, sealer: &Sealer, form_key: &str) -> Option<Unreadable> {
    let (seq, writer) = name.split_once(':')?;
    let kept = serde_json::from_str::<Value>(value).ok();
    Some(Unreadable {
        form_key: form_key.to_owned(),
        revision: Revision {
            seq: seq.parse().ok()?,
            writer: writer.to_owned(),
        },
        changed_at_ms: kept.as_ref().map(|kept| kept.changed_at_ms),
        kept_in: Place::Redis,
        why: why_unreadable(sealer, kept.as_ref().map_or("", |kept| &kept.sealed)),
    })
}

fn open(value: &str, sealer: &Sealer, account: &str, form_key: &str) -> Option<Entry> {
    let value: Value = serde_json::from_str(value).ok()?;
    let json = sealer.open(&binding(&[account, form_key]), &value.sealed).ok()?;
    Some(Entry {
        kept: Kept {
            draft: serde_json::from_slice(&json).ok()?,
            lineage: value.lineage,
        },
        changed_at_ms: value.changed_at_ms,
        place: Place::Redis,
    })
}

fn ended(writer: &str, value: &str) -> Option<Mark> {
    let Ended { seq, saved, at_ms } = serde_json::from_str(value).ok()?;
    let writer = writer.to_owned();
    Some(Mark {
        revision: Revision { seq, writer },
        end: if saved { End::Saved } else { End::Discarded },
        at_ms,
    })
}

fn draft_name(revision: &Revision) -> String {
    format!("{}:{}", revision.seq, revision.writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_what_it_was_made_of_and_an_account_is_one_slot() {
        let keys = Keys {
            prefix: "drafts".to_owned(),
        };
        for account in ["ann", "a}b{", "", "ünï:form:x"] {
            let key = keys.form(account, "shop.site/a:form:b,2");
            assert_eq!(
                keys.read_form(&key),
                Some((account.to_owned(), "shop.site/a:form:b,2".to_owned()))
            );
            let slot = |key: &str| key.split(['{', '}']).nth(1).map(str::to_owned);
            assert_eq!(slot(&key), slot(&keys.index(account)));
        }
        assert_eq!(keys.read_form("drafts:{!}:form:x"), None);
        assert_eq!(keys.read_index(&keys.index("a}b{")), Some("a}b{".to_owned()));
        assert_eq!(keys.read_index(&keys.form("ann", "x}:forms")), None);
    }
}
