//! Who gets what: every address for every kind of person, and what is left of tables and columns for a role.

mod columns;
mod matrix;
mod routes;

use std::io::Write;

use app::auth::model::Role;
use tempfile::NamedTempFile;

use crate::support::test_app::TestApp;

/// Comments are closed to editors and viewers, activities cannot be made or deleted by editors, what they cost is for
/// staff to see, and how urgent they are for staff to say.
pub const CONFIGURATION: &str = r#"
[tables.comments.rights]
editor = []
viewer = []

[tables.activities.rights]
editor = ["read", "update"]

[tables.activities.columns.cost]
read = ["staff"]

[tables.activities.columns.priority]
write = ["staff"]

[tables.technicians.rights]
viewer = []
"#;

/// What a role may do with a table by the configuration above: read, create, update, delete.
pub fn may(role: Role, table: &str) -> [bool; 4] {
    match (role, table) {
        (Role::Superuser | Role::Staff, _) => [true; 4],
        (Role::Editor, "comments") => [false; 4],
        (Role::Editor, "activities") => [true, false, true, false],
        (Role::Editor, _) => [true; 4],
        (Role::Viewer, "comments" | "technicians") => [false; 4],
        (Role::Viewer, _) => [true, false, false, false],
    }
}

pub const TOKEN: &str = "a-token-of-the-tests";

pub async fn configured() -> TestApp {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(CONFIGURATION.as_bytes()).expect("the file takes it");
    let path = file.path().to_str().expect("a plain path").to_owned();
    TestApp::with(&[
        ("INKFAST_CONFIG", &path),
        ("INKFAST_API_TOKEN", TOKEN),
        ("INKFAST_DRILLS", "1"),
        ("INKFAST_TEST_QUERIES", "1"),
    ])
    .await
}

/// Signed in as a new account of this role.
pub async fn signed_in(app: &mut TestApp, role: Role) {
    app.cookie = app.signed_in_as(role.name(), role).await;
}
