//! The whole server in this process, without a socket of its own; its database is real.

use app::auth::model::Role;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use fault_proxy::FaultProxy;
use inkfast_server::auth::repository::{AccountStore, Adding};
use inkfast_server::config::Settings;
use inkfast_server::services::Services;
use inkfast_server::startup::{self, Prepared};
use resilient_core::submission::answer::Answer;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::drawn_form::DrawnForm;
use super::private_database::PrivateDatabase;

pub const PASSWORD: &str = "correct horse battery";

/// A server and somebody signed in to it.
pub struct TestApp {
    app: Prepared,
    pub cookie: String,
    _data_dir: TempDir,
}

/// A server over a private database that is reached through a proxy.
pub struct Outage {
    pub app: TestApp,
    pub proxy: FaultProxy,
    pub database: PrivateDatabase,
}

/// An answer, read to its end.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl TestApp {
    /// Over the embedded demo database.
    pub async fn embedded() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary directory");
        let lookup = |name: &str| match name {
            "INKFAST_DATA_DIR" => data_dir.path().to_str().map(str::to_owned),
            "INKFAST_ADMIN_PASSWORD" => Some(PASSWORD.to_owned()),
            _ => settings
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned()),
        };
        let settings = Settings::from_env(&lookup).expect("these settings are right");
        let app = startup::prepare(settings).await.expect("the server can be set up");
        let mut app = Self {
            app,
            cookie: String::new(),
            _data_dir: data_dir,
        };
        app.until_ready().await;
        app.cookie = app.sign_in("admin", PASSWORD).await.expect("admin can sign in");
        app
    }

    /// Beside many other tests, making the demo records can take longer than a start waits.
    async fn until_ready(&self) {
        for _ in 0..600 {
            if self.get("/readyz").await.status == StatusCode::OK {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the server is not ready within a minute");
    }

    pub fn services(&self) -> &Services {
        &self.app.services
    }

    /// All of its routes, to put something around them.
    pub fn router(&self) -> axum::Router {
        self.app.router.clone()
    }

    /// Where accounts are kept, to change them as the command line does.
    pub fn accounts(&self) -> std::sync::Arc<dyn AccountStore> {
        self.app.services.auth.accounts()
    }

    /// A connection of its own to the embedded database.
    pub async fn witness(&self) -> sqlx::SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self._data_dir.path().join("inkfast.db"));
        sqlx::ConnectOptions::connect(&options).await.expect("the file")
    }

    /// Adds an account and gives its session cookie.
    pub async fn signed_in_as(&self, name: &str, role: Role) -> String {
        let hash = self.app.services.auth.passwords().hash(PASSWORD.to_owned()).await;
        let added = self.accounts().add(name, &hash, role).await;
        assert_eq!(added.expect("the database is there"), Adding::Added);
        self.sign_in(name, PASSWORD).await.expect("the new account can sign in")
    }

    /// The session cookie, where the password is right.
    pub async fn sign_in(&self, name: &str, password: &str) -> Option<String> {
        let form = [
            ("username".to_owned(), name.to_owned()),
            ("password".to_owned(), password.to_owned()),
        ];
        let answer = self.request(Method::POST, "/login", Some(&form), &[]).await;
        let cookies = answer
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok());
        cookies
            .filter_map(|cookie| cookie.split(';').next())
            .find(|cookie| cookie.starts_with("inkfast="))
            .map(str::to_owned)
    }

    /// Signs `admin` in on a sign-in page, posting all that it carries.
    pub async fn sign_in_on(&self, page: &str) -> Answered {
        let html = scraper::Html::parse_document(page);
        let named = scraper::Selector::parse("form[action='/login'] [name]").expect("a selector");
        let controls = html.select(&named).map(|control| {
            let name = control.attr("name").unwrap_or_default().to_owned();
            let value = match (name.as_str(), control.value().name()) {
                ("username", _) => "admin".to_owned(),
                ("password", _) => PASSWORD.to_owned(),
                (_, "textarea") => control.text().collect(),
                _ => control.attr("value").unwrap_or_default().to_owned(),
            };
            (name, value)
        });
        self.request(Method::POST, "/login", Some(&controls.collect::<Vec<_>>()), &[])
            .await
    }

    /// Makes an account a viewer behind the server's back, and waits until it has noticed.
    pub async fn now_only_looks(&self, name: &str) {
        self.now_is(name, Role::Viewer).await;
    }

    /// Gives an account another role behind the server's back, and waits until it has noticed.
    pub async fn now_is(&self, name: &str, role: Role) {
        let path = self._data_dir.path().join("inkfast.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the file");
        let sql = "UPDATE inkfast_account SET role = ? WHERE name = ?";
        sqlx::query(sql)
            .bind(role.name())
            .bind(name.to_owned())
            .execute(&mut connection)
            .await
            .expect("the account");
        self.app.services.auth.refresh().await.expect("the accounts");
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.request(Method::GET, path, None, &[]).await
    }

    pub async fn form(&self, path: &str) -> DrawnForm {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        DrawnForm::read(&page.body)
    }

    /// As a browser without script.
    pub async fn post(&self, form: &DrawnForm) -> Answered {
        self.request(Method::POST, &form.action, Some(&form.controls), &[])
            .await
    }

    /// As the page's script.
    pub async fn save(&self, form: &DrawnForm) -> (StatusCode, Answer) {
        let json = [(ACCEPT.as_str(), "application/json")];
        let answered = self
            .request(Method::POST, &form.action, Some(&form.controls), &json)
            .await;
        (answered.status, answered.answer())
    }

    /// As a program that calls a typed door.
    pub async fn post_json(&self, path: &str, body: &str) -> Answered {
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header(HOST, "127.0.0.1:3000")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()));
        self.raw(request.expect("a request")).await
    }

    pub async fn request(
        &self,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Answered {
        self.request_as(&self.cookie, method, path, form, headers).await
    }

    /// As whoever has this session cookie; empty is nobody.
    pub async fn request_as(
        &self,
        cookie: &str,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Answered {
        let request = self.built_as(cookie, method, path, form, headers);
        let response = self
            .app
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router does not fail");
        Answered::read(response).await
    }

    /// What a browser of the one who is signed in sends.
    pub fn built(
        &self,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Request<Body> {
        self.built_as(&self.cookie, method, path, form, headers)
    }

    fn built_as(
        &self,
        cookie: &str,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Request<Body> {
        let body = form.map(|pairs| {
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        });
        let mut request = Request::builder().method(method).uri(path).header(COOKIE, cookie);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(HOST, "127.0.0.1:3000");
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.unwrap_or_default())).expect("a request")
    }

    pub async fn raw(&self, request: Request<Body>) -> Answered {
        Answered::read(self.answer(request).await).await
    }

    /// An answer whose body is still to come.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let router = self.app.router.clone();
        router.oneshot(request).await.expect("the router does not fail")
    }

    /// As whoever has this cookie.
    pub async fn post_as(&self, cookie: &str, path: &str, form: &[(String, String)]) -> Answered {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(path)
            .header(HOST, "127.0.0.1:3000")
            .header(COOKIE, cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        self.raw(request).await
    }
}

impl Outage {
    /// Over PostgreSQL.
    pub async fn prepared() -> Self {
        Self::over(PrivateDatabase::postgres()).await
    }

    pub async fn over(database: PrivateDatabase) -> Self {
        Self::with(database, &[]).await
    }

    /// With settings of the test's own.
    pub async fn with(database: PrivateDatabase, settings: &[(&str, &str)]) -> Self {
        database.make_schema();
        let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], database.port()));
        let proxy = FaultProxy::start(upstream).await.expect("a proxy");
        let url = database.url_at(proxy.address());
        let app = TestApp::with(&[&[("DATABASE_URL", url.as_str())], settings].concat()).await;
        Self { app, proxy, database }
    }

    /// One number out of the database, by a way of its own.
    pub fn count(&self, sql: &str) -> i64 {
        self.database.query(sql).parse().expect("a number")
    }
}

impl Answered {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// `data` of the envelope around a save's answer.
    pub fn answer(&self) -> Answer {
        let envelope: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body));
        assert_eq!(envelope["success"], self.status.is_success(), "{}", self.body);
        serde_json::from_value(envelope["data"].clone()).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .unwrap_or_default()
    }

    pub fn retry_after(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }
}
