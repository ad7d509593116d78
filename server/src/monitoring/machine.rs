//! What this process takes and what its machine has left, looked at every few seconds by a thread of its own:
//! asking costs nothing, and a disk that does not answer keeps nobody waiting but that thread.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use app::monitoring::model::MachineNumbers;
use metrics::gauge;
use serde_json::{Value, json};
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The last look; none until a moment after the start, because a processor's load is a difference of two.
#[derive(Debug, Default)]
pub struct Machine {
    last: Mutex<Option<Look>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Look {
    taken: Instant,
    process: Option<Process>,
    processors: usize,
    /// Of all processors together.
    busy_percent: f32,
    memory: Room,
    disk: Option<Room>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Process {
    memory_bytes: u64,
    /// Of one processor: two busy threads are 200.
    busy_percent: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Room {
    total_bytes: u64,
    available_bytes: u64,
}

impl Machine {
    /// `null` for what is not known (yet).
    pub fn report(&self) -> Value {
        let Some(look) = self.last() else {
            return json!({ "looked_ms_ago": null, "process": null, "machine": null, "data_dir_disk": null });
        };
        json!({
            "looked_ms_ago": look.taken.elapsed().as_millis() as u64,
            "process": look.process.map(|process| json!({
                "memory_bytes": process.memory_bytes,
                "cpu_percent_of_one": tenths(process.busy_percent),
            })),
            "machine": {
                "cpus": look.processors,
                "cpu_percent": tenths(look.busy_percent),
                "memory_total_bytes": look.memory.total_bytes,
                "memory_available_bytes": look.memory.available_bytes,
            },
            "data_dir_disk": look.disk.map(|disk| json!({
                "total_bytes": disk.total_bytes,
                "available_bytes": disk.available_bytes,
            })),
        })
    }
}

impl Machine {
    /// The same for the page.
    pub fn numbers(&self) -> Option<MachineNumbers> {
        let look = self.last()?;
        Some(MachineNumbers {
            process_memory_bytes: look.process.map(|process| process.memory_bytes),
            process_cpu_percent: look.process.map(|process| tenths(process.busy_percent)),
            processors: look.processors as u64,
            cpu_percent: tenths(look.busy_percent),
            memory_total_bytes: look.memory.total_bytes,
            memory_available_bytes: look.memory.available_bytes,
            disk_bytes: look.disk.map(|disk| (disk.total_bytes, disk.available_bytes)),
        })
    }

    fn last(&self) -> Option<Look> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn tenths(percent: f32) -> f64 {
    (f64::from(percent) * 10.0).round() / 10.0
}

/// Looks as long as somebody holds `machine`.
pub fn watch(machine: &Arc<Machine>, data_dir: &Path) {
    let (watched, data_dir) = (Arc::downgrade(machine), data_dir.to_owned());
    let started = thread::Builder::new()
        .name("machine".to_owned())
        .spawn(move || look_on(&watched, &data_dir));
    if let Err(error) = started {
        tracing::warn!(%error, "memory, processors and disk are not watched");
    }
}

fn look_on(watched: &Weak<Machine>, data_dir: &Path) {
    let mut system = match System::new() {
        Ok(system) => system,
        Err(error) => return tracing::warn!(%error, "memory and processors of this system cannot be looked at"),
    };
    let own = sysinfo::get_current_pid().ok();
    refresh(&mut system, own);
    let mut pause = sysinfo::MINIMUM_CPU_UPDATE_INTERVAL;
    loop {
        thread::sleep(pause);
        pause = LOOK_EVERY;
        if watched.strong_count() == 0 {
            return;
        }
        refresh(&mut system, own);
        let look = look(&system, own, data_dir);
        tell_metrics(&look);
        let Some(machine) = watched.upgrade() else { return };
        *machine.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(look);
    }
}

fn refresh(system: &mut System, own: Option<Pid>) {
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    system.refresh_cpu_usage();
    if let Some(own) = own {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, what);
    }
}

fn look(system: &System, own: Option<Pid>, data_dir: &Path) -> Look {
    let process = own.and_then(|own| system.process(own)).map(|process| Process {
        memory_bytes: process.memory(),
        busy_percent: process.cpu_usage(),
    });
    Look {
        taken: Instant::now(),
        process,
        processors: system.cpus().len(),
        busy_percent: system.global_cpu_usage(),
        memory: memory(system),
        disk: disk(data_dir),
    }
}

/// The machine's, or what a container is allowed of it.
fn memory(system: &System) -> Room {
    let whole = Room {
        total_bytes: system.total_memory(),
        available_bytes: system.available_memory(),
    };
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 && limits.total_memory < whole.total_bytes => Room {
            total_bytes: limits.total_memory,
            available_bytes: limits.free_memory.min(whole.available_bytes),
        },
        _ => whole,
    }
}

/// Of the disk that holds the data directory, what this account may still fill.
#[cfg(unix)]
fn disk(data_dir: &Path) -> Option<Room> {
    let disk = rustix::fs::statvfs(data_dir).ok()?;
    Some(Room {
        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        available_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(not(unix))]
fn disk(_data_dir: &Path) -> Option<Room> {
    None
}

fn tell_metrics(look: &Look) {
    if let Some(process) = look.process {
        gauge!("inkfast_process_memory_bytes").set(process.memory_bytes as f64);
        gauge!("inkfast_process_cpu_ratio").set(f64::from(process.busy_percent) / 100.0);
    }
    gauge!("inkfast_machine_memory_available_bytes").set(look.memory.available_bytes as f64);
    if let Some(disk) = look.disk {
        gauge!("inkfast_data_dir_available_bytes").set(disk.available_bytes as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_this_machine_and_this_process() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let machine = Arc::new(Machine::default());
        assert_eq!(machine.report()["machine"], Value::Null, "nobody has looked yet");
        watch(&machine, folder.path());
        let begun = Instant::now();
        // A processor that has something to do.
        while machine.report()["machine"].is_null() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody looks");
        }
        let report = machine.report();
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).expect(pointer);
        // A running test needs more than a megabyte and has less than the machine.
        assert!((1e6..number("/machine/memory_total_bytes")).contains(&number("/process/memory_bytes")));
        assert!(number("/machine/memory_available_bytes") <= number("/machine/memory_total_bytes"));
        assert!(
            number("/process/cpu_percent_of_one") > 1.0,
            "it was busy looking: {report}"
        );
        assert!((0.0..=100.0).contains(&number("/machine/cpu_percent")));
        assert!(number("/machine/cpus") >= 1.0);
        assert!(number("/data_dir_disk/total_bytes") >= number("/data_dir_disk/available_bytes"));
        assert!(
            number("/data_dir_disk/available_bytes") > 0.0,
            "the temporary directory can be written"
        );
    }

    #[test]
    fn a_disk_that_is_not_there_is_not_known() {
        assert_eq!(disk(Path::new("/there/is/no/such/place")), None);
    }
}
