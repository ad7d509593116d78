//! Any form post of an axum application that fails leaves a draft (feature `capture`).
//!
//! [`Capture`] is a tower layer. It reads the body of a form's `POST` before the handler does, hands it on unchanged,
//! and looks at what comes of it: an answer that says that it failed, a panic, an error of a layer inside (load
//! shedding, a time limit), no answer in time, or a client that hangs up before there is one. Then what was typed is kept as
//! a draft of its account and form. It never changes the answer to what succeeded.
//!
//! [`Capture`] knows *when* something is to be kept; *what* is kept, under which name and without which fields is a
//! [`Keeper`]'s to say: [`FormDrafts`] for any application, its own where an application has stricter rules. The methods of
//! [`FormDrafts`] are there for handlers, too, that see a failure themselves.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use axum::http::request::Parts;
//! use axum::routing::post;
//! use axum::{Form, Router};
//! use resilient_drafts::MemoryStore;
//! use resilient_drafts::capture::{Capture, FormDrafts};
//!
//! /// Out of your session: nobody's text is kept without it.
//! fn account(parts: &Parts) -> Option<String> {
//!     Some(parts.headers.get("x-account")?.to_str().ok()?.to_owned())
//! }
//!
//! async fn save_note(Form(_fields): Form<Vec<(String, String)>>) -> &'static str {
//!     panic!("the database has said something odd")
//! }
//!
//! let drafts = FormDrafts::new(Arc::new(MemoryStore::default()), account);
//! let capture = Capture::new(drafts.clone()).within(Duration::from_secs(10));
//! let app: Router = Router::new().route("/notes/{id}", post(save_note)).layer(capture);
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use axum::body::Body;
//! # use tower::ServiceExt;
//! # let request = axum::http::Request::post("/notes/7").header("x-account", "ann")
//! #     .header("content-type", "application/x-www-form-urlencoded").body(Body::from("title=Pump+2&pin=1234"));
//! let answer = app.oneshot(request.unwrap()).await.unwrap();
//! assert_eq!(answer.status(), 503);
//! assert_eq!(answer.headers()["draft-kept"], "server");
//!
//! // Drawn again: what was typed, without what looks like a secret.
//! let kept = drafts.load("ann", "/notes/7").await.unwrap();
//! assert_eq!(kept.forms[0].fields(), [("title".to_owned(), "Pump 2".to_owned())]);
//! # });
//! ```
//!
//! # Drawn again, and ended
//!
//! A page that shows a captured form draws [`CapturedForm::fields`] into its controls and
//! [`CapturedForm::controls`] as hidden ones: these name the draft; [`CapturedForm::left_out`] names the secrets to ask for
//! again. The next post of that form that fails then takes its
//! place, and one that succeeds ends it. Without them, a draft ends when the very same text is posted with success, and
//! every failed post with another text leaves one of its own: two tabs never end each other's. What is a success is
//! [`Capture::succeeds`]' to say; by default a redirect, 201 and 204, because a page with status 200 may well be the form again, with errors.
//!
//! # What is left alone
//!
//! Bodies that are not `application/x-www-form-urlencoded` pass through unread. `multipart/form-data` is for files, which
//! are too large for a draft and may be somewhere else already when a handler fails; JSON comes from a script that still
//! has what it has sent. Whoever wants their text kept calls [`FormDrafts::save`] in the handler. So do bodies above
//! [`Capture::longest_body`] (1 MiB) or with more fields than [`FormDrafts::most_fields`]: the answer to a failed one says
//! so in the header `draft-not-kept`.
//!
//! A process that is killed while a handler runs keeps nothing: the browser then shows its own error, and the form is a step back.
//! An answer that breaks off after its head is none of this layer's business.
//!
//! # Where it stands
//!
//! Inside of what refuses foreign sites and of what says who is signed in, outside of everything that may fail. What
//! is left to be thrown away when a client hangs up is kept in a task of its own.

mod answer;
mod body;
mod fields;
mod form_drafts;
mod hang_up;
mod layer;
mod service;

pub use answer::{as_it_is, escaped, plain_page};
pub use fields::{Fields, TooManyFields};
pub use form_drafts::{CapturedForm, CapturedForms, FormDrafts};
pub use layer::{Capture, Failed, Failure, Keeper, Kept, NotKept};
pub use service::Captured;
