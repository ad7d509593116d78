//! The document around every page, and the route table.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;
use resilient_form::{EARLY_RECORDER, UNKEPT};

use crate::api_error::ApiError;
use crate::auth::model::Account;
use crate::auth::sign_in_page::SignInPage;
use crate::dashboard_page::DashboardPage;
use crate::drafts::drafts_page::DraftsPage;
use crate::monitoring::drills_page::{DrillsBanner, DrillsPage};
use crate::monitoring::monitoring_page::MonitoringPage;
use crate::monitoring::statements_page::StatementsPage;
use crate::offline_page::OfflinePage;
use crate::records::delete_page::DeletePage;
use crate::records::edit_page::{EditPage, NewPage};
use crate::records::history_page::HistoryPage;
use crate::records::list_page::ListPage;
use crate::ui::error_page::{FailurePage, NotFoundPage};
use crate::ui::inline_script::{self, inline_script};
use crate::ui::page_request::{LocalDrafts, PageRequest};

/// Loads the module and hydrates the islands.
const LOADER: &str = include_str!("../../frontend/loader.js");
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'%3E%3Cpath fill='%23275ab8' \
     d='M10 1.5c3.2 4 5.6 6.9 5.6 10.4a5.6 5.6 0 0 1-11.2 0C4.4 8.4 6.8 5.5 10 1.5z'/%3E%3C/svg%3E";

/// A whole HTML document, for one request.
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    provide_meta_context();
    // As `<HydrationScripts islands=true>` does: nothing but islands is marked for the browser.
    if let Some(context) = Owner::current_shared_context() {
        context.set_is_hydrating(false);
    }
    let PageRequest {
        assets,
        build,
        offline_pages,
        local_drafts,
        draft_key_mark,
        ..
    } = use_context::<PageRequest>().unwrap_or_default();
    let seals = local_drafts == LocalDrafts::Sealed;
    let account = use_context::<Option<Account>>().flatten().map(|account| account.name);
    view! {
        <!DOCTYPE html>
        // Absent where drafts are plain: the early recorder looks for it.
        <html
            lang="en"
            data-build=build
            data-local-drafts=(local_drafts != LocalDrafts::Plain).then(|| local_drafts.code())
        >
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="stylesheet" href=asset(&assets, "inkfast.css") />
                <link rel="modulepreload" href=asset(&assets, "inkfast.js") nonce=use_nonce() />
                // As the loader will ask for it, or the browser would fetch it twice.
                <link
                    rel="preload"
                    href=asset(&assets, "inkfast_bg.wasm")
                    r#as="fetch"
                    crossorigin="anonymous"
                    type="application/wasm"
                />
                <link rel="icon" href=ICON />
                {inline_script("early.js", EARLY_RECORDER)}
                <MetaTags />
            </head>
            <body data-account=account data-draft-key-mark=draft_key_mark>
                <DrillsBanner />
                <App />
                {(local_drafts != LocalDrafts::Plain)
                    .then(|| inline_script("unkept.js", UNKEPT))}
                <script
                    type="module"
                    nonce=use_nonce()
                    data-inkfast-loader=""
                    data-js=asset(&assets, "inkfast.js")
                    data-wasm=asset(&assets, "inkfast_bg.wasm")
                    data-sealed=seals.then(|| asset(&assets, "sealed.js"))
                    data-cipher=seals.then(|| asset(&assets, "sealed_bg.wasm"))
                >
                    {inline_script::code(&assets, "loader.js", LOADER)}
                </script>
                // Waits for everything else: it is of use once the page has loaded.
                <script
                    type="module"
                    nonce=use_nonce()
                    src=asset(&assets, "page.js")
                    fetchpriority="low"
                    data-page-script=""
                    data-keeps-pages=if offline_pages { "on" } else { "off" }
                ></script>
            </body>
        </html>
    }
}

fn asset(assets: &Arc<BTreeMap<String, String>>, name: &str) -> String {
    assets.get(name).cloned().unwrap_or_else(|| format!("/pkg/{name}"))
}

/// Every page. Only the server routes: in the browser a link loads the next page.
#[component]
pub fn App() -> impl IntoView {
    if let Some(error) = use_context::<Option<ApiError>>().flatten() {
        return view! { <FailurePage error=error /> }.into_any();
    }
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=DashboardPage />
                <Route path=path!("/login") view=SignInPage />
                <Route path=path!("/drafts") view=DraftsPage />
                <Route path=path!("/offline") view=OfflinePage />
                <Route path=path!("/monitoring") view=MonitoringPage />
                <Route path=path!("/monitoring/drills") view=DrillsPage />
                <Route path=path!("/monitoring/statements") view=StatementsPage />
                <Route path=path!("/records/:table") view=ListPage />
                <Route path=path!("/records/:table/new") view=NewPage />
                <Route path=path!("/records/:table/:key") view=EditPage />
                <Route path=path!("/records/:table/:key/history") view=HistoryPage />
                <Route path=path!("/records/:table/:key/delete") view=DeletePage />
            </Routes>
        </Router>
    }
    .into_any()
}
