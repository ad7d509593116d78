//! A form as a browser without script reads and posts it.

use std::collections::BTreeMap;

use resilient_core::submission::form_body::with_line_feeds;
use scraper::{ElementRef, Html, Selector};

/// The named controls of a page's record form, in document order.
#[derive(Clone, Debug)]
pub struct DrawnForm {
    pub action: String,
    pub state: String,
    pub controls: Vec<(String, String)>,
    /// What each select offers.
    pub options: BTreeMap<String, Vec<String>>,
}

impl DrawnForm {
    /// Whether a page has a record form.
    pub fn is_in(html: &str) -> bool {
        let page = Html::parse_document(html);
        page.select(&selector("form[data-resilient-form]")).next().is_some()
    }

    /// Reads `form[data-resilient-form]` out of a page; panics where there is none.
    pub fn read(html: &str) -> Self {
        let page = Html::parse_document(html);
        let form = page
            .select(&selector("form[data-resilient-form]"))
            .next()
            .expect("the page has a record form");
        let controls = form
            .select(&selector("input[name], select[name], textarea[name]"))
            .filter_map(posted)
            .collect();
        let attribute = |name| form.value().attr(name).unwrap_or_default().to_owned();
        Self {
            action: attribute("action"),
            state: attribute("data-state"),
            controls,
            options: form.select(&selector("select[name]")).map(offered).collect(),
        }
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.controls
            .iter()
            .find(|(control, _)| control == name)
            .map(|(_, value)| value.as_str())
    }

    /// Types into one control.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let control = self.controls.iter_mut().find(|(control, _)| control == name);
        control.unwrap_or_else(|| panic!("the form has no control {name}")).1 = value.to_owned();
        self
    }

    /// Takes a tick away.
    pub fn without(mut self, name: &str) -> Self {
        self.controls.retain(|(control, _)| control != name);
        self
    }
}

fn offered(select: ElementRef) -> (String, Vec<String>) {
    let option = selector("option");
    let options = select.select(&option).filter_map(|option| option.attr("value"));
    let name = select.attr("name").unwrap_or_default().to_owned();
    (name, options.map(str::to_owned).collect())
}

/// What a browser would post for one control.
fn posted(control: ElementRef) -> Option<(String, String)> {
    let element = control.value();
    let name = element.attr("name")?.to_owned();
    let value = match element.name() {
        "select" => {
            let option = control.select(&selector("option[selected]")).next();
            let option = option.or_else(|| control.select(&selector("option")).next())?;
            option
                .value()
                .attr("value")
                .expect("every option has a value")
                .to_owned()
        }
        "textarea" => control.text().collect(),
        _ if matches!(element.attr("type"), Some("checkbox" | "radio")) => {
            element.attr("checked")?;
            element.attr("value").unwrap_or("on").to_owned()
        }
        _ => element.attr("value").unwrap_or_default().to_owned(),
    };
    // The value a control has has line feeds only, whatever stands in the page; all of them are posted as CRLF.
    Some((name, with_line_feeds(&value).replace('\n', "\r\n")))
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector of this file")
}
