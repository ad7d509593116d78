//! The state of things as JSON, for programs and operators. Nothing a driver said, and no value of anybody's.

use resilient_db::{Health, RoleHealth};
use serde_json::{Value, json};

use super::Observations;

pub(super) fn details(health: &Health, observations: &Observations) -> Value {
    let Observations {
        started,
        breakers,
        probes,
        machine,
        own_tables,
        backups,
        ..
    } = observations;
    let opened_over = |name, role: &RoleHealth| (!role.is_closed()).then(|| breakers.opened_over(name));
    let cause = opened_over("read", &health.read).or(opened_over("write", &health.write));
    let mut details = json!({
        "uptime_ms": started.elapsed().as_millis() as u64,
        "read": role(&health.read),
        "write": role(&health.write),
        "cause": cause,
        "last_probe": health.last_probe.as_ref().map(|probe| json!({
            "succeeded": probe.succeeded,
            "took_ms": probe.took.as_millis() as u64,
            "age_ms": probe.age.as_millis() as u64,
        })),
        "probes": probes.report(),
        "own_tables": own_tables.report(),
        "backups": backups.report(),
    });
    if let (Value::Object(details), Value::Object(machine)) = (&mut details, machine.report()) {
        details.extend(machine);
    }
    details
}

fn role(role: &RoleHealth) -> Value {
    json!({
        "breaker": role.breaker.name(),
        "pool": {
            "size": role.pool.size,
            "in_use": role.pool.in_use,
            "idle": role.pool.idle,
            "overflow": role.pool.overflow,
            "running": role.pool.running,
            "waiting": role.pool.waiting,
            "max": role.pool.max,
            "limit": role.pool.limit,
            "limit_least": role.pool.least,
            "limit_most": role.pool.most,
        },
        "trends": {
            "failing": role.trends.failing,
            "slowing": role.trends.slowing,
        },
    })
}
