//! A drill's report in lines.

use serde_json::Value;

/// What people met, what the drill met by itself, and what was found afterwards.
pub fn lines(report: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![
        format!(
            "{} for {} s: it struck {} times{}",
            text(&report["kind"]),
            seconds(&report["lasted_ms"]),
            report["struck"]["attempts"],
            commits(report)
        ),
        requests(&report["requests"]),
        saves(&report["saves"]),
        own(&report["own_saves"]),
    ];
    if let Some(after) = report["took_changes_after_ms"].as_u64() {
        lines.push(format!("changes were taken again {after} ms after the end"));
    }
    lines.push(found(report));
    lines.push(match report["verdict"].as_str() {
        Some("healthy") => "healthy: nothing was lost, nothing was done twice".to_owned(),
        Some("lost") => "SOMETHING WAS LOST, or done twice".to_owned(),
        _ => "not checked".to_owned(),
    });
    lines.join("\n") + "\n"
}

fn commits(report: &Value) -> String {
    match report["struck"]["commits"].as_u64() {
        None | Some(0) => String::new(),
        Some(commits) => format!(", and {commits} COMMITs were left without an answer"),
    }
}

fn requests(requests: &Value) -> String {
    format!(
        "requests: {} answered ({}), {} later than 10 s, the slowest after {} ms",
        requests["answered"],
        counted(&requests["by_status"]),
        requests["late"],
        requests["slowest_ms"]
    )
}

fn saves(saves: &Value) -> String {
    let by_outcome = counted(&saves["by_outcome"]);
    if by_outcome.is_empty() {
        return "saves: nobody saved during the drill".to_owned();
    }
    let told = saves["slowest_kept_ms"].as_u64();
    let told = told.map(|took| format!("; told that it is kept within {took} ms"));
    let waiting = format!("; {} forms still wait", saves["waiting_now"]);
    format!("saves: {by_outcome}{}{waiting}", told.unwrap_or_default())
}

fn own(own: &Value) -> String {
    let refused = own["slowest_refusal_ms"].as_u64();
    let refused = refused.map(|took| format!(" within {took} ms"));
    format!(
        "the drill's own saves: {} done, {} refused{}, {} unknown",
        own["done"],
        own["refused"],
        refused.unwrap_or_default(),
        own["unknown"]
    )
}

fn found(report: &Value) -> String {
    let check = &report["check"];
    if let Some(why) = check["not_done"].as_str() {
        return format!("looked for: nothing. {why}");
    }
    format!(
        "looked for: {} saves of people and {} own; {} missing, {} done twice, {} refused and there, {} kept without \
         their text; of {} kept, {} are done by now; {} not looked for",
        check["saves"],
        check["own"],
        check["missing"],
        check["twice"],
        check["refused_and_there"],
        check["without_text"],
        check["kept"],
        check["kept_and_done"],
        check["not_looked_for"]
    )
}

/// `{"saved": 3, "kept": 2}` as `kept 2, saved 3`, without those that are none.
fn counted(counts: &Value) -> String {
    let counts = counts.as_object().into_iter().flatten();
    let some = counts.filter(|(_, count)| count.as_u64() != Some(0));
    let some: Vec<String> = some.map(|(what, count)| format!("{what} {count}")).collect();
    some.join(", ")
}

fn seconds(milliseconds: &Value) -> String {
    format!("{:.1}", milliseconds.as_u64().unwrap_or_default() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_says_who_was_there_and_what_was_found() {
        let report = json!({
            "verdict": "healthy", "kind": "kill", "lasted_ms": 2_000, "struck": {"attempts": 7, "commits": 3},
            "requests": {"answered": 4, "by_status": {"2xx": 3, "4xx": 0, "5xx": 1}, "late": 0, "slowest_ms": 80},
            "saves": {"by_outcome": {}, "slowest_kept_ms": null, "waiting_now": 0},
            "own_saves": {"done": 4, "refused": 1, "unknown": 0, "slowest_refusal_ms": 12},
            "took_changes_after_ms": 150,
            "check": {"saves": 0, "own": 5, "missing": 0, "twice": 0, "refused_and_there": 0, "kept": 0,
                "kept_and_done": 0, "without_text": 0, "not_looked_for": 0},
        });
        let told = lines(&report);
        for words in [
            "kill for 2.0 s: it struck 7 times, and 3 COMMITs were left without an answer",
            "4 answered (2xx 3, 5xx 1)",
            "nobody saved during the drill",
            "4 done, 1 refused within 12 ms",
            "healthy:",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let unchecked = json!({"verdict": "not_checked", "check": {"not_done": "It was away."}});
        assert!(lines(&unchecked).contains("It was away."), "{unchecked}");
    }
}
