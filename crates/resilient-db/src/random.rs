//! The one place randomness enters.

/// In `0.0..1.0`. Only spreads delays, so a system without randomness gets the middle.
pub(crate) fn unit() -> f64 {
    // 53 bits fill a double exactly.
    getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1u64 << 53) as f64)
}
