pub mod address;
pub mod api;
#[cfg(feature = "ssr")]
mod changed_table;
#[cfg(feature = "ssr")]
pub mod delete_page;
pub mod display;
#[cfg(feature = "ssr")]
pub mod edit_page;
#[cfg(feature = "ssr")]
pub mod fields;
#[cfg(feature = "ssr")]
pub mod form_view;
#[cfg(feature = "ssr")]
pub mod history_page;
#[cfg(feature = "ssr")]
pub mod list_page;
pub mod list_query;
pub mod model;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(all(test, feature = "ssr"))]
pub mod sample;
