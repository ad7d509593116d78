//! What stands in a server's file and drafts, to be compared: nothing that was refused leaves a trace.

use app::auth::model::{Account, Role};
use app::drafts::port::Drafts;
use sqlx::SqliteConnection;

use super::test_app::TestApp;

/// What would have changed had anything been done: the database, and the drafts of all but `except`.
pub async fn traces(app: &TestApp, witness: &mut SqliteConnection, except: &str) -> String {
    let mut traces = contents(witness).await;
    let everybody = [
        "admin",
        "superuser",
        "staff",
        "editor",
        "viewer",
        "off",
        "revoked",
        "changed",
    ];
    for name in everybody.into_iter().filter(|name| *name != except) {
        let account = Account {
            name: name.to_owned(),
            role: Role::Superuser,
        };
        let drafts = Drafts::list(&*app.services().drafts, &account)
            .await
            .expect("the drafts");
        traces += &format!("{drafts:?}");
    }
    traces
}

/// Every row of every table, but for what the server writes by the clock: what went wrong before, and that it is there.
async fn contents(witness: &mut SqliteConnection) -> String {
    let columns: Vec<(String, String)> = sqlx::query_as(
        r#"SELECT tables.name, group_concat('quote("' || columns.name || '")', ' || '','' || ')
         FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT IN ('inkfast_error_history', 'inkfast_instance')
         GROUP BY tables.name"#,
    )
    .fetch_all(&mut *witness)
    .await
    .expect("the file");
    let mut contents = String::new();
    for (table, row) in columns {
        let sql = format!("SELECT {row} FROM \"{table}\" ORDER BY 1");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(&mut *witness)
            .await
            .expect("the file");
        contents += &format!("{table}: {rows:?}\n");
    }
    contents
}
