//! The one merge: mine is written only where I changed it; where somebody else changed the same
//! column to something else, nothing is written and the person chooses.
//!
//! The merge never sees base values, only whether a text *is* the base's: the server knows that by
//! fingerprint, the browser by the text. So both decide alike.

use crate::draft::{Text, Values};

/// What becomes of one person's changes on top of the record as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// What to write: the columns that I changed and that do not have my text already. Empty where
    /// there are conflicts: a save happens as a whole or not at all.
    pub write: Values,
    /// Columns that somebody else changed and I did not: they stay as they are now.
    pub merged: Vec<String>,
    /// Columns that both changed, to different texts.
    pub conflicts: Vec<String>,
}

/// Merges `mine` (the columns I posted) into `theirs` (the record now).
///
/// `is_base(column, text)` tells whether `text` is what the column held in the version that I
/// started from. Columns in `mine` that are not in `theirs` (secrets, unreadable ones) cannot be
/// compared: they are written where they are not the base.
pub fn merge(mine: &Values, theirs: &Values, is_base: impl Fn(&str, &Text) -> bool) -> Merged {
    let mut merged = Merged::default();
    for (column, now) in theirs {
        let theirs_changed = !is_base(column, now);
        let changed_by_me = mine.get(column).filter(|text| !is_base(column, text));
        match changed_by_me {
            None if theirs_changed => merged.merged.push(column.clone()),
            Some(text) if theirs_changed && text != now => merged.conflicts.push(column.clone()),
            Some(text) if text != now => drop(merged.write.insert(column.clone(), text.clone())),
            _ => {}
        }
    }
    for (column, text) in mine {
        if !theirs.contains_key(column) && !is_base(column, text) {
            merged.write.insert(column.clone(), text.clone());
        }
    }
    if !merged.conflicts.is_empty() {
        merged.write.clear();
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(texts: &[(&str, &str)]) -> Values {
        texts
            .iter()
            .map(|(column, text)| (column.to_string(), Some(text.to_string())))
            .collect()
    }

    fn merge_with(base: &Values, mine: &Values, theirs: &Values) -> Merged {
        merge(mine, theirs, |column, text| base.get(column) == Some(text))
    }

    /// The record after a save, where it happened.
    fn save(base: &Values, mine: &Values, now: &Values) -> Result<Values, Vec<String>> {
        let merged = merge_with(base, mine, now);
        if !merged.conflicts.is_empty() {
            return Err(merged.conflicts);
        }
        let mut after = now.clone();
        after.extend(merged.write);
        Ok(after)
    }

    #[test]
    fn two_people_in_different_fields_both_keep_theirs() {
        let base = record(&[("name", "Pump"), ("note", "")]);
        let merged = merge_with(
            &base,
            &record(&[("name", "Pump 2")]),
            &record(&[("name", "Pump"), ("note", "leaks")]),
        );
        assert_eq!(merged.write, record(&[("name", "Pump 2")]));
        assert_eq!((merged.merged, merged.conflicts), (vec!["note".to_owned()], vec![]));
    }

    #[test]
    fn two_people_in_the_same_field_conflict_and_nothing_at_all_is_written() {
        let base = record(&[("name", "Pump"), ("note", "")]);
        let mine = record(&[("name", "Pump 2"), ("note", "new")]);
        let merged = merge_with(&base, &mine, &record(&[("name", "Pump 3"), ("note", "")]));
        assert_eq!(merged.conflicts, ["name"]);
        assert!(merged.write.is_empty());
    }

    #[test]
    fn only_what_somebody_else_changed_is_told_as_theirs() {
        let base = record(&[("name", "Pump"), ("note", ""), ("place", "Hall")]);
        let now = record(&[("name", "Pump"), ("note", "leaks"), ("place", "Hall")]);
        let merged = merge_with(&base, &record(&[("name", "Pump 2")]), &now);
        assert_eq!(merged.merged, ["note"], "nobody changed the place");
    }

    #[test]
    fn null_is_not_the_empty_string() {
        let base: Values = [("note".to_owned(), None)].into();
        let merged = merge_with(&base, &record(&[("note", "")]), &base);
        assert_eq!(merged.write, record(&[("note", "")]));
    }

    #[test]
    fn what_cannot_be_read_is_written_where_it_was_typed() {
        let merged = merge_with(&record(&[]), &record(&[("password", "secret")]), &record(&[]));
        assert_eq!(merged.write, record(&[("password", "secret")]));
    }

    fn values() -> impl Strategy<Value = Values> {
        let text = prop_oneof![Just(None), "[ab]{0,1}".prop_map(Some)];
        proptest::collection::btree_map("[pqrs]", text, 4)
    }

    fn changes() -> impl Strategy<Value = Values> {
        let text = prop_oneof![Just(None), "[ab]{0,1}".prop_map(Some)];
        proptest::collection::btree_map("[pqrs]", text, 0..4)
    }

    proptest! {
        #[test]
        fn nothing_is_lost(base in values(), mine in changes(), theirs in values()) {
            let merged = merge_with(&base, &mine, &theirs);
            for (column, text) in &mine {
                let unchanged = base.get(column) == Some(text);
                let there_already = theirs.get(column) == Some(text);
                let written = merged.write.get(column) == Some(text) || !merged.conflicts.is_empty();
                prop_assert!(unchanged || there_already || written, "{column} vanished");
            }
            for (column, now) in &theirs {
                let overwritten = merged.write.get(column).is_some_and(|text| text != now);
                prop_assert!(!overwritten || base.get(column) == Some(now), "{column} of theirs was overwritten");
            }
        }

        #[test]
        fn twice_is_once(base in values(), mine in changes(), theirs in values()) {
            if let Ok(after) = save(&base, &mine, &theirs) {
                let again = merge_with(&base, &mine, &after);
                prop_assert!(again.write.is_empty() && again.conflicts.is_empty(), "{again:?}");
            }
        }

        #[test]
        fn order_does_not_matter(base in values(), one in changes(), other in changes()) {
            let one_first = save(&base, &one, &base).and_then(|now| save(&base, &other, &now));
            let other_first = save(&base, &other, &base).and_then(|now| save(&base, &one, &now));
            prop_assert_eq!(one_first, other_first);
        }

        #[test]
        fn the_same_text_from_both_sides_is_no_conflict(base in values(), theirs in values()) {
            let merged = merge_with(&base, &theirs, &theirs);
            prop_assert!(merged.write.is_empty() && merged.conflicts.is_empty());
        }

        #[test]
        fn a_conflict_is_one_for_both(base in values(), one in values(), other in values()) {
            prop_assert_eq!(merge_with(&base, &one, &other).conflicts, merge_with(&base, &other, &one).conflicts);
        }
    }
}
