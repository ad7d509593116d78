//! The browser's files: everything the server hands out under `/pkg/`.

mod assets;
mod bindings;
mod compress;
mod islands;
mod minify;
mod module;
mod npm;
mod optimise;
mod sections;
mod stylesheet;
pub mod transfer;
mod weight;

use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;

use crate::workspace::{Mode, Workspace};

/// Scripts that stand in every page, under the names the server knows. It has their sources, too.
const INLINE: [(&str, &str); 3] = [
    ("early.js", "frontend/early.js"),
    ("loader.js", "frontend/loader.js"),
    ("keys.js", "app/src/ui/keys.js"),
];

/// Builds module, script and stylesheets into `target/site`.
pub fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    module::add_missing_target(workspace)?;
    let module = module::build(workspace, mode)?;
    let bound = bindings::bind(workspace, mode, &module)?;
    let mut inline = BTreeMap::new();
    let mut style = stylesheet::bundle(&workspace.root.join("style/main.css"))?;
    if mode == Mode::Release {
        for text in [&mut style.every, &mut style.reading] {
            *text = minify::stylesheet(workspace, text)?;
        }
        for (name, path) in INLINE {
            inline.insert(name, minify::inline(workspace, &workspace.root.join(path))?);
        }
        println!("{}", fs::read_to_string(bound.folder.join(bindings::WEIGHT))?);
    }
    assets::publish(workspace, mode, &bound, &style, inline)
}
