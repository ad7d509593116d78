pub mod model;
#[cfg(feature = "ssr")]
pub mod sign_in_page;
