//! The tables of `end2end/README.md` say which test proves what. A test that was renamed or taken away is said here, so
//! that the tables stay true.
//!
//! In each table with a column `test`, that column names tests in italics, each group of them followed by the file that
//! they are in: `*two clicks on Save are one save* (`stories/a_record_is_edited_and_saved.spec.ts`)`.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::workspace::Workspace;

const FOLDER: &str = "end2end";
const COLUMN: &str = "test";
/// What a row without a test says instead.
const UNTESTED: &str = "not built";
/// What stands where a number would in a row beside the numbered ones.
const UNNUMBERED: &str = "–";
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=60;
/// Macros that make a test of each name they are given.
const TESTS_OF_NAMES: [&str; 1] = ["on_each_server!("];

/// Each thing that is not so, in a line that names the row.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join(FOLDER);
    let text = fs::read_to_string(folder.join("README.md"))?;
    let cells = test_cells(&text);
    let mut wrong = Vec::new();
    if cells.is_empty() {
        wrong.push(format!("{FOLDER}/README.md has no table with a column `{COLUMN}`"));
    }
    wrong.extend(misnumbered(cells.iter().map(|(row, _)| row.as_str())));
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

/// A promise whose row went away is not noticed by looking at the rows that are left.
fn misnumbered<'a>(rows: impl Iterator<Item = &'a str>) -> Vec<String> {
    let rows: Vec<&str> = rows.filter(|row| *row != UNNUMBERED).collect();
    let known = |row: &str| row.parse().is_ok_and(|number| NUMBERS.contains(&number));
    let strange = rows.iter().filter(|row| !known(row));
    let strange = strange.map(|row| format!("row {row} has no number of {NUMBERS:?}"));
    let counted = NUMBERS.filter_map(|number| {
        let count = rows.iter().filter(|row| row.parse() == Ok(number)).count();
        (count != 1).then(|| format!("row {number} is there {count} times"))
    });
    strange.chain(counted).collect()
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

/// A test's name as its file has it.
#[derive(Debug, PartialEq)]
struct TestName {
    /// What stands around each `${…}`.
    pieces: Vec<String>,
    /// What may be put in there when it runs: a text of the file.
    inserted: Rc<BTreeSet<String>>,
}

impl TestName {
    fn whole(name: &str) -> Self {
        Self {
            pieces: vec![name.to_owned()],
            inserted: Rc::default(),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.pieces.split_first().is_some_and(|(first, later)| {
            name.strip_prefix(first.as_str())
                .is_some_and(|rest| self.goes_on(later, rest))
        })
    }

    fn goes_on(&self, pieces: &[String], name: &str) -> bool {
        let Some((next, later)) = pieces.split_first() else {
            return name.is_empty();
        };
        let after = self
            .inserted
            .iter()
            .filter_map(|text| name.strip_prefix(text.as_str())?.strip_prefix(next.as_str()));
        after.into_iter().any(|rest| self.goes_on(later, rest))
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

/// Without what is commented out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

fn rust_tests(text: &str) -> Vec<TestName> {
    let mut names = Vec::new();
    let (mut is_test, mut in_list) = (false, false);
    for line in code(text) {
        let listed = TESTS_OF_NAMES.iter().find_map(|call| line.strip_prefix(call));
        if let Some(list) = listed.or(in_list.then_some(line)) {
            let (list, is_over) = list.split_once(')').map_or((list, false), |(list, _)| (list, true));
            let listed = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.extend(listed.map(TestName::whole));
            in_list = !is_over;
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = function(line) {
            // Any other function is a help to the tests.
            if std::mem::take(&mut is_test) {
                names.push(TestName::whole(name));
            }
        }
    }
    names
}

fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

fn story_tests(text: &str) -> Vec<TestName> {
    let text = code(text).collect::<Vec<_>>().join("\n");
    let inserted = Rc::new(texts(&text));
    let mut names = Vec::new();
    for (at, call) in text.match_indices("test(") {
        let is_another = text[..at].ends_with(|before: char| before.is_alphanumeric() || "_.".contains(before));
        let after = &text[at + call.len()..];
        let Some(quote) = after.chars().next().filter(|quote| "\"'`".contains(*quote)) else {
            continue;
        };
        if let (false, Some((name, _))) = (is_another, after[1..].split_once(quote)) {
            names.push(TestName {
                pieces: pieces(name),
                inserted: Rc::clone(&inserted),
            });
        }
    }
    names
}

/// Every text in double quotes.
fn texts(code: &str) -> BTreeSet<String> {
    let in_line = |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    code.lines().flat_map(in_line).filter(|text| !text.is_empty()).collect()
}

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
            "for (const how of [\"killed\", \"frozen\"]) {\n  test(\"one, two\", async () => {});\n  test(`Redis is ${how} while ${how}: kept`, () => {});\n}\n// test(\"three\");\nlatest(\"four\");",
        );
        let has = |tests: &[TestName], name: &str| tests.iter().any(|test| test.is(name));
        assert!(has(&stories, "one, two") && !has(&stories, "one") && !has(&stories, "one, two, three"));
        assert!(has(&stories, "Redis is killed while frozen: kept") && !has(&stories, "Redis is killed: kept"));
        assert!(!has(&stories, "Redis is away while frozen: kept") && !has(&stories, "Redis is killed while : kept"));
        assert!(!has(&stories, "Redis is killed while frozen: kept, or not"));
        assert!(!has(&stories, "three") && !has(&stories, "four"));
        let rust = rust_tests(
            "#[test]\nfn a_b() {}\nfn help() {}\n    #[tokio::test(flavor = \"x\")]\n    // Why.\n    async fn c<D>() {}\n// #[test]\n// fn d()\non_each_server!(\n    e,\n);\non_each_server!(h);\nasync fn e<D>() {}\nf(\n    g,\n);\n",
        );
        assert!(has(&rust, "a_b") && has(&rust, "c") && has(&rust, "e") && has(&rust, "h"));
        for other in ["a", "d", "f", "g", "help"] {
            assert!(!has(&rust, other), "{other}");
        }
    }

    #[test]
    fn each_number_is_there_once() {
        let all: Vec<String> = NUMBERS.map(|number| number.to_string()).collect();
        let rows = || all.iter().map(String::as_str);
        assert!(misnumbered(rows().chain([UNNUMBERED, UNNUMBERED])).is_empty());
        assert_eq!(misnumbered(rows().skip(1)), ["row 1 is there 0 times"]);
        assert_eq!(misnumbered(rows().chain(["7"])), ["row 7 is there 2 times"]);
        for strange in ["61", "0", "", "seven"] {
            assert_eq!(misnumbered(rows().chain([strange])).len(), 1, "{strange}");
        }
    }

    #[test]
    fn what_the_tables_name_is_there() {
        let wrong = check(&Workspace::find().expect("a workspace")).expect("readable");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
