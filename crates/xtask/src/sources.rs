//! The repository's Rust sources, read once and asked for words.

use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of code; comments are not among them.
pub struct Line {
    /// Below the repository's root, with `/`.
    pub file: String,
    pub number: usize,
    pub text: String,
}

impl Line {
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// All code below the folders, in a fixed order.
pub fn code_below(root: &Path, folders: &[&str]) -> Result<Vec<Line>> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let name = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file)?;
        let code = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"));
        lines.extend(code.map(|(at, line)| Line {
            file: name.clone(),
            number: at + 1,
            text: line.to_owned(),
        }));
    }
    Ok(lines)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The lines in which a thing stands that must not, as one message; nothing found is `Ok`.
pub fn none<'a>(found: impl Iterator<Item = &'a Line>, rule: &str) -> Result<(), String> {
    let places: Vec<_> = found.map(Line::place).collect();
    if places.is_empty() {
        Ok(())
    } else {
        Err(format!("{rule}: {}", places.join(", ")))
    }
}
