//! Where the servers' programs are on this machine, and whom they run as.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServerError;

/// Debian keeps `initdb` and `postgres` out of the PATH, in one directory per version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// The newest directory under Debian's, else the first in PATH, that holds `initdb` and `postgres`.
pub fn find_programs() -> Result<PathBuf, ServerError> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN_VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, directory)| directory);
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .find(|directory| holds_a_server(directory))
        .ok_or(ServerError::NotInstalled)
}

fn holds_a_server(directory: &Path) -> bool {
    directory.join("initdb").is_file() && directory.join("postgres").is_file()
}

/// Whom a server runs as where this process is root, which PostgreSQL and MariaDB refuse to run as.
#[derive(Clone, Copy, Debug)]
pub struct ServiceUser {
    uid: u32,
    gid: u32,
}

impl ServiceUser {
    /// The user of that name where this process is root; `Ok(None)` where it runs as the user who
    /// tests.
    ///
    /// # Errors
    /// `missing` where there is no such user, which comes with the server's package.
    pub fn find(name: &str, missing: ServerError) -> Result<Option<Self>, ServerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = users.lines().find_map(|line| Self::in_line(line, name));
        user.map(Some).ok_or(missing)
    }

    fn in_line(line: &str, name: &str) -> Option<Self> {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let mut ids = fields.skip(1).map(str::parse);
        Some(Self {
            uid: ids.next()?.ok()?,
            gid: ids.next()?.ok()?,
        })
    }

    /// Has `command` run as this user.
    pub fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives this user a file or directory.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn own(self, path: &Path) -> std::io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }
}

/// Debian keeps servers out of the `PATH` of whoever is not root.
const SERVERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A program in the `PATH`, or where servers are.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SERVERS.map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_read_from_its_own_line_only() {
        let ids = |line| ServiceUser::in_line(line, "postgres").map(|user| (user.uid, user.gid));
        assert_eq!(
            ids("postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash"),
            Some((101, 104))
        );
        assert_eq!(ids("postgres2:x:1:1::/:/bin/sh"), None);
    }
}
