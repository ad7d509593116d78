use super::*;

fn read(text: &str) -> Result<PanelSettings, Vec<String>> {
    PanelSettings::from_text("inkfast.toml".into(), text)
}

#[test]
fn every_problem_is_told_with_its_line_and_what_is_allowed() {
    let problems = read(
        r#"
page_size = 0
colour = "red"

[rights]
editor = ["read", "write"]
superuser = ["read"]

[tables.orders]
lable = "Orders"
hidden = "yes"
list = ["number", 7]

[tables.orders.rights]
viewer = ["update"]

[tables.orders.columns.total]
widget = "slider"
read = ["boss"]

[backup]
every = "now and then"
keep = 0
"#,
    )
    .unwrap_err();
    let wanted = [
        ("inkfast.toml:2:", "a whole number from 1 to 500"),
        (
            "inkfast.toml:3:",
            "adaptive_limits, backup, database, local_drafts, offline_pages, order, page_size, rights, tables",
        ),
        ("inkfast.toml:6:", "read, create, update, delete"),
        ("inkfast.toml:7:", "staff, editor, viewer"),
        ("inkfast.toml:10:", "label, help, hidden"),
        ("inkfast.toml:11:", "true or false"),
        ("inkfast.toml:12:", "a list of texts"),
        ("inkfast.toml:15:", "`read`"),
        ("inkfast.toml:18:", "line, area, code, select, suggest"),
        ("inkfast.toml:19:", "superuser, staff, editor, viewer"),
        ("inkfast.toml:22:", "as in 24h, or off"),
        ("inkfast.toml:23:", "a whole number from 1 to"),
    ];
    for (place, allowed) in wanted {
        let told = problems.iter().filter(|problem| problem.starts_with(place));
        let told: Vec<_> = told.collect();
        assert!(
            told.len() == 1 && told[0].contains(allowed),
            "{place} {allowed}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), wanted.len(), "{problems:#?}");
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    let problems = read("order = [\n\n[tables").unwrap_err();
    assert!(
        problems.iter().all(|problem| problem.starts_with("inkfast.toml:")),
        "{problems:?}"
    );
}

#[test]
fn a_file_that_was_asked_for_and_is_not_there_is_a_problem_and_one_that_was_not_is_none() {
    let missing = |name: &str| (name == "INKFAST_CONFIG").then(|| "/nowhere/inkfast.toml".to_owned());
    let problems = PanelSettings::from_env(&missing).unwrap_err();
    assert!(problems[0].contains("/nowhere/inkfast.toml"), "{problems:?}");
    assert_eq!(PanelSettings::from_env(&|_| None), Ok(PanelSettings::default()));
}

#[test]
fn a_role_that_is_named_has_exactly_those_rights() {
    let settings = read(
        r#"
[rights]
viewer = []
[tables.orders.rights]
editor = ["read", "update"]
viewer = ["read"]
"#,
    )
    .unwrap();
    let may = |role: Role, table: &str| {
        let table = settings.tables.get(table);
        Action::ALL.map(|action| settings.may(role, table, action))
    };
    assert_eq!(may(Role::Editor, "orders"), [true, false, true, false]);
    assert_eq!(may(Role::Editor, "other"), [true; 4]);
    assert_eq!(may(Role::Viewer, "orders"), [true, false, false, false]);
    assert_eq!(may(Role::Viewer, "other"), [false; 4]);
    assert_eq!(may(Role::Superuser, "orders"), [true; 4]);
}

#[test]
fn other_servers_may_be_named_and_are_not_shown() {
    let text = r#"
[database]
standbys = ["postgres://me:hunter2@south/shop"]
max_lag_seconds = 5
"#;
    let settings = read(text).unwrap();
    assert_eq!(settings.database.standbys.0.len(), 1);
    assert!(settings.database.replicas.0.is_empty());
    assert_eq!(settings.database.max_lag_seconds, Some(5));
    assert!(!format!("{settings:?}").contains("hunter2"));
    let problems = read("[database]\nreplicas = \"hunter2\"\nmax_lag_seconds = 90\n").unwrap_err();
    assert!(
        problems.len() == 2 && !problems.concat().contains("hunter2"),
        "{problems:?}"
    );
}

/// The documented example is what the reader reads, and shows every key there is.
#[test]
fn the_example_is_right_and_shows_every_key() {
    let example = include_str!("../../../../inkfast.example.toml");
    let settings = read(example).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(!settings.tables.is_empty());
    for key in read::keys() {
        assert!(example.contains(key), "{key} is not in the example");
    }
}
