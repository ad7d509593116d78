//! The latest errors, and where they are kept.

use leptos::prelude::*;

use super::model::Report;
use crate::ui::written;

pub fn error_list(report: &Report) -> AnyView {
    let errors = &report.errors;
    if errors.is_empty() {
        let none = if report.errors_are_stored {
            "None."
        } else {
            "None since the start."
        };
        return view! { <p class="muted">{none}</p> }.into_any();
    }
    let where_kept = match report.errors_are_stored {
        true => "The latest, of all servers that share this database; they outlive a restart.",
        false => "In memory alone: they are forgotten at the next start.",
    };
    let rows = errors.iter().map(|error| {
        let times = (error.times > 1).then(|| format!(" × {}", written::number(error.times)));
        view! {
            <tr>
                <td class="whole" data-label="Last">{written::time_of_day(error.last_at_ms)}</td>
                <td data-label="Kind">{error.kind.replace('_', " ")} {times}</td>
                <td data-label="Severity">{error.severity.clone()}</td>
                <td data-label="What">{error.what.clone()}</td>
                <td data-label="Error id">{error.request_id.clone().map(|id| view! { <code>{id}</code> })}</td>
            </tr>
        }
    });
    view! {
        <table class="grid">
            <thead>
                <tr>
                    <th scope="col">"Last"</th>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Severity"</th>
                    <th scope="col">"What"</th>
                    <th scope="col">"Error id"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        <p class="page-note">{where_kept}</p>
    }
    .into_any()
}
