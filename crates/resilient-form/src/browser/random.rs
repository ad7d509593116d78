//! Randomness: `crypto.getRandomValues`, which is there on plain http as well.

use super::dom::window;

/// Whether there is any: without it every id would be the same one.
pub fn is_there() -> bool {
    drawn().is_some()
}

pub fn bits() -> u128 {
    drawn().unwrap_or_default()
}

fn drawn() -> Option<u128> {
    let mut bytes = [0_u8; 16];
    let crypto = window().crypto().ok()?;
    crypto.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(u128::from_le_bytes(bytes))
}
