#[cfg(feature = "ssr")]
mod comparing;
#[cfg(feature = "ssr")]
mod discarding;
#[cfg(feature = "ssr")]
pub mod draft_list;
#[cfg(feature = "ssr")]
pub mod drafts_page;
#[cfg(feature = "ssr")]
mod ending;
#[cfg(feature = "ssr")]
mod excerpt;
#[cfg(feature = "ssr")]
pub mod export;
#[cfg(feature = "ssr")]
mod form_card;
#[cfg(feature = "ssr")]
pub mod naming;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
pub mod sent_notice;
#[cfg(feature = "ssr")]
mod sent_words;
#[cfg(feature = "ssr")]
mod unreadable;
