//! The form's page where nothing of the form can be drawn: no record, no draft on the server.

use leptos::prelude::*;
use resilient_form::DeviceDrafts;

use super::Found;
use crate::drafts::discarding::{Discarded, discard};
use crate::records::address;
use crate::records::model::RecordKey;
use crate::ui::notice::{Tone, notice};
use crate::ui::visit::Visit;

/// Lists what this device has where script runs, and tries again by itself with script or without.
pub fn waiting(visit: &Visit, found: &Found) -> AnyView {
    let form_key = found.target.form_key(&found.table.name);
    let url = found.target.url(&found.table.name);
    view! {
        <section class="record-form" data-waiting="">
            {notice(
                Tone::Waiting,
                "What you typed is still kept on the device you typed it on.",
                view! {
                    <p>"The database cannot be reached, so this record cannot be shown yet. This page tries again by itself."</p>
                    <p class="actions"><a class="button" href=url>"Try again now"</a></p>
                },
            )}
            <noscript><meta http-equiv="refresh" content="5" /></noscript>
            <DeviceDrafts
                account=visit.account.name.clone()
                records_url="/records".to_owned()
                form_key=form_key
            />
        </section>
    }
    .into_any()
}

/// What was typed into the form of a record that is gone was saved as a new one, and is still kept as text of the old one.
pub fn made_anew(found: &Found, key: &RecordKey) -> AnyView {
    let url = address::record_url(&found.table.name, key);
    let each = found.drafts.iter().enumerate().map(|(at, kept)| {
        discard(&Discarded {
            form_key: &kept.form_key,
            revision: &kept.draft.revision,
            title: "the text typed before the record was deleted",
            changed_at_ms: Some(kept.changed_at_ms),
            id: format!("discard-{at}"),
        })
    });
    let body = view! {
        <p>"It is still kept as it was typed before. Discard it when you need it no more."</p>
        <div class="actions">
            <a class="button" href=url>"Open the new record"</a>
            {each.collect_view()}
        </div>
    };
    let said = notice(Tone::Attention, "What you typed here was saved as a new record.", body);
    view! { <div class="notices">{said}</div> }.into_any()
}

/// Lists what this device has of a record that is not there any more, and makes it a new one where it is asked to.
pub fn gone(visit: &Visit, found: &Found) -> AnyView {
    let new_url = found.table.may_insert().then(|| address::new_url(&found.table.name));
    view! {
        <div data-gone-record=new_url.unwrap_or_default()>
            <DeviceDrafts
                account=visit.account.name.clone()
                records_url="/records".to_owned()
                form_key=found.target.form_key(&found.table.name)
            />
        </div>
    }
    .into_any()
}
