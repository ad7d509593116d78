//! From a statement and its plan to what would make it quicker; pure.

use app::monitoring::statements::HintKind;

use super::plan::Plan;
use super::query::{Asked, AskedColumn, AskedTable};

/// A hint, if the table has many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub kind: HintKind,
    pub table: AskedTable,
    pub columns: Vec<String>,
}

/// What could be done about each table that is read as a whole. Where only the first rows are wanted, in no order and by
/// no condition, nothing has to be.
pub fn advice(asked: &[Asked], plan: &Plan) -> Vec<Advice> {
    let mut advice = Vec::new();
    for select in asked {
        for table in select.tables.iter().filter(|table| plan.whole.contains(&table.called)) {
            let of_table = |columns: &[AskedColumn]| {
                let belongs = columns.iter().filter(|column| select.belongs(column, &table.called));
                belongs.map(|column| column.name.clone()).collect::<Vec<_>>()
            };
            let mut compared = of_table(&select.compared);
            if compared.is_empty() {
                compared = of_table(&select.joined);
            }
            let sorted = of_table(&select.sorted);
            let sorts = plan.sorts && !sorted.is_empty() && sorted.len() == select.sorted.len();
            let (kind, columns) = match (compared.is_empty(), sorts) {
                (false, _) => (HintKind::FilterWithoutIndex, compared),
                (true, true) if !select.has_condition => (HintKind::SortWithoutIndex, sorted),
                _ if select.has_condition || !select.is_limited || plan.sorts => (HintKind::WholeTable, Vec::new()),
                _ => continue,
            };
            let table = table.clone();
            advice.push(Advice { kind, table, columns });
        }
    }
    advice
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;

    use super::super::query::asked;
    use super::*;

    fn given(sql: &str, whole: &[&str], sorts: bool) -> Vec<(HintKind, String, String)> {
        let plan = Plan {
            whole: whole.iter().map(|called| (*called).to_owned()).collect(),
            sorts,
        };
        let asked = asked(sql, &PostgreSqlDialect {}).expect("a query");
        let told = advice(&asked, &plan).into_iter();
        told.map(|advice| (advice.kind, advice.table.name, advice.columns.join(",")))
            .collect()
    }

    fn one(kind: HintKind, table: &str, columns: &str) -> Vec<(HintKind, String, String)> {
        vec![(kind, table.to_owned(), columns.to_owned())]
    }

    #[test]
    fn a_column_that_is_compared_wants_an_index_and_one_that_is_sorted_by_too() {
        use HintKind::{FilterWithoutIndex, SortWithoutIndex, WholeTable};
        let filtered = "SELECT a FROM site AS l WHERE b = $1 AND c < $2 ORDER BY l.a LIMIT 5";
        assert_eq!(given(filtered, &["l"], true), one(FilterWithoutIndex, "site", "b,c"));
        assert_eq!(given(filtered, &[], true), [], "an index is used");
        let sorted = "SELECT a FROM site ORDER BY a, id LIMIT 5";
        assert_eq!(given(sorted, &["site"], true), one(SortWithoutIndex, "site", "a,id"));
        assert_eq!(given(sorted, &["site"], false), [], "an index gives the order");
        let sought = "SELECT a FROM site WHERE lower(b) LIKE $1 ORDER BY a LIMIT 5";
        assert_eq!(given(sought, &["site"], true), one(WholeTable, "site", ""));
    }

    #[test]
    fn the_first_rows_of_a_table_cost_nothing_and_all_of_them_do() {
        assert_eq!(given("SELECT a FROM site LIMIT 5", &["site"], false), []);
        assert_eq!(
            given("SELECT count(*) FROM site", &["site"], false),
            one(HintKind::WholeTable, "site", "")
        );
    }

    #[test]
    fn in_a_join_each_table_has_its_own_columns() {
        let joined =
            "SELECT 1 FROM site s JOIN room r ON r.site = s.id WHERE s.name = $1 AND r.floor = $2 AND size = $3";
        assert_eq!(
            given(joined, &["r"], false),
            one(HintKind::FilterWithoutIndex, "room", "floor")
        );
        let by_the_join = "SELECT 1 FROM site s JOIN room r ON r.site = s.id WHERE s.name = $1";
        assert_eq!(
            given(by_the_join, &["r"], false),
            one(HintKind::FilterWithoutIndex, "room", "site")
        );
    }
}
