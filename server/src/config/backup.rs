//! Where backups go, when, and how many are kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Lookup;
use super::file::BackupFile;
use crate::backup::{Keep, Places, Shelf};

#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// `INKFAST_BACKUP_DIR`, default `backups` in the data directory.
    pub shelf: Shelf,
    /// `INKFAST_BACKUP_EVERY`; absent: only on command.
    pub every: Option<Duration>,
    /// `INKFAST_BACKUP_KEEP` and `INKFAST_BACKUP_KEEP_DAILY`, both 7 by default.
    pub keep: Keep,
    /// `INKFAST_BACKUP_TOOLS_DIR`; absent: PATH, and where Debian keeps PostgreSQL's.
    pub places: Places,
}

const KEPT: u32 = 7;
pub(super) const MOST_KEPT: u32 = 10_000;

impl BackupSettings {
    /// The environment overrules the file.
    pub(super) fn from_env(lookup: Lookup, file: &BackupFile, data_dir: &Path) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let every = match lookup("INKFAST_BACKUP_EVERY") {
            None => file.every,
            Some(text) if text == "off" => None,
            Some(text) => match duration(&text) {
                Some(every) => Some(every),
                None => {
                    problems.push(format!("INKFAST_BACKUP_EVERY is `{text}`; it takes {DURATIONS}."));
                    None
                }
            },
        };
        let mut count = |name: &str, from_file: Option<u32>, least: u32| {
            let Some(text) = lookup(name) else {
                return from_file.unwrap_or(KEPT);
            };
            let read = text.parse().ok().filter(|count| (least..=MOST_KEPT).contains(count));
            read.unwrap_or_else(|| {
                problems.push(format!(
                    "{name} is `{text}`; it takes a whole number from {least} to {MOST_KEPT}."
                ));
                KEPT
            })
        };
        let keep = Keep {
            newest: count("INKFAST_BACKUP_KEEP", file.keep, 1),
            daily: count("INKFAST_BACKUP_KEEP_DAILY", file.keep_daily, 0),
        };
        let directory = lookup("INKFAST_BACKUP_DIR")
            .map(PathBuf::from)
            .or_else(|| file.directory.clone());
        let tools_dir = lookup("INKFAST_BACKUP_TOOLS_DIR")
            .map(PathBuf::from)
            .or_else(|| file.tools_dir.clone());
        if let Some(missing) = tools_dir.as_ref().filter(|directory| !directory.is_dir()) {
            problems.push(format!(
                "INKFAST_BACKUP_TOOLS_DIR: {} is no directory.",
                missing.display()
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            shelf: Shelf {
                directory: directory.unwrap_or_else(|| data_dir.join("backups")),
            },
            every,
            keep,
            places: Places { tools_dir },
        })
    }
}

pub(super) const DURATIONS: &str = "a whole number with s, min, h or d, from 1s to 366d, as in 24h, or off";

/// `30min`, `24h`, `1d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let all = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (1..=366 * 86_400).contains(&all).then(|| Duration::from_secs(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_people_write_them() {
        let seconds = |text: &str| duration(text).map(|read| read.as_secs());
        assert_eq!(
            ["90s", "30min", "24h", "1d", "7 d"].map(seconds),
            [Some(90), Some(1_800), Some(86_400), Some(86_400), Some(604_800)]
        );
        assert_eq!(
            ["", "h", "24", "0s", "1w", "-1h", "400d", "1.5h"].map(seconds),
            [None; 8]
        );
    }

    #[test]
    fn the_environment_overrules_the_file() {
        let file = BackupFile {
            every: duration("1d"),
            keep: Some(3),
            directory: Some("here".into()),
            ..BackupFile::default()
        };
        let data_dir = Path::new("data");
        let read = BackupSettings::from_env(&|_| None, &file, data_dir).unwrap();
        assert_eq!(
            (read.every, read.keep.newest, read.keep.daily),
            (duration("24h"), 3, KEPT)
        );
        assert_eq!(read.shelf.directory, Path::new("here"));
        let off = |name: &str| (name == "INKFAST_BACKUP_EVERY").then(|| "off".to_owned());
        assert_eq!(BackupSettings::from_env(&off, &file, data_dir).unwrap().every, None);
        let nothing = BackupSettings::from_env(&|_| None, &BackupFile::default(), data_dir).unwrap();
        assert_eq!(nothing.shelf.directory, Path::new("data/backups"));
        assert_eq!(nothing.every, None);
    }
}
