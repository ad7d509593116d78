//! What becomes of a form's post that fails, by routers of axum and stores as they are used.

#![cfg(feature = "capture")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod failing;
mod limits;
mod succeeding;
mod support;
