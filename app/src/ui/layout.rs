//! The frame of every page of a signed-in person: header, rail of tables, content.

use leptos::prelude::*;
use leptos_meta::Title;
use resilient_form::{ConnectionStatus, Toasts};

use super::icon::icon;
use super::notice::{Tone, notice};
use super::page_request::PageRequest;
use super::visit::Visit;
use super::written;
use crate::drafts::port::{Unsaved, UnsavedForms};
use crate::drafts::sent_notice::sent_notice;
use crate::monitoring::port::DependencyState;
use crate::records::address;
use crate::records::model::{Table, TableName};

/// What the frame shows of a page.
pub struct Frame {
    pub title: String,
    /// The table the page belongs to.
    pub active: Option<TableName>,
    pub unsaved: Unsaved,
    /// A form's page is narrower and has its own footer.
    pub kind: PageKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    Reading,
    Listing,
    Editing,
}

/// The page in its frame.
pub fn framed(visit: &Visit, frame: Frame, content: AnyView) -> AnyView {
    let class = match frame.kind {
        PageKind::Reading => "content",
        PageKind::Listing => "content content-list",
        PageKind::Editing => "content content-edit",
    };
    view! {
        <Title text=format!("{} – Inkfast", frame.title) />
        {(frame.kind != PageKind::Editing).then(reading_style)}
        <a class="skip-link" href="#content">"Skip to content"</a>
        {header(visit, &frame.unsaved)}
        <div class="frame">
            {rail(visit, frame.active.as_ref())}
            <main id="content" class=class tabindex="-1">{looking_only(visit)} {sent_notice(visit, &frame.unsaved.sent)} {content}</main>
        </div>
        <Toasts />
        {key_list()}
    }
    .into_any()
}

/// The status says that nothing can be saved; it is the page that can say what goes on.
fn looking_only(visit: &Visit) -> Option<AnyView> {
    let condition = visit.monitor.condition();
    let looking_only = !condition.can_save && condition.database != DependencyState::Down;
    let words = "Lists and forms still open, and what you type is kept. It can be saved when the status above says so.";
    looking_only.then(|| {
        let heading = "When this page was loaded, the database took no changes.";
        notice(Tone::Waiting, heading, view! { <p>{words}</p> })
    })
}

/// A style of its own, so that an edit page transfers nothing that only other pages have. It stands in the body, where what
/// follows waits for it: what a page knows only once its data are there does not always reach the head.
pub fn reading_style() -> Option<AnyView> {
    let assets = use_context::<PageRequest>()?.assets;
    let href = assets.get("inkfast-reading.css")?.clone();
    Some(view! { <link rel="stylesheet" href=href /> }.into_any())
}

fn header(visit: &Visit, unsaved: &Unsaved) -> AnyView {
    let account = visit.account.clone();
    view! {
        <header class="header">
            <button class="button-plain rail-button" type="button" popovertarget="rail" aria-label="Tables">
                {icon("menu")}
            </button>
            <a class="brand" href="/">{brand_mark()} <span>"Inkfast"</span></a>
            <div class="header-status"><ConnectionStatus /></div>
            <a class="header-link" href="/drafts">
                {icon("draft")} <span class="header-words">"Unsaved work"</span>
                {badge(unsaved.forms)}
                {needs_attention(unsaved.sent.failed_forms())}
            </a>
            <form class="sign-out" method="post" action="/logout" data-sign-out="">
                <span class="account" title=format!("Signed in as {}, {}", account.name, account.role.in_words())>
                    {account.name.clone()} <span class="account-role">{account.role.name()}</span>
                </span>
                <button class="button-plain" type="submit">"Sign out"</button>
            </form>
        </header>
    }
    .into_any()
}

/// How many forms are unsaved. Only a number that is whole is counted on by the page's script.
fn badge(unsaved: Option<UnsavedForms>) -> AnyView {
    let (shown, words) = match unsaved {
        Some(UnsavedForms { forms, complete: true }) => {
            return view! {
                <span class="badge" data-unsaved=forms.to_string() hidden=forms == 0>
                    <span class="visually-hidden">"forms: "</span>
                    <span data-count="">{written::number(forms as u64)}</span>
                </span>
            }
            .into_any();
        }
        Some(UnsavedForms { forms, .. }) if forms > 0 => {
            let number = written::number(forms as u64);
            (format!("{number}+"), format!("{number} forms or more"))
        }
        _ => ("?".to_owned(), "how much cannot be told at the moment".to_owned()),
    };
    let title = words.clone();
    view! {
        <span class="badge" title=title>
            <span aria-hidden="true">{shown}</span>
            <span class="visually-hidden">{words}</span>
        </span>
    }
    .into_any()
}

/// So many forms will not be saved by themselves.
fn needs_attention(forms: usize) -> Option<AnyView> {
    let words = match forms {
        0 => return None,
        1 => "1 could not be saved".to_owned(),
        _ => format!("{} could not be saved", written::number(forms as u64)),
    };
    Some(
        view! {
            <span class="badge badge-attention" title=words.clone()>
                {icon("alert")} <span class="visually-hidden">{format!(", {words}")}</span>
            </span>
        }
        .into_any(),
    )
}

/// A drop of ink that has dried.
pub fn brand_mark() -> AnyView {
    view! {
        <svg class="brand-mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
            <path d="M10 1.5c3.2 4 5.6 6.9 5.6 10.4a5.6 5.6 0 0 1-11.2 0C4.4 8.4 6.8 5.5 10 1.5z" fill="currentColor"></path>
            <path class="brand-mark-check" d="M7.4 12l1.9 1.9 3.4-3.8" fill="none" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"></path>
        </svg>
    }
    .into_any()
}

/// A column on wide screens, a sheet on narrow ones: a popover needs no script.
fn rail(visit: &Visit, active: Option<&TableName>) -> AnyView {
    let tables = visit.tables();
    let monitors = visit.account.role.may_monitor();
    let items = tables.iter().map(|table| rail_item(table, active == Some(&table.name)));
    let items = items.collect_view();
    view! {
        <nav id="rail" class="rail" popover="auto" aria-label="Tables">
            <form class="rail-filter" action="/" method="get">
                {icon("search")}
                <input
                    type="search"
                    name="tables"
                    placeholder="Find a table"
                    aria-label="Find a table"
                    autocomplete="off"
                    data-rail-filter=""
                />
            </form>
            <ul class="rail-list">{items}</ul>
            {monitors.then(|| view! {
                <ul class="rail-list rail-more">
                    <li><a href="/monitoring" aria-current=(visit.request.path == "/monitoring").then_some("page")>"Monitoring"</a></li>
                </ul>
            })}
            <button class="button-plain rail-keys" type="button" popovertarget="keys">"Keys" <kbd>"?"</kbd></button>
        </nav>
    }
    .into_any()
}

/// The keys that a page listens to, in a popover: it closes and gives the focus back by itself. Those of one sign can be
/// switched off, for people who talk to their machine.
fn key_list() -> AnyView {
    let key = |keys: &[&'static str], what: &'static str| {
        let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> " " }).collect_view();
        view! { <dt>{keys}</dt> <dd>{what}</dd> }
    };
    view! {
        <div id="keys" class="keys" popover="auto" role="dialog" aria-labelledby="keys-heading" tabindex="-1">
            <h2 id="keys-heading">"Keys"</h2>
            <dl>
                {key(&["Ctrl S", "⌘ S"], "Save, wherever you are in the form")}
                {key(&["/"], "Search, or find a table")}
                {key(&["?"], "This list")}
                {key(&["Esc"], "Close what is open")}
            </dl>
            <label class="keys-single">
                <input type="checkbox" checked=true autocomplete="off" data-single-keys="" />
                <span>"Listen to " <kbd>"/"</kbd> " and " <kbd>"?"</kbd></span>
            </label>
            <p class="actions"><button class="button" type="button" popovertarget="keys" popovertargetaction="hide">"Close"</button></p>
        </div>
    }
    .into_any()
}

fn rail_item(table: &Table, active: bool) -> AnyView {
    view! {
        <li>
            <a href=address::table_url(&table.name) aria-current=active.then_some("page")>
                <span class="rail-label">{rail_label(table)}</span>
                {(!table.may_change()).then(|| view! { <span class="rail-note" title="Read-only">{icon("lock")}<span class="visually-hidden">"read-only"</span></span> })}
            </a>
        </li>
    }
    .into_any()
}

/// A table outside the default schema says so.
fn rail_label(table: &Table) -> String {
    match &table.name.schema {
        Some(schema) => format!("{schema} · {}", table.label),
        None => table.label.clone(),
    }
}

/// The way back up: (words, address).
pub fn crumbs(steps: &[(String, String)]) -> AnyView {
    let steps = steps
        .iter()
        .map(|(words, url)| view! { <li><a href=url.clone()>{words.clone()}</a></li> })
        .collect_view();
    view! { <nav class="crumbs" aria-label="You are in"><ol>{steps}</ol></nav> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_not_whole_is_never_shown_as_if_it_were() {
        let drawn = |unsaved| Owner::new().with(|| badge(unsaved).to_html());
        let seen = |forms, complete| Some(UnsavedForms { forms, complete });
        assert!(drawn(seen(2, true)).contains(r#"data-unsaved="2""#));
        assert!(drawn(seen(0, true)).contains("hidden"), "nothing is unsaved");
        for (unsaved, shown) in [(seen(2, false), ">2+<"), (seen(0, false), ">?<"), (None, ">?<")] {
            let html = drawn(unsaved);
            assert!(html.contains(shown), "{html}");
            assert!(
                !html.contains("data-unsaved") && !html.contains("hidden=\"\""),
                "{html}"
            );
        }
    }
}
