//! The recorder behind `/metrics`. Every label has few values, all of them from the code: route
//! templates, outcomes, kinds, roles.

use std::sync::OnceLock;
use std::time::Duration;

use app::monitoring::model::ServerNumbers;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use resilient_db::CountMetrics;

/// Ends of the ranges of a duration, in seconds: what a person notices, and our own limits.
const DURATIONS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0];
/// What was measured is sorted into its ranges so often, or it would be kept until somebody asks.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The facade has one recorder for the whole process.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder and keeps it tidy as long as this runtime lives.
pub fn install() -> Option<PrometheusHandle> {
    let handle = RECORDER.get_or_init(installed).clone()?;
    let tidied = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            tidied.run_upkeep();
        }
    });
    Some(handle)
}

/// What each of several database servers is at this moment. Their names are few, and from the code.
pub fn note_servers(servers: &[ServerNumbers]) {
    for server in servers.iter().filter(|_| servers.len() > 1) {
        let flag = |name, is: bool| gauge!(name, "database" => server.name).set(f64::from(u8::from(is)));
        flag("inkfast_database_takes_changes", server.takes_changes);
        flag("inkfast_database_is_read_from", server.is_read_from);
        flag("inkfast_database_is_barred", server.is_barred);
        let lag = server.lag_ms.map_or(f64::NAN, |lag| lag as f64 / 1_000.0);
        gauge!("inkfast_database_lag_seconds", "database" => server.name).set(lag);
    }
}

fn installed() -> Option<PrometheusHandle> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(durations, &DURATIONS)
        .and_then(PrometheusBuilder::install_recorder)
        .inspect_err(|error| tracing::error!(%error, "metrics cannot be recorded"))
        .ok()?;
    CountMetrics::describe();
    describe_counter!(
        "inkfast_http_requests_total",
        "Requests answered, by route template and class of status"
    );
    describe_histogram!(
        "inkfast_http_request_duration_seconds",
        Unit::Seconds,
        "From the request's head to the answer's"
    );
    describe_counter!("inkfast_saves_total", "Presses of Save, by outcome");
    describe_counter!(
        "inkfast_errors_not_written_total",
        "Errors that made room for others before they were in the database"
    );
    describe_counter!("inkfast_drafts_total", "Drafts written, by store and outcome");
    describe_counter!(
        "inkfast_drafts_unreadable_total",
        "Drafts that were met and cannot be opened, each once"
    );
    describe_counter!(
        "inkfast_drafts_resealed_total",
        "Drafts sealed anew because an old secret had sealed them"
    );
    describe_gauge!(
        "inkfast_drafts_sealed_with_old_secret",
        "Drafts that an old secret still seals, as the last sweep found them"
    );
    describe_gauge!(
        "inkfast_drafts_sealed_with_unknown_secret",
        "Drafts sealed with a secret that the server does not have"
    );
    describe_counter!("inkfast_sign_ins_total", "Tries to sign in, by result");
    describe_gauge!("inkfast_degraded", "1 while what is inessential is left out");
    describe_gauge!("inkfast_event_streams", "Event streams open");
    describe_gauge!("inkfast_process_memory_bytes", Unit::Bytes, "Memory of this process");
    describe_gauge!(
        "inkfast_process_cpu_ratio",
        "Processors that this process keeps busy; 1 is one of them"
    );
    describe_gauge!(
        "inkfast_machine_memory_available_bytes",
        Unit::Bytes,
        "Memory that is left, of the machine or of what a container is allowed"
    );
    describe_gauge!(
        "inkfast_data_dir_available_bytes",
        Unit::Bytes,
        "What is left of the disk that holds the data directory"
    );
    describe_gauge!(
        "inkfast_backup_last_success_timestamp_seconds",
        Unit::Seconds,
        "When the last good backup was made, in Unix time"
    );
    describe_gauge!("inkfast_backup_last_bytes", Unit::Bytes, "Size of the last good backup");
    describe_gauge!(
        "inkfast_backup_last_took_seconds",
        Unit::Seconds,
        "How long the last good backup took"
    );
    describe_counter!("inkfast_backup_failures_total", "Scheduled backups that failed");
    describe_gauge!(
        "inkfast_database_takes_changes",
        "Of several database servers: 1 for the one that is written to"
    );
    describe_gauge!(
        "inkfast_database_is_read_from",
        "Of several database servers: 1 for a replica that is in time"
    );
    describe_gauge!(
        "inkfast_database_is_barred",
        "Of several database servers: 1 for one that may hold another history, and is left alone"
    );
    describe_gauge!(
        "inkfast_database_lag_seconds",
        Unit::Seconds,
        "Of several database servers: how late a replica is, NaN where that is not known"
    );
    describe_gauge!("inkfast_build_info", "Always 1; the version is a label");
    gauge!("inkfast_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    Some(handle)
}
