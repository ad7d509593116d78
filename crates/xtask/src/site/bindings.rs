//! The script that carries the module: wasm-bindgen, linked in at exactly the version the module was compiled with.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use wasm_bindgen_cli_support::Bindgen;

use super::{islands, optimise};
use crate::workspace::{Mode, Workspace};

/// What the browser loads besides the stylesheet.
pub struct Bound {
    /// Holds `inkfast.js`, `inkfast_bg.wasm` and `snippets/`.
    pub folder: PathBuf,
}

pub const SCRIPT: &str = "inkfast.js";
pub const MODULE: &str = "inkfast_bg.wasm";

/// Makes script and module for the browser, unless those made from this very module are there already.
pub fn bind(workspace: &Workspace, mode: Mode, module: &Path) -> Result<Bound> {
    let folder = workspace.wasm_target().join("bound").join(mode.folder());
    let made_from = folder.join("made-from");
    let identity = identity_of(module)?;
    if fs::read_to_string(&made_from).is_ok_and(|known| known == identity) {
        return Ok(Bound { folder });
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(false)
        .out_name("inkfast")
        .generate(&folder)?;
    islands::check_exports(workspace, &fs::read_to_string(folder.join(SCRIPT))?)?;
    if mode == Mode::Release {
        optimise::shrink(workspace, &folder.join(MODULE))?;
    }
    fs::write(made_from, identity)?;
    Ok(Bound { folder })
}

/// Cargo leaves the file alone when nothing changed, so its size and time of change tell.
fn identity_of(module: &Path) -> Result<String> {
    let metadata = fs::metadata(module).with_context(|| format!("cargo left no module at {}", module.display()))?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(format!("{} bytes, {} ns", metadata.len(), changed.as_nanos()))
}
