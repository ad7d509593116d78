//! `form[data-resilient-form]`: the contract with the browser side.

use leptos::prelude::*;
use resilient_core::submission::form_body::{ACCOUNT, ID, SEQ, VERSION, WRITER};
use resilient_form::ResilientForm;

use super::Found;
use super::conflict::conflicts;
use super::kept_draft::discard_forms;
use super::notices::notices;
use crate::records::address::{self, Target};
use crate::records::fields::widget;
use crate::records::form_view::{Field, FormView, ShownField};
use crate::records::model::Column;
use crate::ui::icon::icon;
use crate::ui::visit::Visit;

/// The form in its enhancer; the forms that discard drafts stand after it, as forms do not nest.
pub fn page_content(visit: &Visit, found: &Found, view: &FormView) -> AnyView {
    let discard = discard_forms(view);
    let form = form(&visit.account.name, visit.query("saved"), found, view);
    view! {
        <ResilientForm>{form}</ResilientForm>
        {discard}
    }
    .into_any()
}

fn form(account: &str, saved_id: Option<&str>, found: &Found, view: &FormView) -> AnyView {
    let table_url = address::table_url(&found.table.name);
    let saved = view.saved.as_ref();
    view! {
        <form
            method="post"
            action=view.action.clone()
            class="record-form"
            autocomplete="off"
            data-resilient-form=""
            data-account=account.to_owned()
            data-form-key=view.form_key.clone()
            data-draft-url=view.draft_url.clone()
            data-record-url=format!("{table_url}/{{key}}")
            data-incoming-url=(!view.is_new()).then(|| format!("{}/incoming", view.action))
            data-new-url=address::new_url(&found.table.name)
            data-state=view.state.name()
            data-writer=view.page_writer.clone()
            data-draft-on-seq=view.drawn_on.as_ref().map(|on| on.seq.to_string())
            data-draft-on-writer=view.drawn_on.as_ref().map(|on| on.writer.clone())
            data-copied=view.copied.as_ref().map(|copied| format!("{}-{}", copied.seq, copied.writer))
            data-saved-id=saved.and(saved_id).map(str::to_owned)
            data-saved-seq=saved.map(|saved| saved.revision.seq.to_string())
            data-saved-writer=saved.map(|saved| saved.revision.writer.clone())
            data-saved-form-key=saved.map(|saved| saved.form_key.clone())
            data-unsaved-here=(!found.drafts.is_empty()).then_some("")
            data-record-kind=found.table.label.clone()
            data-label-column=found.table.label_column().map(Column::written)
            data-is-new=view.is_new().then_some("")
            data-read-only-copy=view.without_record.then_some("")
        >
            {hidden(ID, view.id.clone())}
            {hidden(ACCOUNT, account.to_owned())}
            {hidden(VERSION, view.version.clone())}
            {hidden(SEQ, view.drawn.seq.to_string())}
            {hidden(WRITER, view.drawn.writer.clone())}
            <div class="form-messages" data-form-messages=""></div>
            {notices(view, found)}
            {conflicts(view)}
            <div class="fields">{view.fields.iter().map(field).collect_view()}</div>
            {footer(found, view)}
        </form>
    }
    .into_any()
}

fn hidden(name: &'static str, value: String) -> AnyView {
    view! { <input type="hidden" name=name value=value autocomplete="off" /> }.into_any()
}

fn field(field: &Field) -> AnyView {
    match field {
        Field::Control(field) => widget::field(field),
        Field::Shown(shown) => shown_field(shown),
    }
}

/// A column that is read here, not written.
pub fn shown_field(shown: &ShownField) -> AnyView {
    let value = match (&shown.text, shown.masked) {
        (_, true) => view! { <span class="masked">"•••••• (set)"</span> }.into_any(),
        (None, _) => view! { <span class="null-value">"NULL"</span> }.into_any(),
        (Some(text), _) if text.is_empty() => view! { <span class="null-value">"(empty)"</span> }.into_any(),
        (Some(text), _) => match shown.link.clone() {
            Some((label, url)) => view! { <a href=url>{label}</a> }.into_any(),
            None => view! { <span>{text.clone()}</span> }.into_any(),
        },
    };
    view! {
        <div class="field field-shown">
            <div class="field-head"><span class="label">{shown.label.clone()}</span></div>
            <div class="shown-value">{value}</div>
            {shown.hint.clone().map(|hint| view! { <p class="field-hint">{hint}</p> })}
        </div>
    }
    .into_any()
}

/// Save and the words that say where things stand; always in sight.
fn footer(found: &Found, view: &FormView) -> AnyView {
    let may_delete = found.table.may_delete();
    let (delete, once_made) = match &found.target {
        Target::Existing(key) if !view.without_record && may_delete => {
            let url = format!("{}/delete", address::record_url(&found.table.name, key));
            (Some(url), None)
        }
        // Where script runs, the page goes on as the record's once it was made.
        Target::New(_) if may_delete => (Some(String::new()), Some("/delete")),
        _ => (None, None),
    };
    view! {
        <div class="form-footer">
            <button type="submit" class="button button-primary" title="Ctrl+S">"Save"</button>
            <span class="save-words" data-save-words="">{view.words.clone()}</span>
            {delete.map(|url| view! {
                <a class="button-plain delete-link" href=url hidden=once_made.is_some() data-after-create=once_made>"Delete…"</a>
            })}
        </div>
    }
    .into_any()
}

/// The way to another new record.
pub fn create_another(found: &Found) -> AnyView {
    view! { <a class="button" href=address::new_url(&found.table.name)>{icon("plus")} "Create another"</a> }.into_any()
}

#[cfg(test)]
mod tests;
