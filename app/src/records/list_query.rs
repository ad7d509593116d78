//! A list's state in its address: `page`, `q`, `sort=-a,b`, `f.{column}[.{op}]=…`.
//!
//! Columns are in the `~HH` writing. What cannot be read is passed over: an old bookmark shows the
//! list without that filter rather than an error.

use resilient_core::path_text::{read_part, write_part};

use super::model::{ListQuery, Table};

/// Operators in the order people are offered them; `eq` is left out of the address.
pub const OPERATORS: [&str; 8] = ["eq", "ne", "lt", "lte", "gt", "gte", "null", "contains"];

/// Reads decoded pairs in their order. Columns the table does not have are passed over, and so
/// are empty texts, which a filter form sends for every field left empty.
pub fn read<'a>(table: &Table, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> ListQuery {
    let mut query = ListQuery {
        page: 1,
        ..ListQuery::default()
    };
    for (name, text) in pairs {
        match name {
            "page" => query.page = text.parse().ok().filter(|page| *page > 0).unwrap_or(1),
            "q" => query.search = text.trim().to_owned(),
            "sort" => query.sort = text.split(',').filter_map(|part| read_sort(table, part)).collect(),
            _ => query.filters.extend(read_filter(table, name, text)),
        }
    }
    query
}

fn read_sort(table: &Table, part: &str) -> Option<(String, bool)> {
    let (written, descending) = part.strip_prefix('-').map_or((part, false), |rest| (rest, true));
    let column = table.column_written(written).filter(|column| column.is_seen())?;
    Some((column.name.clone(), descending))
}

fn read_filter(table: &Table, name: &str, text: &str) -> Option<(String, String, String)> {
    let rest = name.strip_prefix("f.")?;
    let (written, operator) = rest.split_once('.').unwrap_or((rest, "eq"));
    if text.is_empty() || !OPERATORS.contains(&operator) {
        return None;
    }
    let column = table.column(&read_part(written)?).filter(|column| column.is_seen())?;
    Some((column.name.clone(), operator.to_owned(), text.to_owned()))
}

/// The state as pairs, in the order they stand in the address; page 1 and empty parts are left out.
pub fn pairs(query: &ListQuery) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if !query.search.is_empty() {
        pairs.push(("q".to_owned(), query.search.clone()));
    }
    if !query.sort.is_empty() {
        pairs.push(("sort".to_owned(), written_sort(&query.sort)));
    }
    for (column, operator, text) in &query.filters {
        pairs.push((filter_name(column, operator), text.clone()));
    }
    if query.page > 1 {
        pairs.push(("page".to_owned(), query.page.to_string()));
    }
    pairs
}

pub fn filter_name(column: &str, operator: &str) -> String {
    match operator {
        "eq" => format!("f.{}", write_part(column)),
        _ => format!("f.{}.{operator}", write_part(column)),
    }
}

fn written_sort(sort: &[(String, bool)]) -> String {
    let part =
        |(column, descending): &(String, bool)| format!("{}{}", if *descending { "-" } else { "" }, write_part(column));
    sort.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The address of the list in this state.
pub fn url(table_url: &str, query: &ListQuery) -> String {
    let pairs = pairs(query);
    if pairs.is_empty() {
        return table_url.to_owned();
    }
    let coded = pairs
        .iter()
        .map(|(name, text)| format!("{}={}", percent_coded(name), percent_coded(text)));
    format!("{table_url}?{}", coded.collect::<Vec<_>>().join("&"))
}

/// Everything but the unreserved characters of RFC 3986 as `%HH`, and `,` as it is.
fn percent_coded(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            coded.push(byte as char);
        } else {
            coded.push_str(&format!("%{byte:02X}"));
        }
    }
    coded
}

/// The state after a press on a column's head: ascending, then descending, then not sorted by it.
/// The pressed column leads; page 1.
pub fn sorted_by(query: &ListQuery, column: &str) -> ListQuery {
    let before = query
        .sort
        .iter()
        .find(|(sorted, _)| sorted == column)
        .map(|(_, descending)| *descending);
    let mut next = ListQuery {
        page: 1,
        ..query.clone()
    };
    next.sort.retain(|(sorted, _)| sorted != column);
    match before {
        None => next.sort.insert(0, (column.to_owned(), false)),
        Some(false) => next.sort.insert(0, (column.to_owned(), true)),
        Some(true) => {}
    }
    next
}

/// The state without its `at`-th filter; page 1.
pub fn without_filter(query: &ListQuery, at: usize) -> ListQuery {
    let mut next = ListQuery {
        page: 1,
        ..query.clone()
    };
    if at < next.filters.len() {
        next.filters.remove(at);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::model::ColumnKind;
    use crate::records::sample::{column, table};

    fn sample() -> Table {
        let mut secret = column("password", ColumnKind::Text);
        secret.secret = true;
        table(
            "activity",
            vec![
                column("id", ColumnKind::Integer),
                column("a b", ColumnKind::Text),
                secret,
            ],
        )
    }

    fn read_all(pairs: &[(&str, &str)]) -> ListQuery {
        read(&sample(), pairs.iter().copied())
    }

    #[test]
    fn an_address_without_a_query_is_the_first_page_of_everything() {
        let query = read_all(&[]);
        assert_eq!(
            query,
            ListQuery {
                page: 1,
                ..ListQuery::default()
            }
        );
        assert_eq!(url("/records/activity", &query), "/records/activity");
    }

    #[test]
    fn a_state_is_read_back_as_it_was_written() {
        let query = ListQuery {
            page: 3,
            search: "pump & valve".into(),
            sort: vec![("a b".into(), true), ("id".into(), false)],
            filters: vec![
                ("a b".into(), "contains".into(), "50 %".into()),
                ("id".into(), "eq".into(), "7".into()),
                ("id".into(), "null".into(), "false".into()),
            ],
        };
        let written = pairs(&query);
        let again = read(
            &sample(),
            written.iter().map(|(name, text)| (name.as_str(), text.as_str())),
        );
        assert_eq!(again, query);
        assert_eq!(
            url("/records/activity", &query),
            "/records/activity?q=pump%20%26%20valve&sort=-a~20b,id&f.a~20b.contains=50%20%25&f.id=7&f.id.null=false&page=3"
        );
    }

    #[test]
    fn what_the_table_does_not_have_is_passed_over() {
        let query = read_all(&[
            ("page", "0"),
            ("sort", "-gone,id,password"),
            ("f.gone", "1"),
            ("f.id.like", "1"),
            ("f.password", "x"),
            ("f.id.gte", ""),
            ("else", "1"),
        ]);
        assert_eq!(
            query,
            ListQuery {
                page: 1,
                sort: vec![("id".into(), false)],
                ..ListQuery::default()
            }
        );
    }

    #[test]
    fn a_head_is_pressed_three_times_and_the_list_is_as_before() {
        let start = read_all(&[("sort", "a~20b"), ("page", "4")]);
        let up = sorted_by(&start, "id");
        assert_eq!(up.sort, vec![("id".to_owned(), false), ("a b".to_owned(), false)]);
        assert_eq!(up.page, 1);
        let down = sorted_by(&up, "id");
        assert_eq!(down.sort[0], ("id".to_owned(), true));
        assert_eq!(sorted_by(&down, "id").sort, start.sort);
    }

    #[test]
    fn a_chip_takes_only_its_own_filter_away() {
        let query = read_all(&[("f.id.gte", "1"), ("f.id.lte", "9"), ("page", "2")]);
        let next = without_filter(&query, 0);
        assert_eq!(next.filters, vec![("id".into(), "lte".into(), "9".into())]);
        assert_eq!(next.page, 1);
    }
}
