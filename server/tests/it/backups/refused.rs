//! What is no good backup is never taken for one, and what is missing is said in one line.

use std::path::Path;
use std::process::Stdio;

use private_servers::SmallDisk;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::support::{ENDLESS, Place, code, errors, signal, tools, wait_for};
use crate::support::private_database::PrivateDatabase;

async fn over_sqlite(folder: &Path) -> Place {
    let file = folder.join("records.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = options.connect().await.expect("a new file");
    let schema = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes (body) VALUES (hex(randomblob(50000)))";
    sqlx::raw_sql(schema)
        .execute(&mut connection)
        .await
        .expect("the schema");
    connection.close().await.expect("closed");
    Place::over(format!("sqlite:{}", file.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_is_refused_whatever_is_asked_of_it() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = over_sqlite(folder.path()).await;
    let name = place.backup();
    let file = place.file(&name, "database");
    let whole = std::fs::read(&file).expect("the copy");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (what, bytes) in [
        ("a byte", changed),
        ("cut short", whole[..whole.len() - 9].to_vec()),
        ("empty", Vec::new()),
    ] {
        std::fs::write(&file, bytes).expect("written");
        for asked in [
            &["backup", "verify", &name][..],
            &["restore", &name, "--replace", "--yes"],
        ] {
            let (code, said) = place.ends(asked);
            assert_eq!(code, 3, "{what}: {asked:?}: {said}");
        }
    }
    std::fs::write(&file, whole).expect("written");
    place.says(&["backup", "verify", &name]);
    // A file that the manifest names is gone; then the manifest itself.
    let manifest = place.file(&name, "manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    std::fs::write(&manifest, text.replace("\"database\"", "\"../database\"")).expect("written");
    assert_eq!(place.ends(&["backup", "verify", &name]).0, 3);
    std::fs::remove_file(&manifest).expect("removed");
    assert_eq!(place.ends(&["restore", &name, "--replace", "--yes"]).0, 3);
    assert!(place.backups().is_empty());
    assert_eq!(place.ends(&["backup", "verify", "never-made"]).0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_and_settings_end_with_two() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = over_sqlite(folder.path()).await;
    for wrong in [
        &["backup", "--no-such-option"][..],
        &["backup", "list", "--xml"],
        &["backup", "verify"],
        &["restore"],
        &["restore", "x", "--into", "sqlite:y", "--replace"],
    ] {
        assert_eq!(place.ends(wrong).0, 2, "{wrong:?}");
    }
    let place = place.set("INKFAST_BACKUP_EVERY", "now and then");
    let (code, said) = place.ends(&["backup"]);
    assert!(code == 2 && said.contains("INKFAST_BACKUP_EVERY"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_are_kept_and_the_rest_goes() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = over_sqlite(folder.path())
        .await
        .set("INKFAST_BACKUP_KEEP", "2")
        .set("INKFAST_BACKUP_KEEP_DAILY", "0");
    let made: Vec<String> = (0..4).map(|_| place.backup()).collect();
    let left: Vec<String> = place
        .backups()
        .iter()
        .map(|backup| backup["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(left, [made[3].clone(), made[2].clone()]);
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    // Those of another database are not ours to remove.
    let other = tempfile::tempdir().expect("a temporary directory");
    let other = over_sqlite(other.path())
        .await
        .set("INKFAST_BACKUP_DIR", place.shelf().to_str().expect("a plain path"));
    other.says(&["backup"]);
    assert_eq!(place.backups().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_leaves_nothing() {
    let Ok(disk) = SmallDisk::mount(2) else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = over_sqlite(folder.path())
        .await
        .set("INKFAST_BACKUP_DIR", disk.path().to_str().expect("a plain path"));
    let good = place.backup();
    disk.fill().expect("full");
    let (code, said) = place.ends(&["backup"]);
    assert!(code == 1 && said.contains("disk is full"), "{code}: {said}");
    let left: Vec<_> = place.backups();
    assert_eq!(left.len(), 1, "the old one stays");
    assert_eq!(left[0]["name"], good.as_str());
    let partial = std::fs::read_dir(disk.path()).expect("the disk").flatten();
    assert!(
        !partial
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(".partial"))
    );
    disk.free().expect("room");
    place.says(&["backup"]);
}

fn over_postgres(database: &PrivateDatabase, tools: &Path) -> Place {
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    Place::over(url).set("INKFAST_BACKUP_TOOLS_DIR", tools.to_str().expect("a plain path"))
}

#[test]
fn a_program_that_is_missing_or_too_old_is_said_in_one_line() {
    let database = PrivateDatabase::postgres();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = over_postgres(&database, folder.path());
    let (code, said) = place.ends(&["backup"]);
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("There is no pg_dump") && said.contains("INKFAST_BACKUP_TOOLS_DIR"),
        "{said}"
    );
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    tools(folder.path(), "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'");
    let (code, said) = place.ends(&["backup"]);
    assert!(
        code == 5 && said.contains("is of version 9") && said.contains("postgresql-client-"),
        "{said}"
    );
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
}

#[test]
fn one_that_is_ended_in_the_middle_leaves_no_backup_and_no_program() {
    let database = PrivateDatabase::postgres();
    let folder = tempfile::tempdir().expect("a temporary directory");
    tools(folder.path(), "pg_dump", ENDLESS);
    let place = over_postgres(&database, folder.path());
    let pid_file = folder.path().join("pid");
    for how in ["-TERM", "-KILL"] {
        let _ = std::fs::remove_file(&pid_file);
        let mut command = place.command(&["backup"]);
        let mut backup = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let read = || std::fs::read_to_string(&pid_file).unwrap_or_default();
        wait_for("the copy begins", || read().ends_with('\n'));
        let busy = place.ends(&["backup"]);
        assert!(busy.0 == 4 && busy.1.contains("Another backup"), "{busy:?}");
        assert!(signal(how, &backup.id().to_string()));
        let ended = backup.wait().expect("a child of ours");
        assert!(!ended.success(), "{how}");
        assert!(place.backups().is_empty(), "{how}");
        let pid = read().trim().to_owned();
        if how == "-TERM" {
            wait_for("the program ends with it", || !signal("-0", &pid));
            assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
        } else {
            // Nobody could tidy up, and the program would end with its next word, which this one never says.
            assert_eq!(place.leftovers().len(), 1);
            signal("-KILL", &pid);
        }
    }
    // The next one sweeps what was left.
    std::fs::remove_file(folder.path().join("pg_dump")).expect("removed");
    let output = place
        .command(&["backup"])
        .env_remove("INKFAST_BACKUP_TOOLS_DIR")
        .output()
        .expect("it was built");
    assert_eq!(code(&output), 0, "{}", errors(&output));
    assert_eq!(place.backups().len(), 1);
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
}

/// The server may be asked over TLS alone.
#[test]
fn the_tls_of_the_connection_is_that_of_the_copy() {
    let server = private_servers::PrivatePostgres::start().expect("PostgreSQL is installed");
    server.offer_tls(true).expect("openssl is installed");
    server.restart().expect("it starts");
    server.create_database("maintenance").expect("a new database");
    let noting = "CREATE TABLE seen_tls (n int);";
    server.query("maintenance", noting).expect("made");
    let address = |mode: &str| format!("{}?sslmode={mode}", server.url("maintenance"));
    Place::over(address("require")).says(&["backup"]);
    // Nobody has signed its certificate.
    let (code, said) = Place::over(address("verify-full")).ends(&["backup"]);
    assert_eq!(code, 1, "{said}");
    // A program that is told to go without TLS would still be let in here: what it is told is what counts.
    let folder = tempfile::tempdir().expect("a temporary directory");
    let script = "case \"$*\" in *--version*) echo 'pg_dump (PostgreSQL) 99.0'; exit;; esac
echo \"$PGSSLMODE $PGPASSWORD $*\" > \"$(dirname \"$0\")/told\"; exit 1";
    tools(folder.path(), "pg_dump", script);
    let url = address("require").replace("postgres@", "postgres:hunter2@");
    let place = Place::over(url).set(
        "INKFAST_BACKUP_TOOLS_DIR",
        folder.path().to_str().expect("a plain path"),
    );
    let (_, said) = place.ends(&["backup"]);
    assert!(!said.contains("hunter2"), "{said}");
    let told = std::fs::read_to_string(folder.path().join("told")).expect("it was run");
    let (environment, arguments) = told.split_once(" --").expect("it has arguments");
    assert_eq!(environment, "require hunter2");
    assert!(!arguments.contains("hunter2"), "{arguments}");
}

#[test]
fn a_dump_without_an_end_is_no_backup() {
    let database = PrivateDatabase::mariadb();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let script = "case \"$*\" in *--version*) echo 'mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB'; exit;; esac
echo 'INSERT INTO `activity` VALUES (1);'; echo \"$1\" > \"$(dirname \"$0\")/told\"";
    tools(folder.path(), "mariadb-dump", script);
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let place = Place::over(url).set(
        "INKFAST_BACKUP_TOOLS_DIR",
        folder.path().to_str().expect("a plain path"),
    );
    let (code, said) = place.ends(&["backup"]);
    assert!(code == 3 && said.contains("cut short"), "{code}: {said}");
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    let told = std::fs::read_to_string(folder.path().join("told")).expect("it was run");
    let login = told.trim().strip_prefix("--defaults-file=").expect("a file");
    assert!(!Path::new(login).exists(), "the file with the password is gone");
}
