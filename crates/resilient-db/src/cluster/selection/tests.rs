use super::*;

mod followers;
mod properties;

const PRIMARY: ServerId = 0;
const STANDBY: ServerId = 1;
const REPLICA: ServerId = 2;

fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(milliseconds))
}

/// Of servers that all are of one history.
fn answer(writable: bool, position: u64) -> Answer {
    let follows = if writable { Vec::new() } else { vec![7] };
    of(7, writable, position, Some(follows))
}

fn of(identity: u64, writable: bool, position: u64, follows: Option<Vec<u64>>) -> Answer {
    let replication = Replication {
        position: Some(position),
        behind: None,
        identity: Some(identity),
        follows,
    };
    Answer { writable, replication }
}

fn primary_at(position: u64) -> Option<Answer> {
    Some(answer(true, position))
}

fn standby_at(position: u64) -> Option<Answer> {
    Some(answer(false, position))
}

/// A primary, a standby that may lead, and a mere replica.
fn three() -> Selection {
    let policy = ClusterPolicy {
        settling: Duration::ZERO,
        ..ClusterPolicy::default()
    };
    Selection::new(policy, [true, true, false])
}

fn settled() -> Selection {
    let mut selection = three();
    let changes = selection.probed(at(0), &[(PRIMARY, primary_at(1))]);
    let moved = Change::Writer {
        from: None,
        to: Some(PRIMARY),
    };
    assert_eq!(changes, [moved]);
    assert_eq!(selection.probed(at(0), &[(STANDBY, standby_at(1))]), []);
    assert_eq!(selection.probed(at(0), &[(REPLICA, standby_at(1))]), []);
    selection
}

fn is_lost(selection: &mut Selection, now: u64, id: ServerId) {
    selection.probed(at(now), &[(id, None)]);
    assert_eq!(selection.steady_writer(), Some(id), "one failed probe is a glitch");
    let lost = Change::Writer {
        from: Some(id),
        to: None,
    };
    assert_eq!(selection.probed(at(now), &[(id, None)]), [lost]);
    assert_eq!(selection.writer(at(now)), None);
}

#[test]
fn a_promoted_standby_is_written_to_once_the_primary_is_known_to_be_down() {
    let mut selection = settled();
    is_lost(&mut selection, 1_000, PRIMARY);
    let moved = Change::Writer {
        from: None,
        to: Some(STANDBY),
    };
    assert_eq!(selection.probed(at(1_200), &[(STANDBY, primary_at(2))]), [moved]);
    assert_eq!(selection.writer(at(1_200)), Some(STANDBY));
}

#[test]
fn a_primary_that_comes_back_is_told_and_never_written_to_until_it_was_a_standby() {
    let mut selection = settled();
    is_lost(&mut selection, 1_000, PRIMARY);
    selection.probed(at(1_200), &[(STANDBY, primary_at(2))]);
    let rival = Change::Rival {
        writer: Some(STANDBY),
        rival: PRIMARY,
    };
    assert_eq!(selection.probed(at(1_400), &[(PRIMARY, primary_at(3))]), [rival]);
    assert_eq!(
        selection.probed(at(1_600), &[(PRIMARY, primary_at(3))]),
        [],
        "told once"
    );
    assert_eq!(selection.writer(at(1_600)), Some(STANDBY));
    assert_eq!(
        [PRIMARY, STANDBY, REPLICA].map(|id| selection.is_rival(id)),
        [true, false, false]
    );
    is_lost(&mut selection, 1_700, STANDBY);
    assert_eq!(selection.probed(at(1_800), &[(PRIMARY, primary_at(3))]), []);
    assert_eq!(selection.writer(at(1_800)), None, "its history is another one");
    assert!(!selection.readers(at(1_800), None, 0).contains(&PRIMARY));

    selection.probed(at(2_000), &[(STANDBY, primary_at(4))]);
    selection.probed(at(2_000), &[(PRIMARY, standby_at(4))]);
    selection.probed(at(2_000), &[(PRIMARY, standby_at(4))]);
    is_lost(&mut selection, 2_100, STANDBY);
    selection.probed(at(2_200), &[(PRIMARY, primary_at(5))]);
    assert_eq!(
        selection.writer(at(2_200)),
        Some(PRIMARY),
        "it had joined the new primary"
    );
}

#[test]
fn a_switch_in_good_order_moves_writes_without_a_rival() {
    let mut selection = settled();
    let refused = selection.refused_to_write(at(500), PRIMARY);
    assert_eq!(
        refused,
        [Change::Writer {
            from: Some(PRIMARY),
            to: None
        }]
    );
    let moved = Change::Writer {
        from: None,
        to: Some(STANDBY),
    };
    assert_eq!(selection.probed(at(700), &[(STANDBY, primary_at(2))]), [moved]);
    assert_eq!(selection.probed(at(800), &[(PRIMARY, standby_at(2))]), []);
}

#[test]
fn a_standby_promoted_before_the_primary_is_known_to_be_down_follows_it() {
    let mut selection = settled();
    assert_eq!(selection.probed(at(900), &[(STANDBY, primary_at(2))]), []);
    assert_eq!(selection.writer(at(900)), Some(PRIMARY), "not known to be down");
    selection.probed(at(1_000), &[(PRIMARY, None)]);
    let moved = Change::Writer {
        from: Some(PRIMARY),
        to: Some(STANDBY),
    };
    assert_eq!(selection.probed(at(1_200), &[(PRIMARY, None)]), [moved]);
}

#[test]
fn a_standby_promoted_while_the_primary_goes_on_is_told_and_barred_until_somebody_says_otherwise() {
    let mut selection = settled();
    selection.probed(at(900), &[(STANDBY, primary_at(2))]);
    let rival = Change::Rival {
        writer: Some(PRIMARY),
        rival: STANDBY,
    };
    assert_eq!(selection.probed(at(1_000), &[(PRIMARY, primary_at(5))]), [rival]);
    is_lost(&mut selection, 1_100, PRIMARY);
    assert_eq!(selection.writer(at(1_100)), None, "it lacks what was written since");
    let moved = Change::Writer {
        from: None,
        to: Some(STANDBY),
    };
    assert_eq!(selection.trust(STANDBY), [moved]);
}

#[test]
fn where_two_could_be_written_to_from_the_start_nobody_is() {
    let mut selection = three();
    let told = selection.probed(at(0), &[(STANDBY, primary_at(1)), (PRIMARY, primary_at(1))]);
    let rival = |rival| Change::Rival { writer: None, rival };
    assert_eq!(told, [rival(PRIMARY), rival(STANDBY)]);
    assert_eq!(selection.writer(at(0)), None);
    assert!(selection.is_rival(PRIMARY) && selection.is_rival(STANDBY));

    // One of them turns out to be the standby.
    let moved = |to| Change::Writer {
        from: None,
        to: Some(to),
    };
    let mut turns_out = selection;
    assert_eq!(turns_out.probed(at(100), &[(STANDBY, standby_at(1))]), [moved(PRIMARY)]);

    // Or somebody says which of them counts; the other one then holds another history.
    let mut told = three();
    told.probed(at(0), &[(STANDBY, primary_at(1)), (PRIMARY, primary_at(1))]);
    assert_eq!(told.trust(STANDBY), [moved(STANDBY)]);
    assert!(told.is_barred(PRIMARY) && !told.is_barred(STANDBY));
    is_lost(&mut told, 100, STANDBY);
    assert_eq!(told.writer(at(100)), None);
}

#[test]
fn reads_are_spread_over_replicas_that_are_in_time_and_fall_back_to_the_primary() {
    let mut selection = settled();
    let first = |selection: &Selection, now, turn| selection.readers(at(now), None, turn)[0];
    assert_eq!(
        [0, 1, 2].map(|turn| first(&selection, 100, turn)),
        [STANDBY, REPLICA, STANDBY]
    );
    // The replica stays behind.
    for second in 1..=12 {
        selection.probed(at(second * 1_000), &[(PRIMARY, primary_at(1 + second))]);
        selection.probed(at(second * 1_000), &[(STANDBY, standby_at(1 + second))]);
        selection.probed(at(second * 1_000), &[(REPLICA, standby_at(1))]);
    }
    assert_eq!([0, 1].map(|turn| first(&selection, 12_000, turn)), [STANDBY, STANDBY]);
    selection.probed(at(12_100), &[(STANDBY, None)]);
    assert_eq!(selection.readers(at(12_100), None, 0), [PRIMARY]);
}

#[test]
fn a_replica_goes_on_being_read_while_the_primary_is_away() {
    let mut selection = settled();
    is_lost(&mut selection, 1_000, PRIMARY);
    selection.probed(at(600_000), &[(REPLICA, standby_at(1))]);
    assert_eq!(selection.readers(at(600_000), None, 0)[0], REPLICA);
}

#[test]
fn a_replica_that_lacks_the_last_writes_of_a_lost_primary_gets_no_later() {
    let mut selection = settled();
    selection.probed(at(1_000), &[(PRIMARY, primary_at(5))]);
    is_lost(&mut selection, 2_000, PRIMARY);
    selection.probed(at(600_000), &[(REPLICA, standby_at(4))]);
    assert_eq!(selection.lag(at(600_000), REPLICA), Some(Duration::ZERO));
    assert_eq!(selection.readers(at(600_000), None, 0)[0], REPLICA);
}

/// By its identity, which is one more than its place.
fn alone(id: ServerId, writable: bool, position: u64) -> (ServerId, Option<Answer>) {
    (id, Some(of(id as u64 + 1, writable, position, Some(Vec::new()))))
}

/// In time by its own word.
fn behind(id: ServerId, source: ServerId, position: u64) -> (ServerId, Option<Answer>) {
    let mut answer = of(id as u64 + 1, false, position, Some(vec![source as u64 + 1]));
    answer.replication.behind = Some(Duration::ZERO);
    (id, Some(answer))
}

/// The primary is lost, the standby promoted, and nobody told the replica.
fn promoted_beside_a_replica() -> Selection {
    let mut selection = three();
    selection.probed(at(0), &[alone(PRIMARY, true, 1)]);
    selection.probed(at(0), &[behind(STANDBY, PRIMARY, 1), behind(REPLICA, PRIMARY, 1)]);
    assert!(selection.is_fresh(at(0), REPLICA));
    is_lost(&mut selection, 1_000, PRIMARY);
    selection.probed(at(1_200), &[alone(STANDBY, true, 2)]);
    selection
}

#[test]
fn a_replica_of_the_old_primary_is_not_read_from_until_it_follows_the_new_one() {
    let mut selection = promoted_beside_a_replica();
    selection.probed(at(1_300), &[behind(REPLICA, PRIMARY, 9)]);
    assert!(
        !selection.is_fresh(at(1_300), REPLICA),
        "whatever it says of being in time"
    );
    assert_eq!(selection.readers(at(1_300), None, 0), [STANDBY]);
    selection.probed(at(1_400), &[behind(REPLICA, STANDBY, 9)]);
    assert!(selection.is_fresh(at(1_400), REPLICA));
}

#[test]
fn a_replica_that_does_not_hear_its_primary_is_read_from_no_longer_than_it_may_be_late() {
    let mut selection = three();
    selection.probed(at(0), &[alone(PRIMARY, true, 1)]);
    selection.probed(at(0), &[behind(REPLICA, PRIMARY, 1)]);
    let deaf = (REPLICA, Some(of(3, false, 1, None)));
    for second in 1..=11 {
        selection.probed(at(second * 1_000), &[alone(PRIMARY, true, 1), deaf.clone()]);
        assert_eq!(
            selection.is_fresh(at(second * 1_000), REPLICA),
            second <= 10,
            "{second}"
        );
    }
}

#[test]
fn an_old_primary_that_comes_back_read_only_is_neither_read_from_nor_written_to_before_it_follows() {
    let mut selection = promoted_beside_a_replica();
    selection.wrote(STANDBY);
    selection.probed(at(1_400), &[alone(PRIMARY, false, 2)]);
    assert!(selection.is_barred(PRIMARY) && !selection.is_fresh(at(1_400), PRIMARY));
    // It is refused as a follower, each time after it was connected for a moment.
    for _ in 0..3 {
        selection.probed(at(1_500), &[behind(PRIMARY, STANDBY, 2)]);
        assert!(selection.is_barred(PRIMARY));
        selection.probed(at(1_600), &[(PRIMARY, Some(of(1, false, 2, None)))]);
    }
    is_lost(&mut selection, 2_000, STANDBY);
    selection.probed(at(2_200), &[alone(PRIMARY, true, 3)]);
    assert_eq!(selection.writer(at(2_200)), None, "it holds another history");

    selection.probed(at(3_000), &[alone(STANDBY, true, 4)]);
    selection.probed(at(3_000), &[behind(PRIMARY, STANDBY, 4)]);
    selection.probed(at(4_000), &[behind(PRIMARY, STANDBY, 4)]);
    assert!(!selection.is_barred(PRIMARY) && selection.is_fresh(at(4_000), PRIMARY));
}

#[test]
fn until_it_is_known_how_late_replicas_are_everybody_reads_from_the_primary() {
    let policy = ClusterPolicy::default();
    let settling = policy.settling.as_millis() as u64;
    let mut selection = Selection::new(policy, [true, true, false]);
    let all = |at_ms| {
        [
            (PRIMARY, primary_at(at_ms)),
            (STANDBY, standby_at(at_ms)),
            (REPLICA, standby_at(at_ms)),
        ]
    };
    selection.probed(at(0), &all(0));
    selection.probed(at(settling - 1), &all(1));
    assert_eq!(
        selection.readers(at(settling - 1), None, 0),
        [PRIMARY, STANDBY, REPLICA]
    );
    assert_eq!(selection.readers(at(settling), None, 0), [STANDBY, PRIMARY, REPLICA]);
}

#[test]
fn what_should_be_new_is_read_from_the_primary_and_from_replicas_only_without_one() {
    let mut selection = settled();
    for turn in 0..3 {
        assert_eq!(selection.readers_after_primary(at(0), None, turn)[0], PRIMARY);
        assert_eq!(selection.readers_after_primary(at(0), None, turn).len(), 3);
    }
    is_lost(&mut selection, 1_000, PRIMARY);
    let readers = selection.readers_after_primary(at(1_000), None, 0);
    assert_eq!(readers, selection.readers(at(1_000), None, 0));
    assert_ne!(readers[0], PRIMARY);
}
