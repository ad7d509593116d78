//! Days as numbers, so that dates can be counted with.

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    /// The day on which the demo's story is told: what is later is planned.
    pub const TOLD: Day = Day(20_777);

    pub fn plus(self, days: i64) -> Day {
        Day(self.0 + days)
    }

    /// Nobody plans for a weekend.
    pub fn on_a_working_day(self) -> Day {
        // 1970-01-01 was a Thursday.
        match (self.0 + 3).rem_euclid(7) {
            5 => self.plus(2),
            6 => self.plus(1),
            _ => self,
        }
    }

    /// `YYYY-MM-DD`, by Howard Hinnant's `civil_from_days`.
    pub fn date(self) -> String {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `YYYY-MM-DD HH:MM:SS`, so many minutes after midnight, of a later day if need be.
    pub fn at_minute(self, minute: usize) -> String {
        let day = self.plus((minute / 1_440) as i64);
        format!("{} {:02}:{:02}:00", day.date(), minute % 1_440 / 60, minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(Day(0).date(), "1970-01-01");
        assert_eq!(Day(11_016).date(), "2000-02-29");
        assert_eq!(Day::TOLD.date(), "2026-11-20");
        assert_eq!(Day::TOLD.plus(1).on_a_working_day().date(), "2026-11-23");
        assert_eq!(Day(0).at_minute(1_440 + 61), "1970-01-02 01:01:00");
    }
}
