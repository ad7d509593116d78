//! What is left of tables and columns for a role, on every page that could tell.

use app::auth::model::Role;
use axum::http::{Method, StatusCode};
use resilient_core::submission::answer::Outcome;

use super::{configured, signed_in};
use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::TestApp;

const ACTIVITY: &str = "/records/activities/1";
/// A cost that nothing else on any page looks like.
const COST: &str = "48151.62";

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&mut app.witness().await)
        .await
        .expect("the witness")
}

async fn text(app: &TestApp, sql: &'static str) -> String {
    sqlx::query_scalar(sql)
        .fetch_one(&mut app.witness().await)
        .await
        .expect("the witness")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_one_may_not_see_is_on_no_page_and_cannot_be_probed() {
    let mut app = configured().await;
    let priced = app.form(ACTIVITY).await.with("v.cost", COST);
    assert_eq!(app.save(&priced).await.0, StatusCode::OK);
    let pages = [
        ACTIVITY,
        "/records/activities/1/history",
        "/records/activities?sort=-id",
        "/",
    ];
    for page in pages {
        let told = app.get(page).await.body.contains(COST);
        assert_eq!(
            told,
            page.contains("/1"),
            "the administrator sees it where it is: {page}"
        );
    }
    assert!(
        app.get("/records/activities?f.cost.gte=48151")
            .await
            .body
            .contains("/records/activities/1\"")
    );

    signed_in(&mut app, Role::Editor).await;
    for page in pages {
        let body = app.get(page).await.body;
        assert!(!body.contains(COST) && !body.contains("v.cost"), "{page}");
    }
    let all = app.get("/records/activities").await.body;
    for probe in [
        "f.cost.gte=48151",
        "f.cost=1",
        "f.cost.null=true",
        "sort=cost",
        "sort=-cost",
    ] {
        let listed = app.get(&format!("/records/activities?{probe}")).await.body;
        assert_eq!(addresses(&listed), addresses(&all), "{probe} changes nothing");
    }
    let found = app.get(&format!("/records/activities?q={COST}")).await.body;
    assert!(addresses(&found).is_empty(), "a search does not look there");
}

/// The records a list leads to, in order.
fn addresses(page: &str) -> Vec<String> {
    let links = page.split("href=\"/records/activities/").skip(1);
    let keys = links.filter_map(|rest| rest.split('"').next());
    keys.filter(|key| key.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_one_may_not_write_is_not_written_even_if_posted() {
    let mut app = configured().await;
    let before = text(
        &app,
        "SELECT priority || ' ' || coalesce(cost, '') FROM activities WHERE id = 1",
    )
    .await;
    signed_in(&mut app, Role::Editor).await;
    let mut form = app.form(ACTIVITY).await.with("v.title", "Written by an editor");
    assert_eq!(form.value("v.priority"), None, "it is shown, no control");
    form.controls.push(("v.priority".to_owned(), "urgent".to_owned()));
    form.controls.push(("v.cost".to_owned(), COST.to_owned()));
    form.controls.push(("v.id".to_owned(), "4711".to_owned()));
    let (status, answer) = app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert!(!answer.current.contains_key("cost"), "{answer:?}");
    let after = text(
        &app,
        "SELECT priority || ' ' || coalesce(cost, '') FROM activities WHERE id = 1",
    )
    .await;
    assert_eq!(after, before);
    assert_eq!(
        text(&app, "SELECT title FROM activities WHERE id = 1").await,
        "Written by an editor"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_records_one_may_not_read_are_told_by_none_that_refer_to_them() {
    let mut app = configured().await;
    let changed = "UPDATE activities SET technician_id = 1 WHERE id = 1; UPDATE technicians SET name = 'Zebulon Quick' WHERE id = 1";
    sqlx::raw_sql(changed)
        .execute(&mut app.witness().await)
        .await
        .expect("the witness");
    let pages = [
        ACTIVITY,
        "/records/activities?sort=id",
        "/records/activities?f.technician_id=1",
    ];
    for page in pages {
        assert!(app.get(page).await.body.contains("Zebulon"), "{page}");
    }
    assert!(!addresses(&app.get("/records/activities?q=Zebulon").await.body).is_empty());
    signed_in(&mut app, Role::Viewer).await;
    for page in pages {
        assert!(!app.get(page).await.body.contains("Zebulon"), "{page}");
    }
    assert!(addresses(&app.get("/records/activities?q=Zebulon").await.body).is_empty());
    let dashboard = app.get("/").await.body;
    assert!(!dashboard.contains("/records/technicians") && dashboard.contains("/records/activities"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_closed_table_are_in_nobodys_recent_changes() {
    let mut app = configured().await;
    for turn in 0..9 {
        let form = app
            .form("/records/comments/1")
            .await
            .with("v.body", &format!("Turn {turn}"));
        assert_eq!(app.save(&form).await.0, StatusCode::OK);
        if turn == 0 {
            let form = app.form("/records/sites/1").await.with("v.address", "Under the others");
            assert_eq!(app.save(&form).await.0, StatusCode::OK);
        }
    }
    assert!(app.get("/").await.body.contains("/records/comments/1"));
    signed_in(&mut app, Role::Editor).await;
    let dashboard = app.get("/").await.body;
    assert!(!dashboard.contains("/records/comments"));
    assert!(
        dashboard.contains("/records/sites/1"),
        "what is closed does not take the place of what is not"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_do_is_not_offered() {
    let mut app = configured().await;
    let offered = |page: &str| {
        [
            page.contains("name=\"_version\""),
            page.contains("/records/activities/1/delete"),
            page.contains("href=\"/records/activities/new\""),
        ]
    };
    let both = |record: &str, list: &str| offered(&format!("{record}{list}"));
    for (role, wanted) in [
        (Role::Staff, [true, true, true]),
        (Role::Editor, [true, false, false]),
        (Role::Viewer, [false, false, false]),
    ] {
        signed_in(&mut app, role).await;
        let (record, list) = (app.get(ACTIVITY).await.body, app.get("/records/activities").await.body);
        assert_eq!(both(&record, &list), wanted, "{}", role.name());
        assert!(record.contains(role.name()), "the page says what one is");
    }
    let new = app
        .get("/records/activities/new?form=7a1c1e1e-0000-4000-8000-000000000001")
        .await;
    assert_eq!(new.status, StatusCode::FORBIDDEN);
    assert!(new.body.contains("may not make records"), "{}", new.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_taken_away_while_typing_stop_the_save_and_keep_the_text() {
    let mut app = configured().await;
    let audited = number(&app, "SELECT count(*) FROM inkfast_audit").await;
    signed_in(&mut app, Role::Editor).await;
    let form = app.form(ACTIVITY).await.with("v.title", "Typed while I still might");
    app.now_only_looks("editor").await;
    let answer = app.request(Method::POST, &form.action, Some(&form.controls), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("Typed while I still might"), "{}", answer.body);
    assert_eq!(number(&app, "SELECT count(*) FROM inkfast_audit").await, audited);
    assert!(app.get("/drafts").await.body.contains("/records/activities/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_taken_away_for_one_column_is_said_at_its_field_and_no_text_is_lost() {
    const PRIORITY: &str = "SELECT priority FROM activities WHERE id = 1";
    const TITLE: &str = "SELECT title FROM activities WHERE id = 1";
    let mut app = configured().await;
    let (priority, title) = (text(&app, PRIORITY).await, text(&app, TITLE).await);
    let other = if priority == "low" { "high" } else { "low" };
    signed_in(&mut app, Role::Staff).await;
    let form = app.form(ACTIVITY).await;
    let form = form.with("v.priority", other).with("v.title", "Typed by staff");
    app.now_is("staff", Role::Editor).await;

    let (status, answer) = app.save(&form).await;
    let refused = (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid);
    assert_eq!((status, answer.outcome), refused, "{answer:?}");
    assert_eq!(answer.errors.keys().collect::<Vec<_>>(), ["priority"]);
    assert!(
        answer.errors["priority"].contains("may no longer change this"),
        "{answer:?}"
    );
    // Without script: the text without a field is there to copy, and the rest stands in the form.
    let page = app.post(&form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("has no field here any more"), "{}", page.body);
    assert_eq!(
        (text(&app, PRIORITY).await, text(&app, TITLE).await),
        (priority.clone(), title)
    );
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.value("v.title"), drawn.value("v.priority")),
        (Some("Typed by staff"), None)
    );

    assert_eq!(app.post(&drawn).await.status, StatusCode::SEE_OTHER);
    let written = (text(&app, PRIORITY).await, text(&app, TITLE).await);
    assert_eq!(written, (priority, "Typed by staff".to_owned()));
    let later = app.get(ACTIVITY).await.body;
    assert!(
        later.contains("has no field here any more"),
        "it is in no record: {later}"
    );
}
