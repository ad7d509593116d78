//! `POST /api/database/test`: one statement of a superuser's own. Without the setting there is nothing at this address,
//! for anybody.

use std::net::SocketAddr;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::json;

use super::answers;
use super::visitor::Visitor;
use crate::auth::service::SignInRefused;
use crate::services::Services;
use crate::test_queries::{NotRun, Rows, TestQueries, check};

pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/api/database/test", post(test))
        .with_state(services.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sql: String,
    /// Of whoever asks, once more: an unattended browser is not enough.
    password: String,
}

async fn test(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    connection: Option<Extension<ConnectInfo<SocketAddr>>>,
    body: Bytes,
) -> Response {
    let (Some(queries), Some(account)) = (&services.test_queries, visitor.account()) else {
        let message = "Test queries are switched off.";
        return answers::json_failure(StatusCode::NOT_FOUND, "not_found", message);
    };
    let Ok(Asked { sql, password }) = serde_json::from_slice(&body) else {
        let message = "It takes {\"sql\": …, \"password\": …}, with the password you sign in with.";
        return answers::json_failure(StatusCode::BAD_REQUEST, "malformed", message);
    };
    let address = connection.map_or_else(String::new, |Extension(ConnectInfo(address))| address.ip().to_string());
    let known = visitor.known_account.as_deref();
    if let Err(refused) = services.auth.sign_in(&account.name, password, &address, known).await {
        tracing::warn!(account = account.name, "a test query without the right password");
        return not_again(&refused);
    }
    let began = Instant::now();
    let ran = queries.run(account.role, &sql).await;
    log(queries, &account.name, &sql, &ran);
    match ran {
        Ok(rows) => {
            let took_ms = began.elapsed().as_millis() as u64;
            let told = json!({
                "columns": rows.columns,
                "rows": rows.rows,
                "cut": rows.cut,
                "took_ms": took_ms,
            });
            answers::json_success(StatusCode::OK, told)
        }
        Err(not_run) => refusal(&not_run),
    }
}

/// Who asked what, and what became of it; the statement without its values.
fn log(queries: &TestQueries, account: &str, sql: &str, ran: &Result<Rows, NotRun>) {
    let statement = check::without_values(queries.grammar(), sql);
    let statement = statement.as_deref().unwrap_or("(not understood)");
    match ran {
        Ok(rows) => tracing::info!(
            account,
            statement,
            rows = rows.rows.len(),
            cut = rows.cut,
            "a test query"
        ),
        Err(not_run) => tracing::warn!(account, statement, why = code(not_run), "a test query that was not run"),
    }
}

fn code(not_run: &NotRun) -> &'static str {
    match not_run {
        NotRun::Refused(_) => "refused",
        NotRun::Busy => "busy",
        NotRun::TimedOut => "timed_out",
        NotRun::Unreachable => "database",
        NotRun::Failed { .. } => "failed",
    }
}

fn refusal(not_run: &NotRun) -> Response {
    let (status, message) = match not_run {
        NotRun::Refused(refused) => (StatusCode::UNPROCESSABLE_ENTITY, refused.to_string()),
        NotRun::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "As many statements as may are running.".to_owned(),
        ),
        NotRun::TimedOut => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This took too long and was stopped.".to_owned(),
        ),
        NotRun::Unreachable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The database cannot be reached right now.".to_owned(),
        ),
        NotRun::Failed { code } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "The database did not take it (code {}).",
                code.as_deref().unwrap_or("unknown")
            ),
        ),
    };
    let mut response = answers::json_failure(status, code(not_run), &message);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answers::set_retry_after(response.headers_mut(), Some(1_000));
    }
    response
}

fn not_again(refused: &SignInRefused) -> Response {
    let (status, code, message, wait) = match refused {
        SignInRefused::WrongCredentials => (StatusCode::FORBIDDEN, "forbidden", "This is not your password.", None),
        SignInRefused::Throttled { wait_ms } => (
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many wrong passwords; wait a moment.",
            Some(*wait_ms),
        ),
        SignInRefused::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "database",
            "The database cannot be reached right now.",
            Some(1_000),
        ),
    };
    let mut response = answers::json_failure(status, code, message);
    answers::set_retry_after(response.headers_mut(), wait);
    response
}
