//! A data directory and a database to back up, and the program to do it with.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Where `inkfast` finds everything; the same for each command of a test.
pub struct Place {
    pub data: TempDir,
    /// `DATABASE_URL`; empty is the demonstration.
    pub url: String,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    pub fn over(url: String) -> Self {
        Self {
            data: tempfile::tempdir().expect("a temporary directory"),
            url,
            settings: Vec::new(),
        }
    }

    pub fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inkfast"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("INKFAST_DATA_DIR", self.data.path())
            .env("DATABASE_URL", &self.url)
            .env("RUST_LOG", "warn")
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .current_dir(self.data.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program was built")
    }

    /// What a command says that does what it is told.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", errors(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// How it ends with what is refused, and what it says.
    pub fn ends(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (code(&output), errors(&output))
    }

    pub fn shelf(&self) -> PathBuf {
        self.data.path().join("backups")
    }

    /// The newest first.
    pub fn backups(&self) -> Vec<Value> {
        let listed: Value = serde_json::from_str(&self.says(&["backup", "list", "--json"])).expect("JSON");
        listed.as_array().expect("a list").clone()
    }

    /// Makes one and gives its name.
    pub fn backup(&self) -> String {
        self.says(&["backup"]);
        self.backups()[0]["name"].as_str().expect("a name").to_owned()
    }

    pub fn file(&self, backup: &str, name: &str) -> PathBuf {
        self.shelf().join(backup).join(name)
    }

    /// Everything on the shelf that is no good backup, but for the lock.
    pub fn leftovers(&self) -> Vec<String> {
        let good: Vec<String> = self
            .backups()
            .iter()
            .map(|backup| backup["name"].as_str().expect("a name").to_owned())
            .collect();
        let there = std::fs::read_dir(self.shelf()).into_iter().flatten().flatten();
        let names = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name != ".lock" && !good.contains(name)).collect()
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// A directory with one program in it.
pub fn tools(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("may be run");
}

/// Says its version and then begins a copy that never ends.
pub const ENDLESS: &str = "case \"$*\" in *--version*) echo 'pg_dump (PostgreSQL) 99.0'; exit;; esac
echo PGDMP; echo $$ > \"$(dirname \"$0\")/pid\"; exec sleep 600";

pub fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn signal(signal: &str, pid: &str) -> bool {
    let told = Command::new("kill").args([signal, pid]).stderr(Stdio::null()).status();
    told.expect("kill is installed").success()
}
