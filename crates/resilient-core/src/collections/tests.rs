use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::map::OrderedMap;
use super::set::OrderedSet;

#[derive(Clone, Debug)]
enum Change {
    Insert(String, u8),
    Remove(String),
    Default(String),
    Retain(u8),
    Extend(Vec<(String, u8)>),
}

fn any_change() -> impl Strategy<Value = Change> {
    let key = || "[a-d]{0,2}";
    prop_oneof![
        4 => (key(), any::<u8>()).prop_map(|(key, value)| Change::Insert(key, value)),
        2 => key().prop_map(Change::Remove),
        1 => key().prop_map(Change::Default),
        1 => any::<u8>().prop_map(Change::Retain),
        1 => proptest::collection::vec((key(), any::<u8>()), 0..5).prop_map(Change::Extend),
    ]
}

proptest! {
    #[test]
    fn a_map_answers_as_stds_does(changes in proptest::collection::vec(any_change(), 0..40), asked in "[a-d]{0,2}") {
        let (mut ours, mut stds) = (OrderedMap::<String, u8>::new(), BTreeMap::<String, u8>::new());
        for change in changes {
            match change {
                Change::Insert(key, value) => prop_assert_eq!(ours.insert(key.clone(), value), stds.insert(key, value)),
                Change::Remove(key) => prop_assert_eq!(ours.remove(&key), stds.remove(&key)),
                Change::Default(key) => {
                    let (one, other) = (ours.entry(key.clone()).or_default(), stds.entry(key).or_default());
                    *one = one.wrapping_add(1);
                    *other = other.wrapping_add(1);
                }
                Change::Retain(least) => {
                    ours.retain(|_, value| *value >= least);
                    stds.retain(|_, value| *value >= least);
                }
                Change::Extend(more) => {
                    ours.extend(more.clone());
                    stds.extend(more);
                }
            }
            prop_assert_eq!((ours.len(), ours.is_empty()), (stds.len(), stds.is_empty()));
            prop_assert!(ours.iter().eq(stds.iter()), "{:?} is not {:?}", ours, stds);
            prop_assert_eq!(ours.iter().size_hint(), stds.iter().size_hint());
            prop_assert_eq!((ours.get(asked.as_str()), ours.contains_key(&asked)), (stds.get(&asked), stds.contains_key(&asked)));
        }
        prop_assert_eq!(serde_json::to_string(&ours).ok(), serde_json::to_string(&stds).ok());
        let read: Option<OrderedMap<String, u8>> = serde_json::to_string(&stds).ok().and_then(|json| serde_json::from_str(&json).ok());
        prop_assert_eq!(read, Some(ours.clone()));
        prop_assert!(ours.into_iter().eq(stds));
    }

    #[test]
    fn a_set_answers_as_stds_does(members in proptest::collection::vec(("[a-d]{0,2}", any::<bool>()), 0..40), asked in "[a-d]{0,2}") {
        let (mut ours, mut stds) = (OrderedSet::<String>::new(), BTreeSet::<String>::new());
        for (member, comes) in members {
            if comes {
                prop_assert_eq!(ours.insert(member.clone()), stds.insert(member));
            } else {
                prop_assert_eq!(ours.remove(&member), stds.remove(&member));
            }
            prop_assert_eq!((ours.len(), ours.is_empty()), (stds.len(), stds.is_empty()));
            prop_assert!(ours.iter().eq(stds.iter()), "{:?} is not {:?}", ours, stds);
            prop_assert_eq!(ours.contains(&asked), stds.contains(&asked));
        }
        prop_assert_eq!(OrderedSet::from_iter(stds.into_iter().rev()), ours);
    }

    #[test]
    fn whatever_way_a_map_is_looked_through_its_entries_are_stds(entries in proptest::collection::vec(("[a-d]{0,2}", any::<u8>()), 0..12), asked in "[a-d]{0,2}") {
        let (mut ours, mut stds) = (OrderedMap::from_iter(entries.clone()), BTreeMap::from_iter(entries));
        prop_assert_eq!(ours.get_key_value(&asked), stds.get_key_value(&asked));
        prop_assert_eq!(ours.get_mut(&asked), stds.get_mut(&asked));
        prop_assert_eq!(ours.entry(asked.clone()).or_insert(7), stds.entry(asked.clone()).or_insert(7));
        prop_assert_eq!(ours[&asked], stds[&asked]);
        prop_assert!(ours.keys().eq(stds.keys()), "{:?} is not {:?}", ours, stds);
        prop_assert!(ours.values().eq(stds.values()), "{:?} is not {:?}", ours, stds);
        prop_assert!((&ours).into_iter().eq(&stds), "{:?} is not {:?}", ours, stds);
        prop_assert!(ours.clone().into_keys().eq(stds.clone().into_keys()));
        prop_assert!(ours.clone().into_values().eq(stds.into_values()));
        ours.clear();
        prop_assert_eq!(ours, OrderedMap::new());
    }

    #[test]
    fn whatever_way_a_set_is_looked_through_its_members_are_stds(members in proptest::collection::vec("[a-d]{0,2}", 0..12), least in "[a-d]{0,2}") {
        let (mut ours, mut stds) = (OrderedSet::from_iter(members.clone()), BTreeSet::from_iter(members));
        ours.retain(|member| *member >= least);
        stds.retain(|member| *member >= least);
        prop_assert!((&ours).into_iter().eq(&stds), "{:?} is not {:?}", ours, stds);
        prop_assert!(ours.clone().into_iter().eq(stds));
        ours.clear();
        prop_assert_eq!(ours, OrderedSet::new());
    }
}

#[test]
fn an_array_is_taken_over_in_order_and_the_last_of_two_equal_keys_wins() {
    let set = OrderedSet::from(["b", "a", "b"]);
    assert!(set.iter().eq(&["a", "b"]), "{set:?}");
    let map = OrderedMap::from([("b", 1), ("a", 2), ("b", 3)]);
    assert!(map.iter().eq([(&"a", &2), (&"b", &3)]), "{map:?}");
}
