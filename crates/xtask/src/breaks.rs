//! `cargo xtask breaks`: takes one guarded line out of the browser's code at a time, and watches the story fail that is
//! there for it. The code is a copy in `target/breaks`; the repository stays as it is.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::output_of;
use crate::test::stories;
use crate::workspace::{Mode, Workspace};
use crate::{server, site};

/// What is broken, and which story says so.
#[derive(Deserialize)]
struct Break {
    /// What the browser does no longer, in words.
    what: String,
    /// Below the repository's root.
    file: String,
    /// Stands in it once.
    line: String,
    instead: String,
    /// The story's whole title.
    story: String,
}

const LIST: &str = "end2end/breaks.json";
const TABLE: &str = "end2end/README.md";
/// What the files of the table lie below.
const BROWSER: &str = "crates/resilient-form/src/browser/";
const STORIES: &str = "end2end/stories";
/// What the browser's files are built from; cargo wants every member to be there.
const SOURCES: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "app",
    "crates",
    "frontend",
    "server",
    "style",
];

/// Breaks what the list has, or only what is about `part`; the stories have to pass before anything is broken.
///
/// # Errors
/// A line of the list is not in the code, a story fails though nothing is broken, or one passes though something is.
pub fn run(workspace: &Workspace, part: Option<&str>) -> Result<()> {
    let breaks = listed(workspace)?
        .into_iter()
        .filter(|broken| part.is_none_or(|part| [&broken.what, &broken.file].iter().any(|text| text.contains(part))));
    let breaks: Vec<Break> = breaks.collect();
    ensure!(!breaks.is_empty(), "{LIST} has nothing about that");

    can_be_made(workspace)?;
    let copy = copied(workspace)?;
    crate::test::needs::bring(workspace, false, true)?;
    server::build_for_stories(workspace)?;
    site::build(&copy, Mode::Development)?;
    let mut titles: Vec<&str> = breaks.iter().map(|broken| broken.story.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    let failed = failing(workspace, &copy, &titles)?;
    ensure!(failed == 0, "{failed} stories fail though nothing is broken");

    let mut uncaught = 0;
    for broken in &breaks {
        let file = copy.root.join(&broken.file);
        let whole = fs::read_to_string(&file)?;
        fs::write(&file, broken.made(&copy.root)?)?;
        site::build(&copy, Mode::Development)?;
        let is_caught = failing(workspace, &copy, &[&broken.story])? > 0;
        fs::write(&file, whole)?;
        uncaught += usize::from(!is_caught);
        let outcome = if is_caught { "caught" } else { "NOT CAUGHT" };
        println!("== {outcome}: {} ({}), by: {}", broken.what, broken.file, broken.story);
    }
    ensure!(uncaught == 0, "{uncaught} of {} breaks were not caught", breaks.len());
    println!("{} breaks, each caught by its story", breaks.len());
    Ok(())
}

/// Whether each line of the list is in the code, each story is there, and the table of `end2end/README.md` says the same.
///
/// # Errors
/// The first line that is not there once, the first story that is not there, or the first that the table does not have.
pub fn can_be_made(workspace: &Workspace) -> Result<()> {
    let table = fs::read_to_string(workspace.root.join(TABLE))?;
    let mut stories = String::new();
    for file in fs::read_dir(workspace.root.join(STORIES))? {
        stories += &fs::read_to_string(file?.path())?;
    }
    for broken in listed(workspace)? {
        broken.made(&workspace.root).context(LIST)?;
        let begins = format!("test(\"{}\",", broken.story);
        ensure!(stories.contains(&begins), "{LIST}: there is no story {}", broken.story);
        ensure!(table.contains(&broken.row()), "{TABLE} has no line\n{}", broken.row());
    }
    Ok(())
}

fn listed(workspace: &Workspace) -> Result<Vec<Break>> {
    let list = fs::read_to_string(workspace.root.join(LIST))?;
    serde_json::from_str(&list).with_context(|| format!("{LIST} is not to be read"))
}

impl Break {
    /// As the table has it.
    fn row(&self) -> String {
        let file = self.file.strip_prefix(BROWSER).unwrap_or(&self.file);
        format!("| {} | `{file}` | *{}* |", self.what, self.story)
    }

    /// The file as it is when broken.
    fn made(&self, root: &Path) -> Result<String> {
        let whole = fs::read_to_string(root.join(&self.file)).with_context(|| self.file.clone())?;
        ensure!(
            whole.matches(&self.line).count() == 1,
            "{} does not have this once: {}",
            self.file,
            self.line
        );
        Ok(whole.replace(&self.line, &self.instead))
    }
}

/// The sources as they are now, those not committed included, with a place of their own for what is built.
fn copied(workspace: &Workspace) -> Result<Workspace> {
    let target = workspace.target.join("breaks");
    let root = target.join("sources");
    remove_what_is_gone(&workspace.root, &root, &root)?;
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]);
    for name in output_of(git.args(SOURCES).current_dir(&workspace.root))?.split_terminator('\0') {
        let (from, to) = (workspace.root.join(name), root.join(name));
        let wanted = match fs::read(&from) {
            // Deleted, and not committed yet.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read.with_context(|| name.to_owned())?,
        };
        // What is the same keeps its time, and is not built again.
        if fs::read(&to).is_ok_and(|known| known == wanted) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::write(to, wanted)?;
    }
    Ok(Workspace { root, target })
}

/// A file that was deleted would still be built from the copy.
fn remove_what_is_gone(root: &Path, copy: &Path, folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let source = root.join(path.strip_prefix(copy)?);
        if path.is_dir() {
            remove_what_is_gone(root, copy, &path)?;
        } else if !source.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// How many of these stories fail.
///
/// # Errors
/// Not all of them ran: then nothing is known of what they would say.
fn failing(workspace: &Workspace, copy: &Workspace, titles: &[&str]) -> Result<usize> {
    let literal: Vec<String> = titles.iter().map(|title| literally(title)).collect();
    let only = OsString::from(format!("({})$", literal.join("|")));
    let arguments = ["--reporter=json".into(), "--grep".into(), only];
    let mut stories = stories::playwright(workspace, Mode::Development, &arguments);
    stories.env("CI", "1").env("INKFAST_SITE_DIR", copy.site());
    let told = stories
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run Playwright")?;
    failures(&told.stdout, titles.len())
}

#[derive(Deserialize)]
struct Report {
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    /// Passed.
    expected: usize,
    /// Failed.
    unexpected: usize,
}

fn failures(report: &[u8], stories: usize) -> Result<usize> {
    let Report { stats } = serde_json::from_slice(report).context("Playwright ran no story")?;
    let ran = stats.expected + stats.unexpected;
    ensure!(ran == stories, "{ran} stories ran, and {stories} were to");
    Ok(stats.unexpected)
}

/// As a regular expression of JavaScript.
fn literally(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let is_special = letter.is_ascii_punctuation() && !"-,:; '\"!".contains(letter);
            is_special.then_some('\\').into_iter().chain([letter])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_has_not_failed() {
        let report = |expected: usize, unexpected: usize| {
            format!(r#"{{"suites":[],"stats":{{"expected":{expected},"unexpected":{unexpected},"flaky":0}}}}"#)
        };
        assert_eq!(failures(report(1, 1).as_bytes(), 2).expect("both ran"), 1);
        assert!(failures(report(0, 1).as_bytes(), 2).is_err());
        assert!(failures(b"Error: no tests found", 1).is_err());
    }

    #[test]
    fn a_title_is_looked_for_as_it_is() {
        assert_eq!(literally("a (b): c's, d. e? f-g"), r"a \(b\): c's, d\. e\? f-g");
    }
}
