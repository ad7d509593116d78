pub mod model;
pub mod rights;
#[cfg(feature = "ssr")]
pub mod sign_in_page;
