//! What a form was drawn from: a hash of each column's text. By it a save tells what was changed here, and what by somebody else.
//!
//! Whoever has the form has these texts, so the hash needs no key. One who must not know what was there before needs one.

use resilient_core::draft::{Text, Values};
use sha2::{Digest, Sha256};

pub fn of(values: &Values) -> String {
    let parts: Vec<String> = values.iter().map(|(column, text)| part(column, text)).collect();
    parts.join(".")
}

/// Whether the column had this text when the form was drawn. What is no version of ours has had nothing.
pub fn is_base(version: &str, column: &str, text: &Text) -> bool {
    let part = part(column, text);
    version.split('.').any(|known| known == part)
}

pub fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn part(column: &str, text: &Text) -> String {
    format!("{column}-{}", text.as_deref().map(hash).unwrap_or_default())
}
