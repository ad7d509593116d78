//! What takes the space in the module.

use anyhow::Result;
use std::collections::BTreeMap;

use super::sections::Module;

const SHOWN: usize = 8;

/// Bytes by section, by crate and by function, the heaviest first: before compression, names not counted.
pub fn of(module: &Module) -> Result<String> {
    let functions = module.functions()?;
    let mut crates = BTreeMap::<String, usize>::new();
    let mut named = BTreeMap::<String, usize>::new();
    for (name, bytes) in &functions {
        let name = without_hashes(name);
        *crates.entry(first_crate(&name)).or_default() += bytes;
        *named.entry(name).or_default() += bytes;
    }
    let (code, data) = module.weight();
    Ok(format!(
        "code {}, data {}, {} functions\n  by crate: {}\n  by function: {}",
        kb(code),
        kb(data),
        functions.len(),
        heaviest(crates),
        heaviest(named)
    ))
}

fn heaviest(weights: BTreeMap<String, usize>) -> String {
    let mut weights: Vec<_> = weights.into_iter().collect();
    weights.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let shown = weights
        .into_iter()
        .take(SHOWN)
        .map(|(name, bytes)| format!("{name} {}", kb(bytes)));
    shown.collect::<Vec<_>>().join(", ")
}

fn kb(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

/// wasm-bindgen leaves names readable, with rustc's hashes in them: `core[c593…]::fmt`, `form::tell::h3ae4…`.
pub fn without_hashes(name: &str) -> String {
    let is_hash = |text: &str| text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = match name.rsplit_once("::h") {
        Some((before, hash)) if is_hash(hash) => before,
        _ => name,
    };
    let mut parts = name.split('[');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, after)) if is_hash(hash) => plain.push_str(after),
            _ => plain.extend(["[", part]),
        }
    }
    if plain.is_empty() {
        "without a name".to_owned()
    } else {
        plain
    }
}

/// `<alloc::vec::Vec<T> as …>::from_iter` is alloc's.
fn first_crate(name: &str) -> String {
    let start = name
        .find(|letter: char| letter.is_alphabetic() || letter == '_')
        .unwrap_or(0);
    let word = name[start..].split("::").next().unwrap_or_default();
    let word = word.rsplit([' ', '<', '&', '(']).next().unwrap_or_default();
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_no_part_of_a_name() {
        assert_eq!(without_hashes("form::tell::h3ae4ddab9413cc19"), "form::tell");
        assert_eq!(
            without_hashes("<core[c5930c85a12de822]::S as T>::hash"),
            "<core::S as T>::hash"
        );
        assert_eq!(without_hashes("core::[T]::len"), "core::[T]::len");
    }

    #[test]
    fn a_function_is_its_first_crates() {
        assert_eq!(first_crate("resilient_core::merge::merge"), "resilient_core");
        assert_eq!(first_crate("<alloc::vec::Vec<T> as core::iter::X>::from_iter"), "alloc");
        assert_eq!(first_crate("<&mut serde::de::D as X>::y"), "serde");
    }
}
