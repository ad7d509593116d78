//! How much of the memory that Redis may take is taken.

use redis::aio::ConnectionLike;

/// Of `maxmemory`, in percent. Who runs Redis is told while there is time to do something about it.
const TOLD_FROM: u64 = 75;
/// What is left from here on is kept for what must not be refused: text whose save has failed.
const SCARCE_FROM: u64 = 90;

/// Without a limit nothing is ever scarce, as far as Redis knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    #[default]
    Low,
    High {
        percent: u64,
    },
    Scarce {
        percent: u64,
    },
    /// It refuses by itself what makes it larger, and that is told then.
    Full,
}

impl Pressure {
    /// `None` where Redis does not say.
    pub async fn ask(connection: &mut impl ConnectionLike) -> Option<Self> {
        let asked: Result<String, _> = redis::cmd("INFO").arg("memory").query_async(connection).await;
        Self::read(&asked.ok()?)
    }

    fn read(info: &str) -> Option<Self> {
        let number = |name: &str| -> Option<u64> {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line?.trim().parse().ok()
        };
        let (used, most) = (number("used_memory")?, number("maxmemory")?);
        Some(match used.saturating_mul(100).checked_div(most) {
            Some(percent) if percent >= 100 => Self::Full,
            Some(percent) if percent >= SCARCE_FROM => Self::Scarce { percent },
            Some(percent) if percent >= TOLD_FROM => Self::High { percent },
            _ => Self::Low,
        })
    }

    pub fn is_scarce(self) -> bool {
        matches!(self, Self::Scarce { .. })
    }

    /// Said where it is another one than before, however the percent change.
    pub fn tell_after(self, before: Self) {
        if std::mem::discriminant(&self) == std::mem::discriminant(&before) {
            return;
        }
        match self {
            Self::Low if before == Self::Full => {}
            Self::Low => tracing::warn!("Redis has room again"),
            Self::Full => {}
            Self::High { percent } => tracing::warn!(
                percent,
                "Redis is filling up: from 90 percent of maxmemory on it takes only drafts of failed saves"
            ),
            Self::Scarce { percent } => tracing::error!(
                percent,
                "Redis is nearly full: it takes only drafts of failed saves, others are kept elsewhere"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_are_told_and_nine_tenths_are_scarce() {
        let of =
            |used: u64, most: u64| Pressure::read(&format!("# Memory\r\nused_memory:{used}\r\nmaxmemory:{most}\r\n"));
        assert_eq!(of(749, 1000), Some(Pressure::Low));
        assert_eq!(of(750, 1000), Some(Pressure::High { percent: 75 }));
        assert_eq!(of(899, 1000), Some(Pressure::High { percent: 89 }));
        assert_eq!(of(900, 1000), Some(Pressure::Scarce { percent: 90 }));
        assert_eq!(of(1_000, 1_000), Some(Pressure::Full));
        assert_eq!(of(5_000, 0), Some(Pressure::Low), "without a limit");
        assert_eq!(Pressure::read("nothing of the kind"), None);
    }
}
