//! Everything PostgreSQL allows, at once.

use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;

use super::served;
use super::walk::{Known, Walk};
use super::witness::Look;

const ODD: &str = include_str!("odd.sql");

const KNOWN: Known = Known {
    set_by_trigger: &[
        ("triggered", "slug"),
        ("triggered", "changes"),
        ("triggered", "changed_at"),
    ],
    values: &[
        ("texts", "listed_padded", "x"),
        ("texts", "listed_padded", "yy"),
        ("texts", "blank_or", "full"),
        ("texts", "blank_or", ""),
        ("texts", "blankable", "filled"),
        ("texts", "blankable", ""),
        ("times", "lasted_days", "2 days 03:04:05"),
        ("times", "lasted_years", "2 years"),
        ("constrained", "low", "2"),
        ("constrained", "low", "3"),
        ("constrained", "high", "17"),
        ("constrained", "high", "18"),
        ("constrained", "code", "XYZ"),
        ("constrained", "code", "XYA"),
        ("constrained", "name", "Somebody else"),
        ("constrained", "name", "Yet somebody else"),
        ("constrained", "name", "A third"),
        ("referring", "a", "2"),
        ("referring", "b", "1"),
        ("referring", "b", "2"),
        ("referring_to_many", "many_id", "251"),
        ("referring_to_many", "many_id", "252"),
        ("parted", "day", "2026-07-07"),
        (
            "by_range",
            "during",
            "[\"2027-01-31 14:30:00\",\"2027-02-01 00:00:00\")",
        ),
        ("by_host", "m", "in_progress"),
        ("by_flag", "k", "false"),
        ("extension_of_target", "id", "2"),
        (
            "constrained",
            "during",
            "[\"2026-03-01 00:00:00+00\",\"2026-04-01 00:00:00+00\")",
        ),
        (
            "constrained",
            "during",
            "[\"2026-05-01 00:00:00+00\",\"2026-06-01 00:00:00+00\")",
        ),
        ("egg", "hen_id", "1"),
        ("egg", "hen_id", "2"),
    ],
    full: &[],
    secrets: &["password_hash", "pin", "api_token", "iban", "api_key"],
    unreadable: &["never_filled"],
    both_ends: true,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_an_odd_schema_is_listed_read_and_saved_exactly() {
    let (_postgres, app, witness) = served(ODD).await;
    let walked = Walk::new(&app, witness, KNOWN).all().await;
    println!("odd: {walked:?}");
    assert!(
        walked.tables >= 56 && walked.columns >= 270 && walked.saves >= 500 && walked.made == walked.deleted,
        "{walked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_said_at_its_field() {
    let (_postgres, app, mut witness) = served(ODD).await;
    let refused: &[(&str, &str, &str, &str)] = &[
        ("kinds", "docb", "{\"a\": 1,}", "Take away the comma"),
        ("kinds", "docb", "\"\\u0000\"", "jsonb"),
        ("kinds", "host", "no address", "192.168.0.1"),
        ("kinds", "host", "1.2.3.4.5", "192.168.0.1"),
        ("kinds", "net", "192.168.0.1/24", "192.168.0.0/24"),
        ("kinds", "bits", "1011", "At most 3 digits"),
        ("kinds", "whole_range", "[5,1)", "[1,10)"),
        ("kinds", "whole_range", "5-6", "lower and an upper bound"),
        ("kinds", "place", "here", "point"),
        ("kinds", "feeling", "glad", "listed values"),
        ("kinds", "glad", "sad", "VALUE <> 'sad'"),
        ("kinds", "home", "(1,2)", "address"),
        ("kinds", "checked_home", "(nowhere,1,2)", "nowhere"),
        ("kinds", "raw", "xyz", "pairs of the digits"),
        ("arrays", "wholes", "{1,two}", "Entry 2: Enter a whole number."),
        ("arrays", "wholes", "{1,2", "closing brace is missing"),
        ("arrays", "wholes", "{{1,2},{3}}", "integer[]"),
        ("arrays", "limited", "{abcd}", "Entry 1: At most 3 characters"),
        (
            "arrays",
            "feelings",
            "{glad}",
            "Entry 1: Choose one of the listed values.",
        ),
        ("arrays", "tagged", "{a,b,c,d,e}", "cardinality"),
        ("texts", "ident", &"x".repeat(64), "At most 63 letters"),
        ("texts", "letter", "ab", "One letter"),
        ("texts", "markup", "<a>", "xml"),
        ("times", "at_second", "10:00:00.5", "Parts of a second"),
        ("times", "lasted", "soon", "length of time"),
        ("times", "lasted", "3 fortnights and 1", "2 days 03:30:00"),
        ("numbers", "hundreds", "1250", "multiples of 100"),
        ("numbers", "share", "100.01", "VALUE"),
        ("numbers", "object", "-1", "from 0 to"),
        ("constrained", "low", "20", "low < high"),
        ("constrained", "name", "Grace", "already in use"),
        ("constrained", "mail", "GRACE@example.org", "already in use"),
        (
            "constrained",
            "during",
            "[2026-01-31 09:00:00+00,2026-01-31 11:00:00+00)",
            "already takes this up",
        ),
        ("constrained", "code", "abc", "code ~"),
        ("triggered", "amount", "-1", "An amount cannot be negative."),
        ("referring", "by_name", "West", "no longer exists"),
        ("egg", "hen_id", "77", "no longer exists"),
        ("egg", "place", "2", "already in use"),
    ];
    for (table, column, value, words) in refused {
        let relation = witness
            .relations()
            .await
            .into_iter()
            .find(|relation| relation.written == *table)
            .unwrap();
        let before = witness.snapshot(&relation).await;
        let address = relation.address(&before.0[0]);
        let null = format!("n.{column}");
        let form = app
            .form(&address)
            .await
            .without(&null)
            .with(&format!("v.{column}"), value);
        let (status, answer) = app.save(&form).await;
        let at_field = answer
            .errors
            .get(*column)
            .or_else(|| answer.errors.get("").filter(|_| *table == "triggered"));
        assert_eq!(
            (status, answer.outcome),
            (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid),
            "{table}.{column} {value}: {:?} {:?}",
            answer.outcome,
            answer.errors
        );
        assert!(
            at_field.is_some_and(|said| said.contains(words)),
            "{table}.{column} {value}: {:?} {:?}",
            answer.outcome,
            answer.errors
        );
        // Without script the same page comes back with what was typed.
        let page = app.post(&form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let drawn = crate::support::drawn_form::DrawnForm::read(&page.body);
        assert_eq!(drawn.value(&format!("v.{column}")), Some(*value), "{table}.{column}");
        let draft = address.replace("/records/", "/api/drafts/");
        let revision = ["_seq", "_writer"].map(|name| drawn.value(name).unwrap_or_default().to_owned());
        let discard = format!("{draft}?seq={}&writer={}", revision[0], revision[1]);
        assert_eq!(
            app.request(Method::DELETE, &discard, None, &[]).await.status,
            StatusCode::OK
        );
        assert_eq!(witness.snapshot(&relation).await, before, "{table}.{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trigger_wrote_is_in_the_answer() {
    let (_postgres, app, _witness) = served(ODD).await;
    let form = app.form("/records/triggered/1").await.with("v.name", "Second Name");
    let (status, answer) = app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert_eq!(answer.current["slug"].as_deref(), Some("second-name"));
    assert_eq!(answer.current["changes"].as_deref(), Some("1"));
    assert!(
        answer.current.contains_key("changed_at") && !answer.current.contains_key("name"),
        "{:?}",
        answer.current
    );
}

/// One id can name a row of the parent and one of each child: each is listed, and changed, where it is.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_inheriting_tables_are_not_taken_for_the_parents() {
    let (_postgres, app, mut witness) = served(ODD).await;
    let form = app.form("/records/parent/1").await;
    assert_eq!(form.value("v.t"), Some("parent"));
    assert_eq!(app.save(&form.with("v.t", "changed")).await.1.outcome, Outcome::Saved);
    let texts = witness
        .text("SELECT string_agg(t, ',' ORDER BY tableoid::regclass::text) FROM parent WHERE id = 1")
        .await;
    assert_eq!(texts, "child with the id of a parent,grandchild,changed");
    assert_eq!(app.get("/records/parent/3").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.form("/records/child/3").await.value("v.extra"), Some("y"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_no_value_finds_nothing_and_breaks_no_list() {
    let (_postgres, app, _witness) = served(ODD).await;
    let listed = |address: &'static str| {
        let app = &app;
        async move {
            let page = app.get(address).await;
            assert_eq!(page.status, StatusCode::OK, "{address}");
            page.body.matches("/records/by_host/192").count()
        }
    };
    assert_eq!(listed("/records/by_host?q=cafe").await, 0);
    assert!(listed("/records/by_host?q=one").await > 0);
    assert!(listed("/records/by_host?q=192.168").await > 0, "a part of a key");
    listed("/records/times?f.pause.eq=3+apples").await;
    listed("/records/times?f.pause=3+apples").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_and_an_empty_one_are_told_apart() {
    let (_postgres, app, mut witness) = served(ODD).await;
    let key = "123e4567-e89b-12d3-a456-426614174000";
    let address = format!("/records/kinds/{key}");
    let raw = "SELECT coalesce(raw::text, 'NULL') || ' ' || raw_needed::text FROM kinds WHERE flag";
    for (form, stored) in [
        (app.form(&address).await.with("v.raw", ""), "\\x \\xdeadbeef"),
        (app.form(&address).await.with("v.raw_needed", ""), ""),
    ] {
        assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
        if !stored.is_empty() {
            assert_eq!(witness.text(raw).await, stored);
        }
    }
    assert_eq!(witness.text(raw).await, "\\x \\x");
    let mut form = app.form(&address).await;
    form.controls.push(("n.raw".to_owned(), "1".to_owned()));
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    assert_eq!(witness.text(raw).await, "NULL \\x");
}
