//! The script that carries the module: wasm-bindgen, linked in at exactly the version the module was compiled with.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use wasm_bindgen_cli_support::Bindgen;

use super::sections::Module;
use super::{islands, minify, optimise, weight};
use crate::workspace::{Mode, Workspace};

/// What the browser loads besides the stylesheet.
pub struct Bound {
    /// Holds `inkfast.js`, `inkfast_bg.wasm` and `snippets/`.
    pub folder: PathBuf,
}

pub const SCRIPT: &str = "inkfast.js";
pub const MODULE: &str = "inkfast_bg.wasm";
/// What takes the space in the module, in words.
pub const WEIGHT: &str = "weight.txt";

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
        make_small(workspace, &folder)?;
    }
    fs::write(made_from, identity)?;
    Ok(Bound { folder })
}

fn make_small(workspace: &Workspace, folder: &Path) -> Result<()> {
    let (script, module) = (folder.join(SCRIPT), folder.join(MODULE));
    let with_names = folder.join("with_names.wasm");
    optimise::shrink(workspace, &module, &with_names)?;
    let smaller = Module::read(&fs::read(&with_names)?)?;
    fs::write(folder.join(WEIGHT), weight::of(&smaller)?)?;
    let names = minify::script(workspace, &script)?;
    fs::write(module, smaller.without_notes().renamed(&names)?.write())?;
    Ok(())
}

/// Cargo leaves the file alone when nothing changed, so its size and time of change tell; and what is done to it.
fn identity_of(module: &Path) -> Result<String> {
    let metadata = fs::metadata(module).with_context(|| format!("cargo left no module at {}", module.display()))?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    let (bytes, ns, flags) = (metadata.len(), changed.as_nanos(), optimise::FLAGS.join(" "));
    Ok(format!("{bytes} bytes, {ns} ns, {flags}"))
}
