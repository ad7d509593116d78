//! Where private servers and browsers of the tests put what they forget afterwards.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::command::output_of;

/// Memory that is used as a file system, where the kernel offers it.
const MEMORY: &str = "/dev/shm";
/// Ample for the databases and browsers that run at once: a choice, not a measurement.
const ROOM: u64 = 6_000_000_000;

/// Lets a command and what it starts keep temporary files in memory: hundreds of databases are copied and removed, and
/// on a disk copying took two fifths of the processors' time in a profiled stretch. Tests kill processes and never the
/// machine, so that no outcome depends on a disk. `TMPDIR`, where it is set, is kept.
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
