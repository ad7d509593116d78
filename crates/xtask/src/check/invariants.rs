//! The invariants of ARCHITECTURE.md, one function each; what is wrong is said in a line that names the place.

use anyhow::Result;
use std::collections::BTreeSet;
use std::fs;

use crate::command::{cargo, output_of};
use crate::sources::{Line, code_below, none};
use crate::workspace::Workspace;

type Verdict = Result<(), String>;

/// Everything but this task, whose own sources name what they look for.
const PRODUCT: [&str; 8] = [
    "app/src",
    "frontend/src",
    "server/src",
    "crates/resilient-core/src",
    "crates/resilient-db/src",
    "crates/resilient-drafts/src",
    "crates/resilient-form/src",
    "crates/fault-proxy/src",
];

pub fn all(workspace: &Workspace) -> Result<Vec<Verdict>> {
    let code = code_below(&workspace.root, &PRODUCT)?;
    Ok(vec![
        only_the_browser_door_names_web_sys(&code),
        browser_code_is_chosen_by_target(&code),
        markup_is_written_unescaped_in_one_file(&code),
        app_knows_no_sql(&code),
        views_carry_no_style_attribute(&code),
        the_browser_is_free_of_server_crates(workspace)?,
        the_core_depends_on_serde_alone(workspace)?,
        the_core_forbids_clocks(workspace)?,
    ])
}

fn only_the_browser_door_names_web_sys(code: &[Line]) -> Verdict {
    let doors = ["crates/resilient-form/src/browser/", "frontend/"];
    let outside = code
        .iter()
        .filter(|line| !doors.iter().any(|door| line.file.starts_with(door)));
    none(
        outside.filter(|line| line.text.contains("web_sys")),
        "only crates/resilient-form/src/browser/ and frontend may name web_sys",
    )
}

fn browser_code_is_chosen_by_target(code: &[Line]) -> Verdict {
    let by_feature = |line: &&Line| line.text.contains("cfg") && line.text.contains("feature = \"hydrate\"");
    let alone = |line: &&Line| !line.text.contains("target_arch = \"wasm32\"");
    none(
        code.iter().filter(by_feature).filter(alone),
        "browser code is chosen by target_arch = \"wasm32\", never by the feature alone",
    )
}

fn markup_is_written_unescaped_in_one_file(code: &[Line]) -> Verdict {
    let writing = code.iter().filter(|line| line.text.contains("inner_html"));
    let files: BTreeSet<_> = writing.map(|line| line.file.as_str()).collect();
    if files.len() <= 1 {
        return Ok(());
    }
    let files: Vec<_> = files.into_iter().collect();
    Err(format!(
        "inner_html is for textarea_content alone, in one file, yet stands in: {}",
        files.join(", ")
    ))
}

fn app_knows_no_sql(code: &[Line]) -> Verdict {
    let sql = ["sqlx", "SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"];
    let in_app = code.iter().filter(|line| line.file.starts_with("app/"));
    none(
        in_app.filter(|line| sql.iter().any(|word| line.text.contains(word))),
        "app states what it needs as ports and knows no SQL",
    )
}

fn views_carry_no_style_attribute(code: &[Line]) -> Verdict {
    let styled = code
        .iter()
        .filter(|line| line.file.starts_with("app/") || line.file.starts_with("crates/resilient-form/"));
    none(
        styled.filter(|line| line.text.split_whitespace().any(is_style_attribute)),
        "the content security policy blocks style attributes: use a class",
    )
}

/// `style="…"` and leptos's `style:color="…"`.
fn is_style_attribute(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("style") else {
        return false;
    };
    rest.starts_with("=\"")
        || rest.starts_with("={")
        || rest.starts_with("=move")
        || (rest.starts_with(':') && !rest.starts_with("::") && rest.contains('='))
}

fn the_browser_is_free_of_server_crates(workspace: &Workspace) -> Result<Verdict> {
    let mut tree = cargo(workspace);
    tree.args(["tree", "--package", "frontend", "--package", "notes"]);
    tree.args(["--target", "wasm32-unknown-unknown"]);
    let graph = output_of(tree.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]))?;
    let names: BTreeSet<_> = graph.lines().filter_map(|line| line.split(' ').next()).collect();
    let found: Vec<_> = names.into_iter().filter(|name| belongs_to_the_server(name)).collect();
    Ok(if found.is_empty() {
        Ok(())
    } else {
        Err(format!("what reaches the browser must not know {}", found.join(", ")))
    })
}

fn belongs_to_the_server(package: &str) -> bool {
    // The last three would run in a browser, and be a good part of what it loads.
    [
        "sqlx",
        "redis",
        "axum",
        "tokio",
        "leptos",
        "reactive_graph",
        "serde_json",
    ]
    .iter()
    .any(|family| {
        package
            .strip_prefix(family)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

fn the_core_depends_on_serde_alone(workspace: &Workspace) -> Result<Verdict> {
    let packages = workspace.packages()?;
    let core = packages.iter().find(|package| package["name"] == "resilient-core");
    let dependencies = core
        .and_then(|core| core["dependencies"].as_array())
        .map_or(&[][..], Vec::as_slice);
    let at_runtime = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let others: Vec<_> = at_runtime
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| *name != "serde")
        .collect();
    Ok(match (core, others.is_empty()) {
        (None, _) => Err("resilient-core is not a member of the workspace".to_owned()),
        (_, true) => Ok(()),
        (_, false) => Err(format!(
            "resilient-core depends on serde alone, not on {}",
            others.join(", ")
        )),
    })
}

/// Clippy enforces it; this makes sure that clippy is told.
fn the_core_forbids_clocks(workspace: &Workspace) -> Result<Verdict> {
    let told = fs::read_to_string(workspace.root.join("crates/resilient-core/clippy.toml"))?;
    let forbidden = |path: &str| {
        told.lines()
            .any(|line| line.contains(path) && line.contains("reason = "))
    };
    let both = forbidden("std::time::Instant::now") && forbidden("std::time::SystemTime::now");
    Ok(if both {
        Ok(())
    } else {
        Err(
            "crates/resilient-core/clippy.toml must forbid Instant::now and SystemTime::now, with the reason"
                .to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(file: &str, text: &str) -> Line {
        Line {
            file: file.to_owned(),
            number: 7,
            text: text.to_owned(),
        }
    }

    #[test]
    fn web_sys_outside_its_door_is_named_with_its_place() {
        let code = [
            line("crates/resilient-form/src/browser/page.rs", "use web_sys::Window;"),
            line("app/src/lib.rs", "web_sys::window()"),
        ];
        let said = only_the_browser_door_names_web_sys(&code).expect_err("app is not the door");
        assert!(said.ends_with("app/src/lib.rs:7"), "{said}");
    }

    #[test]
    fn a_feature_alone_does_not_choose_browser_code() {
        assert!(browser_code_is_chosen_by_target(&[line("app/src/lib.rs", "#[cfg(feature = \"hydrate\")]")]).is_err());
        let both = "#[cfg(all(feature = \"hydrate\", target_arch = \"wasm32\"))]";
        assert!(browser_code_is_chosen_by_target(&[line("app/src/lib.rs", both)]).is_ok());
    }

    #[test]
    fn a_second_file_with_unescaped_markup_is_refused() {
        let once = || line("app/src/a.rs", "inner_html=text");
        assert!(markup_is_written_unescaped_in_one_file(&[once()]).is_ok());
        assert!(markup_is_written_unescaped_in_one_file(&[once(), line("app/src/b.rs", "inner_html=text")]).is_err());
    }

    #[test]
    fn sql_is_refused_in_app_and_welcome_in_the_server() {
        assert!(app_knows_no_sql(&[line("app/src/a.rs", "\"SELECT 1\"")]).is_err());
        assert!(app_knows_no_sql(&[line("server/src/a.rs", "\"SELECT 1\"")]).is_ok());
    }

    #[test]
    fn style_attributes_are_told_from_modules_and_classes() {
        for word in ["style=\"color:red\"", "style:color=\"red\"", "style={x}"] {
            assert!(is_style_attribute(word), "{word}");
        }
        for word in ["style::main", "stylesheet=\"x\"", "class=\"style\"", "style"] {
            assert!(!is_style_attribute(word), "{word}");
        }
    }

    #[test]
    fn a_family_is_known_by_its_first_word() {
        assert!(belongs_to_the_server("sqlx-core") && belongs_to_the_server("tokio"));
        assert!(!belongs_to_the_server("tokyo") && !belongs_to_the_server("axumatic"));
    }
}
