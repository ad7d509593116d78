//! `cargo xtask breaks`: takes one guarded line out of the browser's code at a time, and watches the story fail that is
//! there for it. The code is a copy in `target/breaks`; the repository stays as it is.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

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
    let titles: Vec<&str> = breaks.iter().map(|broken| broken.story.as_str()).collect();
    ensure!(
        passes(workspace, &copy, &titles)?,
        "a story fails, or is not there, though nothing is broken"
    );

    let mut uncaught = 0;
    for broken in &breaks {
        let file = copy.root.join(&broken.file);
        let whole = fs::read_to_string(&file)?;
        fs::write(&file, broken.made(&copy.root)?)?;
        site::build(&copy, Mode::Development)?;
        let is_caught = !passes(workspace, &copy, &[&broken.story])?;
        fs::write(&file, whole)?;
        uncaught += usize::from(!is_caught);
        let outcome = if is_caught { "caught" } else { "NOT CAUGHT" };
        println!("== {outcome}: {} ({}), by: {}", broken.what, broken.file, broken.story);
    }
    ensure!(uncaught == 0, "{uncaught} of {} breaks were not caught", breaks.len());
    println!("{} breaks, each caught by its story", breaks.len());
    Ok(())
}

/// Whether each line of the list is in the code, and each story is there. Playwright fails where it finds none, too.
///
/// # Errors
/// The first line that is not there once, or the first story that is not there.
pub fn can_be_made(workspace: &Workspace) -> Result<()> {
    let mut stories = String::new();
    for file in fs::read_dir(workspace.root.join(STORIES))? {
        stories += &fs::read_to_string(file?.path())?;
    }
    for broken in listed(workspace)? {
        broken.made(&workspace.root).context(LIST)?;
        let begins = format!("test(\"{}\",", broken.story);
        ensure!(stories.contains(&begins), "{LIST}: there is no story {}", broken.story);
    }
    Ok(())
}

fn listed(workspace: &Workspace) -> Result<Vec<Break>> {
    let list = fs::read_to_string(workspace.root.join(LIST))?;
    serde_json::from_str(&list).with_context(|| format!("{LIST} is not to be read"))
}

impl Break {
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

fn passes(workspace: &Workspace, copy: &Workspace, titles: &[&str]) -> Result<bool> {
    let titles: Vec<String> = titles.iter().map(|title| literally(title)).collect();
    let only = OsString::from(format!("({})$", titles.join("|")));
    let mut stories = stories::playwright(workspace, Mode::Development, &[OsString::from("--grep"), only]);
    stories.env("CI", "1").env("INKFAST_SITE_DIR", copy.site());
    Ok(stories.status().context("cannot run Playwright")?.success())
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
    fn a_title_is_looked_for_as_it_is() {
        assert_eq!(literally("a (b): c's, d. e? f-g"), r"a \(b\): c's, d\. e\? f-g");
    }
}
