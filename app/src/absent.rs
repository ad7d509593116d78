use leptos::prelude::*;
#[component] pub fn ResilientForm(children: Children) -> impl IntoView { children() }
#[component] pub fn ConnectionStatus() -> impl IntoView { view!{ <output data-connection="online" role="status">"Online"</output> } }
#[component] pub fn Toasts() -> impl IntoView { () }
#[component] pub fn DeviceDrafts(account: String, records_url: String, form_key: String) -> impl IntoView { let _=(account,records_url,form_key); () }
