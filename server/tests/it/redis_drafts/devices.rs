//! Whose drafts are whose, with a real Redis: two devices of one account, two accounts on one device.

use app::auth::model::Role;

use super::*;

/// A browser: whoever is signed in there, and what its pages are called.
struct Device {
    cookie: String,
    writer: &'static str,
}

impl Device {
    async fn ask(&self, app: &TestApp, method: Method, query: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{DRAFT}{query}"))
            .header(COOKIE, &self.cookie)
            .header(HOST, "127.0.0.1:3000")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        let answered = app.raw(request.expect("a request")).await;
        (answered.status, data_of(&answered))
    }

    fn typed(&self, text: &str, on: Value) -> Value {
        json!({"version": "v", "values": {"title": text}, "seq": 1, "writer": self.writer, "on": on})
    }

    async fn sees(&self, app: &TestApp) -> (StatusCode, Value) {
        let (status, seen) = self.ask(app, Method::GET, "", Value::Null).await;
        (status, seen["values"]["title"].clone())
    }

    /// All unsaved work of whoever is signed in there.
    async fn list(&self, app: &TestApp) -> String {
        let had = app.request_as(&self.cookie, Method::GET, "/drafts/export?as=json", None, &[]);
        had.await.body
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_device_has_typed_another_one_of_the_account_sees_and_never_replaces() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let app = &panel.app;
    let other_cookie = app.sign_in("admin", PASSWORD).await.expect("signed in again");
    let desk = Device {
        cookie: app.cookie.clone(),
        writer: "desk",
    };
    let phone = Device {
        cookie: other_cookie,
        writer: "phone",
    };
    let (status, kept) = desk
        .ask(app, Method::POST, "", desk.typed("at the desk", Value::Null))
        .await;
    assert_eq!(status, StatusCode::OK, "{kept}");
    panel.until_all_is_in_redis("1:desk").await;
    assert_eq!(phone.sees(app).await, (StatusCode::OK, json!("at the desk")));
    // Opened before that: what it types does not build on it.
    let typed = phone.typed("on the phone", Value::Null);
    let (status, stored) = phone.ask(app, Method::POST, "", typed.clone()).await;
    assert_eq!((status, &stored["writer"]), (StatusCode::CONFLICT, &json!("desk")));
    assert_eq!(phone.ask(app, Method::POST, "?beside=1", typed).await.0, StatusCode::OK);
    for device in [&desk, &phone] {
        let list = device.list(app).await;
        assert!(list.contains("at the desk") && list.contains("on the phone"), "{list}");
    }
    // Discarded there, it is gone here, and the other one is not.
    let (status, _) = phone.ask(app, Method::DELETE, "?seq=1&writer=desk", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let list = desk.list(app).await;
    assert!(!list.contains("at the desk") && list.contains("on the phone"), "{list}");
    let (status, _) = desk
        .ask(app, Method::POST, "", desk.typed("at the desk", Value::Null))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "it does not come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_accounts_on_one_device_neither_sees_nor_ends_the_other_s_text() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let app = &panel.app;
    let mine = Device {
        cookie: app.cookie.clone(),
        writer: "page",
    };
    let hers = Device {
        cookie: app.signed_in_as("mira", Role::Editor).await,
        writer: "page",
    };
    let (status, _) = mine
        .ask(app, Method::POST, "", mine.typed("of admin", Value::Null))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(hers.sees(app).await.0, StatusCode::NOT_FOUND, "by its id, too");
    let (status, _) = hers.ask(app, Method::DELETE, "?seq=1&writer=page", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // The same form, the same name of the page: a draft of her own.
    let (status, _) = hers
        .ask(app, Method::POST, "", hers.typed("of mira", Value::Null))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "what she has thrown away stays so");
    let again = json!({"version": "v", "values": {"title": "of mira"}, "seq": 2, "writer": "page", "on": null});
    assert_eq!(hers.ask(app, Method::POST, "", again).await.0, StatusCode::OK);
    for (device, own, foreign) in [(&mine, "of admin", "of mira"), (&hers, "of mira", "of admin")] {
        assert_eq!(device.sees(app).await, (StatusCode::OK, json!(own)));
        let list = device.list(app).await;
        assert!(list.contains(own) && !list.contains(foreign), "{list}");
    }
}
