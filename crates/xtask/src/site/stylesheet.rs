//! Two stylesheets out of `style/main.css` and what it imports, in that order: an edit page is to be there soon, and
//! transfers nothing that only others have.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The line of `main` that begins the second.
const SECOND: &str = "/* From here on: what an edit page has not. */";

/// What every page has, and what an edit page has not.
pub struct Stylesheets {
    pub every: String,
    pub reading: String,
}

/// The text of `main`, in two, with each `@import "part.css";` line replaced by that part.
///
/// # Errors
/// A part is missing, or it imports another: the order would no longer be seen in one place. Nothing says where the
/// second begins.
pub fn bundle(main: &Path) -> Result<Stylesheets> {
    let folder = main.parent().context("the stylesheet has no folder")?;
    let text = read(main)?;
    let (every, reading) = text
        .split_once(SECOND)
        .with_context(|| format!("{} has no line {SECOND}", main.display()))?;
    Ok(Stylesheets {
        every: joined(folder, every)?,
        reading: joined(folder, reading)?,
    })
}

fn joined(folder: &Path, lines: &str) -> Result<String> {
    let mut whole = String::new();
    for line in lines.lines() {
        match imported(line) {
            Some(name) => whole.push_str(&part(folder, name)?),
            None => whole.push_str(line),
        }
        whole.push('\n');
    }
    Ok(whole)
}

fn part(folder: &Path, name: &str) -> Result<String> {
    let text = read(&folder.join(name))?;
    if text.lines().any(|line| imported(line).is_some()) {
        bail!("style/{name} imports another part: import it in style/main.css");
    }
    Ok(text.trim_end().to_owned())
}

fn imported(line: &str) -> Option<&str> {
    line.trim().strip_prefix("@import \"")?.strip_suffix("\";")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read the stylesheet {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_in_the_order_they_are_imported() {
        assert_eq!(imported("@import \"tokens.css\";"), Some("tokens.css"));
        assert_eq!(imported("  @import \"ui/table.css\";  "), Some("ui/table.css"));
    }

    #[test]
    fn an_import_from_elsewhere_is_left_to_the_browser() {
        assert_eq!(imported("@import url(x.css);"), None);
        assert_eq!(imported("body { color: red }"), None);
    }
}
