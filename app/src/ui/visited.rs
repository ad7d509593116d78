//! What every page begins with: somebody is signed in, and what fails becomes a page too.

use std::future::Future;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::error_page::{bare_error, error_page};
use super::visit::{Visit, sign_in_needed};
use crate::api_error::ApiError;

/// Draws `content` for the one who is signed in, or the failure it ends with.
pub fn visited<Drawing>(content: impl FnOnce(Visit) -> Drawing) -> AnyView
where
    Drawing: Future<Output = Result<AnyView, ApiError>> + Send + 'static,
{
    let Some(visit) = Visit::here() else {
        return bare_error(&sign_in_needed());
    };
    let drawing = content(visit.clone());
    Suspend::new(async move {
        match drawing.await {
            Ok(page) => page,
            Err(error) => error_page(&visit, &error).await,
        }
    })
    .into_any()
}

/// A part of the page's address; empty where it has none of that name.
pub fn address_part(name: &str) -> String {
    use_params_map().get_untracked().get(name).unwrap_or_default()
}
