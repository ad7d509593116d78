//! The browser's files: everything the server hands out under `/pkg/`.

mod assets;
mod bindings;
mod compress;
mod islands;
mod minify;
pub mod module;
mod npm;
mod optimise;
mod order;
mod panics;
mod sections;
mod stylesheet;
pub mod transfer;
mod weight;

use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;

use crate::workspace::{Mode, Workspace};
use bindings::Binding;

/// Scripts that the server hands out itself, in its pages and as `/sw.js`, under the names it knows, and what they are
/// made of. It has their sources, too.
const INLINE: [(&str, &[&str]); 5] = [
    ("early.js", &["crates/resilient-form/src/early.js"]),
    ("unkept.js", &["crates/resilient-form/src/unkept.js"]),
    ("signing_in.js", &["crates/resilient-form/src/signing_in.js"]),
    ("loader.js", &["frontend/loader.js"]),
    (
        "worker.js",
        &[
            "frontend/offline/rules.js",
            "frontend/offline/account.js",
            "frontend/offline/worker.js",
        ],
    ),
];
/// A script of its own, for after everything else.
const PAGE: [&str; 3] = [
    "app/src/ui/keys.js",
    "app/src/records/edit_page/incoming.js",
    "frontend/offline/page.js",
];

/// Builds module, script and stylesheets into `target/site`.
pub fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    module::add_missing_target(workspace)?;
    let module = module::build(workspace, mode)?;
    let bound = bindings::bind(workspace, mode, &module)?;
    let mut inline = BTreeMap::new();
    let mut page = joined(workspace, &PAGE)?;
    let mut style = stylesheet::bundle(&workspace.root.join("style/main.css"))?;
    if mode == Mode::Release {
        for text in [&mut style.every, &mut style.reading] {
            *text = minify::stylesheet(workspace, text)?;
        }
        for (name, parts) in INLINE {
            inline.insert(name, minify::inline(workspace, &joined(workspace, parts)?)?);
        }
        page = minify::inline(workspace, &page)?;
        println!("{}", fs::read_to_string(bound.folder.join(bindings::WEIGHT))?);
    }
    let sealed = sealed(workspace, mode)?;
    let scripts = assets::Scripts { inline, page, sealed };
    assets::publish(workspace, mode, &bound, &style, scripts)
}

/// What seals drafts on the device, for pages that are told to.
fn sealed(workspace: &Workspace, mode: Mode) -> Result<assets::Sealed> {
    let module = module::build_library(workspace, mode, "device-cipher", "device_cipher")?;
    let bound = workspace.wasm_target().join("bound");
    let folder = bound.join("sealed").join(mode.folder());
    let module = match mode {
        Mode::Release => bindings::silent(&module, &bound.join("silent_sealed.wasm"))?,
        Mode::Development => module,
    };
    let smaller = folder.join("smaller.wasm");
    Binding::of(&module, &folder, "sealed").make(|| match mode {
        Mode::Release => optimise::shrink(workspace, &folder.join("sealed_bg.wasm"), &smaller),
        Mode::Development => Ok(()),
    })?;
    let script = fs::read_to_string(folder.join("sealed.js"))? + "\n" + &joined(workspace, &["frontend/sealed.js"])?;
    Ok(match mode {
        Mode::Release => assets::Sealed {
            script: minify::inline(workspace, &script)?,
            module: sections::Module::read(&fs::read(smaller)?)?.without_notes().write(),
        },
        Mode::Development => assets::Sealed {
            script,
            module: fs::read(folder.join("sealed_bg.wasm"))?,
        },
    })
}

/// The example's script and module, as `notes` serves them.
pub fn build_example(workspace: &Workspace) -> Result<()> {
    module::add_missing_target(workspace)?;
    let module = module::build_library(workspace, Mode::Development, "notes", "notes_browser")?;
    Binding::of(&module, &workspace.example_site(), "notes").make(|| Ok(()))
}

/// The tests of what a device keeps, for the stories to run.
pub fn build_storage_tests(workspace: &Workspace) -> Result<()> {
    module::add_missing_target(workspace)?;
    let module = module::build_tests(workspace, "resilient-form")?;
    let folder = workspace.storage_tests();
    // The start of a test is the harness, which knows no browser.
    let tests = Binding::of(&module, &folder, "storage_tests").without_start();
    tests.make(|| Ok(()))
}

fn joined(workspace: &Workspace, parts: &[&str]) -> Result<String> {
    let read = parts.iter().map(|part| fs::read_to_string(workspace.root.join(part)));
    Ok(read.collect::<Result<Vec<_>, _>>()?.join("\n"))
}
