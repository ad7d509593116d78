//! Drawing a page.
//!
//! Pages are drawn in a task of their own and sent whole: a client that hangs up cannot leave half a
//! page's state behind, and the status is known before the first byte goes out.

use std::collections::BTreeMap;

use app::api_error::ApiError;
use app::auth::model::Account;
use app::ui::page_request::{LocalDrafts, PageRequest, Posted, SignIn};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::config::LeptosOptions;
use leptos::context::provide_context;
use leptos::nonce::Nonce;

use super::visitor::Visitor;
use super::{answers, offline, security};
use crate::request_id;
use crate::services::Services;

/// What a page is drawn around, beyond its address.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub posted: Option<Posted>,
    pub sign_in: Option<SignIn>,
    /// The page draws this failure instead of what its address names.
    pub failure: Option<ApiError>,
    /// Instead of the status the page gives itself.
    pub status: Option<StatusCode>,
    pub retry_after_ms: Option<u64>,
}

/// `GET` of a page. Signed-out people are sent to sign in first.
pub async fn show(State(services): State<Services>, request: Request) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answers::refused(
            request.headers(),
            StatusCode::METHOD_NOT_ALLOWED,
            "This address only shows a page.",
        );
    }
    let address = path_and_query(&request);
    if visitor.account().is_none() {
        if answers::wants_json(request.headers()) || address.starts_with("/api/") {
            return answers::json_failure(StatusCode::UNAUTHORIZED, "unauthenticated", "Please sign in.");
        }
        return Redirect::to(&sign_in_address(&address)).into_response();
    }
    draw(&services, &visitor, &address, Around::default()).await
}

pub fn sign_in_address(next: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    if next == "/" {
        "/login".to_owned()
    } else {
        format!("/login?{query}")
    }
}

pub fn path_and_query(request: &Request) -> String {
    request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), |address| address.as_str().to_owned())
}

/// Draws the page at `address` for this visitor.
pub async fn draw(services: &Services, visitor: &Visitor, address: &str, around: Around) -> Response {
    let services = services.clone();
    let account = visitor.account().cloned();
    let address = address.to_owned();
    let drawing = request_id::spawn(async move {
        let nonce = Nonce::new();
        let policy = security::page_policy(&nonce.to_string());
        let (status, retry_after_ms) = (around.status, around.retry_after_ms);
        let marks = offline::marks(&services, account.as_ref());
        let page_request = page_request(&services, account.as_ref(), &address);
        let context = move || {
            provide_context(nonce.clone());
            provide_context(account.clone());
            provide_context(services.records.clone());
            provide_context(services.drafts_port());
            provide_context(services.monitor.clone());
            provide_context(page_request.clone());
            provide_context(around.posted.clone());
            provide_context(around.sign_in.clone());
            provide_context(around.failure.clone());
        };
        let options = LeptosOptions::builder().output_name("inkfast").build();
        let render = leptos_axum::render_app_async_with_context(context, move || app::shell(options.clone()));
        let request = Request::get(address.as_str())
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        let response = render(request).await;
        let mut response = whole(response, policy, status, retry_after_ms).await?;
        response.headers_mut().extend(marks);
        Ok::<_, String>(response)
    });
    match drawing.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => answers::panicked(Box::new(error)),
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => answers::panicked(panic),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

/// Draws a failure in the frame of the page at `address`.
pub async fn draw_failure(services: &Services, visitor: &Visitor, address: &str, error: ApiError) -> Response {
    let around = Around {
        status: StatusCode::from_u16(error.status()).ok(),
        retry_after_ms: error.retry_after_ms,
        failure: Some(error),
        ..Around::default()
    };
    draw(services, visitor, address, around).await
}

async fn whole(
    response: Response,
    policy: HeaderValue,
    status: Option<StatusCode>,
    retry_after_ms: Option<u64>,
) -> Result<Response, String> {
    let (mut parts, body) = response.into_parts();
    let bytes: Bytes = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string())?;
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    parts.headers.insert(CONTENT_SECURITY_POLICY, policy);
    if let Some(status) = status {
        parts.status = status;
    }
    answers::set_retry_after(&mut parts.headers, retry_after_ms);
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn page_request(services: &Services, account: Option<&Account>, address: &str) -> PageRequest {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    PageRequest {
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect::<BTreeMap<_, _>>(),
        writer: uuid::Uuid::new_v4().simple().to_string(),
        submission_id: uuid::Uuid::new_v4().to_string(),
        assets: services.assets.clone(),
        build: services.offline.build.clone(),
        offline_pages: services.settings.offline_pages,
        local_drafts: services.settings.local_drafts,
        draft_key_mark: account
            .filter(|_| services.settings.local_drafts == LocalDrafts::Sealed)
            .map(|account| services.device_drafts.mark_of_account(&account.name)),
    }
}

/// The typed doors: server functions, with the same ports in their context as pages have.
pub async fn server_function(State(services): State<Services>, request: Request) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    let account = visitor.account().cloned();
    let context = move || {
        provide_context(account.clone());
        provide_context(services.records.clone());
        provide_context(services.drafts_port());
        provide_context(services.monitor.clone());
    };
    leptos_axum::handle_server_fns_with_context(context, request)
        .await
        .into_response()
}
