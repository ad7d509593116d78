//! Which rule a value broke, as far as MySQL and MariaDB say it.

use sqlx::mysql::MySqlDatabaseError;

use super::{Flavour, is_signal, row_of};
use crate::classify::CONSTRAINT;
use crate::error::{Constraint, ConstraintKind};

/// The server offers nothing but the number and its message. Connections are set to English messages,
/// and what is read from them decides nothing but which field is marked.
pub fn constraint_of(error: &MySqlDatabaseError, flavour: Option<Flavour>) -> Option<Constraint> {
    let kind = constraint_kind(error.number(), error.code().unwrap_or_default(), flavour)?;
    let message = error.message();
    let named = match kind {
        ConstraintKind::Unique => named_key(message, flavour),
        ConstraintKind::ForeignKey => named_foreign_key(message),
        ConstraintKind::Check => named_check(message),
        ConstraintKind::NotNull => named_missing(message),
        ConstraintKind::BadValue | ConstraintKind::TooLong => named_column(message),
        _ => Named::default(),
    };
    Some(Constraint {
        kind,
        name: named.name.map(str::to_owned),
        table: named.table.map(str::to_owned),
        columns: named.column.map(str::to_owned).into_iter().collect(),
        said: (kind == ConstraintKind::Raised).then(|| message.to_owned()),
    })
}

/// Which kind of rule a number names.
pub fn constraint_kind(number: u16, state: &str, flavour: Option<Flavour>) -> Option<ConstraintKind> {
    match (number, flavour) {
        (1022 | 1062 | 1169 | 1586 | 1859, _) => Some(ConstraintKind::Unique),
        (1216 | 1217 | 1451 | 1452 | 1830 | 1834, _) => Some(ConstraintKind::ForeignKey),
        (1048 | 1364, _) => Some(ConstraintKind::NotNull),
        (3819, Some(Flavour::MySql)) | (4025, Some(Flavour::MariaDb)) => Some(ConstraintKind::Check),
        (1264 | 1265 | 1267 | 1292 | 1366 | 1690, _) => Some(ConstraintKind::BadValue),
        (1153 | 1406, _) => Some(ConstraintKind::TooLong),
        (1142 | 1143, _) => Some(ConstraintKind::NotPermitted),
        _ if row_of(number, flavour).is_none_or(|class| class == CONSTRAINT) && is_signal(number, state) => {
            Some(ConstraintKind::Raised)
        }
        _ => None,
    }
}

/// What a message names; the values in it come first, and may look like anything.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named<'a> {
    name: Option<&'a str>,
    table: Option<&'a str>,
    column: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn column(column: Option<&'a str>) -> Self {
        Self {
            column,
            ..Self::default()
        }
    }
}

/// `Duplicate entry 'a' for key 'site_code'`; MySQL puts the table before the key's name.
fn named_key(message: &str, flavour: Option<Flavour>) -> Named<'_> {
    let key = message
        .rsplit_once(" for key '")
        .and_then(|(_, key)| key.strip_suffix('\''));
    let (table, name) = match (key.and_then(|key| key.split_once('.')), flavour) {
        (Some((table, name)), Some(Flavour::MySql)) => (Some(table), Some(name)),
        _ => (None, key),
    };
    Named {
        name,
        table,
        column: None,
    }
}

/// `… a foreign key constraint fails (`db`.`part`, CONSTRAINT `part_site` FOREIGN KEY (`site`) …`. The
/// table is that of the reference, also where the other one's row was to be deleted.
fn named_foreign_key(message: &str) -> Named<'_> {
    let Some((table, rule)) = message.split_once(", CONSTRAINT `") else {
        return Named::default();
    };
    Named {
        name: rule.split_once('`').map(|(name, _)| name),
        table: last_quoted(table),
        column: None,
    }
}

/// MariaDB: `CONSTRAINT `name` failed for `db`.`table``, where a column's own rule is called `table.column`; MySQL:
/// `Check constraint 'name' is violated.`
fn named_check(message: &str) -> Named<'_> {
    match message.split_once(" failed for ") {
        Some((rule, table)) => {
            let (name, table) = (last_quoted(rule), last_quoted(table));
            let column = name
                .zip(table)
                .and_then(|(name, table)| name.strip_prefix(table)?.strip_prefix('.'));
            Named {
                name: column.or(name),
                table,
                column,
            }
        }
        None => Named {
            name: message
                .split_once('\'')
                .and_then(|(_, rest)| rest.rsplit_once('\''))
                .map(|(name, _)| name),
            ..Named::default()
        },
    }
}

/// `Column 'name' cannot be null`, or `Field 'name' doesn't have a default value`.
fn named_missing(message: &str) -> Named<'_> {
    let column = message.split_once('\'').and_then(|(_, rest)| rest.split_once("' "));
    Named::column(column.map(|(column, _)| column))
}

/// `… for column 'code' at row 1`, or `… for column `db`.`site`.`code` at row 1`.
fn named_column(message: &str) -> Named<'_> {
    let Some((_, named)) = message.rsplit_once(" for column ") else {
        return Named::default();
    };
    let qualified = named.rsplit_once(" at row ").map_or(named, |(named, _)| named);
    if let Some(column) = qualified.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Named::column(Some(column));
    }
    let table = qualified.rsplit_once('.').and_then(|(table, _)| last_quoted(table));
    Named {
        name: None,
        table,
        column: last_quoted(qualified),
    }
}

/// The last name in backticks.
fn last_quoted(text: &str) -> Option<&str> {
    let (before, _) = text.rsplit_once('`')?;
    before.rsplit_once('`').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(name: Option<&'a str>, table: Option<&'a str>, column: Option<&'a str>) -> Named<'a> {
        Named { name, table, column }
    }

    #[test]
    fn a_key_is_known_by_its_name_whatever_the_value_says() {
        let (mysql, mariadb) = (Some(Flavour::MySql), Some(Flavour::MariaDb));
        let spiteful = "Duplicate entry 'x' for key 'y' for key 'site_code'";
        assert_eq!(named_key(spiteful, mariadb), named(Some("site_code"), None, None));
        let mysql_names_the_table = "Duplicate entry 'x' for key 'site.site_code'";
        assert_eq!(
            named_key(mysql_names_the_table, mysql),
            named(Some("site_code"), Some("site"), None)
        );
        assert_eq!(named_key("something else", mysql), Named::default());
    }

    #[test]
    fn a_foreign_key_names_itself_and_the_table_that_has_it() {
        for message in [
            "Cannot add or update a child row: a foreign key constraint fails (`plant`.`part`, CONSTRAINT `part_site` FOREIGN KEY (`site`) REFERENCES `site` (`id`))",
            "Cannot delete or update a parent row: a foreign key constraint fails (`plant`.`part`, CONSTRAINT `part_site` FOREIGN KEY (`site`) REFERENCES `site` (`id`))",
        ] {
            assert_eq!(named_foreign_key(message), named(Some("part_site"), Some("part"), None));
        }
        assert_eq!(
            named_foreign_key("Cannot delete or update a parent row"),
            Named::default()
        );
    }

    #[test]
    fn a_check_is_known_by_its_name_in_both_products() {
        assert_eq!(
            named_check("CONSTRAINT `price_positive` failed for `plant`.`site`"),
            named(Some("price_positive"), Some("site"), None)
        );
        assert_eq!(
            named_check("CONSTRAINT `site.price` failed for `plant`.`site`"),
            named(Some("price"), Some("site"), Some("price"))
        );
        assert_eq!(
            named_check("Check constraint 'price_positive' is violated."),
            named(Some("price_positive"), None, None)
        );
    }

    #[test]
    fn a_missing_value_names_its_column() {
        for message in [
            "Column 'price' cannot be null",
            "Field 'price' doesn't have a default value",
        ] {
            assert_eq!(named_missing(message), named(None, None, Some("price")));
        }
    }

    #[test]
    fn a_column_is_found_in_each_of_its_forms() {
        assert_eq!(
            named_column("Data too long for column 'code' at row 1"),
            named(None, None, Some("code"))
        );
        assert_eq!(
            named_column("Incorrect integer value: ' for column `a`' for column `plant`.`site`.`price` at row 1"),
            named(None, Some("site"), Some("price"))
        );
        assert_eq!(
            named_column("BIGINT value is out of range in '(1 + 2)'"),
            Named::default()
        );
    }

    #[test]
    fn what_a_message_says_that_nobody_expected_is_no_panic() {
        for message in [
            "",
            "`",
            "'",
            " for column ",
            " for column '",
            " for key '",
            ", CONSTRAINT `",
            "é` failed for `",
        ] {
            named_key(message, Some(Flavour::MySql));
            named_foreign_key(message);
            named_check(message);
            named_column(message);
            named_missing(message);
        }
    }
}
