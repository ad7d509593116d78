use std::collections::BTreeSet;

use async_trait::async_trait;
use resilient_core::submission::answer::Outcome;
use resilient_db::DbError;

use super::ledger::SaveId;
use super::witness::OwnSave;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A database that takes all saves, and has lost those it is told to.
#[derive(Default)]
struct Forgetful {
    lost: BTreeSet<SaveId>,
    twice: u64,
}

#[async_trait]
impl Witness for Forgetful {
    fn can_look(&self) -> bool {
        true
    }

    async fn save(&self, _account: &str, _id: &str) -> OwnSave {
        OwnSave::Done
    }

    async fn stored(&self, saves: &BTreeSet<SaveId>) -> Result<BTreeSet<SaveId>, DbError> {
        Ok(saves.difference(&self.lost).cloned().collect())
    }

    async fn done_twice(&self, _saves: &BTreeSet<SaveId>) -> Result<u64, DbError> {
        Ok(self.twice)
    }

    async fn keeps_text(&self, _account: &str, _form_key: &str) -> Option<bool> {
        Some(true)
    }

    async fn forget(&self, _account: &str) -> bool {
        true
    }
}

fn drills(faults: &Faults, witness: Forgetful) -> Arc<Drills> {
    Arc::new(Drills::new(faults.clone(), Arc::new(witness), Arc::default()))
}

async fn checked(drills: &Drills) -> DrillReport {
    for _ in 0..1_000 {
        let last = drills.view().last;
        if let Some(report) = last.filter(|report| !matches!(report.check, DrillCheck::UnderWay)) {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is never checked");
}

#[tokio::test]
async fn the_clock_of_an_earlier_drill_does_not_end_a_later_one() {
    let drills = drills(&Faults::default(), Forgetful::default());
    // Within one millisecond of the wall clock, which does not tell them apart.
    assert_eq!(drills.start(DrillKind::Refuse, MINUTE, "mira"), 1);
    assert_eq!(drills.start(DrillKind::Hang, 2 * MINUTE, "noor"), 2);
    drills.time_is_up(1);
    let running = drills.view().running.map(|running| (running.kind, running.by));
    assert_eq!(running, Some((DrillKind::Hang, "noor".to_owned())));
    drills.time_is_up(2);
    assert_eq!(drills.view().running.map(|running| running.by), None);
    assert_eq!(drills.view().last.map(|last| last.kind), Some(DrillKind::Hang));
}

/// The answer that said that it began was lost, say.
#[tokio::test(start_paused = true)]
async fn a_drill_that_nobody_asks_for_any_more_ends() {
    let faults = Faults::default();
    let drills = drills(&faults, Forgetful::default());
    let number = drills.start_followed(DrillKind::Refuse, 10 * MINUTE, "a program");
    for _ in 0..10 {
        tokio::time::sleep(UNASKED_FOR / 3).await;
        assert!(matches!(drills.find(number), Some(DrillState::Running(_))));
    }
    tokio::time::sleep(UNASKED_FOR / 3 * 2).await;
    assert!(drills.view().running.is_some(), "not yet");
    tokio::time::sleep(UNASKED_FOR).await;
    assert!(drills.view().running.is_none() && faults.current().is_none());
    // Whoever only begins one has all of it.
    drills.start(DrillKind::Refuse, MINUTE, "mira");
    tokio::time::sleep(3 * UNASKED_FOR).await;
    assert!(drills.view().running.is_some());
}

#[tokio::test]
async fn after_stop_no_fault_is_in_force_whoever_began_it() {
    let faults = Faults::default();
    let drills = drills(&faults, Forgetful::default());
    drills.start(DrillKind::Refuse, MINUTE, "mira");
    assert!(faults.current().is_some());
    assert!(!drills.stop_this(7, "mira"));
    assert!(faults.current().is_some(), "that is another one");
    drills.stop("mira");
    assert_eq!(faults.current(), None);
    faults.inject(Fault::Hang, MINUTE);
    drills.stop("mira");
    assert_eq!(faults.current(), None);
}

#[tokio::test]
async fn a_save_that_was_accepted_and_is_not_there_is_told() {
    let lost = ("mira".to_owned(), "lost".to_owned());
    let forgetful = |twice| Forgetful {
        lost: [lost.clone()].into(),
        twice,
    };
    for (accepted, twice, healthy) in [("there", 0, true), ("lost", 0, false), ("there", 1, false)] {
        let drills = drills(&Faults::default(), forgetful(twice));
        drills.start(DrillKind::Refuse, MINUTE, "mira");
        let saves = &drills.observations.saves;
        saves.drill.accepted("mira", accepted);
        saves
            .drill
            .answered("mira", Some("kept"), Outcome::Kept, Duration::from_millis(7));
        drills.stop("mira");
        let report = checked(&drills).await;
        assert_eq!(report.verdict().word() == "healthy", healthy, "{report:?}");
        let DrillCheck::Done(found) = report.check else {
            panic!("{report:?}")
        };
        assert_eq!((found.saves, found.missing), (1, u64::from(accepted == "lost")));
        assert_eq!((found.twice, found.kept, found.kept_and_done), (twice, 1, 1));
        assert_eq!(report.slowest_kept_ms, Some(7));
        assert!(
            report.took_changes_after_ms.is_some() && report.own.done > 0,
            "{report:?}"
        );
    }
}
