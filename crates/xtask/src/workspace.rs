//! Where things are: the repository, and what is made from it.

use anyhow::{Context, Result};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};

use crate::command::{cargo, output_of};

/// How much time to spend on a build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Quick to build, plain file names.
    Development,
    /// Small and fast, file names that change with the content.
    Release,
}

impl Mode {
    pub fn of(release: bool) -> Mode {
        if release { Mode::Release } else { Mode::Development }
    }

    /// Where cargo puts what it built for the server in this mode.
    pub fn folder(self) -> &'static str {
        match self {
            Mode::Development => "debug",
            Mode::Release => "release",
        }
    }
}

pub struct Workspace {
    pub root: PathBuf,
    /// `CARGO_TARGET_DIR`, else `target`.
    pub target: PathBuf,
}

impl Workspace {
    /// The workspace this program was built from, wherever it was called.
    pub fn find() -> Result<Workspace> {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .context("Run this as `cargo xtask`: cargo says where the repository is")?;
        let root = Path::new(&here)
            .ancestors()
            .nth(2)
            .context("crates/xtask is not two folders below the root")?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        Ok(Workspace {
            root: root.to_owned(),
            target: root.join(target),
        })
    }

    /// What the server serves: `pkg/` and `assets.json`.
    pub fn site(&self) -> PathBuf {
        self.target.join("site")
    }

    /// What the example application serves.
    pub fn example_site(&self) -> PathBuf {
        self.target.join("notes-site")
    }

    /// The browser's tests, for a page of the stories.
    pub fn storage_tests(&self) -> PathBuf {
        self.target.join("storage-tests")
    }

    /// The browser's side is built apart, so that the two never wait for or evict one another.
    pub fn wasm_target(&self) -> PathBuf {
        self.target.join("wasm")
    }

    /// The workspace's packages as `cargo metadata` tells them.
    pub fn packages(&self) -> Result<Vec<Value>> {
        let told = output_of(cargo(self).args(["metadata", "--no-deps", "--format-version=1"]))?;
        let metadata: Value = serde_json::from_str(&told)?;
        metadata["packages"]
            .as_array()
            .cloned()
            .context("cargo metadata names no packages")
    }
}
