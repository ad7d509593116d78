//! The route table of the server. Pages have theirs in `app`; here stands what methods they take, and in
//! [`super::routes`] who may ask them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    answers, bodies, compression, database, degradation, draft_key, drafts, drills, events, form_capture, health,
    incoming, observing, offline, pages, record_forms, request_log, routes, security, sign_in, static_files,
    test_queries, visitor,
};
use crate::drafts as draft_service;
use crate::services::Services;

pub fn router(services: Services) -> Router {
    // Pages spawn on this runtime; a second router in the same process finds it set already.
    let _ = any_spawner::Executor::init_tokio();
    let draft_routes = Router::new()
        .route("/api/drafts/{table}/{key}", draft_service::http::routes())
        .route_layer(from_fn(visitor::require_account))
        .with_state(services.drafts.clone());
    let draft_key_routes = Router::new()
        .route("/api/session/draft-key", post(draft_key::show))
        .route_layer(from_fn(visitor::require_account))
        .with_state(services.clone());
    let capture = form_capture::layer(&services);
    Router::new()
        .route("/", get(pages::show))
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/records/{table}", get(pages::show))
        .route(
            "/records/{table}/new",
            get(record_forms::new_form)
                .post(record_forms::save)
                .layer(capture.clone()),
        )
        .route(
            "/records/{table}/{key}",
            get(pages::show).post(record_forms::save).layer(capture),
        )
        .route("/records/{table}/{key}/incoming", post(incoming::show))
        .route("/records/{table}/{key}/history", get(pages::show))
        .route(
            "/records/{table}/{key}/delete",
            get(pages::show).post(record_forms::delete),
        )
        .route("/drafts", get(pages::show))
        .route("/drafts/discard", post(drafts::discard))
        .route("/drafts/retry", post(drafts::retry))
        .route("/drafts/seen", post(drafts::seen))
        .route("/drafts/export", get(drafts::export))
        .route("/api/submissions/{id}", get(record_forms::submission))
        .route("/api/{*function}", post(pages::server_function))
        .route("/admin/connection-status", get(health::connection_status))
        .route("/admin/retry-operations", post(health::retry_operations))
        .route("/monitoring", get(pages::show))
        .route("/monitoring/steer", post(degradation::steer))
        .route("/monitoring/drills", get(pages::show).post(drills::start))
        .route("/monitoring/drills/stop", post(drills::stop))
        .route("/monitoring/statements", get(pages::show))
        .fallback(pages::show)
        .with_state(services.clone())
        .merge(draft_routes)
        .merge(draft_key_routes)
        .route_layer(from_fn_with_state(services.clone(), visitor::renew_session))
        .merge(events::routes(&services))
        .merge(offline::routes(&services))
        .merge(health::routes(&services))
        .merge(database::routes(&services))
        .merge(observing::routes(&services))
        .merge(drills::routes(&services))
        .merge(degradation::routes(&services))
        .merge(test_queries::routes(&services))
        .route_layer(from_fn_with_state(services.clone(), routes::guard))
        .layer(from_fn_with_state(services.clone(), visitor::identify))
        .layer(compression::layer())
        .layer(from_fn(compression::leave_plain_what_others_ask))
        .merge(static_files::routes(&services.settings.storage.site_dir))
        .layer(from_fn(bodies::limit))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(services.clone(), security::refuse_foreign))
        .layer(CatchPanicLayer::custom(answers::panicked))
        .layer(from_fn(security::add_headers))
        .layer(from_fn_with_state(services, request_log::observe))
}
