use super::*;
use crate::monitoring::model::{LastBackup, NotedError, SentNumbers};

const ROLE: RoleNumbers = RoleNumbers {
    breaker: "closed",
    size: 3,
    in_use: 1,
    idle: 2,
    overflow: 0,
    max: 10,
    running: 1,
    waiting: 0,
    limit: 10,
    failing: false,
    slowing: false,
};

fn report() -> Report {
    Report {
        version: "1.2.3",
        uptime_ms: 90_000,
        now_ms: 3_600_000 + 62_000,
        condition: Condition {
            database: DependencyState::Up,
            can_save: true,
            database_kind: "PostgreSQL",
            drafts: DependencyState::Up,
            drafts_state: DraftsState::Embedded,
            retry_after_ms: None,
        },
        database: DatabaseNumbers {
            read: ROLE,
            write: ROLE,
            last_probe: None,
            cause: Some("an old cause".to_owned()),
        },
        servers: Vec::new(),
        degraded: None,
        errors_are_stored: false,
        saves: vec![("kept", 3), ("in_progress", 1)],
        waiting: 1,
        sent: SentNumbers {
            works: true,
            ..SentNumbers::default()
        },
        paused: None,
        met: vec![
            MetOnTheWay {
                role: "write",
                what: "repeated",
                why: Some("contention"),
                times: 4,
            },
            MetOnTheWay {
                role: "read",
                what: "overflowed",
                why: None,
                times: 1,
            },
        ],
        errors_by_kind: vec![("timed_out".to_owned(), 7)],
        errors_by_severity: vec![("medium".to_owned(), 7)],
        machine: Some(MachineNumbers {
            process_memory_bytes: Some(81_400_000),
            process_cpu_percent: Some(12.5),
            processors: 2,
            cpu_percent: 40.0,
            memory_total_bytes: 8_000_000_000,
            memory_available_bytes: 2_500_000_000,
            disk_bytes: None,
        }),
        errors: Vec::new(),
        backups: BackupNumbers::default(),
        routes: vec![RouteNumbers {
            route: "/records/{table}".to_owned(),
            method: "GET",
            count: 8,
            failed: 1,
            p50_ms: 12,
            p95_ms: 40,
            p99_ms: 1_500,
        }],
    }
}

fn drawn(report: &Report) -> String {
    Owner::new().with(|| numbers(report, true).to_html())
}

#[test]
fn it_says_what_is_and_no_more() {
    let html = drawn(&report());
    for words in [
        "PostgreSQL answers",
        "1 form is waiting",
        "in progress: 1",
        "12.5 %",
        "1,500 ms",
        "01:01:02 UTC",
        "writing, repeated (contention): 4",
        "reading, given a connection beyond: 1",
        "timed out: 7",
        "medium: 7",
        "81.4 MB",
        "2.5 GB of 8.0 GB left",
        "40.0 % of 2 processors",
        "not known",
    ] {
        assert!(html.contains(words), "{words} is missing: {html}");
    }
    assert!(
        !html.contains("an old cause"),
        "the cause of an outage that is over: {html}"
    );
    assert!(html.contains("None since the start"), "{html}");
}

#[test]
fn what_gets_worse_is_said_before_anything_is_refused() {
    let mut report = report();
    let calm = "Calls fail and take as usual. At once 10 may read and 10 may write.";
    assert!(drawn(&report).contains(calm));
    report.database.read.failing = true;
    (report.database.read.slowing, report.database.write.slowing) = (true, true);
    report.database.read.limit = 4;
    let html = drawn(&report);
    let told = "Reading fails more often than usual. Reading and writing take longer than usual. At once 4 may read";
    assert!(html.contains(told), "{html}");
    report.database.write.failing = true;
    assert!(drawn(&report).contains("Reading and writing fail more often than usual."));
}

#[test]
fn numbers_that_stand_still_are_said_to() {
    assert!(!drawn(&report()).contains("switched off"));
    let mut report = report();
    report.paused = Some(Paused {
        by: "mira".to_owned(),
        since_ms: 3_600_000,
    });
    report.errors = vec![NotedError {
        kind: "timed_out".into(),
        severity: "medium".into(),
        what: "list".to_owned(),
        times: 3,
        first_at_ms: 3_600_000,
        last_at_ms: 3_601_000,
        request_id: None,
        elsewhere: false,
    }];
    let html = drawn(&report);
    assert!(html.contains("switched off since 01:00:00 UTC by mira"), "{html}");
    assert!(html.contains("medium") && html.contains("timed out"), "{html}");
}

#[test]
fn backups_are_said_with_the_last_failure_only_while_it_is_the_last_word() {
    let html = drawn(&report());
    assert!(
        html.contains("There is no good backup. None are made by themselves."),
        "{html}"
    );
    let mut report = report();
    report.backups = BackupNumbers {
        every_ms: Some(86_400_000),
        last_good: Some(LastBackup {
            name: "inkfast-19700101-0000".to_owned(),
            made_at_ms: 60_000,
            took_ms: 5,
            bytes: 1_234_000,
        }),
        next_due_ms: Some(90_000_000),
        failures: 1,
        last_failure: Some((50_000, "disk_full")),
        ..BackupNumbers::default()
    };
    let html = drawn(&report);
    for words in [
        "of 1970-01-01 00:01 UTC, 1 h 0 min ago",
        "1,234 kB",
        "due at 1970-01-02 01:00 UTC",
    ] {
        assert!(html.contains(words), "{words} is missing: {html}");
    }
    assert!(!html.contains("A backup failed"), "{html}");
    report.backups.last_failure = Some((70_000, "disk_full"));
    let html = drawn(&report);
    assert!(
        html.contains("A backup failed at 1970-01-01 00:01 UTC: the disk is full."),
        "{html}"
    );
}

#[test]
fn a_database_that_takes_no_changes_is_said_to() {
    let mut report = report();
    report.condition.database = DependencyState::Slow;
    assert!(drawn(&report).contains("PostgreSQL answers slowly."));
    report.condition.can_save = false;
    let words = "PostgreSQL takes no changes at the moment; lists and forms still open.";
    assert!(drawn(&report).contains(words));
}

#[test]
fn an_outage_is_said_with_its_cause_and_the_next_try() {
    let mut report = report();
    report.condition.database = DependencyState::Down;
    report.condition.retry_after_ms = Some(1_400);
    report.database.read.breaker = "open";
    let html = drawn(&report);
    assert!(
        html.contains("PostgreSQL cannot be reached, next try in 2 s."),
        "{html}"
    );
    assert!(html.contains("an old cause"), "{html}");
    assert!(html.contains("open: calls are refused at once"), "{html}");
}
