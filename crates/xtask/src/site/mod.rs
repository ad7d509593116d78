//! The browser's files: everything the server hands out under `/pkg/`.

mod assets;
mod bindings;
mod compress;
mod islands;
mod module;
mod optimise;
mod stylesheet;

use anyhow::Result;

use crate::workspace::{Mode, Workspace};

/// Builds module, script and stylesheet into `target/site`.
pub fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    module::add_missing_target(workspace)?;
    let module = module::build(workspace, mode)?;
    let bound = bindings::bind(workspace, mode, &module)?;
    let stylesheet = stylesheet::bundle(&workspace.root.join("style/main.css"))?;
    assets::publish(workspace, mode, &bound, &stylesheet)
}
