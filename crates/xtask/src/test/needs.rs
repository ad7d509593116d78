//! Programs that the tests run and cargo does not bring: PostgreSQL, MariaDB, Redis, HAProxy, Chromium, the stories' npm packages.
//!
//! On Debian as root they are installed; elsewhere one line says what is missing.

use anyhow::{Result, bail, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{is_installed, output_of, run};
use crate::workspace::Workspace;

struct Program {
    name: &'static str,
    package: &'static str,
    is_there: fn() -> bool,
}

const POSTGRESQL: Program = Program {
    name: "PostgreSQL (initdb)",
    package: "postgresql",
    is_there: has_postgresql,
};
const MARIADB: Program = Program {
    name: "MariaDB (mariadbd)",
    package: "mariadb-server",
    is_there: has_mariadb,
};
const REDIS: Program = Program {
    name: "Redis (redis-server)",
    package: "redis-server",
    is_there: || is_installed("redis-server"),
};
const HAPROXY: Program = Program {
    name: "HAProxy (haproxy)",
    package: "haproxy",
    is_there: has_haproxy,
};
const CHROMIUM: Program = Program {
    name: "Chromium",
    package: "chromium",
    is_there: || is_installed("chromium"),
};

/// Makes sure that all is there for the chosen parts.
pub fn bring(workspace: &Workspace, unit: bool, stories: bool) -> Result<()> {
    let mut wanted = Vec::new();
    if unit || stories {
        wanted.extend([POSTGRESQL, MARIADB, REDIS]);
    }
    if unit {
        wanted.push(HAPROXY);
    }
    if stories {
        wanted.push(CHROMIUM);
    }
    install(wanted.into_iter().filter(|program| !(program.is_there)()).collect())?;
    if stories {
        npm_packages(&workspace.root.join("end2end"))
    } else {
        Ok(())
    }
}

fn install(missing: Vec<Program>) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if !is_debian_as_root() {
        for program in &missing {
            eprintln!(
                "{} is missing: install your system's package `{}`",
                program.name, program.package
            );
        }
        bail!("the tests need what is named above");
    }
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--quiet", "--yes", "--no-install-recommends"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(apt.args(missing.iter().map(|program| program.package)))
}

fn is_debian_as_root() -> bool {
    let root = output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    root && Path::new("/etc/debian_version").exists() && is_installed("apt-get")
}

/// Debian keeps the server's programs out of the `PATH`, one folder for each version.
fn has_postgresql() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    is_installed("initdb")
        || versions
            .into_iter()
            .any(|version| version.path().join("bin/initdb").is_file())
}

/// Debian keeps the server out of the `PATH` of whoever is not root.
fn has_mariadb() -> bool {
    is_installed("mariadb-install-db") && (is_installed("mariadbd") || Path::new("/usr/sbin/mariadbd").is_file())
}

/// Debian keeps it there, too.
fn has_haproxy() -> bool {
    is_installed("haproxy") || Path::new("/usr/sbin/haproxy").is_file()
}

/// Installs exactly what the lock file names, when it is newer than what is there.
fn npm_packages(stories: &Path) -> Result<()> {
    ensure!(
        is_installed("npm"),
        "The stories run on Node, and npm is missing: install Node.js 20 or later"
    );
    let changed = |name: &str| fs::metadata(stories.join(name)).and_then(|file| file.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(stories))
}
