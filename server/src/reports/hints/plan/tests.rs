//! Plans as PostgreSQL 15, MariaDB 10.11 and SQLite 3.40 gave them, with costs left out; one as MySQL's manual has it.

use serde_json::json;

use super::*;

fn plan(whole: &[&str], sorts: bool) -> Plan {
    let whole = whole.iter().map(|called| (*called).to_owned()).collect();
    Plan { whole, sorts }
}

/// `SELECT … FROM activity AS listed WHERE status = $1 ORDER BY title, id LIMIT 51`
#[test]
fn postgres_reads_all_and_sorts_until_there_is_an_index() {
    let scan = json!({
        "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "activity", "Alias": "listed",
        "Plan Rows": 89, "Filter": "(status = $1)"
    });
    let found = json!({
        "Node Type": "Bitmap Heap Scan", "Relation Name": "activity", "Alias": "listed", "Recheck Cond": "(status = $1)",
        "Plans": [{ "Node Type": "Bitmap Index Scan", "Index Name": "activity_status", "Index Cond": "(status = $1)" }]
    });
    let sorted = |below| {
        json!([{ "Plan": { "Node Type": "Limit", "Plan Rows": 51, "Plans": [
            { "Node Type": "Sort", "Sort Key": ["title", "id"], "Plans": [below] }] } }])
    };
    assert_eq!(postgres(&sorted(scan)), plan(&["listed"], true));
    assert_eq!(postgres(&sorted(found)), plan(&[], true));
}

#[test]
fn in_postgres_an_index_that_only_gives_the_order_finds_nothing() {
    let scan = |more: Value| {
        let mut node = json!({
            "Node Type": "Index Scan", "Scan Direction": "Forward", "Index Name": "activity_pkey",
            "Relation Name": "activity", "Alias": "listed"
        });
        if let (Value::Object(node), Value::Object(more)) = (&mut node, more) {
            node.extend(more);
        }
        json!([{ "Plan": { "Node Type": "Limit", "Plans": [node] } }])
    };
    assert_eq!(
        postgres(&scan(json!({ "Filter": "(title = $1)" }))),
        plan(&["listed"], false)
    );
    assert_eq!(postgres(&scan(json!({ "Index Cond": "(id = $1)" }))), plan(&[], false));
}

#[test]
fn of_a_join_in_postgres_both_sides_are_seen() {
    let joined = json!([{ "Plan": { "Node Type": "Hash Join", "Hash Cond": "(a.site = s.id)", "Plans": [
        { "Node Type": "Seq Scan", "Relation Name": "activity", "Alias": "a" },
        { "Node Type": "Hash", "Plans": [
            { "Node Type": "Seq Scan", "Relation Name": "site", "Alias": "s", "Filter": "(name = $1)" }] }] } }]);
    assert_eq!(postgres(&joined), plan(&["a", "s"], false));
}

#[test]
fn mariadb_reads_all_and_sorts_until_there_is_an_index() {
    let table = |table: Value| {
        json!({ "query_block": { "select_id": 1, "nested_loop": [
            { "read_sorted_file": { "filesort": { "sort_key": "listed.title, listed.`id`", "table": table } } }] } })
    };
    let whole = json!({
        "table_name": "listed", "access_type": "ALL", "rows": 30001, "filtered": 100,
        "attached_condition": "listed.`status` = '1'"
    });
    let found = json!({
        "table_name": "listed", "access_type": "ref", "possible_keys": ["activity_status"], "key": "activity_status",
        "used_key_parts": ["status"], "rows": 1, "index_condition": "listed.`status` = '1'"
    });
    assert_eq!(mysql(&table(whole)), plan(&["listed"], true));
    assert_eq!(mysql(&table(found)), plan(&[], true));
}

#[test]
fn in_mariadb_what_is_read_for_another_query_is_seen() {
    let counted = json!({ "query_block": { "select_id": 1, "nested_loop": [{ "table": {
        "table_name": "<derived2>", "access_type": "ALL", "rows": 10001, "materialized": { "query_block": {
            "select_id": 2, "nested_loop": [{ "table": {
                "table_name": "activity", "access_type": "ALL", "rows": 30001,
                "attached_condition": "activity.`status` = '1'" } }] } } } }] } });
    assert_eq!(mysql(&counted), plan(&["<derived2>", "activity"], false));
}

#[test]
fn mysql_says_that_it_sorts_in_a_word_of_its_own() {
    let ordered = |sorts: bool| {
        json!({ "query_block": { "select_id": 1, "cost_info": { "query_cost": "3.25" }, "ordering_operation": {
            "using_filesort": sorts, "table": { "table_name": "listed", "access_type": "ALL" } } } })
    };
    assert_eq!(mysql(&ordered(true)), plan(&["listed"], true));
    assert_eq!(mysql(&ordered(false)), plan(&["listed"], false));
}

#[test]
fn sqlite_scans_and_sorts_until_there_is_an_index() {
    let of = |lines: &[&str]| sqlite(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    assert_eq!(
        of(&["SCAN listed", "USE TEMP B-TREE FOR ORDER BY"]),
        plan(&["listed"], true)
    );
    let found = "SEARCH listed USING INDEX activity_status (status=?)";
    assert_eq!(of(&[found, "USE TEMP B-TREE FOR ORDER BY"]), plan(&[], true));
    assert_eq!(
        of(&["SCAN listed USING COVERING INDEX activity_status"]),
        plan(&["listed"], false)
    );
    assert_eq!(
        of(&["CO-ROUTINE counted", "SCAN activity", "SCAN counted"]),
        plan(&["activity", "counted"], false)
    );
    assert_eq!(
        of(&["COMPOUND QUERY", "UNION USING TEMP B-TREE", "SCAN CONSTANT ROW"]),
        plan(&[], false)
    );
}
