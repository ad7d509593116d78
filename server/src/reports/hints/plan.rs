//! What a plan says, as far as hints need it; pure, one reader for each kind of database.

use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tables that are read from one end to the other, by what the statement calls them.
    pub whole: Vec<String>,
    /// Rows are put in order, because nothing gives them in that order.
    pub sorts: bool,
}

/// Of PostgreSQL's `EXPLAIN (FORMAT JSON)`.
pub fn postgres(plan: &Value) -> Plan {
    let mut found = Plan::default();
    walk(plan, &mut |node| {
        let Some(kind) = node.get("Node Type").and_then(Value::as_str) else {
            return;
        };
        let is_whole = match kind {
            "Seq Scan" | "Sample Scan" => true,
            // An index that gives an order and finds nothing.
            "Index Scan" | "Index Only Scan" => node.get("Index Cond").is_none(),
            _ => false,
        };
        found.sorts |= matches!(kind, "Sort" | "Incremental Sort");
        if is_whole {
            add(&mut found, node.get("Alias"));
        }
    });
    found
}

/// Of `EXPLAIN FORMAT=JSON`, as MySQL and MariaDB write it.
pub fn mysql(plan: &Value) -> Plan {
    let mut found = Plan::default();
    walk(plan, &mut |node| {
        let sorts = |key: &str| node.get(key).is_some_and(|sort| *sort != Value::Bool(false));
        found.sorts |= sorts("filesort") || sorts("using_filesort");
        if matches!(node.get("access_type").and_then(Value::as_str), Some("ALL" | "index")) {
            add(&mut found, node.get("table_name"));
        }
    });
    found
}

/// Of the lines of SQLite's `EXPLAIN QUERY PLAN`.
pub fn sqlite(lines: &[String]) -> Plan {
    let mut found = Plan::default();
    for line in lines {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("SCAN"), Some(called)) if called != "CONSTANT" => add(&mut found, Some(&called.into())),
            (Some("USE"), Some("TEMP")) => found.sorts |= line.ends_with("ORDER BY"),
            _ => {}
        }
    }
    found
}

fn add(plan: &mut Plan, called: Option<&Value>) {
    if let Some(called) = called.and_then(Value::as_str)
        && !plan.whole.iter().any(|whole| whole == called)
    {
        plan.whole.push(called.to_owned());
    }
}

/// Every object in it, the outer ones first.
fn walk(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            see(value);
            members.values().for_each(|member| walk(member, see));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
