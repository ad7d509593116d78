//! Who sends a request, by cookie.

use app::auth::model::Account;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use resilient_core::submission::answer::{Answer, Outcome};

use super::answers;
use super::cookies;
use crate::auth::session::Session;
use crate::clock::now_ms;
use crate::services::Services;

/// What the cookies of a request say.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// Present only while it counts.
    pub signed_in: Option<(Account, Session)>,
    /// The account this browser signed in to before, however long ago.
    pub known_account: Option<String>,
}

impl Visitor {
    pub fn account(&self) -> Option<&Account> {
        self.signed_in.as_ref().map(|(account, _)| account)
    }

    /// For logs: the account, or that it was a program with the token.
    pub fn name(&self) -> &str {
        self.account().map_or("(token)", |account| &account.name)
    }

    fn of(services: &Services, headers: &HeaderMap) -> Self {
        let https = services.settings.listen.public_url.https;
        let session = cookies::read(headers, &cookies::session_name(https))
            .and_then(|cookie| services.auth.open_session(&cookie))
            .and_then(|session| Some((services.auth.account_of(&session)?, session)));
        let known_account =
            cookies::read(headers, &cookies::device_name(https)).and_then(|cookie| services.auth.open_device(&cookie));
        Self {
            signed_in: session,
            known_account,
        }
    }
}

/// Puts a [`Visitor`], and an [`Account`] where somebody is signed in, into the request.
pub async fn identify(State(services): State<Services>, mut request: Request, next: Next) -> Response {
    let visitor = Visitor::of(&services, request.headers());
    if let Some(account) = visitor.account() {
        request.extensions_mut().insert(account.clone());
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// Sent by a page that looks by itself: nobody needs to be there.
const UNATTENDED: &str = "x-inkfast-unattended";

/// Every request that passes here counts as activity: the session goes on.
pub async fn renew_session(State(services): State<Services>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    if request.headers().contains_key(UNATTENDED) {
        return next.run(request).await;
    }
    let mut response = next.run(request).await;
    if let Some((_, session)) = visitor.signed_in
        && let Some(renewed) = session.renewed(now_ms())
        && !cookies::sets_session(response.headers())
    {
        let https = services.settings.listen.public_url.https;
        cookies::set(
            response.headers_mut(),
            cookies::session(https, &services.auth.seal_session(&renewed)),
        );
    }
    response
}

/// For the JSON endpoints of signed-in people. A page may say whose it is (`?account=`): drawn for
/// somebody else, it is not this person's.
pub async fn require_account(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let owner = form_urlencoded::parse(query)
        .find(|(name, _)| name == "account")
        .map(|(_, owner)| owner.into_owned());
    let account = request.extensions().get::<Account>();
    if account.is_some_and(|account| owner.is_none_or(|owner| owner == account.name)) {
        return next.run(request).await;
    }
    answers::json_failure(
        StatusCode::UNAUTHORIZED,
        Outcome::Unauthenticated.code(),
        Answer::new(Outcome::Unauthenticated).message(),
    )
}
