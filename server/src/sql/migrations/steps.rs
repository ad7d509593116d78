//! The steps that make Inkfast's own tables, one after the other.

/// A step, as each kind of database has it: there, and back. One that has landed is never edited.
pub(super) struct Step {
    pub(super) number: i64,
    pub(super) name: &'static str,
    pub(super) tables: &'static [&'static str],
    /// What does without it, in words for the operator.
    pub(super) is_off: &'static str,
    pub(super) postgres: (&'static str, &'static str),
    /// Tables change outside of transactions there: a step that was begun is run again, and has to bear it.
    pub(super) mysql: (&'static str, &'static str),
    pub(super) sqlite: (&'static str, &'static str),
}

macro_rules! both_ways {
    ($path:literal) => {
        (
            include_str!(concat!("../../../../migrations/", $path, ".sql")),
            include_str!(concat!("../../../../migrations/", $path, ".down.sql")),
        )
    };
}

pub(super) static MIGRATIONS: [Step; 5] = [
    Step {
        number: 1,
        name: "create own tables",
        tables: &["account", "submission", "audit"],
        is_off: "nothing is saved",
        postgres: both_ways!("postgres/0001_create_own_tables"),
        mysql: both_ways!("mysql/0001_create_own_tables"),
        sqlite: both_ways!("sqlite/0001_create_own_tables"),
    },
    Step {
        number: 2,
        name: "create backup tables",
        tables: &["backup_turn", "undone_time"],
        is_off: "no backups are made: a restore could not tell which forms are older than it",
        postgres: both_ways!("postgres/0002_create_backup_tables"),
        mysql: both_ways!("mysql/0002_create_backup_tables"),
        sqlite: both_ways!("sqlite/0002_create_backup_tables"),
    },
    Step {
        number: 3,
        name: "create error history",
        tables: &["error_history"],
        is_off: "errors are kept in memory alone",
        postgres: both_ways!("postgres/0003_create_error_history"),
        mysql: both_ways!("mysql/0003_create_error_history"),
        sqlite: both_ways!("sqlite/0003_create_error_history"),
    },
    Step {
        number: 4,
        name: "create instance tables",
        tables: &["ended_session", "removed_account", "instance"],
        is_off: "several servers on this database learn of each other's sign-outs by Redis alone, and no account can be removed",
        postgres: both_ways!("postgres/0004_create_instance_tables"),
        mysql: both_ways!("mysql/0004_create_instance_tables"),
        sqlite: both_ways!("sqlite/0004_create_instance_tables"),
    },
    Step {
        number: 5,
        name: "create account store",
        tables: &["account_store"],
        is_off: "several servers on this database read which accounts have changed there, and do not tell each other",
        postgres: both_ways!("postgres/0005_create_account_store"),
        mysql: both_ways!("mysql/0005_create_account_store"),
        sqlite: both_ways!("sqlite/0005_create_account_store"),
    },
];

/// The last step that this version knows.
pub fn last_step() -> i64 {
    MIGRATIONS.iter().map(|step| step.number).max().unwrap_or_default()
}

/// What does without this step, in words for the operator.
pub fn what_is_off(step: i64) -> &'static str {
    self::step(step).map_or("something is off", |step| step.is_off)
}

pub(super) fn step(number: i64) -> Option<&'static Step> {
    MIGRATIONS.iter().find(|known| known.number == number)
}
