//! Elements: finding, making, listening.

use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, NodeList, Window};

use super::task::callback;

/// # Panics
/// Never in a page: workers do not load this module.
pub fn window() -> Window {
    web_sys::window().expect("a page has a window")
}

pub fn document() -> Document {
    window().document().expect("a page has a document")
}

/// Whether nobody sees the page now.
pub fn is_hidden() -> bool {
    document().hidden()
}

pub fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

pub fn find_in(root: &Element, selector: &str) -> Option<Element> {
    root.query_selector(selector).ok().flatten()
}

pub fn all_in(root: &Element, selector: &str) -> Vec<Element> {
    root.query_selector_all(selector)
        .map(|found| elements(&found))
        .unwrap_or_default()
}

fn elements(found: &NodeList) -> Vec<Element> {
    // A selector finds elements only.
    (0..found.length())
        .filter_map(|at| Some(found.item(at)?.unchecked_into()))
        .collect()
}

/// Removes everything that the selector finds.
pub fn remove_all(root: &Element, selector: &str) {
    for found in all_in(root, selector) {
        found.remove();
    }
}

/// Where an event of an element, or of something in it, happened.
pub fn target_of(event: &Event) -> Option<Element> {
    event.target().map(JsCast::unchecked_into)
}

/// Sets or, for `None`, removes an attribute, and leaves what is right alone.
pub fn set_attribute(element: &Element, name: &str, value: Option<&str>) {
    if element.get_attribute(name).as_deref() == value {
        return;
    }
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

pub fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Listens for the rest of the page's life, or as long as the target lives.
pub fn listen<E: JsCast + 'static>(target: &EventTarget, name: &str, mut heard: impl FnMut(E) + 'static) {
    let heard = callback(Box::new(move |event| heard(event.unchecked_into())));
    let _ = target.add_event_listener_with_callback(name, heard.unchecked_ref());
}

/// An element being made.
pub struct Make(HtmlElement);

pub fn make(tag: &str) -> Make {
    let element = document().create_element(tag).expect("tags here are valid");
    Make(element.unchecked_into())
}

impl Make {
    pub fn with(self, attribute: &str, value: &str) -> Self {
        set_attribute(&self.0, attribute, Some(value));
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.0.set_text_content(Some(text));
        self
    }

    pub fn child(self, child: impl Into<HtmlElement>) -> Self {
        let _ = self.0.append_child(&child.into());
        self
    }

    pub fn children(self, children: impl IntoIterator<Item = Make>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    pub fn on(self, event: &str, heard: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, event, heard);
        self
    }

    pub fn done(self) -> HtmlElement {
        self.0
    }
}

impl From<Make> for HtmlElement {
    fn from(made: Make) -> Self {
        made.0
    }
}

/// A button that does not post anything.
pub fn button(words: &str, pressed: impl FnMut(Event) + 'static) -> Make {
    make("button")
        .with("type", "button")
        .with("class", "button")
        .text(words)
        .on("click", pressed)
}

/// A banner: heading, words, actions.
pub fn notice(tone: &str, heading: &str, words: &str, actions: Vec<Make>) -> Make {
    let mut body = make("div")
        .with("class", "notice-body")
        .child(make("p").with("class", "notice-heading").text(heading));
    if !words.is_empty() {
        body = body.child(make("p").text(words));
    }
    if !actions.is_empty() {
        body = body.child(make("p").with("class", "actions").children(actions));
    }
    make("div")
        .with("class", &["notice notice-", tone].concat())
        .child(body)
}

/// Says something of the whole page, on `<html>`.
pub fn mark_page(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        set_attribute(&root, name, Some(value));
    }
}

/// The account this page belongs to, if somebody is signed in.
pub fn account() -> Option<String> {
    let holder = find("form[data-resilient-form][data-account]").or_else(|| find("[data-account]"))?;
    holder
        .get_attribute("data-account")
        .filter(|account| !account.is_empty())
}
