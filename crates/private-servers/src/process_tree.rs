//! A server and everything it has forked. Each PostgreSQL backend is a session of its own, so a
//! signal to the postmaster's process group reaches none of them: they are found by their parent.

use std::time::{Duration, Instant};

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal` to one process; a process that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone_already = kill_process(pid, signal);
    }
}

/// `kill -9` of one child. Returns when it is gone.
pub fn kill(mut child: Child) {
    signal(child.id(), Signal::KILL);
    let _reaped = child.wait();
}

/// Every living process below `root`, parents before their children.
pub fn descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = living_processes();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// Waits until none of `pids` lives, at most `limit`; whether that came true.
pub fn wait_until_gone(pids: &[u32], limit: Duration) -> bool {
    let started = Instant::now();
    while pids.iter().any(|pid| parent_of(*pid).is_some()) {
        if started.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn living_processes() -> Vec<(u32, u32)> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect()
}

/// `None` for a process that is gone, or dead and only not yet reaped.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parent_in_stat(&stat)
}

/// The program's name stands in parentheses and may hold both spaces and parentheses.
fn parent_in_stat(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then_some(())?;
    fields.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_parent() {
        assert_eq!(parent_in_stat("12 (postgres: a) b) S 7 1 1"), Some(7));
        assert_eq!(parent_in_stat("12 (postgres) Z 7 1 1"), None);
    }

    #[test]
    fn a_child_is_found_below_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        assert!(descendants(std::process::id()).contains(&child.id()));
        signal(child.id(), Signal::KILL);
        assert!(wait_until_gone(&[child.id()], Duration::from_secs(5)));
        child.wait().unwrap();
    }
}
