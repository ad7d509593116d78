//! Mine and theirs beside each other, with a choice for each field. Without script the fields keep mine, and the
//! choice of theirs leaves the column as it is, whatever stands in its field.

use leptos::prelude::*;
use resilient_core::difference::{self, Piece};
use resilient_core::draft::Text;
use resilient_core::submission::form_body;

use crate::records::form_view::{ConflictView, FormView};
use crate::ui::icon::icon;
use crate::ui::written;

/// Nothing where there is no conflict.
pub fn conflicts(view: &FormView) -> Option<AnyView> {
    if view.conflicts.is_empty() {
        return None;
    }
    let each = view.conflicts.iter().map(|one| conflict(view, one)).collect_view();
    Some(
        view! {
            <section class="conflicts" data-conflicts="" aria-labelledby="conflicts-heading">
                <h2 id="conflicts-heading">{icon("alert")} "Changed by somebody else meanwhile"</h2>
                <p>
                    "Nothing was overwritten, and the fields below hold your text. Choose for each field, then press Save. \
                     To put both together, choose yours and edit it in its field."
                </p>
                {each}
            </section>
        }
        .into_any(),
    )
}

fn conflict(view: &FormView, conflict: &ConflictView) -> AnyView {
    let base = conflict.base.as_ref();
    let field = format!("#f-{}", conflict.column);
    let (mine, theirs) = compared(view, &conflict.column, &conflict.mine, &conflict.theirs);
    view! {
        <fieldset
            class="conflict"
            data-conflict=conflict.column.clone()
            data-mine=conflict.mine.clone()
            data-mine-null=conflict.mine.is_none().then_some("")
            data-theirs=conflict.theirs.clone()
            data-theirs-null=conflict.theirs.is_none().then_some("")
            data-base=base.cloned().flatten()
            data-base-null=base.is_some_and(Option::is_none).then_some("")
        >
            <legend>{conflict.label.clone()}</legend>
            <div class="conflict-sides">
                {choice(&conflict.column, "mine", "Mine", mine, true)}
                {choice(&conflict.column, form_body::THEIRS, "Theirs, saved now", theirs, false)}
            </div>
            <div class="conflict-more"><a href=field>"Edit on"</a></div>
            {base.map(|base| before_both(view, &conflict.column, base))}
        </fieldset>
    }
    .into_any()
}

/// The text that neither side has any more, on demand.
pub fn before_both(view: &FormView, column: &str, base: &Text) -> AnyView {
    view! {
        <details class="conflict-base">
            <summary>"Before both changes"</summary>
            {text(&Some(words(view, column, base)))}
        </details>
    }
    .into_any()
}

fn choice(column: &str, side: &'static str, heading: &'static str, text: AnyView, checked: bool) -> AnyView {
    view! {
        <label class=format!("conflict-side conflict-{side}") data-side=side>
            <input type="radio" name=format!("{}{column}", form_body::CHOICE) value=side checked=checked autocomplete="off" />
            <span class="conflict-heading">{heading}</span>
            {text}
        </label>
    }
    .into_any()
}

/// Two values of a column as the form shows them, with the words marked that the other has not.
pub fn compared(view: &FormView, column: &str, one: &Text, other: &Text) -> (AnyView, AnyView) {
    let texts = (words(view, column, one), words(view, column, other));
    // NULL has no words in common with any text.
    let comparable = one.is_some() && other.is_some();
    let pieces = comparable.then(|| difference::by_word(&texts.0, &texts.1));
    let whole = |text| vec![Piece { text, differs: true }];
    let (pieces, others) = pieces.unwrap_or_else(|| (whole(&texts.0), whole(&texts.1)));
    (marked(one, &pieces), marked(other, &others))
}

fn marked(value: &Text, pieces: &[Piece]) -> AnyView {
    let piece = |piece: &Piece| {
        let text = piece.text.to_owned();
        if piece.differs {
            view! { <mark>{text}</mark> }.into_any()
        } else {
            view! { <span>{text}</span> }.into_any()
        }
    };
    view! { <span class=class(value)>{pieces.iter().map(piece).collect_view()}</span> }.into_any()
}

/// An option by its label, NULL and the empty text in words.
fn words(view: &FormView, column: &str, value: &Text) -> String {
    let label = value.as_ref().and_then(|value| view.option_label(column, value));
    // Browsers give back every line end as LF: CRLF of the record is no difference.
    form_body::with_line_feeds(&label.unwrap_or_else(|| written::value(value)))
}

fn class(value: &Text) -> &'static str {
    if value.as_deref().is_none_or(str::is_empty) {
        "kept-text null-value"
    } else {
        "kept-text"
    }
}

/// To read and to copy.
pub fn text(value: &Text) -> AnyView {
    view! { <pre class=class(value) tabindex="0">{written::value(value)}</pre> }.into_any()
}
