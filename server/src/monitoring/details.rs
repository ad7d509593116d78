//! The state of things as JSON, for programs and operators. Nothing a driver said, and no value of anybody's.

use resilient_db::{RoleHealth, ServerHealth};
use serde_json::{Value, json};

use super::Observations;
use crate::database::DatabaseState;

pub(super) fn details(state: &DatabaseState, observations: &Observations) -> Value {
    let Observations {
        started,
        breakers,
        probes,
        machine,
        own_tables,
        backups,
        secrets,
        ..
    } = observations;
    let ServerHealth {
        name: server, health, ..
    } = state.leading();
    let opened_over = |name, role: &RoleHealth| (!role.is_closed()).then(|| breakers.opened_over(server, name));
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
        "secrets": secrets.report(),
        "servers": state.servers.iter().map(server_report).collect::<Vec<_>>(),
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

/// One of them, by its name alone: where it is stands in the settings.
fn server_report(server: &ServerHealth) -> Value {
    let health = &server.health;
    json!({
        "name": server.name,
        "takes_changes": server.is_writer,
        "is_read_from": server.is_reader,
        "is_rival": server.is_rival,
        "is_barred": server.is_barred,
        "lag_ms": server.lag.map(|lag| lag.as_millis() as u64),
        "answers": health.last_probe.is_some_and(|probe| probe.succeeded),
        "breakers": { "read": health.read.breaker.name(), "write": health.write.breaker.name() },
    })
}
