//! Saves that the server sends by itself, for staff: how many wait, and which could not be done. Never what was typed.

use leptos::prelude::*;

use super::model::{FailedSave, SentNumbers};
use crate::records::address;
use crate::ui::written;

pub fn sent_saves(sent: &SentNumbers, now_ms: u64) -> AnyView {
    let failed = sent.failed.iter().map(row).collect_view();
    view! {
        <p class="page-note" data-sent-saves="">{numbers(sent, now_ms)}</p>
        {(!sent.failed.is_empty()).then(|| view! {
            <p class="page-note">"These could not be saved; their people have the text under Unsaved work:"</p>
            <table class="grid">
                <thead>
                    <tr>
                        <th scope="col">"Account"</th>
                        <th scope="col">"Table"</th>
                        <th scope="col">"Save pressed"</th>
                        <th scope="col">"Why"</th>
                    </tr>
                </thead>
                <tbody>{failed}</tbody>
            </table>
        })}
    }
    .into_any()
}

fn numbers(sent: &SentNumbers, now_ms: u64) -> String {
    let Some(numbers) = sent.numbers.filter(|_| sent.works) else {
        return match sent.works {
            true if sent.out_of_sight_since_ms.is_some() => {
                "What the server is to send again cannot be looked at now.".to_owned()
            }
            true => "The server has not looked yet at what it is to send again.".to_owned(),
            false => "The server sends nothing again by itself: that is switched off.".to_owned(),
        };
    };
    let waiting = written::counted(numbers.waiting, "save waits", "saves wait");
    let oldest = numbers.oldest_pressed_at_ms.map(|pressed_at_ms| {
        let age = written::span(now_ms.saturating_sub(pressed_at_ms));
        format!(", the oldest for {age}")
    });
    let then = sent.out_of_sight_since_ms.map(|since_ms| {
        let since = written::moment(since_ms);
        format!("What waits cannot be looked at since {since}. Before: ")
    });
    format!(
        "{}{waiting}{}, {}, {} given up.",
        then.as_deref().unwrap_or("Sent again by the server: "),
        oldest.unwrap_or_default(),
        written::counted(numbers.needs_attention, "needs attention", "need attention"),
        match numbers.dead {
            0 => "none was".to_owned(),
            dead => written::counted(dead, "was", "were"),
        },
    )
}

fn row(failed: &FailedSave) -> AnyView {
    view! {
        <tr>
            <td data-label="Account">{failed.account.clone()}</td>
            <td data-label="Table">{address::readable_table(&failed.table)}</td>
            <td data-label="Save pressed">{written::moment(failed.pressed_at_ms)}</td>
            <td data-label="Why">{failed.reason.replace('_', " ")}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use resilient_core::submission::queue::Numbers;

    use super::*;

    fn drawn(sent: &SentNumbers) -> String {
        Owner::new().with(|| sent_saves(sent, 65_000).to_html())
    }

    #[test]
    fn what_could_not_be_saved_is_named_and_what_was_typed_is_not_known_here() {
        let html = drawn(&SentNumbers {
            works: true,
            numbers: Some(Numbers {
                waiting: 2,
                oldest_pressed_at_ms: Some(5_000),
                needs_attention: 1,
                dead: 1,
                ..Numbers::default()
            }),
            out_of_sight_since_ms: None,
            failed: vec![FailedSave {
                account: "mira".into(),
                table: "public~2esite".into(),
                pressed_at_ms: 0,
                reason: "account_off",
            }],
        });
        let words = "2 saves wait, the oldest for 1 min 0 s, 1 needs attention, 1 was given up.";
        assert!(html.contains(words), "{html}");
        for told in ["mira", "site", "account off", "1970-01-01 00:00 UTC"] {
            assert!(html.contains(told), "{told}: {html}");
        }
    }

    #[test]
    fn whether_the_server_sends_anything_is_said() {
        assert!(drawn(&SentNumbers::default()).contains("switched off"));
        let works = SentNumbers {
            works: true,
            ..SentNumbers::default()
        };
        assert!(drawn(&works).contains("not looked yet"));
        let idle = SentNumbers {
            numbers: Some(Numbers::default()),
            ..works
        };
        let html = drawn(&idle);
        assert!(
            html.contains("0 saves wait, 0 need attention, none was given up."),
            "{html}"
        );
        assert!(!html.contains("<table"), "{html}");
    }

    #[test]
    fn numbers_that_may_have_changed_since_are_told_as_such() {
        let unseen = SentNumbers {
            works: true,
            out_of_sight_since_ms: Some(0),
            ..SentNumbers::default()
        };
        assert!(drawn(&unseen).contains("cannot be looked at now"));
        let old = SentNumbers {
            numbers: Some(Numbers::default()),
            ..unseen
        };
        let words = "cannot be looked at since 1970-01-01 00:00 UTC. Before: 0 saves wait";
        assert!(drawn(&old).contains(words), "{}", drawn(&old));
    }
}
