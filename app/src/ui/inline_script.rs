//! Scripts that stand in the page itself.

use std::collections::BTreeMap;

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::page_request::PageRequest;

/// The script, allowed by this page's nonce; `source` where no release made it smaller.
pub fn inline_script(name: &str, source: &'static str) -> AnyView {
    let request = use_context::<PageRequest>();
    let code = request.map_or_else(|| source.to_owned(), |request| code(&request.assets, name, source));
    view! { <script nonce=use_nonce()>{code}</script> }.into_any()
}

/// A script's code as a release made it smaller, or else its source.
pub fn code(assets: &BTreeMap<String, String>, name: &str, source: &'static str) -> String {
    assets.get(name).cloned().unwrap_or_else(|| source.to_owned())
}
