//! What an account of MySQL or MariaDB is not shown, its dump leaves out without a word.

/// What a copy may lack for want of rights, in words for the operator. `grants`: as `SHOW GRANTS` tells them.
pub fn unseen(grants: &[String], database: &str) -> Vec<String> {
    let may =
        |wanted: &[&str], on_all_alone: bool| grants.iter().any(|grant| gives(grant, database, wanted, on_all_alone));
    let checked = [
        ("triggers", "TRIGGER", may(&["TRIGGER"], false)),
        ("events", "EVENT", may(&["EVENT"], false)),
        (
            "procedures and functions",
            "SELECT on all databases, or SHOW_ROUTINE",
            may(&["SELECT", "SHOW_ROUTINE", "SHOW CREATE ROUTINE"], true) || reads_mysql(grants),
        ),
    ];
    let missing = checked.into_iter().filter(|(_, _, may)| !may);
    let words = missing.map(|(what, right, _)| {
        format!(
            "This account may not see all {what} (it takes {right}): those that it does not see are not in the copy."
        )
    });
    words.collect()
}

/// Whether a grant holds for this database and gives one of these rights.
fn gives(grant: &str, database: &str, wanted: &[&str], on_all_alone: bool) -> bool {
    let Some((rights, scope)) = parts(grant) else {
        return false;
    };
    let holds = scope == "*.*" || !on_all_alone && is_on(scope, database);
    let has = |right: &str| right == "ALL PRIVILEGES" || wanted.contains(&right);
    holds && rights.split(',').any(|right| has(right.trim()))
}

/// On MariaDB and older MySQL, routines are rows of `mysql.proc`.
fn reads_mysql(grants: &[String]) -> bool {
    grants.iter().any(|grant| {
        let reads = |rights: &str| {
            rights
                .split(',')
                .any(|right| matches!(right.trim(), "SELECT" | "ALL PRIVILEGES"))
        };
        parts(grant).is_some_and(|(rights, scope)| {
            reads(rights) && (is_on(scope, "mysql") || scope.replace('`', "") == "mysql.proc")
        })
    })
}

/// `GRANT SELECT, TRIGGER ON `shop`.* TO …`
fn parts(grant: &str) -> Option<(&str, &str)> {
    let (rights, rest) = grant.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (scope, _) = rest.split_once(" TO ")?;
    Some((rights, scope.trim()))
}

/// In a grant, `%` and `_` stand for other letters.
fn is_on(scope: &str, database: &str) -> bool {
    let Some(pattern) = scope.strip_suffix(".*") else {
        return false;
    };
    let pattern = pattern.trim_matches('`').replace("``", "`");
    is_like(
        &pattern.chars().collect::<Vec<_>>(),
        &database.chars().collect::<Vec<_>>(),
    )
}

fn is_like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['%', rest @ ..], _) => (0..=text.len()).any(|from| is_like(rest, &text[from..])),
        (['\\', exactly, rest @ ..], [letter, text @ ..]) => exactly == letter && is_like(rest, text),
        (['_', rest @ ..], [_, text @ ..]) => is_like(rest, text),
        ([exactly, rest @ ..], [letter, text @ ..]) => exactly == letter && is_like(rest, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(grants: &[&str]) -> usize {
        let grants: Vec<String> = grants.iter().map(|grant| format!("{grant} TO `me`@`%`")).collect();
        unseen(&grants, "my_shop").len()
    }

    #[test]
    fn what_an_account_may_not_see_is_named() {
        assert_eq!(count(&["GRANT ALL PRIVILEGES ON *.*"]), 0);
        assert_eq!(count(&["GRANT USAGE ON *.*", "GRANT ALL PRIVILEGES ON `%`.*"]), 0);
        assert_eq!(
            count(&["GRANT USAGE ON *.*", "GRANT ALL PRIVILEGES ON `my\\_shop`.*"]),
            1
        );
        assert_eq!(
            count(&["GRANT SELECT ON *.*", "GRANT TRIGGER, EVENT ON `my_shop`.*"]),
            0
        );
        assert_eq!(count(&["GRANT SELECT, SHOW VIEW ON `my\\_shop`.*"]), 3);
        assert_eq!(
            count(&["GRANT TRIGGER, EVENT ON `other`.*", "GRANT SELECT ON `mysql`.`proc`"]),
            2
        );
        assert_eq!(
            count(&["GRANT TRIGGER ON `my\\_shop`.`one`"]),
            3,
            "one table is not all"
        );
    }
}
