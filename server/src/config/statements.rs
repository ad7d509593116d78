//! Whether statements are measured, and what is said of them.

use std::time::Duration;

use resilient_db::Measuring;

use super::{Lookup, switch, switch_on};

const SLOW: &str = "INKFAST_SLOW_STATEMENT_MS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementSettings {
    /// `INKFAST_STATEMENTS`, default on.
    pub on: bool,
    /// `INKFAST_SLOW_STATEMENT_MS`, default 500.
    pub slow_after: Duration,
    /// `INKFAST_ECHO_STATEMENTS`, default off: every statement in the log.
    pub echo: bool,
}

impl StatementSettings {
    pub(super) fn from_env(lookup: Lookup) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let on = switch_on(lookup, "INKFAST_STATEMENTS").map_err(|found| problems.extend(found));
        let echo = switch(lookup, "INKFAST_ECHO_STATEMENTS").map_err(|found| problems.extend(found));
        let slow_after = milliseconds(lookup).map_err(|found| problems.push(found));
        match (on, echo, slow_after) {
            (Ok(false), Ok(true), _) => Err(vec![
                "INKFAST_ECHO_STATEMENTS is on and INKFAST_STATEMENTS is off; what is not measured is not logged."
                    .to_owned(),
            ]),
            (Ok(on), Ok(echo), Ok(slow_after)) => Ok(Self { on, slow_after, echo }),
            _ => Err(problems),
        }
    }

    /// As the database layer takes it.
    pub fn measuring(&self) -> Option<Measuring> {
        self.on.then(|| Measuring {
            slow_after: self.slow_after,
            echo: self.echo,
            ..Measuring::default()
        })
    }
}

fn milliseconds(lookup: Lookup) -> Result<Duration, String> {
    let Some(text) = lookup(SLOW) else {
        return Ok(Measuring::default().slow_after);
    };
    match text.parse() {
        Ok(ms @ 1..=60_000) => Ok(Duration::from_millis(ms)),
        _ => Err(format!("{SLOW} is `{text}`; it takes milliseconds, 1 to 60000.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<StatementSettings, Vec<String>> {
        let lookup = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        StatementSettings::from_env(&lookup)
    }

    #[test]
    fn they_are_measured_unless_switched_off() {
        let measuring = read(&[]).unwrap().measuring();
        assert_eq!(measuring, Some(Measuring::default()));
        assert_eq!(read(&[("INKFAST_STATEMENTS", "0")]).unwrap().measuring(), None);
        let settings = read(&[(SLOW, "1500"), ("INKFAST_ECHO_STATEMENTS", "1")]).unwrap();
        let measuring = settings.measuring().unwrap();
        assert_eq!(
            (measuring.slow_after, measuring.echo),
            (Duration::from_millis(1_500), true)
        );
    }

    #[test]
    fn what_is_wrong_is_said_together() {
        for slow in ["0", "-1", "soon", "60001"] {
            assert!(read(&[(SLOW, slow)]).unwrap_err().concat().starts_with(SLOW), "{slow}");
        }
        let problems = read(&[
            (SLOW, "soon"),
            ("INKFAST_STATEMENTS", "perhaps"),
            ("INKFAST_ECHO_STATEMENTS", "x"),
        ]);
        assert_eq!(problems.unwrap_err().len(), 3);
        assert!(read(&[("INKFAST_STATEMENTS", "off"), ("INKFAST_ECHO_STATEMENTS", "on")]).is_err());
    }
}
