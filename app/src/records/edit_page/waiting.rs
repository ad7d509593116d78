//! The form's page where nothing of the form can be drawn: no record, no draft on the server.

use leptos::prelude::*;
use resilient_form::DeviceDrafts;

use super::Found;
use crate::records::address;
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
