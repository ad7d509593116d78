//! What a browser needs to show pages without the server: the service worker, and the page that stands in for those it
//! has not seen. What the worker keeps, and when it shows it, is said in `frontend/offline/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use app::api_error::ApiError;
use app::auth::model::Account;
use app::ui::page_request::LocalDrafts;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::pages::{self, Around};
use super::static_files::UNHASHED;
use super::visitor::Visitor;
use crate::auth::session::ABSOLUTE_MS;
use crate::services::Services;

const RULES: &str = include_str!("../../../frontend/offline/rules.js");
const ACCOUNT_OF_WORKER: &str = include_str!("../../../frontend/offline/account.js");
const WORKER: &str = include_str!("../../../frontend/offline/worker.js");
const OFF: &str = include_str!("../../../frontend/offline/off.js");

/// On every page that Inkfast drew, whatever its status: the build. What comes without it was answered on the way.
const PAGE: HeaderName = HeaderName::from_static("inkfast-page");
/// Whose page it is, percent-coded; absent where nobody is signed in.
const ACCOUNT: HeaderName = HeaderName::from_static("inkfast-account");

/// What only pages load whose drafts are sealed.
const SEALS: [&str; 2] = ["sealed.js", "sealed_bg.wasm"];

/// The worker may ask this server, and nobody else.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What browsers keep for when the server cannot be reached.
#[derive(Clone, Copy)]
pub struct Kept {
    pub pages: bool,
    /// Only where these are plain may text of records lie there; else the page that stands in for theirs is all.
    pub drafts: LocalDrafts,
}

pub struct Offline {
    /// Names what this server's pages load: another one has other files.
    pub build: String,
    script: String,
    tag: HeaderValue,
}

impl Offline {
    pub fn new(kept: Kept, site_dir: &Path, assets: &BTreeMap<String, String>) -> Self {
        let build = build_of(site_dir, assets);
        let script = match kept.pages {
            true => worker(&build, kept.drafts, assets),
            false => OFF.to_owned(),
        };
        let tag = format!("\"{}\"", hex(&Sha256::digest(script.as_bytes())[..16]));
        Self {
            build,
            script,
            tag: HeaderValue::try_from(tag).expect("hexadecimal digits"),
        }
    }
}

/// Changes with every file of the browser's, and with every script that stands in a page.
fn build_of(site_dir: &Path, assets: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    for (name, place) in assets {
        digest.update(format!("\n{name}\n{place}\n"));
        // A name that every build gives again says nothing of what is in it.
        if UNHASHED.contains(&place.as_str()) {
            digest.update(state_of(&site_dir.join(place.trim_start_matches('/'))));
        }
    }
    hex(&digest.finalize()[..8])
}

fn state_of(file: &Path) -> String {
    let Ok(there) = std::fs::metadata(file) else {
        return "absent".to_owned();
    };
    let changed = there.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{} {:?}", there.len(), changed)
}

/// The worker as a release made it smaller, or else its source, behind what it has to know.
fn worker(build: &str, drafts: LocalDrafts, assets: &BTreeMap<String, String>) -> String {
    // No page asks for what seals where nothing is sealed.
    let is_loaded = |name: &str| drafts == LocalDrafts::Sealed || !SEALS.contains(&name);
    let files: Vec<_> = assets
        .iter()
        .filter(|(name, place)| place.starts_with("/pkg/") && is_loaded(name))
        .map(|(_, place)| place)
        .collect();
    let known = json!({
        "build": build,
        "assets": files,
        "session_ms": ABSOLUTE_MS,
        "keeps_records": drafts == LocalDrafts::Plain,
    });
    let code = assets.get("worker.js").cloned();
    format!(
        "const inkfast = {known};\n{}",
        code.unwrap_or_else(|| [RULES, ACCOUNT_OF_WORKER, WORKER].join("\n"))
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a page tells the worker about itself.
pub fn marks(services: &Services, account: Option<&Account>) -> Vec<(HeaderName, HeaderValue)> {
    let account = account.map(|account| percent_coded(&account.name));
    let build = HeaderValue::try_from(services.offline.build.as_str());
    let account = account.and_then(|account| HeaderValue::try_from(account).ok());
    let marks = [(PAGE, build.ok()), (ACCOUNT, account)];
    marks
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// As `decodeURIComponent` reads it.
fn percent_coded(text: &str) -> String {
    let coded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    coded.replace('+', "%20")
}

/// Neither counts as activity: browsers ask for them by themselves.
pub fn routes(services: &Services) -> Router {
    Router::new()
        .route("/sw.js", get(service_worker))
        .route("/offline", get(stand_in))
        .with_state(services.clone())
}

async fn service_worker(State(services): State<Services>, headers: HeaderMap) -> Response {
    let Offline { script, tag, .. } = &*services.offline;
    let is_known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes().ends_with(tag.as_bytes()));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        script.clone().into_response()
    };
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY));
    answer.insert(ETAG, tag.clone());
    response
}

/// For the worker to keep. A person who asks for it has the server, and this page would tell them the contrary.
async fn stand_in(
    State(services): State<Services>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let address = pages::path_and_query(&request);
    let by_a_person = request
        .headers()
        .get("sec-fetch-mode")
        .is_none_or(|mode| mode == "navigate");
    if by_a_person {
        let error = ApiError::not_found("There is no page at this address.");
        return pages::draw_failure(&services, &visitor, &address, error).await;
    }
    pages::draw(&services, &visitor, &address, Around::default()).await
}
