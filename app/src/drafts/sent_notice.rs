//! What became of saves that the server has sent by itself: told on the next page, until it was seen.

use std::sync::Arc;

use leptos::prelude::*;
use resilient_core::submission::queue::Entry;

use super::naming::FormName;
use super::port::SentSaves;
use super::sent_words::why_not;
use crate::records::address;
use crate::records::model::Table;
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::written;

/// In the address of a link from here: which entry was seen by following it.
pub const TOLD: &str = "told";
/// The others are told when these were seen: nothing counts as seen that was not shown.
const AT_ONCE: usize = 8;

/// Nothing where there is no news.
pub fn sent_notice(visit: &Visit, sent: &SentSaves) -> Option<AnyView> {
    let news = sent.news();
    (!news.is_empty()).then(|| told(&visit.tables(), &news, &visit.request.address_without(TOLD)))
}

fn told(tables: &[Arc<Table>], news: &[&Entry], here: &str) -> AnyView {
    let failed = news.iter().filter(|entry| entry.has_failed()).count();
    let shown = &news[..news.len().min(AT_ONCE)];
    let rows = shown.iter().map(|entry| row(tables, entry)).collect_view();
    let ids = shown.iter().map(|entry| {
        view! { <input type="hidden" name="id" value=entry.id.clone() autocomplete="off" /> }
    });
    let more = news.len() - shown.len();
    let body = view! {
        <p>"Save was pressed when it could not be done. The server has sent it since."</p>
        <ul>{rows}</ul>
        {(more > 0).then(|| view! { <p>{format!("{more} more are told when these are closed.")}</p> })}
        <form method="post" action="/drafts/seen" autocomplete="off" class="actions">
            {ids.collect_view()}
            <input type="hidden" name="next" value=here.to_owned() autocomplete="off" />
            <button type="submit" class="button">"Close"<span class="visually-hidden">" what was told"</span></button>
            {(failed > 0).then(|| view! { <a class="button" href="/drafts">"Unsaved work"</a> })}
        </form>
    };
    let tone = if failed > 0 { Tone::Attention } else { Tone::Good };
    let drawn = notice(tone, heading(news.len() - failed, failed), body);
    view! { <section aria-label="What the server has sent" data-sent="">{drawn}</section> }.into_any()
}

fn heading(saved: usize, failed: usize) -> String {
    let counted = |count: usize| written::counted(count as u64, "change of yours was", "changes of yours were");
    match (saved, failed) {
        (saved, 0) => format!("While you were away: {} saved.", counted(saved)),
        (0, failed) => format!("While you were away: {} not saved.", counted(failed)),
        (saved, failed) => format!(
            "While you were away: {} saved, and {} could not be.",
            counted(saved),
            written::number(failed as u64)
        ),
    }
}

/// A failure says what to do; what was typed is in the form it leads to.
fn row(tables: &[Arc<Table>], entry: &Entry) -> AnyView {
    let name = FormName::of(&entry.form_key, tables);
    let title = match link(entry) {
        Some(url) if name.table.is_some() => view! { <a href=url>{name.words}</a> }.into_any(),
        _ => view! { <span>{name.words}</span> }.into_any(),
    };
    let ended = entry.ended_at_ms().map(written::moment).unwrap_or_default();
    let words = match entry.has_failed() {
        true => format!(": not saved. {}", why_not(entry)),
        false => format!(": saved {ended}."),
    };
    let state = if entry.has_failed() { "failed" } else { "saved" };
    view! { <li data-sent-state=state>{title} {words}</li> }.into_any()
}

/// Of a record that was made, its form's address leads to it.
fn link(entry: &Entry) -> Option<String> {
    let url = address::form_url(&entry.form_key)?;
    let joint = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{joint}{TOLD}={}", entry.id))
}

#[cfg(test)]
mod tests {
    use resilient_core::submission::answer::Outcome;
    use resilient_core::submission::queue::{State, Why};

    use super::*;
    use crate::drafts::sent_words::sample_entry;
    use crate::records::model::ColumnKind;
    use crate::records::sample::{column, table};

    fn entry(id: &str, form_key: &str, state: State) -> Entry {
        Entry {
            id: id.into(),
            ..sample_entry(form_key, state)
        }
    }

    fn conflict() -> State {
        let why = Why::Answered(Outcome::Conflict);
        State::NeedsAttention { at_ms: 60_000, why }
    }

    fn drawn(entries: Vec<Entry>) -> String {
        let sent = SentSaves {
            entries,
            ..SentSaves::default()
        };
        let tables = [Arc::new(table("site", vec![column("id", ColumnKind::Integer)]))];
        Owner::new().with(|| told(&tables, &sent.news(), "/records/site?q=a").to_html())
    }

    #[test]
    fn what_failed_stands_first_and_leads_to_its_form() {
        let html = drawn(vec![
            entry("1", "site/7", State::Done { at_ms: 60_000 }),
            entry("2", "site/new-0d8f", conflict()),
        ]);
        assert!(
            html.contains("1 change of yours was saved, and 1 could not be."),
            "{html}"
        );
        let (failed, saved) = (
            html.find("/records/site/new?form=0d8f&amp;told=2"),
            html.find("/records/site/7?told=1"),
        );
        assert!(failed.is_some() && failed < saved, "{html}");
        assert!(html.contains("saved 1970-01-01 00:01 UTC"), "{html}");
        assert!(html.contains("open it and choose"), "{html}");
        assert!(html.contains(r#"name="next" value="/records/site?q=a""#), "{html}");
    }

    #[test]
    fn only_what_is_shown_is_closed() {
        let many = (0..AT_ONCE + 2).map(|at| entry(&format!("id-{at}"), "site/7", State::Done { at_ms: 0 }));
        let html = drawn(many.collect());
        assert_eq!(html.matches(r#"name="id""#).count(), AT_ONCE, "{html}");
        assert!(html.contains("2 more are told"), "{html}");
    }

    #[test]
    fn what_was_seen_or_still_waits_is_no_news() {
        let seen = Entry {
            seen: true,
            ..entry("1", "site/7", conflict())
        };
        let sent = SentSaves {
            entries: vec![seen, entry("2", "site/8", State::Waiting)],
            ..SentSaves::default()
        };
        assert!(sent.news().is_empty());
        assert_eq!((sent.failed_forms(), sent.waiting().count()), (1, 1));
    }
}
