//! The list of addresses holds every address there is.

use std::path::Path;

use inkfast_server::http::routes::{ROUTES, Route};

/// What the router knows the typed doors by; each of them has a line of its own.
const FUNCTIONS: &str = "/api/{*function}";

/// The lines of the list whose routes are there.
pub fn routed() -> impl Iterator<Item = &'static Route> {
    let found = paths_in_the_source();
    let is_there =
        move |route: &&Route| route.path == "/api/records/save" || found.iter().any(|path| path == route.path);
    ROUTES.iter().filter(is_there)
}

#[test]
fn every_route_of_the_source_has_its_line_in_the_list() {
    let found = paths_in_the_source();
    assert!(found.len() > 15, "the routes are found at all: {found:?}");
    for path in &found {
        let is_listed = ROUTES.iter().any(|route| route.path == path);
        assert!(is_listed || path == FUNCTIONS, "{path} has no line in http/routes.rs");
    }
}

#[test]
fn every_typed_door_has_its_line_in_the_list() {
    let doors: Vec<_> = leptos::server_fn::axum::server_fn_paths().collect();
    assert!(!doors.is_empty());
    for (path, method) in doors {
        let is_listed = ROUTES
            .iter()
            .any(|route| route.path == path && route.method == method.as_str());
        assert!(is_listed, "{method} {path} has no line in http/routes.rs");
        assert_ne!(method, http::Method::GET, "a link must not be able to call {path}");
    }
}

fn paths_in_the_source() -> Vec<String> {
    let mut found = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The first argument of each `.route(…)`, but not of those in tests.
fn gather(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the source is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let source = std::fs::read_to_string(&path).expect("text");
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            let calls = source.split(".route(").skip(1);
            found.extend(
                calls.filter_map(|call| Some(call.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned())),
            );
        }
    }
}
