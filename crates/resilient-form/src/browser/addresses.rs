//! Where the application answers: as its `<body>` says, else where Inkfast does.

use super::dom::document;

/// Whether the server can save.
pub fn readiness() -> String {
    told("data-readiness-url", "/readyz")
}

/// The server's event stream; `None` where the application has none, and says so.
pub fn events() -> Option<String> {
    Some(told("data-events-url", "/events")).filter(|url| !url.is_empty())
}

/// Where the server is told which records are open.
pub fn presence() -> String {
    told("data-presence-url", "/api/presence")
}

/// What became of a submission.
pub fn submission(id: &str) -> String {
    [&told("data-submissions-url", "/api/submissions"), "/", id].concat()
}

/// Where forms that discard a draft on the server are posted to.
pub fn discard() -> String {
    told("data-discard-url", "/drafts/discard")
}

pub fn sign_in() -> String {
    told("data-sign-in-url", "/login")
}

pub fn sign_out() -> String {
    told("data-sign-out-url", "/logout")
}

fn told(attribute: &str, usual: &str) -> String {
    let told = document().body().and_then(|body| body.get_attribute(attribute));
    told.unwrap_or_else(|| usual.to_owned())
}
