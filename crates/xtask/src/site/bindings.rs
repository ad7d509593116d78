//! The script that carries the module: wasm-bindgen, linked in at exactly the version the module was compiled with.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use wasm_bindgen_cli_support::Bindgen;

use super::sections::Module;
use super::{islands, minify, optimise, order, panics, weight};
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
    let bound = workspace.wasm_target().join("bound");
    let folder = bound.join(mode.folder());
    let module = match mode {
        Mode::Release => silent(module, &bound.join("silent.wasm"))?,
        Mode::Development => module.to_owned(),
    };
    Binding::of(&module, &folder, "inkfast").make(|| {
        let script = folder.join(SCRIPT);
        let bound = fs::read_to_string(&script)?;
        islands::check_exports(workspace, &bound)?;
        fs::write(&script, with_own_start(&bound)?)?;
        match mode {
            Mode::Release => make_small(workspace, &folder),
            Mode::Development => Ok(()),
        }
    })?;
    Ok(Bound { folder })
}

/// A module that says nothing where it panics; answers where it is.
pub fn silent(module: &Path, silent: &Path) -> Result<PathBuf> {
    write_if_other(silent, &panics::silenced(Module::read(&fs::read(module)?)?)?.write())?;
    Ok(silent.to_owned())
}

/// What wasm-bindgen is to make of a module.
pub struct Binding<'a> {
    module: &'a Path,
    folder: &'a Path,
    /// Of the script; the module's begins with it.
    name: &'a str,
    /// Whether a page that loads it runs what is marked as its start, or as `main`.
    starts: bool,
}

impl<'a> Binding<'a> {
    pub fn of(module: &'a Path, folder: &'a Path, name: &'a str) -> Self {
        Self {
            module,
            folder,
            name,
            starts: true,
        }
    }

    pub fn without_start(self) -> Self {
        Self { starts: false, ..self }
    }

    /// Makes script and module, and then does what `finish` does about them, unless those made from this very module are
    /// there already.
    pub fn make(&self, finish: impl FnOnce() -> Result<()>) -> Result<()> {
        let made_from = self.folder.join("made-from");
        let identity = identity_of(self.module)?;
        if fs::read_to_string(&made_from).is_ok_and(|known| known == identity) {
            return Ok(());
        }
        if self.folder.exists() {
            fs::remove_dir_all(self.folder)?;
        }
        Bindgen::new()
            .input_path(self.module)
            .web(true)?
            .typescript(false)
            .emit_start(self.starts)
            .out_name(self.name)
            .generate(self.folder)?;
        finish()?;
        Ok(fs::write(made_from, identity)?)
    }
}

/// What wasm-bindgen's script ends with, and is replaced: how a module is loaded, and the names that start it.
const ITS_START: &str = "let wasmModule, wasmInstance, wasm;";
const ITS_END: &str = "export { initSync, __wbg_init as default };";
const OWN_START: &str = include_str!("start.js");

fn with_own_start(bound: &str) -> Result<String> {
    let begins = bound.find(ITS_START).filter(|_| bound.trim_end().ends_with(ITS_END));
    let begins = begins.context("wasm-bindgen's script does not end as it did: see site/start.js")?;
    Ok([&bound[..begins], OWN_START].concat())
}

fn make_small(workspace: &Workspace, folder: &Path) -> Result<()> {
    let (script, module) = (folder.join(SCRIPT), folder.join(MODULE));
    let with_names = folder.join("with_names.wasm");
    optimise::shrink(workspace, &module, &with_names)?;
    let smaller = Module::read(&fs::read(&with_names)?)?;
    fs::write(folder.join(WEIGHT), weight::of(&smaller)?)?;
    let ordered = in_order(workspace, smaller, folder)?;
    let names = minify::script(workspace, &script)?;
    fs::write(module, ordered.without_notes().renamed(&names)?.write())?;
    Ok(())
}

/// With its functions in the order that compresses best. wasm-opt knows all that refers to a function, and orders them by
/// name: for this they are called by their places.
fn in_order(workspace: &Workspace, module: Module, folder: &Path) -> Result<Module> {
    let mut places = vec![String::new(); module.bodies()?.len()];
    for (place, function) in order::alike_together(&module.bodies()?).into_iter().enumerate() {
        places[function] = format!("{place:05}");
    }
    let (numbered, ordered) = (folder.join("numbered.wasm"), folder.join("ordered.wasm"));
    fs::write(&numbered, module.with_names(&places)?.write())?;
    optimise::order_by_name(workspace, &numbered, &ordered)?;
    let module = Module::read(&fs::read(&ordered)?)?;
    for left in [numbered, ordered] {
        fs::remove_file(left)?;
    }
    Ok(module)
}

/// What is the same keeps its time, so that nothing is made from it again.
fn write_if_other(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|known| known == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content)?)
}

/// Cargo leaves the file alone when nothing changed, so its size and time of change tell; and what is done to it.
fn identity_of(module: &Path) -> Result<String> {
    let metadata = fs::metadata(module).with_context(|| format!("cargo left no module at {}", module.display()))?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    let (bytes, ns) = (metadata.len(), changed.as_nanos());
    let flags = [&optimise::FEATURES[..], &optimise::SMALLER].concat().join(" ");
    Ok(format!("{bytes} bytes, {ns} ns, {flags}\n{OWN_START}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_start_is_replaced_and_a_script_that_ends_otherwise_is_refused() {
        let bound = format!("function a() {{}}\n{ITS_START}x) {{}}\n{ITS_END}\n");
        let own = with_own_start(&bound).expect("a script");
        assert_eq!(own, format!("function a() {{}}\n{OWN_START}"));
        assert!(with_own_start(&format!("{bound}export {{ other }};\n")).is_err());
        assert!(with_own_start(ITS_END).is_err());
    }
}
