//! What ran, how it ended and how long it took.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

use super::Part;

#[derive(Default)]
pub struct Summary {
    lines: Vec<(Part, &'static str, Ending)>,
}

enum Ending {
    Passed(Duration),
    /// With what it said.
    Failed(Duration, String),
    /// An earlier step of the same part failed.
    LeftOut,
}

impl Summary {
    /// Runs one step and notes its end.
    pub fn take(&mut self, part: Part, name: &'static str, work: impl Fn() -> Result<()>) {
        if self.has_failed(part) {
            self.lines.push((part, name, Ending::LeftOut));
            return;
        }
        println!("\n== {name}");
        let started = Instant::now();
        let ending = match work() {
            Ok(()) => Ending::Passed(started.elapsed()),
            Err(failure) => {
                eprintln!("{name} failed; what did is said at the end");
                Ending::Failed(started.elapsed(), format!("{failure:#}"))
            }
        };
        self.lines.push((part, name, ending));
    }

    /// Prints all of it.
    ///
    /// # Errors
    /// A step failed.
    pub fn close(self) -> Result<()> {
        let failures = self.lines.iter().filter_map(|(_, name, ending)| match ending {
            Ending::Failed(_, failure) => Some((name, failure)),
            _ => None,
        });
        let mut failed = 0;
        for (name, failure) in failures {
            println!("\n== what failed: {name}\n{failure}");
            failed += 1;
        }
        println!("\n== summary");
        for (_, name, ending) in &self.lines {
            println!("{name:28} {}", ending.words());
        }
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.lines.len());
        }
        Ok(())
    }

    fn has_failed(&self, part: Part) -> bool {
        self.lines
            .iter()
            .any(|(other, _, ending)| *other == part && matches!(ending, Ending::Failed(..)))
    }
}

impl Ending {
    fn words(&self) -> String {
        match self {
            Ending::Passed(took) => format!("passed {:7.1} s", took.as_secs_f64()),
            Ending::Failed(took, _) => format!("FAILED {:7.1} s", took.as_secs_f64()),
            Ending::LeftOut => "left out".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn what_follows_a_failure_in_the_same_part_is_left_out() {
        let mut summary = Summary::default();
        summary.take(Part::Stories, "build", || Err(anyhow!("does not build")));
        summary.take(Part::Stories, "stories", || panic!("must not run"));
        summary.take(Part::Unit, "tests", || Ok(()));
        assert!(matches!(summary.lines[1].2, Ending::LeftOut));
        assert!(matches!(summary.lines[2].2, Ending::Passed(_)));
        assert_eq!(
            summary.close().expect_err("one failed").to_string(),
            "1 of 3 steps failed"
        );
    }
}
