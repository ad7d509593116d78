//! Every island that is drawn must be among the module's exports: one without a function in `frontend` stays plain
//! HTML without a word.

use anyhow::{Result, ensure};

use crate::sources::{Line, code_below};
use crate::workspace::Workspace;

/// Where islands are written.
const DRAWN_IN: [&str; 2] = ["app/src", "crates/resilient-form/src"];

/// # Errors
/// Names the islands that the script does not export.
pub fn check_exports(workspace: &Workspace, script: &str) -> Result<()> {
    let drawn = drawn(&code_below(&workspace.root, &DRAWN_IN)?);
    ensure!(!drawn.is_empty(), "no islands are written in {}", DRAWN_IN.join(" or "));
    let missing: Vec<_> = drawn.iter().filter(|island| !exports(script, island)).collect();
    ensure!(
        missing.is_empty(),
        "the browser's module starts no island {missing:?}: give it a function of that name in frontend/src/lib.rs"
    );
    Ok(())
}

/// The components marked as islands.
fn drawn(code: &[Line]) -> Vec<String> {
    let marks = code
        .iter()
        .enumerate()
        .filter(|(_, line)| line.text.trim_start().starts_with("#[island"));
    marks
        .filter_map(|(at, _)| {
            let component = code[at..].iter().find_map(|line| line.text.split_once("fn "))?.1;
            let end = component.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
            Some(component[..end].to_owned())
        })
        .collect()
}

fn exports(script: &str, island: &str) -> bool {
    script.contains(&format!("export function {island}("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_island_is_known_by_its_mark() {
        let text = [
            "#[island]",
            "#[allow(unused)]",
            "pub fn Toasts(words: String) -> impl IntoView {",
            "fn plain() {}",
        ];
        let code: Vec<Line> = (1..)
            .zip(text)
            .map(|(number, text)| Line {
                file: String::new(),
                number,
                text: text.to_owned(),
            })
            .collect();
        assert_eq!(drawn(&code), ["Toasts"]);
    }

    #[test]
    fn an_import_or_a_longer_name_is_not_an_export() {
        assert!(exports("export function Toasts() {}", "Toasts"));
        assert!(!exports(
            "import { Toasts } from 'x'; export function ToastsShown() {}",
            "Toasts"
        ));
    }
}
