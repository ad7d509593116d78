//! Pages that say why there is nothing else to show: what happened to the input first.

use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::icon::icon;
use super::layout::{Frame, PageKind, framed};
use super::visit::{self, Visit};
use super::written;
use crate::api_error::{ApiError, ErrorKind};

/// The error in the frame of the page it happened on.
pub async fn error_page(visit: &Visit, error: &ApiError) -> AnyView {
    error_page_with(visit, error, ().into_any()).await
}

/// The same with more below it.
pub async fn error_page_with(visit: &Visit, error: &ApiError, more: AnyView) -> AnyView {
    visit.answer_with(error);
    let frame = Frame {
        title: heading(error).to_owned(),
        active: None,
        unsaved: visit.unsaved().await,
        kind: PageKind::Reading,
    };
    let explained = explained(error, Some(&visit.request.path));
    framed(visit, frame, view! { {explained} {more} }.into_any())
}

/// The error without a frame, for somebody who is not signed in.
pub fn bare_error(error: &ApiError) -> AnyView {
    if let Some(response) = use_context::<ResponseOptions>() {
        visit::answer_with(&response, error);
    }
    view! {
        <leptos_meta::Title text=format!("{} – Inkfast", heading(error)) />
        <main class="content">{explained(error, None)}</main>
    }
    .into_any()
}

/// What a `POST` ended in, in place of the page its address names.
#[component]
pub fn FailurePage(error: ApiError) -> impl IntoView {
    match Visit::here() {
        Some(visit) => Suspend::new(async move { error_page(&visit, &error).await }).into_any(),
        None => bare_error(&error),
    }
}

/// Any other address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <FailurePage error=ApiError::not_found("There is no page at this address.") /> }
}

fn heading(error: &ApiError) -> &'static str {
    match error.kind {
        ErrorKind::NotFound => "Not found",
        ErrorKind::Forbidden => "Not allowed",
        ErrorKind::SignInNeeded => "Sign in first",
        ErrorKind::Unavailable => "This cannot be shown at the moment",
        ErrorKind::TooLarge => "Too large",
        ErrorKind::Conflict => "Changed meanwhile",
        ErrorKind::BadRequest => "Not understood",
        ErrorKind::Internal => "This page could not be made",
    }
}

fn about_input(error: &ApiError) -> Option<&'static str> {
    match error.kind {
        ErrorKind::Unavailable => Some(
            "Whatever you typed and did not save is still kept: on the device you typed it on, and under Unsaved work \
             as far as it reached the server. It can be saved as soon as the database takes changes.",
        ),
        ErrorKind::Internal => Some(
            "Nothing you typed was lost by this: it is kept on this device, and under Unsaved work as far as it reached \
             the server. The failure is written down and will be looked at.",
        ),
        _ => None,
    }
}

fn explained(error: &ApiError, retry: Option<&str>) -> AnyView {
    let retry = retry.filter(|_| {
        matches!(
            error.kind,
            ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Conflict
        )
    });
    let retry = retry.map(str::to_owned);
    let wait = error
        .retry_after_ms
        .filter(|wait| error.kind == ErrorKind::Unavailable && *wait > 1_000);
    let sign_in = error.kind == ErrorKind::SignInNeeded;
    view! {
        <section class="blank" data-error=error.status().to_string()>
            <div class="blank-icon">{icon("alert")}</div>
            <h1>{heading(error)}</h1>
            {about_input(error).map(|words| view! { <p>{words}</p> })}
            <p>{error.message.clone()}</p>
            {wait.map(|wait| view! { <p>{format!("Try again in {} s.", written::seconds(wait))}</p> })}
            <p class="actions">
                {retry.map(|path| view! { <a class="button button-primary" href=path>{if error.kind == ErrorKind::Conflict { "Look again" } else { "Try again" }}</a> })}
                {if sign_in {
                    view! { <a class="button button-primary" href="/login">"Sign in"</a> }.into_any()
                } else {
                    view! { <a class="button" href="/">"All tables"</a> <a class="button" href="/drafts">"Unsaved work"</a> }.into_any()
                }}
            </p>
            {error.error_id.clone().map(|id| view! { <p class="error-id">"Error id " <code>{id}</code></p> })}
        </section>
    }
    .into_any()
}
