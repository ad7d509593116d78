//! Every address there is, with who may ask it, and whether it is answered while the database is in trouble: what is not
//! in this list is closed to everybody.
//!
//! *Add a route:* its line here, beside the one in the router. Rights on tables and records are the record service's;
//! here stands what a person has to be to get that far.

use app::api_error::{ApiError, ErrorKind};
use app::auth::model::{Account, Role};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::visitor::Visitor;
use super::{answers, health, pages};
use crate::services::Services;

/// Who may ask an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, signed in or not.
    Anyone,
    /// Whoever is signed in; the handler says what a signed-out person is told, because some carry what was typed.
    SignedIn,
    /// Whoever is signed in, and programs with the token.
    SignedInOrToken,
    /// Programs with the token alone.
    Token,
    /// Who may watch over the server, and programs with the token.
    MonitorsOrToken,
    Monitors,
    Steers,
    SteersOrToken,
    /// Who may run statements of their own.
    TestsStatements,
}

/// Whether it is answered while the database is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Always: signing in, lists, forms, saving, drafts, events, health, and all that is answered from memory.
    Essential,
    /// Not in degraded mode: it asks the database for what can wait.
    Inessential,
}

use Need::{Essential, Inessential};

/// One address and one method. `HEAD` goes with `GET`.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    /// As the router has it. Of the typed doors, the address itself.
    pub path: &'static str,
    pub who: Who,
    pub need: Need,
}

const fn route(method: &'static str, path: &'static str, who: Who, need: Need) -> Route {
    Route {
        method,
        path,
        who,
        need,
    }
}

/// What the router knows the typed doors by.
const FUNCTIONS: &str = "/api/{*function}";

pub const ROUTES: &[Route] = &[
    route("GET", "/", Who::SignedIn, Essential),
    route("GET", "/login", Who::Anyone, Essential),
    route("POST", "/login", Who::Anyone, Essential),
    route("POST", "/logout", Who::Anyone, Essential),
    route("GET", "/records/{table}", Who::SignedIn, Essential),
    route("GET", "/records/{table}/new", Who::SignedIn, Essential),
    route("POST", "/records/{table}/new", Who::SignedIn, Essential),
    route("GET", "/records/{table}/{key}", Who::SignedIn, Essential),
    route("POST", "/records/{table}/{key}", Who::SignedIn, Essential),
    route("POST", "/records/{table}/{key}/incoming", Who::SignedIn, Inessential),
    route("GET", "/records/{table}/{key}/history", Who::SignedIn, Inessential),
    route("GET", "/records/{table}/{key}/delete", Who::SignedIn, Essential),
    route("POST", "/records/{table}/{key}/delete", Who::SignedIn, Essential),
    route("GET", "/drafts", Who::SignedIn, Essential),
    route("POST", "/drafts/discard", Who::SignedIn, Essential),
    route("POST", "/drafts/retry", Who::SignedIn, Essential),
    route("POST", "/drafts/seen", Who::SignedIn, Essential),
    route("GET", "/drafts/export", Who::SignedIn, Essential),
    route("GET", "/api/drafts/{table}/{key}", Who::SignedIn, Essential),
    route("POST", "/api/drafts/{table}/{key}", Who::SignedIn, Essential),
    route("DELETE", "/api/drafts/{table}/{key}", Who::SignedIn, Essential),
    route("POST", "/api/session/draft-key", Who::SignedIn, Essential),
    route("GET", "/api/submissions/{id}", Who::SignedIn, Essential),
    route("POST", "/api/records/save", Who::SignedIn, Essential),
    route("GET", "/admin/connection-status", Who::SignedIn, Essential),
    route("GET", "/sw.js", Who::Anyone, Essential),
    route("GET", "/offline", Who::Anyone, Essential),
    route("GET", "/livez", Who::Anyone, Essential),
    route("GET", "/readyz", Who::Anyone, Essential),
    route("GET", "/health", Who::Anyone, Essential),
    route("GET", "/health/simple", Who::Anyone, Essential),
    route("GET", "/health-check", Who::Anyone, Essential),
    route("GET", "/health/detailed", Who::SignedInOrToken, Essential),
    route("GET", "/events", Who::SignedIn, Essential),
    route("POST", "/api/presence", Who::SignedIn, Essential),
    route("GET", "/metrics", Who::Token, Essential),
    route("GET", "/monitoring", Who::Monitors, Essential),
    route("POST", "/monitoring/steer", Who::Steers, Essential),
    route("GET", "/monitoring/drills", Who::Steers, Essential),
    route("POST", "/monitoring/drills", Who::Steers, Essential),
    route("POST", "/monitoring/drills/stop", Who::Steers, Essential),
    route("POST", "/api/drills", Who::SteersOrToken, Essential),
    route("GET", "/api/drills/{id}", Who::SteersOrToken, Essential),
    route("POST", "/api/drills/{id}/stop", Who::SteersOrToken, Essential),
    route("GET", "/monitoring/statements", Who::Monitors, Essential),
    route("POST", "/admin/retry-operations", Who::SignedIn, Essential),
    route("GET", "/api/database/health", Who::MonitorsOrToken, Essential),
    route("GET", "/api/database/info", Who::MonitorsOrToken, Essential),
    route("GET", "/api/database/status", Who::MonitorsOrToken, Essential),
    route("GET", "/api/database/statements", Who::MonitorsOrToken, Essential),
    route("GET", "/api/database/activity", Who::MonitorsOrToken, Essential),
    route("POST", "/api/database/reconnect", Who::SteersOrToken, Essential),
    route("POST", "/api/database/trust", Who::Steers, Essential),
    route("POST", "/api/database/test", Who::TestsStatements, Inessential),
    route("GET", "/api/errors/statistics", Who::Monitors, Essential),
    route("GET", "/api/errors/recent", Who::Monitors, Essential),
    route("GET", "/api/circuit-breakers", Who::Monitors, Essential),
    route("GET", "/api/endpoint-metrics", Who::Monitors, Essential),
    route("POST", "/api/toggle-monitoring", Who::Steers, Essential),
    route("POST", "/api/degradation/enter", Who::SteersOrToken, Essential),
    route("POST", "/api/degradation/reset", Who::SteersOrToken, Essential),
];

impl Who {
    /// Whether a signed-in person of this role gets that far.
    pub fn includes(self, role: Role) -> bool {
        match self {
            Self::Anyone | Self::SignedIn | Self::SignedInOrToken => true,
            Self::Token => false,
            Self::Monitors | Self::MonitorsOrToken => role.may_monitor(),
            Self::Steers | Self::SteersOrToken => role.may_steer(),
            Self::TestsStatements => role.may_test_statements(),
        }
    }

    pub fn takes_token(self) -> bool {
        matches!(
            self,
            Self::SignedInOrToken | Self::Token | Self::MonitorsOrToken | Self::SteersOrToken
        )
    }
}

/// Lets through whom the list says, and nobody to what is not in it.
pub async fn guard(State(services): State<Services>, request: Request, next: Next) -> Response {
    let Some((who, need)) = line_of(&request) else {
        if let Some(methods) = other_methods(&request) {
            tracing::debug!(method = %request.method(), path = request.uri().path(), "no such method here");
            let message = "This address does not take this method.";
            let mut response = answers::refused(request.headers(), StatusCode::METHOD_NOT_ALLOWED, message);
            response
                .headers_mut()
                .extend(methods.parse().map(|methods| (ALLOW, methods)));
            return response;
        }
        tracing::error!(
            path = request.uri().path(),
            "a route without a line in the list of routes is closed"
        );
        return answers::refused(
            request.headers(),
            StatusCode::FORBIDDEN,
            "This address is not in the list of what may be asked.",
        );
    };
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    let has_token =
        who.takes_token() && health::has_token(request.headers(), services.settings.storage.api_token.as_deref());
    let left_out = match need {
        Essential => None,
        Inessential => services.observations.degradation.leaves_out(),
    };
    match visitor.account() {
        _ if has_token || matches!(who, Who::Anyone | Who::SignedIn) => {
            answered(&services, &visitor, left_out, request, next).await
        }
        Some(account) if who.includes(account.role) => answered(&services, &visitor, left_out, request, next).await,
        Some(account) => {
            let (headers, address) = (request.headers().clone(), pages::path_and_query(&request));
            drop(request);
            not_allowed(&services, &visitor, account, &headers, &address).await
        }
        None => not_signed_in(who, &request),
    }
}

/// By whoever is there for it, unless it is left out until so many milliseconds later.
async fn answered(
    services: &Services,
    visitor: &Visitor,
    left_out: Option<u64>,
    request: Request,
    next: Next,
) -> Response {
    // Who is not signed in is told that first, by the handler.
    let Some(retry_after_ms) = left_out.filter(|_| visitor.account().is_some()) else {
        return next.run(request).await;
    };
    let address = pages::path_and_query(&request);
    let wants_json = answers::wants_json(request.headers()) || address.starts_with("/api/");
    drop(request);
    let message = "This is left out for the moment, so that saving goes on. It comes back by itself.";
    if wants_json {
        let mut response = answers::json_failure(StatusCode::SERVICE_UNAVAILABLE, "degraded", message);
        answers::set_retry_after(response.headers_mut(), Some(retry_after_ms));
        return response;
    }
    let mut error = ApiError::new(ErrorKind::Unavailable, message);
    error.retry_after_ms = Some(retry_after_ms);
    pages::draw_failure(services, visitor, &address, error).await
}

fn line_of(request: &Request) -> Option<(Who, Need)> {
    let matched = request.extensions().get::<MatchedPath>()?;
    let path = match matched.as_str() {
        FUNCTIONS => request.uri().path(),
        matched => matched,
    };
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let line = ROUTES
        .iter()
        .find(|route| route.path == path && route.method == method.as_str());
    match line {
        Some(line) => Some((line.who, line.need)),
        // No typed door has this address: the handler says so.
        None if matched.as_str() == FUNCTIONS => Some((Who::SignedIn, Essential)),
        None => None,
    }
}

/// What the matched address takes, if it is in the list at all.
fn other_methods(request: &Request) -> Option<String> {
    let matched = request.extensions().get::<MatchedPath>()?;
    let methods: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.path == matched.as_str())
        .map(|route| route.method)
        .collect();
    (!methods.is_empty()).then(|| methods.join(", "))
}

async fn not_allowed(
    services: &Services,
    visitor: &Visitor,
    account: &Account,
    headers: &HeaderMap,
    address: &str,
) -> Response {
    tracing::warn!(
        account = account.name,
        role = account.role.name(),
        address,
        "not allowed"
    );
    let message = format!("This is not for the role {}.", account.role.name());
    if answers::wants_json(headers) || address.starts_with("/api/") {
        return answers::json_failure(StatusCode::FORBIDDEN, "forbidden", &message);
    }
    pages::draw_failure(services, visitor, address, ApiError::new(ErrorKind::Forbidden, message)).await
}

fn not_signed_in(who: Who, request: &Request) -> Response {
    let is_page = *request.method() == Method::GET && matches!(who, Who::Monitors | Who::Steers);
    if is_page && !answers::wants_json(request.headers()) && !request.uri().path().starts_with("/api/") {
        return Redirect::to(&pages::sign_in_address(&pages::path_and_query(request))).into_response();
    }
    let words = match who {
        Who::Token => "Send the token.",
        _ if who.takes_token() => "Sign in, or send the token.",
        _ => "Please sign in.",
    };
    answers::json_failure(StatusCode::UNAUTHORIZED, "unauthenticated", words)
}
