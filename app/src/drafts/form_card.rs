//! One form's unsaved texts: what state each is in, where it differs from the record, and what can be done with it.

use leptos::prelude::*;
use resilient_core::difference::Piece;
use resilient_core::draft::Text;
use resilient_core::submission::queue::Entry;

use super::comparing::{Compared, Difference, DraftState, sent_of};
use super::discarding::{Discarded, discard};
use super::ending;
use super::excerpt;
use super::port::KeptDraft;
use crate::records::address;
use crate::ui::icon::icon;
use crate::ui::written;

/// Characters of a text; its form has all of it.
const LONGEST_EXCERPT: usize = 240;
/// Columns of a draft, and drafts of a form, that are shown: the form has all of them.
const MOST_COLUMNS: usize = 12;
pub const MOST_DRAFTS: usize = 10;

/// A form with unsaved texts, ready to be drawn.
pub struct FormCard<'a> {
    pub form_key: &'a str,
    /// The record's own name where it could be read, else what its key says.
    pub title: String,
    /// Table and key, where the title does not say so.
    pub subtitle: Option<String>,
    /// Whether this person may make a record of the table.
    pub may_insert: bool,
    /// Latest change first.
    pub drafts: Vec<(&'a KeptDraft, Compared)>,
    /// How many more there are.
    pub more: usize,
    /// Presses of Save of this form that the server sends, or has sent.
    pub sent: Vec<Sent<'a>>,
    /// On its page, for ids.
    pub place: usize,
}

/// A press of Save in the server's line, with what is said of it.
pub struct Sent<'a> {
    pub entry: &'a Entry,
    pub words: String,
}

pub fn form_card(card: &FormCard) -> AnyView {
    let heading = format!("unsaved-{}", card.place);
    let several = card.drafts.len() > 1;
    let drafts = card
        .drafts
        .iter()
        .enumerate()
        .map(|(place, (kept, compared))| draft(card, place, kept, compared));
    let drafts = drafts.collect_view();
    let count = written::counted((card.drafts.len() + card.more) as u64, "text", "different texts");
    let more = card.more;
    view! {
        <section class="unsaved-form" aria-labelledby=heading.clone()>
            <h2 id=heading.clone()>{card.title.clone()} {card.subtitle.clone().map(|words| view! { <span class="unsaved-key">{words}</span> })}</h2>
            {several.then(|| view! { <p class="entry-note">{format!("{count}, typed in several tabs or on several devices")}</p> })}
            {drafts}
            {other_presses(card)}
            {(more > 0).then(|| view! { <p class="entry-note">{format!("{more} older ones are shown when some of these are gone. The form has them all.")}</p> })}
        </section>
    }
    .into_any()
}

fn draft(card: &FormCard, place: usize, kept: &KeptDraft, compared: &Compared) -> AnyView {
    let (name, icon_name, words, note) = told(compared.state);
    let entries: Vec<_> = card.sent.iter().map(|sent| sent.entry).collect();
    let own =
        sent_of(kept, &entries).filter(|_| matches!(compared.state, DraftState::WaitsInLine | DraftState::NotSaved));
    let own = card.sent.iter().find(|sent| Some(sent.entry) == own);
    let note = own.map_or_else(|| note.to_owned(), |sent| sent.words.clone());
    let when = format!(
        "Last changed {}{}",
        written::moment(kept.changed_at_ms),
        ending::note(kept)
    );
    view! {
        <article class="unsaved-draft" data-draft-state=name>
            <p class="unsaved-state">{icon(icon_name)} <strong>{words}</strong> <span class="unsaved-when">{when}</span></p>
            {(!note.is_empty()).then(|| view! { <p class="entry-note">{note}</p> })}
            {differences(compared)}
            {actions(card, place, kept, compared)}
        </article>
    }
    .into_any()
}

/// Of what was typed on since, or is not kept as a draft any more.
fn other_presses(card: &FormCard) -> AnyView {
    let is_told = |sent: &Sent| {
        card.drafts
            .iter()
            .any(|(kept, _)| kept.draft.revision == sent.entry.revision)
    };
    let others = card.sent.iter().enumerate().filter(|(_, sent)| !is_told(sent));
    others
        .map(|(place, sent)| other_press(card, place, sent))
        .collect_view()
        .into_any()
}

fn other_press(card: &FormCard, place: usize, sent: &Sent) -> AnyView {
    let (name, icon_name, words) = match sent.entry.is_waiting() {
        true => ("waiting", "clock", "An earlier press of Save waits to be saved"),
        false => ("not-saved", "alert", "An earlier press of Save could not be done"),
    };
    let is_alone = card.drafts.is_empty();
    view! {
        <article class="unsaved-draft" data-draft-state=name>
            <p class="unsaved-state">{icon(icon_name)} <strong>{words}</strong></p>
            <p class="entry-note">{sent.words.clone()}</p>
            {is_alone.then(|| view! {
                <div class="actions">
                    {address::form_url(card.form_key).map(|url| view! { <a class="button" href=url>"Open"</a> })}
                    {discard(&Discarded {
                        form_key: card.form_key,
                        revision: &sent.entry.revision,
                        title: &card.title,
                        changed_at_ms: Some(sent.entry.pressed_at_ms),
                        id: format!("discard-{}-sent-{place}", card.place),
                    })}
                </div>
            })}
        </article>
    }
    .into_any()
}

/// Name, icon, words, and what that means; of what the server sends, its own words say that.
fn told(state: DraftState) -> (&'static str, &'static str, &'static str, &'static str) {
    match state {
        DraftState::Typed => ("typed", "draft", "Not saved yet", ""),
        DraftState::TypedForNew => ("new", "plus", "New record, not saved yet", ""),
        DraftState::WaitsToBeSaved => (
            "waiting",
            "clock",
            "Waiting to be saved",
            "Save was pressed and could not be done yet. Open it and save it now, unless the page it was typed in says that it goes on trying.",
        ),
        DraftState::WaitsInLine => ("waiting", "clock", "Waiting to be saved", ""),
        DraftState::NotSaved => ("not-saved", "alert", "Could not be saved", ""),
        DraftState::NeedsDecision => (
            "decision",
            "alert",
            "Needs your decision",
            "Somebody else has changed the same field since. Nothing was overwritten: open it and choose.",
        ),
        DraftState::SavedMeanwhile => (
            "saved",
            "check",
            "Saved meanwhile",
            "The record says the same. There is nothing left to save, and the text can be discarded.",
        ),
        DraftState::RecordGone => (
            "gone",
            "alert",
            "The record is gone",
            "What you typed is kept, and can be made a new record.",
        ),
        DraftState::RecordUnreadable => (
            "unreadable",
            "clock",
            "The record cannot be read at the moment",
            "What you typed is kept. It is compared with the record when the database answers again.",
        ),
        DraftState::TableUnknown => (
            "unknown",
            "lock",
            "Its table cannot be shown to you",
            "What you typed is kept, and you can export it.",
        ),
    }
}

fn differences(compared: &Compared) -> Option<AnyView> {
    if compared.differences.is_empty() {
        return None;
    }
    let with_record = compared.differences.iter().any(|one| one.now.is_some());
    let rows = compared.differences.iter().take(MOST_COLUMNS);
    let rows = rows.map(|one| row(one, with_record)).collect_view();
    let more = compared.differences.len().saturating_sub(MOST_COLUMNS);
    let mut left_out = Vec::new();
    if more > 0 {
        left_out.push(written::counted(
            more as u64,
            "more field differs",
            "more fields differ",
        ));
    }
    if compared.same > 0 {
        left_out.push(written::counted(compared.same as u64, "field says", "fields say") + " the same");
    }
    let left_out = (!left_out.is_empty()).then(|| format!("{}.", left_out.join(", ")));
    Some(
        view! {
            <table class="differences">
                <thead>
                    <tr>
                        <th scope="col">"Field"</th>
                        {with_record.then(|| view! { <th scope="col">"In the record now"</th> })}
                        <th scope="col">"Yours"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {left_out.map(|words| view! { <p class="entry-note">{words}</p> })}
        }
        .into_any(),
    )
}

fn row(one: &Difference, with_record: bool) -> AnyView {
    let (now, mine) = cells(one);
    let changed = one
        .changed_meanwhile
        .then(|| view! { " " <span class="tag">"changed since"</span> });
    view! {
        <tr>
            <th scope="row">{one.label.clone()} {changed}</th>
            {with_record.then(|| view! { <td class="difference-theirs" data-label="In the record now">{now}</td> })}
            <td class="difference-mine" data-label="Yours">{mine}</td>
        </tr>
    }
    .into_any()
}

/// The record's text and mine, cut to where they differ, with the words marked that the other has not.
fn cells(one: &Difference) -> (AnyView, AnyView) {
    let mine = written::value(&one.mine);
    let Some(now) = &one.now else {
        let now = view! { <span class="muted">"not shown"</span> };
        return (
            now.into_any(),
            marked(&one.mine, &excerpt::of_one(&mine, false, LONGEST_EXCERPT)),
        );
    };
    let theirs = written::value(now);
    let (theirs, mine) = match (now, &one.mine) {
        (Some(_), Some(_)) => excerpt::of_difference(&theirs, &mine, LONGEST_EXCERPT),
        // NULL has no words in common with any text.
        _ => (
            excerpt::of_one(&theirs, true, LONGEST_EXCERPT),
            excerpt::of_one(&mine, true, LONGEST_EXCERPT),
        ),
    };
    (marked(now, &theirs), marked(&one.mine, &mine))
}

fn marked(value: &Text, pieces: &[Piece]) -> AnyView {
    let class = match value.as_deref() {
        None | Some("") => "kept-text null-value",
        Some(_) => "kept-text",
    };
    let piece = |piece: &Piece| match piece.differs {
        true => view! { <mark>{piece.text.to_owned()}</mark> }.into_any(),
        false => view! { <span>{piece.text.to_owned()}</span> }.into_any(),
    };
    view! { <span class=class>{pieces.iter().map(piece).collect_view()}</span> }.into_any()
}

fn actions(card: &FormCard, place: usize, kept: &KeptDraft, compared: &Compared) -> AnyView {
    let of = format!(" {}", card.title);
    let open = address::form_url(card.form_key)
        .filter(|_| compared.state != DraftState::TableUnknown)
        .map(|url| {
            let words = match compared.state {
                DraftState::WaitsToBeSaved | DraftState::WaitsInLine | DraftState::NotSaved => "Open and save",
                DraftState::NeedsDecision => "Open and decide",
                DraftState::RecordGone if card.may_insert => "Create as new",
                _ => "Open",
            };
            let url = if card.drafts.len() > 1 { chosen(&url, kept) } else { url };
            view! { <a class="button" href=url>{words}<span class="visually-hidden">{of.clone()}</span></a> }
        });
    let export = export_url(kept);
    view! {
        <div class="actions">
            {open}
            <a class="button-plain" href=format!("{export}&as=text") download="">"Export"<span class="visually-hidden">{of.clone()}</span></a>
            {discard(&Discarded {
                form_key: &kept.form_key,
                revision: &kept.draft.revision,
                title: &card.title,
                changed_at_ms: Some(kept.changed_at_ms),
                id: format!("discard-{}-{place}", card.place),
            })}
        </div>
    }
    .into_any()
}

/// The form with this very draft in its fields.
fn chosen(url: &str, kept: &KeptDraft) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    let revision = &kept.draft.revision;
    format!("{url}{joint}restore={}-{}", revision.seq, revision.writer)
}

/// All parts are written so that they may stand in a query.
fn export_url(kept: &KeptDraft) -> String {
    let revision = &kept.draft.revision;
    let (seq, writer) = (revision.seq, &revision.writer);
    format!("/drafts/export?form_key={}&seq={seq}&writer={writer}", kept.form_key)
}
