//! Every island must be among the module's exports: one that `frontend` does not reference vanishes without a word.

use anyhow::{Result, ensure};

const ISLANDS: [&str; 4] = ["ResilientForm", "ConnectionStatus", "Toasts", "DeviceDrafts"];

/// # Errors
/// Names the islands that the script does not export.
pub fn check_exports(script: &str) -> Result<()> {
    let missing: Vec<_> = ISLANDS.into_iter().filter(|island| !exports(script, island)).collect();
    ensure!(
        missing.is_empty(),
        "the browser's module exports no island {}: reference it from frontend/src/lib.rs, or it is dropped silently",
        missing.join(", ")
    );
    Ok(())
}

/// Leptos exports an island as its name, an underscore and a hash.
fn exports(script: &str, island: &str) -> bool {
    script.contains(&format!("export function {island}_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_with_every_island_passes() {
        let script: String = ISLANDS
            .iter()
            .map(|island| format!("export function {island}_123(el) {{}}\n"))
            .collect();
        assert!(check_exports(&script).is_ok());
    }

    #[test]
    fn an_island_that_vanished_is_named() {
        let refused = check_exports("export function ResilientForm_1(el) {}\nexport function Toasts_2(el) {}\n");
        let said = refused.expect_err("two are missing").to_string();
        assert!(said.contains("no island ConnectionStatus, DeviceDrafts"), "{said}");
    }

    #[test]
    fn an_import_or_a_longer_name_is_not_an_export() {
        assert!(!exports(
            "import { Toasts_1 } from 'x'; export function ToastsShown_1() {}",
            "Toasts"
        ));
    }
}
