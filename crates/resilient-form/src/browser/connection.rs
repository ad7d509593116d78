//! Requests: a raw `fetch` with a time limit.

use std::time::Duration;

use js_sys::{Object, Reflect};
use resilient_core::time::milliseconds;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Blob, BlobPropertyBag, RequestInit, RequestRedirect, Response, ResponseType, UrlSearchParams,
};

use super::dom::window;
use crate::reply::Reply;

pub const FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";
pub const JSON: &str = "application/json";

/// A request to this page's own server.
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    /// Content type and body.
    pub body: Option<(&'a str, String)>,
    pub limit: Duration,
}

impl Request<'_> {
    /// `None`: no answer within the limit, or no connection.
    pub async fn send(self) -> Option<Reply> {
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_redirect(RequestRedirect::Manual);
        let limit = milliseconds(self.limit).try_into().unwrap_or(u32::MAX);
        init.set_signal(Some(&AbortSignal::timeout_with_u32(limit)));
        let headers = Object::new();
        Reflect::set(&headers, &"Accept".into(), &JSON.into()).ok()?;
        if let Some((content_type, body)) = &self.body {
            Reflect::set(&headers, &"Content-Type".into(), &(*content_type).into()).ok()?;
            init.set_body(&body.into());
        }
        init.set_headers(&headers);
        read(window().fetch_with_str_and_init(self.url, &init)).await
    }
}

/// Reads an answer to its end: one that breaks off is none.
async fn read(response: js_sys::Promise) -> Option<Reply> {
    let response: Response = JsFuture::from(response).await.ok()?.unchecked_into();
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let is_json = header("Content-Type").is_some_and(|kind| kind.starts_with(JSON));
    let retry_after_ms = header("Retry-After")
        .and_then(|seconds| seconds.trim().parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    if response.type_() == ResponseType::Opaqueredirect {
        return Some(Reply::default());
    }
    let body = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    Some(Reply {
        status: response.status(),
        is_json,
        retry_after_ms,
        body,
    })
}

/// A form body, percent-coded.
pub fn encode(pairs: &[(String, String)]) -> String {
    let Ok(parameters) = UrlSearchParams::new() else {
        return String::new();
    };
    for (name, value) in pairs {
        parameters.append(name, value);
    }
    parameters.to_string().into()
}

/// `url` with one more query parameter.
pub fn with_query(url: &str, name: &str, value: &str) -> String {
    let separator = if url.contains('?') { "&" } else { "?" };
    [url, separator, &encode(&[(name.to_owned(), value.to_owned())])].concat()
}

/// `url` with another end, if it ends so.
pub fn with_other_end(url: &str, end: &str, other: &str) -> String {
    url.strip_suffix(end)
        .map_or_else(|| url.to_owned(), |before| [before, other].concat())
}

/// Hands JSON over as the page goes away. Nobody learns whether it arrived.
pub fn beacon(url: &str, json: &str) {
    let kind = BlobPropertyBag::new();
    kind.set_type(JSON);
    let parts = js_sys::Array::of1(&json.into());
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &kind) {
        let _ = window().navigator().send_beacon_with_opt_blob(url, Some(&blob));
    }
}
