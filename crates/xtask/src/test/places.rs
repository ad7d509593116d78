//! Where private servers and browsers of the tests put what they forget afterwards.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::command::output_of;

/// Memory that is used as a file system, where the kernel offers it.
const MEMORY: &str = "/dev/shm";
/// Six databases with their logs, two browsers, and what a test makes large on purpose: 2 GB were seen.
const ROOM: u64 = 6_000_000_000;

/// Lets a command and what it starts keep temporary files in memory. Hundreds of databases are copied and removed: on a
/// disk two fifths of the processors' time went into finding free inodes. Processes are killed and power is not, so that
/// nothing hangs on a disk. `TMPDIR`, where it is set, says it otherwise.
pub fn in_memory(command: &mut Command) -> &mut Command {
    if env::var_os("TMPDIR").is_none() && has_room() {
        command.env("TMPDIR", MEMORY);
    }
    command
}

fn has_room() -> bool {
    Path::new(MEMORY).is_dir()
        && output_of(Command::new("df").args(["-B1", "--output=avail", MEMORY]))
            .is_ok_and(|told| free_in(&told) >= ROOM)
}

/// The number below `df`'s heading.
fn free_in(told: &str) -> u64 {
    let number = told.lines().nth(1).and_then(|line| line.trim().parse().ok());
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_df_says_is_read_and_anything_else_is_no_room() {
        assert_eq!(free_in("      Avail\n25252814848\n"), 25_252_814_848);
        assert_eq!(free_in("df: /dev/shm: No such file or directory"), 0);
    }
}
