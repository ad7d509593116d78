//! A database account with some rights only, and rules for single rows.

use axum::http::{Method, StatusCode};
use private_servers::PrivatePostgres;
use resilient_core::submission::answer::Outcome;

use super::witness::Witness;
use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::TestApp;

const SCHEMA: &str = "
    CREATE ROLE clerk LOGIN;
    GRANT CREATE ON DATABASE real TO clerk;
    CREATE TABLE some_columns (id integer PRIMARY KEY, a text, out_of_sight text, blind text, blind_number integer, fixed text,
        at_first text, later text);
    INSERT INTO some_columns VALUES (1, 'a', 'h', 'b', 7, 'f', 'f', 'l');
    GRANT SELECT (id, a, fixed, at_first, later), INSERT (id, a, blind, blind_number, at_first),
          UPDATE (a, blind, blind_number, later), DELETE ON some_columns TO clerk;
    CREATE TABLE only_looked_at (id integer PRIMARY KEY, t text);
    CREATE TABLE only_added_to (id integer PRIMARY KEY, t text);
    CREATE TABLE only_changed (id integer PRIMARY KEY, t text);
    CREATE TABLE not_deleted (id integer PRIMARY KEY, t text);
    CREATE TABLE filled_blindly (id integer PRIMARY KEY, t text);
    CREATE TABLE kept_away (id integer PRIMARY KEY, t text);
    CREATE TABLE key_unseen (id integer PRIMARY KEY, t text);
    INSERT INTO only_looked_at VALUES (1, 'x'); INSERT INTO only_added_to VALUES (1, 'x'); INSERT INTO only_changed VALUES (1, 'x');
    INSERT INTO not_deleted VALUES (1, 'x'); INSERT INTO key_unseen VALUES (1, 'x');
    GRANT SELECT ON only_looked_at, only_added_to, only_changed, not_deleted TO clerk;
    GRANT INSERT ON only_added_to, not_deleted, filled_blindly TO clerk;
    GRANT UPDATE ON only_changed, not_deleted TO clerk;
    GRANT SELECT (t), INSERT, UPDATE, DELETE ON key_unseen TO clerk;
    CREATE TABLE case_file (id integer PRIMARY KEY, owner text NOT NULL, words text);
    INSERT INTO case_file VALUES (1, 'clerk', 'mine'), (2, 'all', 'anybody''s'), (3, 'boss', 'secret');
    ALTER TABLE case_file ENABLE ROW LEVEL SECURITY;
    GRANT ALL ON case_file TO clerk;
    CREATE POLICY see ON case_file FOR SELECT USING (owner IN ('clerk', 'all'));
    CREATE POLICY change ON case_file FOR UPDATE USING (owner = 'clerk') WITH CHECK (owner = 'clerk');
    CREATE POLICY make ON case_file FOR INSERT WITH CHECK (owner = 'clerk');
    CREATE TABLE half_seen (id integer PRIMARY KEY, code text UNIQUE, name text);
    INSERT INTO half_seen VALUES (1, 'c', 'Half');
    GRANT SELECT (id, name), UPDATE (code) ON half_seen TO clerk;
    CREATE TABLE neighbour (id integer PRIMARY KEY, half text REFERENCES half_seen (code), words text);
    INSERT INTO neighbour VALUES (1, 'c', 'beside'), (2, NULL, 'used');
    GRANT ALL ON neighbour TO clerk;
    CREATE TABLE pointing (id integer PRIMARY KEY, neighbour integer REFERENCES neighbour);
    INSERT INTO pointing VALUES (1, 2);
    GRANT SELECT (id), UPDATE (neighbour) ON pointing TO clerk;
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF OLD.id = 1 THEN RAISE EXCEPTION ''The first one stays.''; END IF; RETURN OLD; END';
    CREATE TRIGGER keep BEFORE DELETE ON neighbour FOR EACH ROW EXECUTE FUNCTION keep();";

async fn as_clerk() -> (PrivatePostgres, TestApp, Witness) {
    let postgres = PrivatePostgres::start().unwrap();
    let url = postgres.create_database("real").unwrap();
    let mut witness = Witness::connect(&url).await;
    witness.run(SCHEMA).await;
    let url = format!("postgres://clerk@127.0.0.1:{}/real", postgres.port());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    (postgres, app, witness)
}

fn values(form: &DrawnForm) -> Vec<&str> {
    let names = form.controls.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("v.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_table_offers_what_is_granted() {
    let (_postgres, app, _witness) = as_clerk().await;
    for (table, listed, can_add, can_change, can_delete) in [
        ("some_columns", true, true, true, true),
        ("only_looked_at", true, false, false, false),
        ("only_added_to", true, true, false, false),
        ("only_changed", true, false, true, false),
        ("not_deleted", true, true, true, false),
        ("filled_blindly", false, false, false, false),
        ("kept_away", false, false, false, false),
        ("key_unseen", true, false, false, false),
    ] {
        let list = app.get(&format!("/records/{table}")).await;
        assert_eq!(list.status == StatusCode::OK, listed, "{table}");
        if !listed {
            continue;
        }
        let new_url = format!("/records/{table}/new");
        assert_eq!(list.body.contains(&format!("href=\"{new_url}\"")), can_add, "{table}");
        let record = app.get(&format!("/records/{table}/1")).await;
        assert_eq!(record.status == StatusCode::OK, table != "key_unseen", "{table}");
        assert_eq!(DrawnForm::is_in(&record.body), can_change, "{table}");
        let can_delete_page = app.get(&format!("/records/{table}/1/delete")).await.status == StatusCode::OK;
        assert_eq!(can_delete_page, can_delete, "{table}");
        if can_change {
            assert_eq!(record.body.contains("/1/delete\""), can_delete, "{table}");
            let form = DrawnForm::read(&record.body);
            let text = if table == "some_columns" { "v.a" } else { "v.t" };
            assert_eq!(
                app.save(&form.with(text, "changed")).await.1.outcome,
                Outcome::Saved,
                "{table}"
            );
        }
        if can_add {
            let there = app.get(&new_url).await;
            let form = app.form(there.location()).await.with("v.id", "2");
            assert_eq!(app.save(&form).await.0, StatusCode::CREATED, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_drawn_and_written_as_granted() {
    let (_postgres, app, mut witness) = as_clerk().await;
    let address = "/records/some_columns/1";
    let page = app.get(address).await;
    let form = DrawnForm::read(&page.body);
    assert_eq!(values(&form), ["v.a", "v.blind", "v.blind_number", "v.later"]);
    assert_eq!(
        (form.value("v.blind"), form.value("n.blind")),
        (Some(""), None),
        "what is there is not drawn"
    );
    assert!(
        !page.body.contains("out_of_sight"),
        "a column without any right is not there at all"
    );
    assert!(page.body.contains("may not be read"));
    let there = app.get("/records/some_columns/new").await;
    let new = app.form(there.location()).await;
    assert_eq!(values(&new), ["v.id", "v.a", "v.blind", "v.blind_number", "v.at_first"]);

    let raw = "SELECT some_columns::text FROM some_columns WHERE id = 1";
    let (status, answer) = app.save(&form).await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert_eq!(witness.text(raw).await, "(1,a,h,b,7,f,f,l)", "empty is unchanged");
    let (status, answer) = app
        .save(&form.clone().with("v.blind", "typed").with("v.later", "l2"))
        .await;
    assert_eq!((status, answer.outcome), (StatusCode::OK, Outcome::Saved));
    assert!(!answer.current.contains_key("blind"));
    assert_eq!(witness.text(raw).await, "(1,a,h,typed,7,f,f,l2)");
    let mut removed = app.form(address).await;
    removed.controls.push(("n.blind_number".to_owned(), "1".to_owned()));
    assert_eq!(app.save(&removed).await.1.outcome, Outcome::Saved);
    assert_eq!(witness.text(raw).await, "(1,a,h,typed,,f,f,l2)");
    let audit = witness
        .text("SELECT string_agg(changes::text, ' ') FROM inkfast.audit")
        .await;
    assert!(audit.contains("\"blind\"") && !audit.contains("typed"), "{audit}");

    // A column that is not granted is not written even if posted.
    let mut sneaky = app.form(address).await;
    sneaky.controls.push(("v.fixed".to_owned(), "stolen".to_owned()));
    sneaky.controls.push(("v.out_of_sight".to_owned(), "stolen".to_owned()));
    assert_eq!(app.save(&sneaky).await.1.outcome, Outcome::Saved);
    assert_eq!(witness.text(raw).await, "(1,a,h,typed,,f,f,l2)");

    // Refused, it is drawn again, since it is no secret.
    let wrong = app
        .form(address)
        .await
        .with("v.blind_number", "seven")
        .with("v.blind", "kept");
    let page = app.post(&wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let drawn = DrawnForm::read(&page.body);
    assert_eq!(
        (drawn.value("v.blind_number"), drawn.value("v.blind")),
        (Some("seven"), Some("kept"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_for_rows_are_told_in_words_and_nothing_typed_is_lost() {
    let (_postgres, app, mut witness) = as_clerk().await;
    let list = app.get("/records/case_file").await;
    assert!(list.body.contains("mine") && list.body.contains("anybody") && !list.body.contains("boss"));
    assert_eq!(app.get("/records/case_file/3").await.status, StatusCode::NOT_FOUND);
    let mine = app.form("/records/case_file/1").await;
    assert_eq!(
        app.save(&mine.with("v.words", "changed")).await.1.outcome,
        Outcome::Saved
    );

    let there = app.get("/records/case_file/new").await;
    let new = app.form(there.location()).await;
    for form in [
        app.form("/records/case_file/2").await.with("v.words", "typed"),
        app.form("/records/case_file/1")
            .await
            .with("v.owner", "boss")
            .with("v.words", "typed"),
        new.with("v.id", "9")
            .with("v.owner", "boss")
            .without("n.words")
            .with("v.words", "typed"),
    ] {
        let (status, answer) = app.save(&form).await;
        assert_eq!(
            (status, answer.outcome),
            (StatusCode::UNPROCESSABLE_ENTITY, Outcome::Invalid),
            "{answer:?}"
        );
        assert!(answer.errors[""].contains("does not permit"), "{answer:?}");
        let page = app.post(&form).await;
        assert!(page.body.contains("does not permit"));
        assert_eq!(DrawnForm::read(&page.body).value("v.words"), Some("typed"));
    }
    let rows = "SELECT string_agg(case_file::text, ' ' ORDER BY id) FROM case_file";
    assert_eq!(
        witness.text(rows).await,
        "(1,clerk,changed) (2,all,anybody's) (3,boss,secret)"
    );
    // Another one's record cannot be made under an id that is taken: no word of what it holds.
    let there = app.get("/records/case_file/new").await;
    let taken = app
        .form(there.location())
        .await
        .with("v.id", "3")
        .with("v.owner", "clerk");
    let (_, answer) = app.save(&taken).await;
    assert_eq!(answer.errors["id"], "This value is already in use.");
    assert!(!format!("{answer:?}").contains("boss"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partly_granted_table_does_not_break_its_neighbours() {
    let (_postgres, app, _witness) = as_clerk().await;
    for address in [
        "/records/neighbour",
        "/records/neighbour/1",
        "/records/neighbour/2/delete",
        "/records/neighbour?q=beside",
    ] {
        assert_eq!(app.get(address).await.status, StatusCode::OK, "{address}");
    }
    let found = app.get("/records/neighbour?q=beside").await.body;
    assert!(found.contains("/records/neighbour/1\"") && !found.contains("/records/neighbour/2\""));
    let found = app.get("/records/neighbour?q=Half").await.body;
    assert!(
        !found.contains("/records/neighbour/1\""),
        "by a column out of sight nothing is found"
    );
}

/// Presses Delete on the page that asks for it.
async fn delete(app: &TestApp, record: &str) -> (StatusCode, String) {
    let address = format!("{record}/delete");
    let page = scraper::Html::parse_document(&app.get(&address).await.body);
    let inputs = scraper::Selector::parse("form[action$='/delete'] input[name]").expect("a selector");
    let named = |input: scraper::ElementRef<'_>| {
        let part = |name| input.attr(name).unwrap_or_default().to_owned();
        (part("name"), part("value"))
    };
    let controls: Vec<_> = page.select(&inputs).map(named).collect();
    let answer = app.request(Method::POST, &address, Some(&controls), &[]).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_record_is_not_deleted_is_told_as_it_is() {
    let (_postgres, app, mut witness) = as_clerk().await;
    for (record, status, words) in [
        // May be changed, but no rule lets it be deleted; may be seen only.
        ("/records/case_file/1", StatusCode::FORBIDDEN, "does not permit"),
        ("/records/case_file/2", StatusCode::FORBIDDEN, "does not permit"),
        ("/records/neighbour/1", StatusCode::CONFLICT, "The first one stays."),
        ("/records/neighbour/2", StatusCode::CONFLICT, "still used elsewhere"),
    ] {
        let (answered, body) = delete(&app, record).await;
        assert_eq!(answered, status, "{record}: {body}");
        assert!(body.contains(words), "{record}: {body}");
    }
    let rows = "SELECT (SELECT count(*) FROM case_file) || ' ' || (SELECT count(*) FROM neighbour)";
    assert_eq!(witness.text(rows).await, "3 2");
    witness.run("REVOKE DELETE ON neighbour FROM clerk").await;
    let (answered, body) = delete(&app, "/records/neighbour/2").await;
    assert_eq!(answered, StatusCode::FORBIDDEN, "{body}");
    assert!(body.contains("does not permit"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_taken_from_sight_is_told_by_no_history() {
    let (postgres, app, mut witness) = as_clerk().await;
    let form = app.form("/records/neighbour/1").await.with("v.words", "a confidence");
    assert_eq!(app.save(&form).await.1.outcome, Outcome::Saved);
    let history = "/records/neighbour/1/history";
    assert!(app.get(history).await.body.contains("a confidence"));
    let takes = "REVOKE ALL ON neighbour FROM clerk; GRANT SELECT (id, half), UPDATE (half) ON neighbour TO clerk";
    witness.run(takes).await;
    let url = format!("postgres://clerk@127.0.0.1:{}/real", postgres.port());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    let page = app.get(history).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("history-entry"), "{}", page.body);
    assert!(
        !page.body.contains("a confidence") && !page.body.contains("beside"),
        "{}",
        page.body
    );
}
