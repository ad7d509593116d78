//! This device's unsaved text.

use leptos::prelude::*;

use crate::browser;

/// Lists what is unsaved or queued on this device for `account`, each with a link to its form below
/// `records_url`. With a `form_key` (the page of a record that cannot be read): that form's text only,
/// and the page is loaded again once the server can read it. An empty `form_key` means all forms. Within an element with
/// `data-gone-record` the record is gone for good: the text can be discarded, or made a new record at the address that
/// the attribute has.
#[island]
pub fn DeviceDrafts(account: String, records_url: String, form_key: String) -> impl IntoView {
    browser::list_device_drafts();
    view! {
        <section data-device-drafts="" data-account=account data-records-url=records_url data-only-form=form_key aria-live="polite"></section>
    }
}
