//! Those that follow more than one, or another than they did.

use super::*;

/// Somebody has promoted a server that we may not write to, and given it the others.
#[test]
fn while_nobody_can_be_written_to_those_that_went_on_without_the_primary_are_read_from_last() {
    let mut selection = three();
    let all = |now| {
        [
            alone(PRIMARY, true, now),
            behind(STANDBY, PRIMARY, now),
            behind(REPLICA, PRIMARY, now),
        ]
    };
    selection.probed(at(0), &all(1));
    is_lost(&mut selection, 1_000, PRIMARY);
    selection.probed(at(1_200), &[alone(REPLICA, true, 2)]);
    assert_eq!(
        selection.readers(at(1_200), None, 0),
        [STANDBY, PRIMARY],
        "what is known"
    );
    selection.probed(at(1_400), &[behind(STANDBY, REPLICA, 2)]);
    let mut readers = selection.readers(at(1_400), None, 0);
    assert_eq!(readers.remove(1), PRIMARY);
    readers.sort_unstable();
    assert_eq!(readers, [STANDBY, REPLICA]);
    assert_eq!(selection.writer(at(1_400)), None);
    // What they have by now is not what the primary has.
    selection.probed(at(2_000), &[alone(PRIMARY, true, 1)]);
    assert_eq!(selection.readers(at(2_000), None, 0), [PRIMARY]);
}

#[test]
fn a_replica_of_several_primaries_is_as_late_as_it_says_however_far_it_is() {
    let mut selection = three();
    selection.probed(at(0), &[alone(PRIMARY, true, 1)]);
    let late = |behind| {
        let mut answer = of(3, false, 1_000, Some(vec![1]));
        answer.replication.behind = Some(Duration::from_secs(behind));
        (REPLICA, Some(answer))
    };
    for (seconds, is_fresh) in [(1, true), (60, false)] {
        selection.probed(at(100), &[late(seconds)]);
        assert_eq!(selection.lag(at(100), REPLICA), Some(Duration::from_secs(seconds)));
        assert_eq!(selection.is_fresh(at(100), REPLICA), is_fresh);
    }
}

#[test]
fn one_that_was_promoted_and_taken_back_is_seen_to_follow_twice_as_any_other() {
    let mut selection = three();
    for now in 0..5 {
        selection.probed(at(now), &[alone(PRIMARY, true, 1), behind(STANDBY, PRIMARY, 1)]);
    }
    selection.probed(at(10), &[alone(STANDBY, true, 2)]);
    selection.probed(at(20), &[alone(PRIMARY, true, 2)]);
    assert!(selection.is_barred(STANDBY));
    selection.probed(at(30), &[behind(STANDBY, PRIMARY, 2)]);
    assert!(
        selection.is_barred(STANDBY),
        "it may be connected for a moment and refused"
    );
    selection.probed(at(40), &[behind(STANDBY, PRIMARY, 2)]);
    assert!(!selection.is_barred(STANDBY));
}
