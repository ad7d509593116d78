use app::auth::model::Role;
use app::records::display::Widget;
use app::records::model::{Column, ColumnKind, Reference, Table, TableName};
use resilient_core::draft::{Draft, Revision};
use resilient_core::submission::answer::{Answer, Outcome};

use super::*;
use crate::config::PanelSettings;

fn column(name: &str, kind: ColumnKind) -> Column {
    Column {
        secret: is_secret(name),
        ..Column::new(name, kind)
    }
}

fn table(schema: Option<&str>, name: &str, columns: Vec<Column>) -> Table {
    let name = TableName {
        schema: schema.map(Into::into),
        name: name.into(),
    };
    Table {
        key: vec![columns[0].name.clone()],
        ..Table::new(name, columns)
    }
}

fn orders() -> Table {
    let mut customer = column("customer_id", ColumnKind::Integer);
    customer.reference = Some(Reference {
        table: TableName {
            schema: None,
            name: "customers".into(),
        },
        column: "id".into(),
    });
    let columns = vec![
        column("id", ColumnKind::Integer),
        column("number", ColumnKind::Text),
        column("cost", ColumnKind::Decimal),
        column("token", ColumnKind::Text),
        customer,
    ];
    Table {
        checks: vec![("cheap".into(), "cost < 7".into(), vec!["cost".into()])],
        ..table(None, "orders", columns)
    }
}

fn customers() -> Table {
    table(None, "customers", vec![column("id", ColumnKind::Integer)])
}

fn panel(text: &str, found: Vec<Table>) -> Panel {
    let settings =
        PanelSettings::from_text("inkfast.toml".into(), text).unwrap_or_else(|problems| panic!("{problems:?}"));
    Panel::new(Arc::new(settings), found)
}

fn warnings(text: &str, found: Vec<Table>) -> Vec<String> {
    let settings =
        PanelSettings::from_text("inkfast.toml".into(), text).unwrap_or_else(|problems| panic!("{problems:?}"));
    arrange::arrange(&settings, found).1
}

fn named<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Arc<Table>> {
    catalog.tables().iter().find(|table| table.name.name == name)
}

#[test]
fn without_a_file_a_viewer_sees_everything_and_changes_nothing() {
    let panel = panel("", vec![orders(), customers()]);
    let viewer = panel.of(Role::Viewer);
    let orders = named(&viewer, "orders").unwrap();
    assert!(!orders.may_change());
    assert!(
        orders
            .columns
            .iter()
            .all(|column| column.grants.read && !column.grants.update)
    );
    assert_eq!(panel.of(Role::Editor).tables(), panel.whole().tables());
    assert_eq!(panel.of(Role::Superuser).tables(), panel.whole().tables());
}

#[test]
fn a_table_that_may_not_be_read_is_not_there_at_all() {
    let panel = panel("[tables.customers.rights]\neditor = []", vec![orders(), customers()]);
    let editor = panel.of(Role::Editor);
    assert!(named(&editor, "customers").is_none());
    assert!(editor.written("customers").is_none());
    assert!(named(&panel.of(Role::Staff), "customers").is_some());
}

#[test]
fn actions_on_a_table_are_exactly_those_that_are_said() {
    let panel = panel(
        "[tables.orders.rights]\neditor = [\"read\", \"create\"]\nviewer = [\"read\", \"update\", \"delete\"]",
        vec![orders()],
    );
    let may = |role: Role| {
        let catalog = panel.of(role);
        let orders = named(&catalog, "orders").unwrap();
        [orders.may_insert(), orders.may_update(), orders.may_delete()]
    };
    assert_eq!(may(Role::Editor), [true, false, false]);
    assert_eq!(may(Role::Viewer), [false, true, true]);
    assert_eq!(may(Role::Staff), [true; 3]);
}

#[test]
fn a_column_that_may_not_be_read_is_gone_with_all_that_names_it() {
    let panel = panel(
        "[tables.orders]\nlist = [\"number\", \"cost\"]\nsort = [\"-cost\"]\nlabel_column = \"cost\"\n\
         [tables.orders.columns.cost]\nread = [\"staff\"]",
        vec![orders()],
    );
    let editor = panel.of(Role::Editor);
    let orders = named(&editor, "orders").unwrap();
    assert!(orders.column("cost").is_none());
    assert_eq!(orders.display.list.as_deref(), Some(&["number".to_owned()][..]));
    assert!(orders.display.sort.is_empty() && orders.checks.is_empty() && orders.display.label_column.is_none());
    let staff = panel.of(Role::Staff);
    assert!(
        named(&staff, "orders")
            .unwrap()
            .column("cost")
            .is_some_and(|cost| cost.grants.update)
    );
}

#[test]
fn a_column_may_be_shown_and_not_written_or_written_and_not_shown() {
    let panel = panel(
        "[tables.orders.columns.cost]\nwrite = [\"staff\"]\n\
         [tables.orders.columns.number]\nread = [\"staff\"]\nwrite = [\"staff\", \"editor\"]",
        vec![orders()],
    );
    let editor = panel.of(Role::Editor);
    let orders = named(&editor, "orders").unwrap();
    let grants = |name: &str| orders.column(name).unwrap().grants;
    assert_eq!((grants("cost").read, grants("cost").update), (true, false));
    assert_eq!((grants("number").read, grants("number").update), (false, true));
}

#[test]
fn without_its_key_a_table_is_only_listed() {
    let panel = panel("[tables.orders.columns.id]\nread = [\"staff\"]", vec![orders()]);
    let editor = panel.of(Role::Editor);
    let orders = named(&editor, "orders").unwrap();
    assert!(orders.key.is_empty() && !orders.may_change());
}

#[test]
fn the_configuration_overrules_what_a_name_says_of_secrets() {
    let text = "[tables.orders.columns.token]\nsecret = false\n[tables.orders.columns.cost]\nsecret = true\n\
                [tables.\"shop.later\".columns.note]\nsecret = true";
    let panel = panel(text, vec![orders()]);
    let whole = panel.whole();
    let orders = named(&whole, "orders").unwrap();
    assert!(!orders.column("token").unwrap().secret && orders.column("cost").unwrap().secret);
    assert!(!panel.is_secret("orders", "token") && panel.is_secret("orders", "cost"));
    assert!(panel.is_secret("customers", "token"), "elsewhere the name decides");
    assert!(
        panel.is_secret("shop.later", "note"),
        "said of a table that nobody has read yet"
    );
    assert!(panel.is_secret("gone", "password") && !panel.is_secret("gone", "note"));
}

#[test]
fn a_key_that_is_a_secret_addresses_nothing_unless_it_is_said_to_be_none() {
    let cards = || table(None, "cards", vec![column("card", ColumnKind::Text)]);
    assert!(panel("", vec![cards()]).whole().tables()[0].key.is_empty());
    let said = panel("[tables.cards.columns.card]\nsecret = false", vec![cards()]);
    assert_eq!(said.whole().tables()[0].key, ["card"]);
}

#[test]
fn tables_and_columns_stand_in_the_order_that_is_said() {
    let panel = panel(
        "order = [\"orders\"]\n[tables.orders]\norder = [\"cost\", \"number\"]\nlabel = \"Sales\"\n\
         [tables.orders.columns.cost]\nlabel = \"Price\"\nhelp = \"With taxes.\"\nwidget = \"area\"\n\
         [tables.orders.columns.customer_id]\nhidden = true",
        vec![customers(), orders()],
    );
    let whole = panel.whole();
    assert_eq!(whole.tables()[0].label, "Sales");
    let names: Vec<_> = whole.tables()[0]
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["cost", "number", "id", "token"]);
    let cost = &whole.tables()[0].columns[0];
    assert_eq!(
        (cost.label.as_str(), cost.comment.as_deref()),
        ("Price", Some("With taxes."))
    );
    assert_eq!(whole.tables()[0].display.widgets.get("cost"), Some(&Widget::Area));
}

#[test]
fn names_that_are_not_there_are_told_with_the_nearest_one() {
    let told = warnings(
        "order = [\"order\"]\n[tables.ordres]\nlabel = \"x\"\n[tables.orders]\nlist = [\"numbr\"]\n\
         [tables.orders.columns.cots]\nlabel = \"x\"\n[tables.orders.columns.number]\nwidget = \"select\"\n\
         [tables.orders.columns.id]\nhidden = true\n[tables.xyzzy]\nhidden = true",
        vec![orders()],
    );
    let wanted = [
        "inkfast.toml:1: there is no table `order`; did you mean `orders`?",
        "inkfast.toml:2: there is no table `ordres`; did you mean `orders`?",
        "inkfast.toml:5: table `orders` has no column `numbr`; did you mean `number`?",
        "inkfast.toml:6: table `orders` has no column `cots`; did you mean `cost`?",
        "inkfast.toml:8: `select` cannot hold column `number`",
        "inkfast.toml:10: column `id` is part of the key",
        "inkfast.toml:12: there is no table `xyzzy`",
    ];
    for words in wanted {
        assert!(
            told.iter().any(|warning| warning.starts_with(words)),
            "{words}: {told:#?}"
        );
    }
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    assert!(
        told.iter().all(|warning| !warning.contains("xyzzy`;")),
        "nothing is near: {told:#?}"
    );
}

#[test]
fn a_table_of_another_schema_goes_by_both_names() {
    let panel = panel(
        "[tables.\"shop.orders\"]\nlabel = \"Shop\"\n[tables.orders]\nlabel = \"Ours\"",
        vec![
            orders(),
            table(Some("shop"), "orders", vec![column("id", ColumnKind::Integer)]),
        ],
    );
    let whole = panel.whole();
    let labels: Vec<_> = whole.tables().iter().map(|table| table.label.as_str()).collect();
    assert_eq!(labels, ["Ours", "Shop"]);
}

#[test]
fn what_was_kept_is_cut_down_to_what_may_be_shown_now() {
    let panel = panel("[tables.orders.columns.cost]\nread = [\"staff\"]", vec![orders()]);
    let text = |text: &str| Some(text.to_owned());
    let draft = Draft {
        version: "v".into(),
        base: [("cost".to_owned(), text("1")), ("number".to_owned(), text("2"))].into(),
        values: [("cost".to_owned(), text("3")), ("number".to_owned(), text("4"))].into(),
        revision: Revision {
            seq: 1,
            writer: "w".into(),
        },
        on: None,
    };
    let editor = panel.of(Role::Editor);
    let shown = shown_draft(draft.clone(), named(&editor, "orders").map(|table| &**table));
    assert_eq!(shown.base.keys().collect::<Vec<_>>(), ["number"]);
    assert_eq!(shown.values, draft.values, "what somebody typed stays theirs");
    let answer = Answer {
        current: [("cost".to_owned(), text("1")), ("number".to_owned(), text("2"))].into(),
        merged: vec!["cost".to_owned(), "number".to_owned()],
        ..Answer::new(Outcome::Saved)
    };
    let shown = shown_answer(answer.clone(), named(&editor, "orders").map(|table| &**table));
    assert_eq!(shown.current.keys().collect::<Vec<_>>(), ["number"]);
    assert_eq!(shown.merged, ["number"], "nor who changed what is out of sight");
    let nothing = shown_answer(answer, None);
    assert!(nothing.current.is_empty() && nothing.merged.is_empty());
}
