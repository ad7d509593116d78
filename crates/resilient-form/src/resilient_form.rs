//! The form island: an enhancer around server-rendered fields.

use leptos::prelude::*;

use crate::browser;

/// Keeps, sends and restores what is typed into the `form[data-resilient-form]` among its children.
/// The children are the server's and stay as they are: the island reads fields through the DOM.
#[island]
pub fn ResilientForm(children: Children) -> impl IntoView {
    browser::enhance_form();
    children()
}
