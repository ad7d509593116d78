//! Numbers as people type them.

use std::ops::RangeInclusive;

use crate::sql::Limits;

pub fn refused_integer(text: &str, range: &RangeInclusive<i128>) -> Option<String> {
    let digits = without_sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("Enter a whole number.".to_owned());
    }
    let fits = text.parse::<i128>().is_ok_and(|number| range.contains(&number));
    (!fits).then(|| format!("Enter a number from {} to {}.", range.start(), range.end()))
}

pub fn refused_decimal(text: &str, sql_type: &str, limits: &Limits) -> Option<String> {
    if limits.specials && is_special(text) {
        return None;
    }
    let Some(decimal) = Decimal::read(text) else {
        return Some("Enter a number, such as 12.50.".to_owned());
    };
    if let Some((digits, places)) = precision(sql_type) {
        if decimal.places() > places {
            return Some(match places {
                ..0 => format!(
                    "Only multiples of 1{} are kept here.",
                    "0".repeat(places.unsigned_abs() as usize)
                ),
                0 => "Enter a whole number.".to_owned(),
                1 => "At most 1 decimal place is kept here.".to_owned(),
                _ => format!("At most {places} decimal places are kept here."),
            });
        }
        let before_point = digits - places;
        if decimal.digits_before_point() > before_point {
            return Some(match before_point {
                ..1 => "This number is too large.".to_owned(),
                _ => format!("At most {before_point} digits fit before the decimal point."),
            });
        }
    }
    let is_kept = limits
        .significant_digits
        .is_none_or(|most| decimal.digits.len() <= most || decimal.fits_i64(text));
    (!is_kept).then(|| {
        format!(
            "This database keeps {} digits of a number.",
            limits.significant_digits.unwrap_or(0)
        )
    })
}

pub fn refused_float(text: &str, specials: bool) -> Option<String> {
    if specials && is_special(text) {
        return None;
    }
    if Decimal::read(text).is_none() {
        return Some("Enter a number, such as 12.5.".to_owned());
    }
    // It has the syntax of a number, so what is not finite is too large.
    (!text.parse::<f64>().is_ok_and(f64::is_finite)).then(|| "This number is too large.".to_owned())
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_special(text: &str) -> bool {
    ["NaN", "Infinity", "-Infinity"].contains(&text)
}

/// A decimal number's digits from the first that is not zero to the last, and where they stand.
struct Decimal {
    digits: String,
    /// The power of ten of the digit before the point.
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match without_sign(text).split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (without_sign(text), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let from_first = all.trim_start_matches('0');
        let leading = all.len() - from_first.len();
        let digits = from_first.trim_end_matches('0').to_owned();
        Some(Self {
            digits,
            exponent: whole.len() as i64 - leading as i64 + exponent,
        })
    }

    /// Of 0.01 it is -1; of 0 no type has too few.
    fn digits_before_point(&self) -> i64 {
        if self.digits.is_empty() {
            i64::MIN
        } else {
            self.exponent
        }
    }

    /// Of 1200 it is -2; of 0 no type has too few.
    fn places(&self) -> i64 {
        if self.digits.is_empty() {
            i64::MIN
        } else {
            self.digits.len() as i64 - self.exponent
        }
    }

    /// Integers are kept as such, with more digits than a double has.
    fn fits_i64(&self, text: &str) -> bool {
        text.parse::<i64>().is_ok()
    }
}

/// Bounded, so that sums with it cannot overflow; no database goes as far.
fn exponent_of(text: &str) -> Option<i64> {
    let is_number = !without_sign(text).is_empty() && without_sign(text).bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(1_000_000_i64).clamp(-1_000_000, 1_000_000))
}

/// Digits and decimal places, from `numeric(10,2)` or `DECIMAL(10, 2)`. PostgreSQL takes places
/// below zero and more of them than digits.
fn precision(sql_type: &str) -> Option<(i64, i64)> {
    let (_, inside) = sql_type.split_once('(')?;
    let (digits, places) = inside
        .strip_suffix(')')?
        .split_once(',')
        .unwrap_or((inside.strip_suffix(')')?, "0"));
    Some((digits.trim().parse().ok()?, places.trim().parse().ok()?))
}
