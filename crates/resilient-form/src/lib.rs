#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
#[path = "browser_absent.rs"]
mod browser;

#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "natively only its tests use it")
)]
mod reply;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "natively only its tests use it")
)]
mod stored;

mod connection_status;
mod device_drafts;
mod resilient_form;
mod toasts;

pub use connection_status::ConnectionStatus;
pub use device_drafts::DeviceDrafts;
pub use resilient_form::ResilientForm;
pub use toasts::Toasts;
