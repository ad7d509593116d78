//! Whatever is asked for, and by whomever: the number of series that are counted has a bound, and it is computed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use app::auth::model::Role;
use axum::http::Method;
use inkfast_server::http::routes::ROUTES;
use resilient_core::submission::answer::Outcome;

use crate::support::test_app::TestApp;

const TOKEN: &str = "a token of sixteen and more";
const WITH_TOKEN: [(&str, &str); 1] = [("authorization", "Bearer a token of sixteen and more")];
/// In everything that is made up here; so it must be in nothing that is counted.
const MARK: &str = "zq7";
/// More of each than any label may have values.
const MANY: usize = 80;

/// One series: its metric and its labels.
type Series = (String, BTreeMap<String, String>);

fn series(text: &str) -> BTreeSet<Series> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(one).collect()
}

/// `name{label="value",…} 1`; no value of ours has a quote in it, or this reads nonsense and the test fails.
fn one(line: &str) -> Series {
    let (series, _) = line.rsplit_once(' ').expect("a value");
    let Some((name, labels)) = series.split_once('{') else {
        return (series.to_owned(), BTreeMap::new());
    };
    let labels = labels.trim_end_matches('}').split("\",");
    let labels = labels.map(|label| {
        let (name, value) = label.split_once("=\"").expect("a label");
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect())
}

const KINDS: [&str; 12] = [
    "unreachable",
    "busy",
    "contention",
    "timed_out",
    "constraint",
    "bad_value",
    "absent",
    "read_only",
    "damaged",
    "misconfigured",
    "defect",
    "closing",
];

/// However many servers there are, these are their names; `all` is told of what concerns several, `none` is nobody.
const DATABASES: [&str; 19] = [
    "main", "standby1", "standby2", "standby3", "standby4", "standby5", "standby6", "standby7", "standby8", "replica1",
    "replica2", "replica3", "replica4", "replica5", "replica6", "replica7", "replica8", "all", "none",
];

/// Every value that a metric's label can have, by the code; none of a label that is not known here.
fn allowed(metric: &str, label: &str) -> BTreeSet<String> {
    let words: &[&str] = match (metric, label) {
        (_, "route") => return routes(),
        (_, "call") => return calls(),
        (_, "method") => &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"],
        (_, "status") => &["1xx", "2xx", "3xx", "4xx", "5xx"],
        (_, "le") => &[
            "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2", "3", "5", "8", "10", "+Inf",
        ],
        (_, "role") => &["read", "write"],
        (_, "database") => &DATABASES,
        ("db_writer_changes_total", "to") | ("db_two_writers_total", "other") => &DATABASES,
        ("db_contention_total", "kind") => &["deadlock", "serialization", "lock_timeout"],
        (_, "kind") => &KINDS,
        ("db_calls_total", "outcome") => {
            let more = ["succeeded", "abandoned"].into_iter();
            return KINDS.into_iter().chain(more).map(str::to_owned).collect();
        }
        ("inkfast_saves_total", "outcome") => return Outcome::ALL.map(|outcome| outcome.code().to_owned()).into(),
        ("inkfast_drafts_total", "outcome") => &[
            "stored",
            "same_again",
            "stale",
            "diverged",
            "ended",
            "too_large",
            "too_many",
            "too_much",
            "nearly_full",
            "unavailable",
        ],
        ("inkfast_drafts_unreadable_total", "why") => &["other_secret", "changed"],
        (_, "reason") => &["breaker_open", "bulkhead_full", "no_writer"],
        (_, "to") => &["closed", "half_open", "open"],
        (_, "state") => &["idle", "in_use", "running", "waiting"],
        (_, "trend") => &["failing", "slowing"],
        (_, "store") => &["redis", "server", "none"],
        ("db_probes_total", "result") => &["succeeded", "failed"],
        (_, "result") => &["succeeded", "wrong_credentials", "throttled", "unavailable"],
        (_, "version") => &[env!("CARGO_PKG_VERSION")],
        _ => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn routes() -> BTreeSet<String> {
    let others = ["(none)", "/pkg/{file}", "/api/{*function}"].into_iter();
    let listed = ROUTES.iter().map(|route| route.path);
    listed.chain(others).map(str::to_owned).collect()
}

/// What calls of the database can be named by: a literal among some arguments in the source.
fn calls() -> BTreeSet<String> {
    fn gather(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the source is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                gather(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            for argument in source.split(['(', ',']).skip(1) {
                let literal = argument.trim_start().strip_prefix('"');
                let literal = literal
                    .and_then(|rest| rest.split_once('"'))
                    .map(|(literal, _)| literal);
                let is_name = |name: &&str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b' ' | b'.'));
                found.extend(literal.filter(is_name).map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// Every way in, with something else each time.
async fn drive(app: &TestApp, n: usize) {
    let other = |part: &str| format!("{MARK}{part}{n}");
    for path in [
        format!("/records/{}", other("table")),
        format!("/records/{}/{}", other("table"), other("key")),
        format!("/records/activities/{n}"),
        format!("/records/activities/{}", other("key")),
        format!("/records/activities?q={}&f.title={}", other("sought"), other("filter")),
        format!("/records/activities?sort={}", other("column")),
        format!("/records/sites/new?form={}", uuid::Uuid::new_v4()),
        format!("/api/drafts/activities/{}", other("key")),
        format!("/api/submissions/{}", uuid::Uuid::new_v4()),
        format!("/{}/{n}", other("path")),
        format!("/pkg/{}.js", other("file")),
        format!("/api/errors/recent?limit={n}"),
    ] {
        let id = other("id");
        let headers = [("x-request-id", id.as_str()), ("user-agent", id.as_str())];
        app.request(Method::GET, &path, None, &headers).await;
    }
    let odd = Method::from_bytes(other("method").to_uppercase().as_bytes()).expect("a method");
    app.request(odd, "/", None, &[]).await;
    app.sign_in(&other("stranger"), "wrong").await;
    app.post_json(&format!("/api/{}", other("function")), "{}").await;
    app.post_json(&format!("/api/drafts/sites/{}", other("key")), "{}")
        .await;
    let elsewhere = [("host", other("host"))];
    app.request(
        Method::GET,
        "/",
        None,
        &elsewhere.each_ref().map(|(name, value)| (*name, value.as_str())),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_label_is_unbounded() {
    let app = TestApp::with(&[("INKFAST_API_TOKEN", TOKEN)]).await;
    for n in 0..MANY {
        drive(&app, n).await;
    }
    // Real accounts and real saves too: a password takes its time, so fewer of them.
    let (mut ids, mut accounts) = (Vec::new(), Vec::new());
    for n in 1..=10 {
        let form = app.form(&format!("/records/activities/{n}")).await;
        ids.push(form.value("_id").expect("an id").to_owned());
        let title = format!("{MARK}title{n}");
        assert_eq!(app.save(&form.with("v.title", &title)).await.1.outcome, Outcome::Saved);
        accounts.push(format!("{MARK}account{n}"));
        let cookie = app.signed_in_as(&accounts[n - 1], Role::Staff).await;
        app.request_as(&cookie, Method::GET, "/", None, &[]).await;
    }
    let answer = app.request_as("", Method::GET, "/metrics", None, &WITH_TOKEN).await;
    let text = answer.body;
    let lower = text.to_lowercase();
    assert!(!lower.contains(MARK), "what was made up became a label");
    assert!(ids.iter().all(|id| !lower.contains(id)), "an id became a label");

    let found = series(&text);
    let mut labels_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for (metric, labels) in &found {
        *counted.entry(metric).or_default() += 1;
        for (label, value) in labels {
            labels_of.entry(metric).or_default().insert(label);
            let known = allowed(metric, label);
            assert!(
                known.contains(value),
                "{metric} has a {label} that the code does not have: {value}"
            );
        }
    }
    let mut whole_bound = 0;
    for (metric, series) in &counted {
        let labels = labels_of.get(metric).into_iter().flatten();
        let most: usize = labels.map(|label| allowed(metric, label).len()).product();
        assert!(*series <= most, "{metric}: {series} series, {most} at most");
        whole_bound += most;
    }
    assert!(found.len() <= whole_bound);
    let routes: BTreeSet<_> = found.iter().filter_map(|(_, labels)| labels.get("route")).collect();
    assert!(routes.len() > 10, "it was counted at all: {routes:?}");
    println!("{} series of at most {whole_bound}", found.len());
}
