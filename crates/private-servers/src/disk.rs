//! A disk of a test's own that is small enough to be full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::ServerError;
use crate::postgres::said_by;

/// A mounted piece of memory. Given back when dropped.
pub struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many MiB, which only root may.
    ///
    /// # Errors
    /// Where it cannot be mounted.
    pub fn mount(mebibytes: u32) -> Result<Self, ServerError> {
        let directory = tempfile::Builder::new().prefix("private-disk-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=755"), "tmpfs"]);
        said_by("mount", mount.arg(directory.path()).output()?)?;
        Ok(Self { directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes all the room that is left. What files had been given before they still have.
    ///
    /// # Errors
    /// Where it cannot be written to for another reason than being full.
    pub fn fill(&self) -> Result<(), ServerError> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        for size in [1 << 20, 1 << 12] {
            let chunk = vec![0; size];
            while ballast.write_all(&chunk).is_ok() {}
        }
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// Where it was not full.
    pub fn free(&self) -> Result<(), ServerError> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while somebody still has a file open on it.
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the right and not by trying: who has it and cannot mount has found a fault. A container may keep it from its
    /// root as well.
    fn may_mount() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
        // CAP_SYS_ADMIN of capabilities(7).
        u64::from_str_radix(effective.trim(), 16).unwrap() & (1 << 21) != 0
    }

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_freed() {
        if !may_mount() {
            return;
        }
        let disk = SmallDisk::mount(1).unwrap();
        let write = || std::fs::write(disk.path().join("file"), [0; 4096]);
        disk.fill().unwrap();
        assert_eq!(write().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        disk.free().unwrap();
        write().unwrap();
    }
}
