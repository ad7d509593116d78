//! The tables of `end2end/README.md` say which test proves what. A test that was renamed or taken away is said here, so
//! that the tables stay true.
//!
//! In each table with a column `test`, that column names tests in italics, each group of them followed by the file that
//! they are in: `*two clicks on Save are one save* (`stories/a_record_is_edited_and_saved.spec.ts`)`.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

const FOLDER: &str = "end2end";
const COLUMN: &str = "test";
/// What a row without a test says instead.
const UNTESTED: &str = "not built";

/// Each thing that is not so, in a line that names the row.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join(FOLDER);
    let text = fs::read_to_string(folder.join("README.md"))?;
    let cells = test_cells(&text);
    let mut wrong = Vec::new();
    if cells.is_empty() {
        wrong.push(format!("{FOLDER}/README.md has no table with a column `{COLUMN}`"));
    }
    for (row, cell) in cells {
        let groups = groups(&cell);
        if groups.is_empty() && !cell.contains(UNTESTED) {
            wrong.push(format!("row {row} names no test"));
        }
        for (names, file) in groups {
            let found = match &file {
                Some(file) => tests_in(&folder, &workspace.root, file)?,
                None => None,
            };
            match (file, found) {
                (None, _) => wrong.push(format!("row {row} names no file for *{}*", names.join("*, *"))),
                (Some(file), None) => wrong.push(format!("row {row}: there is no file {file}")),
                (Some(file), Some(tests)) => {
                    let missing = names.iter().filter(|name| !tests.iter().any(|test| test.is(name)));
                    wrong.extend(missing.map(|name| format!("row {row}: {file} has no test *{name}*")));
                }
            }
        }
    }
    Ok(wrong)
}

/// The first cell of each row, and what stands in the column of tests.
fn test_cells(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut column = None;
    for line in text.lines() {
        let Some(row) = line.strip_prefix('|') else {
            column = None;
            continue;
        };
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').map(str::trim).collect();
        match column {
            None => column = Some(cells.iter().position(|cell| *cell == COLUMN)),
            Some(Some(at)) if !row.starts_with("---") => {
                let cell = cells.get(at).copied().unwrap_or_default();
                found.push((cells[0].to_owned(), cell.to_owned()));
            }
            Some(_) => {}
        }
    }
    found
}

/// The names in a cell, in groups with the file that follows them.
fn groups(cell: &str) -> Vec<(Vec<String>, Option<String>)> {
    let mut groups = Vec::new();
    let mut names = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find(['*', '`']) {
        let (mark, after) = rest[at..].split_at(1);
        let Some((inside, later)) = after.split_once(mark) else {
            break;
        };
        match mark {
            "*" => names.push(inside.to_owned()),
            _ if is_file(inside) => groups.push((std::mem::take(&mut names), Some(inside.to_owned()))),
            _ => {}
        }
        rest = later;
    }
    if !names.is_empty() {
        groups.push((names, None));
    }
    groups
}

fn is_file(text: &str) -> bool {
    [".ts", ".rs"].iter().any(|end| text.ends_with(end))
}

/// A test's name as its file has it; what is put in when it runs may be anything.
#[derive(Debug, PartialEq)]
struct TestName(Vec<String>);

impl TestName {
    fn is(&self, name: &str) -> bool {
        let [first, between @ .., last] = &self.0[..] else {
            return self.0.first().is_some_and(|whole| whole == name);
        };
        let Some(mut rest) = name
            .strip_prefix(first.as_str())
            .and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        between.iter().all(|piece| match rest.split_once(piece.as_str()) {
            Some((_, later)) => {
                rest = later;
                true
            }
            None => false,
        })
    }
}

/// `None` where there is no such file, in this folder or below the root.
fn tests_in(folder: &Path, root: &Path, file: &str) -> Result<Option<Vec<TestName>>> {
    let places: [PathBuf; 2] = [folder.join(file), root.join(file)];
    let Some(path) = places.iter().find(|path| path.is_file()) else {
        return Ok(None);
    };
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(Some(if file.ends_with(".rs") {
        rust_tests(&text)
    } else {
        story_tests(&text)
    }))
}

/// Functions: what makes a test of one is as often a macro as an attribute.
fn rust_tests(text: &str) -> Vec<TestName> {
    let names = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        rest.split(['(', '<']).next()
    });
    names.map(|name| TestName(vec![name.to_owned()])).collect()
}

fn story_tests(text: &str) -> Vec<TestName> {
    let mut names = Vec::new();
    for (at, call) in text.match_indices("test(") {
        let after = &text[at + call.len()..];
        let Some(quote) = after.chars().next().filter(|quote| "\"'`".contains(*quote)) else {
            continue;
        };
        if let Some((name, _)) = after[1..].split_once(quote) {
            names.push(TestName(pieces(name)));
        }
    }
    names
}

/// What stands around each `${…}`.
fn pieces(name: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some((before, inserted)) = rest.split_once("${") {
        pieces.push(before.to_owned());
        rest = inserted.split_once('}').map_or("", |(_, after)| after);
    }
    pieces.push(rest.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_of_the_column_of_tests_alone() {
        let text = "| number | must hold | test |\n|---|---|---|\n| 7 | *no name* | *a b*; *c* (`stories/x.spec.ts`), *d_e* (`server/y.rs`) |\n\n| other | table |\n|---|---|\n| *a* | *b* |\n";
        let cells = test_cells(text);
        assert_eq!(cells.len(), 1);
        assert_eq!(cells[0].0, "7");
        let group = |names: &[&str], file: &str| {
            (
                names.iter().map(|name| name.to_string()).collect(),
                Some(file.to_owned()),
            )
        };
        assert_eq!(
            groups(&cells[0].1),
            [
                group(&["a b", "c"], "stories/x.spec.ts"),
                group(&["d_e"], "server/y.rs")
            ]
        );
        assert_eq!(groups("*a* without a file"), [(vec!["a".to_owned()], None)]);
    }

    #[test]
    fn tests_are_found_by_their_whole_names() {
        let stories = story_tests(
            "test(\"one, two\", async () => {});\n  test(`Redis is ${how} while ${what}: kept`, () => {});",
        );
        let has = |tests: &[TestName], name: &str| tests.iter().any(|test| test.is(name));
        assert!(has(&stories, "one, two") && !has(&stories, "one") && !has(&stories, "one, two, three"));
        assert!(has(&stories, "Redis is killed while typing: kept") && !has(&stories, "Redis is killed: kept"));
        let rust = rust_tests("#[test]\nfn a_b() {}\n    async fn c<D>() {}\n// fn d()\n");
        assert!(has(&rust, "a_b") && has(&rust, "c") && !has(&rust, "d") && !has(&rust, "a"));
    }
}
