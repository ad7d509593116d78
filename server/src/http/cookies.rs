//! The cookies: the session, and the device that a person signed in from before.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};

const DEVICE_SECONDS: u64 = 365 * 24 * 60 * 60;

/// `__Host-` binds a cookie to this host and to https; browsers refuse the prefix on plain http.
pub fn session_name(https: bool) -> String {
    if https {
        "__Host-inkfast".to_owned()
    } else {
        "inkfast".to_owned()
    }
}

pub fn device_name(https: bool) -> String {
    session_name(https) + "-device"
}

pub fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// Lives as long as the browser; idle and absolute limits are inside.
pub fn session(https: bool, value: &str) -> String {
    format!("{}={value}; {}", session_name(https), attributes(https))
}

pub fn no_session(https: bool) -> String {
    format!("{}=; Max-Age=0; {}", session_name(https), attributes(https))
}

pub fn device(https: bool, value: &str) -> String {
    format!(
        "{}={value}; Max-Age={DEVICE_SECONDS}; {}",
        device_name(https),
        attributes(https)
    )
}

pub fn set(headers: &mut HeaderMap, cookie: String) {
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, value);
    }
}

/// Whether an answer already says something about the session.
pub fn sets_session(headers: &HeaderMap) -> bool {
    let names = [session_name(true), session_name(false)];
    headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split('=').next())
        .any(|name| names.iter().any(|known| known == name))
}

fn attributes(https: bool) -> &'static str {
    if https {
        "Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "Path=/; HttpOnly; SameSite=Lax"
    }
}
