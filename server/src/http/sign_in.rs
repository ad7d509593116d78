//! Signing in and out.

use std::net::SocketAddr;

use app::api_error::{ApiError, ErrorKind};
use app::ui::page_request::SignIn;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::pages::{self, Around};
use super::visitor::Visitor;
use super::{answers, bodies, cookies, record_forms};
use crate::auth::service::SignInRefused;
use crate::auth::session::Session;
use crate::report;
use crate::services::Services;

/// Controls of a form that was posted by somebody no longer signed in travel under this prefix.
pub const CARRIED: &str = "carried.";

pub async fn page(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let address = pages::path_and_query(&request);
    let next = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "next")
        .map_or_else(String::new, |(_, value)| value.into_owned());
    let sign_in = SignIn {
        next: safe_next(&next).to_owned(),
        ..SignIn::default()
    };
    pages::draw(
        &services,
        &visitor,
        &address,
        Around {
            sign_in: Some(sign_in),
            ..Around::default()
        },
    )
    .await
}

pub async fn sign_in(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    connection: Option<Extension<ConnectInfo<SocketAddr>>>,
    body: Bytes,
) -> Response {
    let Ok(pairs) = bodies::pairs(&body) else {
        return answers::plain_page(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This form has more fields than can be sent at once.",
        );
    };
    let mut posted = Credentials::read(pairs);
    let address = connection.map_or_else(String::new, |Extension(ConnectInfo(address))| address.ip().to_string());
    let password = std::mem::take(&mut posted.password);
    let signed_in = services
        .auth
        .sign_in(&posted.username, password, &address, visitor.known_account.as_deref())
        .await;
    let result = match &signed_in {
        Ok(_) => "succeeded",
        Err(SignInRefused::WrongCredentials) => "wrong_credentials",
        Err(SignInRefused::Throttled { .. }) => "throttled",
        Err(SignInRefused::Unavailable(_)) => "unavailable",
    };
    metrics::counter!("inkfast_sign_ins_total", "result" => result).increment(1);
    match signed_in {
        Ok(session) => go_on(&services, session, posted).await,
        Err(refused) => refuse(&services, posted, refused).await,
    }
}

struct Credentials {
    username: String,
    password: String,
    next: String,
    carried: Vec<(String, String)>,
}

impl Credentials {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut read = Self {
            username: String::new(),
            password: String::new(),
            next: String::new(),
            carried: Vec::new(),
        };
        for (name, value) in pairs {
            match name.as_str() {
                "username" => read.username = value.trim().to_owned(),
                "password" => read.password = value,
                "next" => read.next = safe_next(&value).to_owned(),
                _ => {
                    if let Some(control) = name.strip_prefix(CARRIED) {
                        read.carried.push((control.to_owned(), value));
                    }
                }
            }
        }
        read
    }
}

/// To where one wanted to go; a form that was carried through the sign-in is saved now.
async fn go_on(services: &Services, session: Session, posted: Credentials) -> Response {
    let https = services.settings.listen.public_url.https;
    let cookie = cookies::session(https, &services.auth.seal_session(&session));
    let device = cookies::device(https, &services.auth.seal_device(&session.account));
    let next = if posted.next.is_empty() {
        "/".to_owned()
    } else {
        posted.next
    };
    let account = services.auth.account_of(&session);
    let mut response = match account {
        Some(account) if !posted.carried.is_empty() => {
            let visitor = Visitor {
                signed_in: Some((account, session)),
                known_account: None,
            };
            record_forms::save_at(services, &visitor, &next, posted.carried, false).await
        }
        _ => Redirect::to(&next).into_response(),
    };
    cookies::set(response.headers_mut(), cookie);
    cookies::set(response.headers_mut(), device);
    response
}

async fn refuse(services: &Services, posted: Credentials, refused: SignInRefused) -> Response {
    let mut around = Around::default();
    let message = match refused {
        SignInRefused::WrongCredentials => {
            around.status = Some(StatusCode::UNAUTHORIZED);
            "This name and password do not belong together.".to_owned()
        }
        SignInRefused::Throttled { wait_ms } => {
            around.status = Some(StatusCode::TOO_MANY_REQUESTS);
            around.retry_after_ms = Some(wait_ms);
            format!(
                "Too many attempts. Please wait {} s and try again.",
                wait_ms.div_ceil(1000)
            )
        }
        SignInRefused::Unavailable(error) => {
            let error: ApiError = report::database("sign in", &error);
            around.retry_after_ms = error.retry_after_ms;
            around.status = StatusCode::from_u16(error.status()).ok();
            if error.kind == ErrorKind::Unavailable {
                "Signing in needs the database, which cannot be reached right now. Please try again in a moment."
                    .to_owned()
            } else {
                error.message
            }
        }
    };
    around.sign_in = Some(SignIn {
        message: Some(message),
        username: posted.username,
        next: posted.next,
        carried: posted.carried,
    });
    pages::draw(services, &Visitor::default(), "/login", around).await
}

/// `POST /logout` ends the session here; what lies on the device is the page's to ask about.
pub async fn sign_out(State(services): State<Services>, Extension(visitor): Extension<Visitor>) -> Response {
    if let Some((_, session)) = &visitor.signed_in {
        services.auth.sign_out(session);
    }
    let mut response = Redirect::to("/login").into_response();
    cookies::set(
        response.headers_mut(),
        cookies::no_session(services.settings.listen.public_url.https),
    );
    response
}

/// A path on this server, or the start page: never another site.
pub fn safe_next(next: &str) -> &str {
    let local = next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\");
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic());
    if local && plain && !next.starts_with("/login") {
        next
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_stays_on_this_server() {
        assert_eq!(safe_next("/records/activities/1?x=y"), "/records/activities/1?x=y");
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil",
            "records",
            "/login",
        ] {
            assert_eq!(safe_next(elsewhere), "", "{elsewhere}");
        }
    }
}
