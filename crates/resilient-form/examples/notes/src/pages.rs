//! The pages, drawn by Leptos on the server. They work as they are; where script runs, `resilient-form` goes over them.

mod shown;

use std::sync::Arc;

use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use resilient_core::draft::Revision;
use resilient_core::submission::answer::Conflict;
use resilient_core::submission::form_body::{BASE, ID, SEQ, VALUE, VERSION, WRITER};
use resilient_drafts::StoredDraft;
use resilient_form::{ConnectionStatus, DeviceDrafts, EARLY_RECORDER, ResilientForm, Toasts, textarea_content};

use crate::application::ACCOUNT;
use crate::drafts::form_key;
use crate::notes::Note;
pub use shown::{Field, Shown};

/// The module starts itself; a page whose module does not come is a form all the same.
const START: &str = "import start from '/pkg/notes.js'; start({ module_or_path: '/pkg/notes_bg.wasm' });";
const STYLE: &str = include_str!("style.css");

pub fn list(notes: &[Note]) -> String {
    page("Notes", || {
        let note = |note: &Note| {
            view! { <li><a href=format!("/{}", form_key(note.id))>{note.text_of("title").to_owned()}</a></li> }
        };
        let notes = notes.iter().map(note).collect_view();
        view! { <h1>"Notes"</h1><ul>{notes}</ul> }.into_any()
    })
}

pub fn form(shown: &Shown) -> String {
    page("Note", || {
        view! {
            <p><a href="/">"All notes"</a></p>
            <h1>"Note"</h1>
            {form_in_its_enhancer(shown)}
            {shown.saves.map(|saves| view! { <p data-saves=saves>{format!("As this page was drawn, the note had been saved {saves} times.")}</p> })}
            {shown.drawn_draft().map(|revision| discard_form(shown.id, revision))}
            {shown.beside.iter().map(|draft| beside(shown.id, draft)).collect_view()}
        }
        .into_any()
    })
}

/// What was typed into a note that is gone is there all the same.
pub fn not_found(id: i64, kept: &[StoredDraft]) -> String {
    page("No such note", || {
        let kept = kept.iter().map(|draft| beside(id, draft)).collect_view();
        view! { <h1>"No such note"</h1>{kept} }.into_any()
    })
}

/// An empty form key: whatever the device has.
pub fn unreadable(form_key: &str) -> String {
    page("Notes", || {
        view! {
            <h1>"The notes cannot be read at the moment"</h1>
            <DeviceDrafts account=ACCOUNT.to_owned() records_url=String::new() form_key=form_key.to_owned() />
        }
        .into_any()
    })
}

fn page(title: &'static str, content: impl FnOnce() -> AnyView) -> String {
    // Islands ask this for what they have to know of one another.
    Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands()))).with(|| {
        view! {
            <!DOCTYPE html>
            <html lang="en">
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1" />
                    <meta name="referrer" content="same-origin" />
                    <title>{title}</title>
                    <link rel="icon" href="data:," />
                    <style>{STYLE}</style>
                    <script>{EARLY_RECORDER}</script>
                </head>
                // Where this application answers; of events it has none.
                <body
                    data-account=ACCOUNT
                    data-readiness-url="/ready"
                    data-events-url=""
                    data-submissions-url="/submissions"
                    data-discard-url="/discard"
                >
                    <header><ConnectionStatus /></header>
                    <main>{content()}</main>
                    <Toasts />
                    <script type="module">{START}</script>
                </body>
            </html>
        }
        .to_html()
    })
}

fn form_in_its_enhancer(shown: &Shown) -> AnyView {
    let id = shown.id;
    let saved = shown.saved.as_ref();
    let form = view! {
        <form
            method="post"
            action=format!("/{}", form_key(id))
            autocomplete="off"
            data-resilient-form=shown.is_enhanced.then_some("")
            data-account=ACCOUNT
            data-form-key=form_key(id)
            data-draft-url=format!("/drafts/{}", form_key(id))
            data-state=shown.state
            data-writer=shown.page_writer.clone()
            data-draft-on-seq=shown.on.as_ref().map(|on| on.seq.to_string())
            data-draft-on-writer=shown.on.as_ref().map(|on| on.writer.clone())
            data-saved-id=saved.map(|saved| saved.id.clone())
            data-saved-seq=saved.map(|saved| saved.revision.seq.to_string())
            data-saved-writer=saved.map(|saved| saved.revision.writer.clone())
            data-saved-form-key=saved.map(|_| form_key(id))
        >
            {hidden(ID, shown.submission.clone())}
            {hidden(VERSION, shown.version.clone())}
            {hidden(SEQ, shown.drawn.seq.to_string())}
            {hidden(WRITER, shown.drawn.writer.clone())}
            <div data-form-messages=""></div>
            {shown.message.as_ref().map(|message| view! { <p data-form-message="" role="alert">{message.clone()}</p> })}
            {shown.drawn_draft().map(draft_notice)}
            {conflicts(&shown.conflicts)}
            {shown.fields.iter().map(field).collect_view()}
            <p><button type="submit">"Save"</button>" "<span data-save-words="">{shown.words}</span></p>
        </form>
    };
    view! { <ResilientForm>{form}</ResilientForm> }.into_any()
}

fn hidden(name: &'static str, value: String) -> AnyView {
    view! { <input type="hidden" name=name value=value autocomplete="off" /> }.into_any()
}

fn field(field: &Field) -> AnyView {
    let (name, id, error_id) = (
        format!("{VALUE}{}", field.column),
        format!("f-{}", field.column),
        format!("e-{}", field.column),
    );
    let invalid = field.error.is_some().then_some("true");
    let text = field.text.clone();
    // A line cannot hold what has several.
    let control = if field.is_long || text.contains(['\n', '\r']) {
        let content = textarea_content(&text);
        view! { <textarea id=id.clone() name=name rows="6" aria-describedby=error_id.clone() aria-invalid=invalid inner_html=content></textarea> }
            .into_any()
    } else {
        view! { <input id=id.clone() name=name value=text aria-describedby=error_id.clone() aria-invalid=invalid /> }
            .into_any()
    };
    let base = field.base.clone().map(|base| {
        let name = format!("{BASE}{}", field.column);
        view! { <input type="hidden" name=name value=base autocomplete="off" /> }
    });
    view! {
        <div class="field" data-field=field.column>
            <label for=id>{field.label}</label>
            {control}
            {base}
            <p class="field-error" id=error_id hidden=field.error.is_none()>{field.error.clone()}</p>
        </div>
    }
    .into_any()
}

/// Without script the fields have mine, and Save takes them.
fn conflicts(conflicts: &[Conflict]) -> Option<AnyView> {
    if conflicts.is_empty() {
        return None;
    }
    let one = |conflict: &Conflict| {
        let theirs = conflict.theirs.clone();
        view! {
            <div data-conflict=conflict.column.clone() data-mine=conflict.mine.clone() data-theirs=theirs.clone()>
                <p>{format!("{} was changed meanwhile to:", conflict.column)}</p>
                <pre>{theirs.clone()}</pre>
            </div>
        }
    };
    let each = conflicts.iter().map(one).collect_view();
    Some(view! { <section data-conflicts="">{each}</section> }.into_any())
}

fn draft_notice(revision: &Revision) -> AnyView {
    view! {
        <div data-draft-notice="" class="notice">
            <p>"Restored what you typed. It is not saved yet."</p>
            <button form=discard_id(revision) data-discard="">"Discard"</button>
        </div>
    }
    .into_any()
}

/// A draft that does not fit the note any more, or another one than that in the form.
fn beside(id: i64, draft: &StoredDraft) -> AnyView {
    let revision = &draft.draft.revision;
    let texts = draft.draft.values.iter().map(|(column, text)| {
        view! { <dt>{column.clone()}</dt><dd><pre>{text.clone().unwrap_or_default()}</pre></dd> }
    });
    view! {
        <section class="notice">
            <p>"You typed this, and it is not saved. Copy from it what should stay."</p>
            <dl>{texts.collect_view()}</dl>
            <button form=discard_id(revision)>"Discard"</button>
        </section>
        {discard_form(id, revision)}
    }
    .into_any()
}

/// After the note's form, for forms do not nest, and Enter in a field is to save.
fn discard_form(id: i64, revision: &Revision) -> AnyView {
    view! {
        <form id=discard_id(revision) method="post" action="/discard">
            {hidden("form_key", form_key(id))}
            {hidden("seq", revision.seq.to_string())}
            {hidden("writer", revision.writer.clone())}
        </form>
    }
    .into_any()
}

fn discard_id(revision: &Revision) -> String {
    format!("discard-{}-{}", revision.seq, revision.writer)
}
