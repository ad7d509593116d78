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
mod json;
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
mod textarea;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "natively only its tests use it")
)]
mod wire;

#[cfg(feature = "leptos")]
mod connection_status;
#[cfg(feature = "leptos")]
mod device_drafts;
#[cfg(feature = "leptos")]
mod resilient_form;
#[cfg(feature = "leptos")]
mod toasts;

/// A script for every page with a form, inline, best in `<head>`: it records what is typed before the islands run.
/// With a content security policy it needs a nonce; the page's text is not to be put into it.
pub const EARLY_RECORDER: &str = include_str!("early.js");

/// A script for the page whose form signs in, inline like [`EARLY_RECORDER`]: a sign-out that somebody promised while the
/// server was away is finished before anybody signs in, so that it cannot end the new session.
pub const SIGNING_IN: &str = include_str!("signing_in.js");

/// A script for pages whose device is to keep nothing of what is typed, inline like [`EARLY_RECORDER`].
pub const UNKEPT: &str = include_str!("unkept.js");

pub use browser::{enhance_form, list_device_drafts, show_toasts, watch_connection};
#[cfg(feature = "leptos")]
pub use connection_status::ConnectionStatus;
#[cfg(feature = "leptos")]
pub use device_drafts::DeviceDrafts;
#[cfg(feature = "leptos")]
pub use resilient_form::ResilientForm;
pub use textarea::textarea_content;
#[cfg(feature = "leptos")]
pub use toasts::Toasts;
