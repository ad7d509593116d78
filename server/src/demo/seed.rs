//! The demo's rows, table by table in the order their references need.

use super::chance::Chance;
use super::rows::Rows;

mod machines;
mod people;
mod work;

const TECHNICIANS: usize = 26;

/// Every row of the demo; the same at every call.
pub fn everything() -> Vec<Rows> {
    let chance = &mut Chance::new(20_261_120);
    let (equipment, names) = machines::equipment(chance);
    let activities = work::activities(chance, &names);
    let comments = work::comments(chance, &activities);
    vec![
        people::sites(chance),
        people::site_contacts(chance),
        people::technicians(chance),
        work::activity_types(),
        equipment,
        machines::equipment_technicians(chance, names.len()),
        machines::schedules(chance, names.len()),
        activities,
        comments,
    ]
}

#[cfg(test)]
mod tests {
    use app::records::model::Text;

    use super::*;

    #[test]
    fn the_demo_is_the_same_every_time() {
        let texts = || {
            everything()
                .into_iter()
                .flat_map(|rows| rows.rows)
                .flatten()
                .collect::<Vec<Text>>()
        };
        assert_eq!(texts(), texts());
    }

    #[test]
    fn every_row_has_a_value_for_each_column() {
        for rows in everything() {
            assert!(
                rows.rows.iter().all(|row| row.len() == rows.columns.len()),
                "{}",
                rows.table
            );
        }
    }
}
