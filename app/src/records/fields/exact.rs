//! Which texts HTML's controls give back as they were drawn.
//!
//! After the value sanitization of the HTML standard ("4.10.5.1 States of the type attribute"): a
//! date or time input empties itself on a text it cannot read, and a local date and time is
//! rewritten to its shortest form with `T`.

/// A one-line input strips line feeds and carriage returns.
pub fn holds_in_a_line(text: &str) -> bool {
    !text.contains(['\n', '\r'])
}

pub fn holds_in_a_date(text: &str) -> bool {
    text.is_empty() || is_date(text)
}

pub fn holds_in_a_time(text: &str) -> bool {
    text.is_empty() || is_time(text)
}

/// `YYYY-MM-DDTHH:MM`, or with seconds that are not zero.
pub fn holds_in_a_local_time(text: &str) -> bool {
    text.split_once('T')
        .is_some_and(|(date, time)| is_date(date) && is_time(time) && !(time.len() == 8 && time.ends_with(":00")))
}

/// `YYYY-MM-DD`, a day that exists, from the year 1.
fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-', &[4, 2, 2]).and_then(|parts| <[u32; 3]>::try_from(parts).ok())
    else {
        return false;
    };
    year >= 1 && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

/// `HH:MM` or `HH:MM:SS`.
fn is_time(text: &str) -> bool {
    let parts = numbers(text, ':', &[2, 2]).or_else(|| numbers(text, ':', &[2, 2, 2]));
    parts.is_some_and(|parts| parts[0] < 24 && parts[1..].iter().all(|part| *part < 60))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The numbers between the separators, if they have exactly these lengths and only digits.
fn numbers(text: &str, separator: char, lengths: &[usize]) -> Option<Vec<u32>> {
    let parts: Vec<&str> = text.split(separator).collect();
    let fits =
        |(part, length): (&&str, &usize)| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() != lengths.len() || !parts.iter().zip(lengths).all(fits) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect()
}
