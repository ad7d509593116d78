//! Randomness: `crypto.getRandomValues`, which is there on plain http as well.

use super::dom::window;

pub fn bits() -> u128 {
    let mut bytes = [0_u8; 16];
    let filled = window()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    debug_assert!(filled.is_ok());
    u128::from_le_bytes(bytes)
}
