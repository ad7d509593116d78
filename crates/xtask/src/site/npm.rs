//! Build tools that come from npm, each at one version, installed below `target`.

use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;

use crate::command::{is_installed, run};
use crate::workspace::Workspace;

pub struct Tool {
    pub package: &'static str,
    pub version: &'static str,
    /// The program's place in the package.
    pub program: &'static str,
}

impl Tool {
    /// Where the program is; it is installed if it is not there yet.
    pub fn installed(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.target.join(format!("{}-{}", self.package, self.version));
        let program = folder.join("node_modules").join(self.package).join(self.program);
        if !program.is_file() {
            ensure!(
                is_installed("npm"),
                "a release needs {}, which comes from npm, and npm is missing: install Node.js, or leave out --release",
                self.package
            );
            let mut install = Command::new("npm");
            install
                .args([
                    "install",
                    "--no-save",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                    "--prefix",
                ])
                .arg(&folder);
            run(install.arg(format!("{}@{}", self.package, self.version)))?;
        }
        Ok(program)
    }
}
