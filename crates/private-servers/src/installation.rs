//! Where PostgreSQL's programs are on this machine, and whom they run as.

use std::path::{Path, PathBuf};

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

/// User and group of `postgres` where this process is root (PostgreSQL refuses to run as root);
/// `None` where it runs as the user who tests.
pub fn unprivileged_user() -> Result<Option<(u32, u32)>, ServerError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users
        .lines()
        .find_map(ids_of_postgres)
        .map(Some)
        .ok_or(ServerError::NotInstalled)
}

fn ids_of_postgres(line: &str) -> Option<(u32, u32)> {
    let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_read_from_its_own_line_only() {
        assert_eq!(
            ids_of_postgres("postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash"),
            Some((101, 104))
        );
        assert_eq!(ids_of_postgres("postgres2:x:1:1::/:/bin/sh"), None);
    }
}
