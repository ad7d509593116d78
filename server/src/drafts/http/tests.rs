//! What a page is answered, request by request.

use app::auth::model::Role;
use app::drafts::port::Drafts;
use app::monitoring::port::DraftsState;
use app::records::port::Manner;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_core::submission::queue::Press;
use resilient_drafts::redis::Address;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::config::RedisSettings;
use crate::keys::Keys;
use crate::monitoring::Saves;
use crate::panel::Panel;

struct Server {
    drafts: Arc<DraftService>,
    saves: Arc<Saves>,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::over(None).await
    }

    async fn over(redis: Option<&Address>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("drafts.db");
        let keys = Keys::from_secret(&[1; 32]);
        let panel = Arc::new(Panel::new(Default::default(), Vec::new()));
        let saves = Arc::<Saves>::default();
        let redis = RedisSettings {
            address: redis.cloned(),
            ..RedisSettings::default()
        };
        let drafts = DraftService::open(&file, &keys, &redis, panel, Arc::clone(&saves)).await;
        Self {
            drafts: Arc::new(drafts.unwrap()),
            saves,
            _folder: folder,
        }
    }

    async fn ask(&self, who: &str, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let account = Account {
            name: who.to_owned(),
            role: Role::Superuser,
        };
        let router = Router::new()
            .route("/api/drafts/{table}/{key}", routes())
            .layer(Extension(account))
            .with_state(Arc::clone(&self.drafts));
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/drafts/{path}"))
            .body(body.into())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn write(&self, draft: Value) -> (u16, Value) {
        self.ask("ann", "POST", "site/1", draft.to_string()).await
    }

    async fn read(&self) -> (u16, Value) {
        self.ask("ann", "GET", "site/1", "").await
    }
}

fn draft(writer: &str, seq: u64, on: Option<(&str, u64)>) -> Value {
    let on = on.map(|(writer, seq)| json!({"writer": writer, "seq": seq}));
    json!({"version": "v", "base": {"name": "Pump"}, "values": {"name": format!("{writer}{seq}"), "note": null},
           "seq": seq, "writer": writer, "on": on})
}

#[tokio::test]
async fn what_a_page_writes_it_reads_back() {
    let server = Server::start().await;
    assert_eq!(server.read().await.0, 404);
    let (status, said) = server.write(draft("a", 1, None)).await;
    assert_eq!(
        (status, &said["success"], &said["data"]),
        (
            200,
            &json!(true),
            &json!({"seq": 1, "writer": "a", "kept_in": "server"})
        )
    );
    assert_eq!(server.write(draft("a", 1, None)).await.0, 200, "again is the same");
    assert_eq!(server.write(draft("a", 2, Some(("a", 1)))).await.0, 200);
    let (status, said) = server.read().await;
    assert_eq!((status, &said["data"]), (200, &draft("a", 2, Some(("a", 1)))));
}

#[tokio::test]
async fn a_second_tab_is_told_what_is_stored() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    let (status, said) = server.write(draft("b", 1, None)).await;
    assert_eq!(
        (status, &said["error"], &said["data"]),
        (409, &json!("conflict"), &draft("a", 1, None))
    );
    assert_eq!(said["success"], json!(false));
}

#[tokio::test]
async fn a_second_tab_that_was_told_is_kept_beside_and_both_are_listed() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    let beside = draft("b", 1, None).to_string();
    let (status, said) = server.ask("ann", "POST", "site/1?account=ann&beside=1", beside).await;
    assert_eq!(
        (status, &said["data"]["seq"], &said["data"]["writer"]),
        (200, &json!(1), &json!("b"))
    );
    assert_eq!(server.write(draft("b", 2, Some(("b", 1)))).await.0, 200);
    let account = Account {
        name: "ann".to_owned(),
        role: Role::Superuser,
    };
    let listed = server.drafts.list(&account).await.unwrap().drafts;
    let writers: Vec<_> = listed.iter().map(|kept| kept.draft.revision.writer.as_str()).collect();
    assert_eq!(writers, ["b", "a"]);
}

#[tokio::test]
async fn a_write_on_what_is_gone_is_told_that_nothing_is_stored() {
    let (status, said) = Server::start().await.write(draft("a", 5, Some(("a", 4)))).await;
    assert_eq!((status, &said["error"]), (409, &json!("conflict")));
    assert_eq!(said.as_object().unwrap()["data"], Value::Null);
}

#[tokio::test]
async fn drafts_of_others_are_not_there() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    assert_eq!(server.ask("bob", "GET", "site/1", "").await.0, 404);
    assert_eq!(server.ask("bob", "DELETE", "site/1?seq=1&writer=a", "").await.0, 404);
    assert_eq!(server.read().await.0, 200);
}

#[tokio::test]
async fn what_is_discarded_does_not_come_back() {
    let server = Server::start().await;
    server.write(draft("a", 5, None)).await;
    let (status, said) = server.ask("ann", "DELETE", "site/1?seq=4&writer=a", "").await;
    assert_eq!(
        (status, &said["data"]),
        (409, &draft("a", 5, None)),
        "a later one stays, and is shown"
    );
    assert_eq!(server.ask("ann", "DELETE", "site/1?seq=5&writer=a", "").await.0, 200);
    assert_eq!(server.ask("ann", "DELETE", "site/1?seq=5&writer=a", "").await.0, 404);
    let (status, said) = server.write(draft("a", 5, None)).await;
    assert_eq!(
        (status, &said["error"], &said["data"]),
        (409, &json!("discarded"), &Value::Null)
    );
    assert_eq!(
        server.write(draft("a", 6, None)).await.0,
        200,
        "what was typed later is not covered"
    );
}

#[tokio::test]
async fn what_was_saved_does_not_come_back_either() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    server
        .drafts
        .saved(
            "ann",
            "site/1",
            &Revision {
                seq: 2,
                writer: "a".into(),
            },
        )
        .await;
    assert_eq!(server.read().await.0, 404);
    let (status, said) = server.write(draft("a", 2, None)).await;
    assert_eq!((status, &said["error"]), (409, &json!("conflict")));
}

#[tokio::test]
async fn who_discards_a_text_discards_the_press_of_save_that_it_was_built_on() {
    let server = Server::start().await;
    server.write(draft("a", 5, None)).await;
    let press = Press {
        id: "pressed".to_owned(),
        form_key: "site/1".to_owned(),
        revision: Revision {
            seq: 5,
            writer: "a".into(),
        },
        pressed_at_ms: 1,
        reason: None,
    };
    let waiting = server.drafts.waiting();
    assert!(waiting.keep("ann", &press, b"text").await);
    server.write(draft("b", 1, Some(("a", 5)))).await;
    assert_eq!(waiting.list("ann").await.unwrap().entries.len(), 1);
    server.ask("ann", "DELETE", "site/1?seq=1&writer=b", "").await;
    assert_eq!(waiting.list("ann").await.unwrap().entries, []);
}

#[tokio::test]
async fn what_is_not_a_draft_is_refused_and_the_old_one_stays() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    for (field, value) in [
        ("seq", json!(0)),
        ("seq", json!(-1)),
        ("seq", json!(1.5)),
        ("seq", json!(u64::MAX)),
        ("writer", json!("")),
        ("writer", json!("a b")),
        ("version", json!("")),
        ("values", json!({"~zz": "x"})),
        ("values", json!({"name": 5})),
        ("on", json!("a")),
    ] {
        let mut wrong = draft("a", 2, Some(("a", 1)));
        wrong[field] = value.clone();
        let (status, said) = server.write(wrong).await;
        assert_eq!((status, &said["error"]), (400, &json!("malformed")), "{field}: {value}");
    }
    assert_eq!(server.ask("ann", "POST", "site/1", "{").await.0, 400);
    assert_eq!(server.ask("ann", "DELETE", "site/1", "").await.0, 400);
    assert_eq!(server.ask("ann", "DELETE", "site/1?seq=x&writer=a", "").await.0, 400);
    assert_eq!(server.read().await.1["data"]["seq"], 1);
}

#[tokio::test]
async fn addresses_are_those_of_forms_and_no_others() {
    let server = Server::start().await;
    for form in [
        "site/new-0b0f3a52-8f6c-4b52-9d0e-0f0a0b0c0d0e",
        "hr.site/a~20b,2",
        "site/~",
        "site/~6eew",
    ] {
        assert_eq!(
            server.ask("ann", "POST", form, draft("a", 1, None).to_string()).await.0,
            200,
            "{form}"
        );
        assert_eq!(server.ask("ann", "GET", form, "").await.0, 200, "{form}");
    }
    for other in ["site/new", "site/new-1", "a.b.c/1", "site/a%20b", "site/~ZZ"] {
        assert_eq!(
            server
                .ask("ann", "POST", other, draft("a", 1, None).to_string())
                .await
                .0,
            404,
            "{other}"
        );
    }
}

#[tokio::test]
async fn what_is_too_large_is_said_to_be() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    for size in [LIMIT / 2 + 1, LIMIT + 1] {
        let mut large = draft("a", 2, Some(("a", 1)));
        large["values"]["note"] = json!("x".repeat(size));
        let (status, said) = server.write(large).await;
        assert_eq!((status, &said["error"]), (413, &json!("too_large")));
    }
    assert_eq!(server.read().await.1["data"]["seq"], 1);
}

#[tokio::test]
async fn unsaved_work_is_listed_for_its_owner_and_can_be_thrown_away_there() {
    let server = Server::start().await;
    server.write(draft("a", 1, None)).await;
    server
        .ask("ann", "POST", "site/2", draft("b", 1, None).to_string())
        .await;
    let of = |name: &str| Account {
        name: name.to_owned(),
        role: Role::Viewer,
    };
    let mut forms: Vec<_> = server
        .drafts
        .list(&of("ann"))
        .await
        .unwrap()
        .drafts
        .into_iter()
        .map(|kept| kept.form_key)
        .collect();
    forms.sort();
    assert_eq!(forms, ["site/1", "site/2"]);
    assert!(server.drafts.list(&of("bob")).await.unwrap().drafts.is_empty());
    let revision = Revision {
        seq: 1,
        writer: "a".into(),
    };
    server.drafts.discard(&of("ann"), "site/1", &revision).await.unwrap();
    assert!(
        server
            .drafts
            .load(&of("ann"), "site/1")
            .await
            .unwrap()
            .drafts
            .is_empty()
    );
    assert_eq!(server.drafts.state(), DraftsState::Embedded);
}

#[tokio::test]
async fn secrets_are_never_stored() {
    let server = Server::start().await;
    let mut with_secrets = draft("a", 1, None);
    with_secrets["values"]["api_token"] = json!("hidden");
    with_secrets["base"]["password"] = json!("hidden");
    server.write(with_secrets.clone()).await;
    assert_eq!(server.read().await.1["data"], draft("a", 1, None));
    let only_secret = Draft {
        values: [("pin".to_owned(), Some("1234".to_owned()))].into(),
        ..serde_json::from_value(with_secrets).unwrap()
    };
    let kept = server
        .drafts
        .keep_failed_post("ann", "site/2", only_secret, Manner::Plain)
        .await;
    assert!(matches!(kept, Err(super::super::NotKept::OnlySecrets)), "{kept:?}");
}

#[tokio::test]
async fn a_failed_post_without_script_keeps_on_what_its_form_could_not_post() {
    let server = Server::start().await;
    let mut drawn = draft("a", 3, None);
    drawn["values"]["gone"] = json!("only shown");
    drawn["values"]["note"] = json!("put back since");
    server.write(drawn).await;
    let body = FormBody::from_pairs([
        ("_version", "v1"),
        ("_seq", "3"),
        ("_writer", "a"),
        ("v.name", "typed"),
        ("v.note", "as it was"),
    ]);
    let changed = || Some(vec!["name".to_owned()]);
    let kept = server
        .drafts
        .keep_posted("ann", "site/1", &body, changed, Manner::Plain);
    let kept = kept.await.expect("it is kept");
    let stored = server.drafts.stored("ann", "site/1").await.unwrap().drafts;
    assert_eq!(stored.len(), 1, "it replaces the one that was drawn");
    assert_eq!(stored[0].draft.revision, kept.revision);
    let values = serde_json::to_value(&stored[0].draft.values).unwrap();
    assert_eq!(values, json!({"name": "typed", "gone": "only shown"}));
}

#[tokio::test]
async fn a_failed_save_is_kept_under_the_revision_that_the_answer_names() {
    let server = Server::start().await;
    let post = async |drawn: Value, manner| {
        let draft: Draft = serde_json::from_value(drawn).unwrap();
        server
            .drafts
            .keep_failed_post("ann", "site/1", draft, manner)
            .await
            .unwrap()
            .revision
    };
    let named = |revision: Revision| json!({"seq": revision.seq, "writer": revision.writer});
    assert_eq!(
        named(post(draft("a", 3, None), Manner::Scripted).await),
        json!({"seq": 3, "writer": "a"})
    );

    // Without script: the page was drawn from a3, and more was typed since.
    let mut typed = draft("a", 3, None);
    typed["values"]["name"] = json!("typed in a page without script");
    let first = post(typed.clone(), Manner::Plain).await;
    assert_ne!(first.writer, "a");
    assert_eq!(
        post(typed, Manner::Plain).await,
        first,
        "the same text again is the same draft"
    );
    let (_, said) = server.read().await;
    assert_eq!(
        (&said["data"]["writer"], &said["data"]["on"]["writer"]),
        (&json!(first.writer), &json!("a"))
    );

    // The page comes back drawn from that one; saved, nothing is left.
    server.drafts.saved("ann", "site/1", &first).await;
    assert_eq!(server.read().await.0, 404);
}

#[tokio::test]
async fn a_save_whose_text_is_discarded_through_either_door_is_waited_for_no_more() {
    let server = Server::start().await;
    let account = Account {
        name: "ann".to_owned(),
        role: Role::Superuser,
    };
    let revision = |seq| Revision {
        seq,
        writer: "a".to_owned(),
    };
    for by_page in [true, false] {
        let kept = Answer {
            seq: 1,
            writer: "a".to_owned(),
            kept_in: Some("server".to_owned()),
            ..Answer::new(Outcome::Kept)
        };
        server.saves.ended("ann", "site/1", &kept);
        assert_eq!(server.saves.waiting_since(0), 1);
        if by_page {
            let (status, _) = server.ask("ann", "DELETE", "site/1?seq=1&writer=a", "").await;
            assert_eq!(status, 404, "the server had none of it; it stays away all the same");
        } else {
            server.drafts.discard(&account, "site/1", &revision(1)).await.unwrap();
        }
        assert_eq!(server.saves.waiting_since(0), 0, "{by_page}");
    }
}

#[tokio::test]
async fn without_redis_an_empty_form_is_not_said_to_be_one() {
    let nobody: Address = "redis://127.0.0.1:1".parse().unwrap();
    let server = Server::over(Some(&nobody)).await;
    assert_eq!(server.read().await.0, 503);
    let account = Account {
        name: "ann".to_owned(),
        role: Role::Superuser,
    };
    let seen = server.drafts.load(&account, "site/1").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.complete), (0, false));
    server.write(draft("a", 1, None)).await;
    let seen = server.drafts.load(&account, "site/1").await.unwrap();
    assert_eq!((seen.drafts.len(), seen.complete), (1, false), "there may be more");
    let count = server.drafts.count(&account).await.unwrap();
    assert_eq!((count.forms, count.complete), (1, false));
}

#[tokio::test]
async fn a_form_that_is_written_without_end_is_told_to_wait_and_no_other_is() {
    let server = Server::start().await;
    let mut on = None;
    let mut refused = None;
    for seq in 1..=80 {
        let (status, said) = server.write(draft("a", seq, on)).await;
        if status == 429 {
            refused = Some((seq, said));
            break;
        }
        assert_eq!(status, 200, "{said}");
        on = Some(("a", seq));
    }
    let (seq, said) = refused.expect("there is an end to it");
    assert!(seq > 50, "{seq}: no page comes near it");
    assert_eq!(said["error"], "rate_limited");
    assert_eq!(server.read().await.1["data"]["seq"], seq - 1, "what is kept stays");
    let (status, _) = server
        .ask("ann", "POST", "site/2", draft("b", 1, None).to_string())
        .await;
    assert_eq!(status, 200);
}

/// It may have been discarded there, which Redis does not know yet.
#[tokio::test]
async fn a_text_of_whom_another_server_holds_something_may_have_been_discarded() {
    let redis = private_servers::PrivateRedis::start().unwrap();
    let server = Server::over(Some(&redis.url().parse().unwrap())).await;
    let revision = Revision {
        seq: 1,
        writer: "w".to_owned(),
    };
    let how_ended = async || server.drafts.how_ended("ann", "site/1", &revision).await;
    while how_ended().await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.drafts.waits_elsewhere("other", ["ann".to_owned()].into(), false);
    assert!(how_ended().await.is_err());
    let discarded = server.drafts.end_discarded("ann", "site/1", &revision).await;
    discarded.unwrap();
    assert_eq!(how_ended().await.unwrap(), Some(resilient_drafts::End::Discarded));
}
