//! Asks before a record is deleted, and says what refers to it.

use leptos::prelude::*;
use resilient_core::submission::form_body::{ID, VERSION};

use super::address;
use super::model::RecordKey;
use super::port::DeletePreview;
use crate::api_error::{ApiError, ErrorKind};
use crate::ui::layout::{Frame, PageKind, crumbs, framed};
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;
use crate::ui::visited::{address_part, visited};
use crate::ui::written;

/// `/records/{table}/{key}/delete`
#[component]
pub fn DeletePage() -> impl IntoView {
    let (table, key) = (address_part("table"), address_part("key"));
    visited(|visit| async move { page(&visit, &table, &key).await })
}

async fn page(visit: &Visit, table: &str, key: &str) -> Result<AnyView, ApiError> {
    let table = visit.records.table(&visit.account, table)?;
    let key = RecordKey::read(key).ok_or_else(|| ApiError::not_found("There is no record at this address."))?;
    if !table.may_delete() {
        return Err(ApiError::new(ErrorKind::Forbidden, "You may not delete this record."));
    }
    let preview = visit.records.delete_preview(&visit.account, &table, &key).await?;
    let frame = Frame {
        title: format!("Delete {}", preview.label),
        active: Some(table.name.clone()),
        unsaved: visit.unsaved().await,
        kind: PageKind::Reading,
    };
    Ok(framed(visit, frame, question(&preview, &visit.request.submission_id)))
}

fn question(preview: &DeletePreview, id: &str) -> AnyView {
    let table = &preview.table;
    let record_url = address::record_url(&table.name, &preview.key);
    let steps = [
        ("Tables".to_owned(), "/".to_owned()),
        (table.label.clone(), address::table_url(&table.name)),
        (preview.label.clone(), record_url.clone()),
    ];
    let referring = preview
        .referring
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(label, rows)| {
            view! { <li>{format!("{label}: {}", written::counted(*rows, "record", "records"))}</li> }
        });
    let referring = referring.collect_view();
    let any = preview.referring.iter().any(|(_, rows)| *rows > 0);
    view! {
        {crumbs(&steps)}
        <section class="question">
            <h1>{format!("Delete {}?", preview.label)}</h1>
            <p>{format!("This removes the record {} from {}. It cannot be undone here.", address::readable_key(table, &preview.key), table.label)}</p>
            {any.then(|| notice(
                Tone::Attention,
                "Other records refer to it.",
                view! {
                    <p>"They are deleted with it, lose the link, or keep the record from being deleted, as the database says."</p>
                    <ul>{referring}</ul>
                },
            ))}
            <form method="post" action=format!("{record_url}/delete") autocomplete="off" class="actions">
                <input type="hidden" name=ID value=id.to_owned() autocomplete="off" />
                <input type="hidden" name=VERSION value=preview.version.clone() autocomplete="off" />
                <button type="submit" class="button button-danger">"Delete"</button>
                <a class="button" href=record_url.clone()>"Keep it"</a>
            </form>
        </section>
    }
    .into_any()
}
