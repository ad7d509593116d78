//! What failed, said once more at the end: of a long output often only the last lines are kept.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::named;

/// Enough for the names of a dozen failures and what each of them said first.
const MOST_LINES: usize = 240;

/// Runs to the end with its output shown.
///
/// # Errors
/// It cannot be started, or it says it failed; what it printed of the tests that failed is in the error.
pub fn run(command: &mut Command) -> Result<()> {
    let name = named(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let mut failures = Failures::default();
    let told = child.stdout.take().context("its output was asked for")?;
    for line in BufReader::new(told).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        failures.take(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{name} failed ({status})\n{}", failures.told.join("\n"));
    }
    Ok(())
}

/// Lines of `cargo test` from `failures:` to the result, and those of Playwright's list from its first numbered failure on.
#[derive(Default)]
struct Failures {
    within: bool,
    told: Vec<String>,
}

impl Failures {
    fn take(&mut self, line: &str) {
        if line == "failures:" || begins_a_story(line) {
            self.within = true;
        }
        if self.within && self.told.len() < MOST_LINES {
            self.told.push(line.to_owned());
        }
        if line.starts_with("test result:") {
            self.within = false;
        }
    }
}

/// `  1) stories/….spec.ts:4:1 › …`
fn begins_a_story(line: &str) -> bool {
    let number = line.trim_start().split_once(") ").map(|(number, _)| number);
    number.is_some_and(|number| number.parse::<u32>().is_ok()) && line.contains(".spec.ts:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> Vec<String> {
        let mut failures = Failures::default();
        output.lines().for_each(|line| failures.take(line));
        failures.told
    }

    #[test]
    fn of_cargo_test_what_failed_is_kept_and_of_each_binary() {
        let output = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nboom\n\nfailures:\n    b\n\n\
                      test result: FAILED. 1 passed\ntest c ... ok\nfailures:\n    d\ntest result: FAILED. 0 passed\nlast";
        let kept = told(output);
        assert!(kept.iter().any(|line| line == "boom") && kept.iter().any(|line| line == "    d"));
        assert!(!kept.iter().any(|line| line.contains("... ok") || line == "last"));
    }

    #[test]
    fn of_playwright_everything_from_the_first_failure_on_is_kept() {
        let output = "  ✘  1 stories/x.spec.ts:4:1 › says (2.0s)\n  ✓  2 stories/y.spec.ts:4:1 › 1) fine (2.0s)\n\n  \
                      1) stories/x.spec.ts:4:1 › says ──\n    Error: nothing\n  1 failed\n";
        assert_eq!(told(output)[0], "  1) stories/x.spec.ts:4:1 › says ──");
        assert_eq!(told(output).len(), 3);
    }

    #[test]
    fn what_passed_leaves_nothing() {
        assert_eq!(told("test a ... ok\ntest result: ok. 1 passed"), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn the_error_says_what_failed() {
        let script = "echo 'test b ... FAILED'; echo failures:; echo '    b'; echo 'test result: FAILED'; exit 101";
        let refused = run(Command::new("sh").args(["-c", script])).expect_err("it failed");
        assert!(refused.to_string().contains("\n    b\n"), "{refused}");
        run(Command::new("sh").args(["-c", "exit 0"])).expect("it passed");
    }
}
