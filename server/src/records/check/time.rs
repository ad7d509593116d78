//! Dates and times, in the one writing that both databases and the browser share.

const DATE: &str = "Enter a date that exists, such as 2026-01-31.";
const TIME: &str = "Enter a time, such as 14:30 or 14:30:00.";
const TIME_WITH_ZONE: &str = "Enter a time and an offset, such as 14:30:00+01.";
const TIMESTAMP: &str = "Enter a date and a time, such as 2026-01-31 14:30:00.";
const ZONE: &str = "Enter a date, a time and an offset, such as 2026-01-31 14:30:00+00.";

pub fn refused_date(text: &str, specials: bool) -> Option<String> {
    let is_date = (specials && is_special(text)) || is_date(without_era(text, specials), specials);
    (!is_date).then(|| DATE.to_owned())
}

pub fn refused_time(text: &str) -> Option<String> {
    (!is_time(text)).then(|| TIME.to_owned())
}

pub fn refused_time_with_zone(text: &str) -> Option<String> {
    let (time, offset) = split_offset(text);
    (!(is_time(time) && offset.is_none_or(is_offset))).then(|| TIME_WITH_ZONE.to_owned())
}

/// There are many ways to write a length of time, but none without a number.
pub fn refused_interval(text: &str) -> Option<String> {
    let may_be_one =
        text.bytes().any(|byte| byte.is_ascii_digit()) || text.trim_start_matches(['-', '+']) == "infinity";
    (!may_be_one).then(|| "Enter a length of time, such as 2 days 03:30:00.".to_owned())
}

/// Digits of a second that the type would round away: `time(0)`, `timestamp(3) with time zone`.
pub fn too_fine(text: &str, sql_type: &str) -> Option<String> {
    let most: usize = sql_type.split_once('(')?.1.split_once(')')?.0.trim().parse().ok()?;
    let fraction = text.split_once('.')?.1;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    let needed = digits
        .enumerate()
        .filter(|(_, digit)| *digit != b'0')
        .last()
        .map_or(0, |(at, _)| at + 1);
    (needed > most).then(|| match most {
        0 => "Parts of a second are not kept here.".to_owned(),
        1 => "At most 1 digit of a second's parts is kept here.".to_owned(),
        _ => format!("At most {most} digits of a second's parts are kept here."),
    })
}

pub fn refused_timestamp(text: &str, specials: bool) -> Option<String> {
    let is_timestamp = (specials && is_special(text))
        || split(without_era(text, specials)).is_some_and(|(date, time)| is_date(date, specials) && is_time(time));
    (!is_timestamp).then(|| TIMESTAMP.to_owned())
}

pub fn refused_timestamp_with_zone(text: &str, specials: bool) -> Option<String> {
    let is_timestamp = (specials && is_special(text))
        || split(without_era(text, specials)).is_some_and(|(date, time)| {
            let (time, offset) = split_offset(time);
            is_date(date, specials) && is_time(time) && offset.is_none_or(is_offset)
        });
    (!is_timestamp).then(|| ZONE.to_owned())
}

/// `14:30` as `14:30:00`.
pub fn with_seconds(text: &str) -> String {
    let is_short = text.len() == 5 && is_time(text);
    if is_short {
        format!("{text}:00")
    } else {
        text.to_owned()
    }
}

/// `2026-01-31T14:30` as `2026-01-31 14:30:00`.
pub fn with_space(text: &str) -> String {
    match split(text) {
        Some((date, time)) => {
            let (time, offset) = split_offset(time);
            format!("{date} {}{}", with_seconds(time), offset.unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once(['T', ' '])
}

fn split_offset(time: &str) -> (&str, Option<&str>) {
    match time.find(['Z', '+', '-']) {
        Some(start) => (&time[..start], Some(&time[start..])),
        None => (time, None),
    }
}

fn is_special(text: &str) -> bool {
    matches!(text, "infinity" | "-infinity")
}

fn without_era(text: &str, specials: bool) -> &str {
    text.strip_suffix(" BC").filter(|_| specials).unwrap_or(text)
}

/// Years of more than four digits only where the database has them.
fn is_date(text: &str, long_years: bool) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let year_fits = year.len() == 4 || (long_years && (5..=6).contains(&year.len()) && !year.starts_with('0'));
    let (Some(year), Some(month), Some(day)) = (number(year, year.len()), number(month, 2), number(day, 2)) else {
        return false;
    };
    year_fits && year > 0 && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_time(text: &str) -> bool {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let hour = parts.next().and_then(|hour| number(hour, 2));
    let minute = parts.next().and_then(|minute| number(minute, 2));
    let second = parts.next();
    let fraction_fits = fraction.is_none_or(|fraction| {
        second.is_some() && (1..=6).contains(&fraction.len()) && number(fraction, fraction.len()).is_some()
    });
    parts.next().is_none()
        && fraction_fits
        && hour.is_some_and(|hour| hour < 24)
        && minute.is_some_and(|minute| minute < 60)
        && second.is_none_or(|second| number(second, 2).is_some_and(|second| second < 60))
}

/// `Z`, `+01`, `+01:30`, `+0130`, `+01:30:15`
fn is_offset(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let digits = text[1..].replace(':', "");
    let well_formed = text[1..]
        .split(':')
        .all(|part| part.len() == 2 || (part.len() == 4 && !text.contains(':')));
    let hours = digits.get(..2).and_then(|hours| number(hours, 2));
    let rest_fits = (2..digits.len()).step_by(2).all(|at| {
        digits
            .get(at..at + 2)
            .and_then(|part| number(part, 2))
            .is_some_and(|part| part < 60)
    });
    text.starts_with(['+', '-']) && well_formed && rest_fits && hours.is_some_and(|hours| hours < 16)
}

/// Exactly `length` digits.
fn number(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
