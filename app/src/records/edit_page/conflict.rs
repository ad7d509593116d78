//! Mine and theirs beside each other. Without script the fields keep mine.

use leptos::prelude::*;
use resilient_core::draft::Text;

use crate::records::form_view::{ConflictView, FormView};
use crate::ui::icon::icon;
use crate::ui::written;

/// Nothing where there is no conflict.
pub fn conflicts(view: &FormView) -> Option<AnyView> {
    if view.conflicts.is_empty() {
        return None;
    }
    let each = view.conflicts.iter().map(conflict).collect_view();
    Some(
        view! {
            <section class="conflicts" data-conflicts="" aria-labelledby="conflicts-heading">
                <h2 id="conflicts-heading">{icon("alert")} "Changed by somebody else meanwhile"</h2>
                <p>"The fields below hold your text. Where theirs should stay, copy it into the field."</p>
                {each}
            </section>
        }
        .into_any(),
    )
}

fn conflict(conflict: &ConflictView) -> AnyView {
    let base = conflict.base.as_ref();
    let field = format!("#f-{}", conflict.column);
    view! {
        <div
            class="conflict"
            data-conflict=conflict.column.clone()
            data-mine=conflict.mine.clone()
            data-mine-null=conflict.mine.is_none().then_some("")
            data-theirs=conflict.theirs.clone()
            data-theirs-null=conflict.theirs.is_none().then_some("")
            data-base=base.cloned().flatten()
            data-base-null=base.is_some_and(Option::is_none).then_some("")
        >
            <h3><a href=field>{conflict.label.clone()}</a></h3>
            <div class="conflict-sides">
                {side("Yours", "conflict-side conflict-mine", &conflict.mine)}
                {side("Theirs, saved now", "conflict-side conflict-theirs", &conflict.theirs)}
            </div>
            {base.map(|base| {
                view! {
                    <details class="conflict-base">
                        <summary>"Before both changes"</summary>
                        {text(base)}
                    </details>
                }
            })}
        </div>
    }
    .into_any()
}

fn side(heading: &'static str, class: &'static str, value: &Text) -> AnyView {
    view! {
        <div class=class>
            <p class="conflict-heading">{heading}</p>
            {text(value)}
        </div>
    }
    .into_any()
}

/// To read and to copy.
pub fn text(value: &Text) -> AnyView {
    let class = if value.as_deref().is_none_or(str::is_empty) {
        "kept-text null-value"
    } else {
        "kept-text"
    };
    view! { <pre class=class tabindex="0">{written::value(value)}</pre> }.into_any()
}
