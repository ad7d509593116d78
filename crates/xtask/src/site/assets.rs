//! Names and places of the browser's files, and `assets.json`, which tells the server where each of them is and what
//! stands in its pages.

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::bindings::{Bound, MODULE, SCRIPT};
use super::compress::{self, Sizes};
use super::stylesheet::Stylesheets;
use crate::workspace::{Mode, Workspace};

/// Writes everything to `target/site/pkg`, removes what no longer belongs there, and then names it in `assets.json`.
pub fn publish(workspace: &Workspace, mode: Mode, bound: &Bound, style: &Stylesheets, scripts: Scripts) -> Result<()> {
    let package = Package {
        folder: workspace.site().join("pkg"),
        mode,
    };
    let mut written = BTreeSet::new();
    let mut places = Map::new();
    places.extend(
        scripts
            .inline
            .into_iter()
            .map(|(name, code)| (name.to_owned(), Value::String(code))),
    );
    for (name, content) in [
        (SCRIPT, fs::read(bound.folder.join(SCRIPT))?),
        (MODULE, fs::read(bound.folder.join(MODULE))?),
        ("inkfast.css", style.every.as_bytes().to_vec()),
        ("inkfast-reading.css", style.reading.as_bytes().to_vec()),
        ("page.js", scripts.page.into_bytes()),
        ("sealed.js", scripts.sealed.script.into_bytes()),
        ("sealed_bg.wasm", scripts.sealed.module),
    ] {
        let place = package.name_for(name, &content);
        written.extend(package.write(&place, &content)?);
        places.insert(name.to_owned(), Value::String(format!("/pkg/{place}")));
    }
    for snippet in files_below(&bound.folder.join("snippets"))? {
        let place = snippet.strip_prefix(&bound.folder)?.to_string_lossy().into_owned();
        written.extend(package.write(&place, &fs::read(&snippet)?)?);
    }
    package.remove_others(&written)?;
    let assets = serde_json::to_string_pretty(&places)? + "\n";
    write_if_changed(&workspace.site().join("assets.json"), assets.as_bytes())
}

/// Scripts of ours besides the module's.
pub struct Scripts {
    /// What the server hands out itself, in place of the sources.
    pub inline: BTreeMap<&'static str, String>,
    /// Of every page, for when all else is there.
    pub page: String,
    pub sealed: Sealed,
}

/// What seals drafts on the device.
pub struct Sealed {
    pub script: String,
    pub module: Vec<u8>,
}

struct Package {
    folder: PathBuf,
    mode: Mode,
}

impl Package {
    /// A released file is named by its content, so that browsers may keep it for ever.
    fn name_for(&self, name: &str, content: &[u8]) -> String {
        match (self.mode, name.rsplit_once('.')) {
            (Mode::Release, Some((stem, extension))) => format!("{stem}.{}.{extension}", short_hash(content)),
            _ => name.to_owned(),
        }
    }

    /// Writes one file, in a release with its compressed twins, and answers all that was written.
    fn write(&self, place: &str, content: &[u8]) -> Result<Vec<PathBuf>> {
        let path = self.folder.join(place);
        write_if_changed(&path, content)?;
        if self.mode == Mode::Development {
            return Ok(vec![path]);
        }
        let twins = compress::write_twins(&path, content)?;
        println!("{place}: {}", Sizes::of(&path, &twins)?);
        Ok([vec![path], twins].concat())
    }

    fn remove_others(&self, written: &BTreeSet<PathBuf>) -> Result<()> {
        for path in files_below(&self.folder)? {
            if !written.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn short_hash(content: &[u8]) -> String {
    Sha256::digest(content)[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file that stays as it is keeps its time of change, and browsers their copy of it.
fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file in no folder")?)?;
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?)
        } else {
            files.push(path)
        }
    }
    Ok(files)
}
