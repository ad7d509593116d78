#[cfg(feature = "ssr")]
pub mod drafts_page;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
mod unreadable;
