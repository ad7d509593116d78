#[cfg(feature = "ssr")]
pub mod drafts_page;
#[cfg(feature = "ssr")]
mod ending;
#[cfg(feature = "ssr")]
pub mod port;
