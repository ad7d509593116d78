//! What failed, said once more at the end: of a long output often only the last lines are kept.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::named;

/// Of the failures of one binary, or of the stories: what they said first, and their names, which come last.
const FIRST_LINES: usize = 80;
const LAST_LINES: usize = 40;

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
        bail!("{name} failed ({status})\n{}", failures.told().join("\n"));
    }
    Ok(())
}

/// Lines of `cargo test` from `failures:` to the result, and those of Playwright's list from its first numbered failure on.
#[derive(Default)]
struct Failures {
    within: bool,
    /// Its lines would crowd out what was said, and the place that matters stands before it.
    within_a_backtrace: bool,
    /// Those of each binary by themselves.
    sections: Vec<Vec<String>>,
}

impl Failures {
    fn take(&mut self, line: &str) {
        let line = line.trim_end();
        if !self.within && (line == "failures:" || begins_a_story(line)) {
            self.within = true;
            self.sections.push(Vec::new());
        }
        self.within_a_backtrace = match self.within_a_backtrace {
            true => line.starts_with(' '),
            false => line == "stack backtrace:",
        };
        if self.within
            && !self.within_a_backtrace
            && let Some(section) = self.sections.last_mut()
        {
            section.push(line.to_owned());
        }
        if line.starts_with("test result:") {
            self.within = false;
        }
    }

    fn told(&self) -> Vec<&str> {
        let mut told = Vec::new();
        for section in &self.sections {
            let left_out = FIRST_LINES..section.len().saturating_sub(LAST_LINES);
            for (at, line) in section.iter().enumerate() {
                if at == left_out.start && !left_out.is_empty() {
                    told.push("…");
                }
                if !left_out.contains(&at) {
                    told.push(line.as_str());
                }
            }
        }
        told
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
        output.split_terminator('\n').for_each(|line| failures.take(line));
        failures.told().into_iter().map(str::to_owned).collect()
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
    fn a_long_failure_does_not_crowd_out_the_names() {
        let output = |lines: usize| format!("failures:\r\n{}    b\ntest result: FAILED", "boom\n".repeat(lines));
        let kept = told(&output(1_000));
        assert_eq!(kept.len(), FIRST_LINES + 1 + LAST_LINES);
        assert_eq!(kept[FIRST_LINES], "…");
        assert!(kept.iter().any(|line| line == "    b"));
        let whole = told(&output(FIRST_LINES + LAST_LINES - 3));
        assert!(whole.len() == FIRST_LINES + LAST_LINES && !whole.iter().any(|line| line == "…"));
    }

    #[test]
    fn a_backtrace_is_left_out() {
        let output = "failures:\n\n---- b stdout ----\npanicked at b.rs:4:1:\nboom\nstack backtrace:\n   0: b\n             \
                      at ./b.rs:4:1\nnote: Some details are omitted\n\n---- c stdout ----\nbang\ntest result: FAILED";
        let kept = told(output);
        assert!(
            ["boom", "---- c stdout ----", "bang"]
                .iter()
                .all(|line| kept.iter().any(|kept| kept == line))
        );
        assert!(
            !kept
                .iter()
                .any(|line| line.contains("backtrace") || line.contains("b.rs:4:1") && line.contains("at ./"))
        );
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
