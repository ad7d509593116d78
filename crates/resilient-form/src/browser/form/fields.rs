//! The form's controls, read through the DOM. The DOM is the truth; what is here follows it.

use resilient_core::collections::{BTreeMap, BTreeSet};
use resilient_core::draft::{Text, Values};
use resilient_core::submission::form_body::{BASE, BASE_NULL, NULL, NullBesideText, VALUE, with_line_feeds, with_null};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlOptionElement, HtmlSelectElement, HtmlTextAreaElement,
};

use crate::browser::dom::{all_in, document, find_in, make};

/// One column's control.
pub enum Control {
    Line(HtmlInputElement),
    Lines(HtmlTextAreaElement),
    Choice(HtmlSelectElement),
}

impl Control {
    fn of(element: Element) -> Option<Self> {
        // By its tag's name: asking for its class costs an import for each.
        Some(match element.tag_name().as_str() {
            "INPUT" => Self::Line(element.unchecked_into()),
            "TEXTAREA" => Self::Lines(element.unchecked_into()),
            "SELECT" => Self::Choice(element.unchecked_into()),
            _ => return None,
        })
    }

    fn text(&self) -> String {
        with_line_feeds(&match self {
            Self::Line(input) => input.value(),
            Self::Lines(area) => area.value(),
            Self::Choice(select) => select.value(),
        })
    }

    /// As the server drew it, whatever the browser put back since.
    fn drawn(&self) -> String {
        with_line_feeds(&match self {
            Self::Line(input) => input.default_value(),
            Self::Lines(area) => area.default_value().unwrap_or_default(),
            Self::Choice(select) => drawn_option(select).map(|option| option.value()).unwrap_or_default(),
        })
    }

    fn set(&self, text: &str) {
        match self {
            Self::Line(input) => input.set_value(text),
            Self::Lines(area) => area.set_value(text),
            Self::Choice(select) => choose(select, text),
        }
    }

    /// After a save what is drawn is the record: a browser that puts fields back must put this back.
    fn set_drawn(&self, text: &str) {
        match self {
            Self::Line(input) => input.set_default_value(text),
            Self::Lines(area) => {
                // Setting the default also sets the text of an area that nobody typed into.
                let present = area.value();
                let _ = area.set_default_value(text);
                if area.value() != present {
                    area.set_value(&present);
                }
            }
            Self::Choice(select) => {
                for option in options(select) {
                    option.set_default_selected(option.value() == text);
                }
            }
        }
    }

    pub fn has_text(&self) -> bool {
        !self.text().is_empty()
    }

    pub fn element(&self) -> &HtmlElement {
        match self {
            Self::Line(input) => input,
            Self::Lines(area) => area,
            Self::Choice(select) => select,
        }
    }
}

fn options(select: &HtmlSelectElement) -> Vec<HtmlOptionElement> {
    let options = select.options();
    (0..options.length())
        .filter_map(|at| Some(options.item(at)?.unchecked_into()))
        .collect()
}

fn drawn_option(select: &HtmlSelectElement) -> Option<HtmlOptionElement> {
    let options = options(select);
    let first = options.first().cloned();
    options.into_iter().find(HtmlOptionElement::default_selected).or(first)
}

/// A value that is not listed gets an option of its own: it must not vanish.
fn choose(select: &HtmlSelectElement, text: &str) {
    if !options(select).iter().any(|option| option.value() == text) {
        let option = make("option").with("value", text).text(text).done();
        let _ = select.append_child(&option);
    }
    select.set_value(text);
}

/// The control that posts this name.
fn named(form: &HtmlFormElement, name: &str) -> Option<Element> {
    // Names hold `[A-Za-z0-9_~.-]` only.
    find_in(form, &["[name=\"", name, "\"]"].concat())
}

/// The input of this name; a control of a column may be something else.
fn input(form: &HtmlFormElement, name: &str) -> Option<HtmlInputElement> {
    find_in(form, &["input[name=\"", name, "\"]"].concat()).map(JsCast::unchecked_into)
}

pub fn control(form: &HtmlFormElement, column: &str) -> Option<Control> {
    Control::of(named(form, &[VALUE, column].concat())?)
}

/// The checkbox for NULL.
pub fn null_box(form: &HtmlFormElement, column: &str) -> Option<HtmlInputElement> {
    input(form, &[NULL, column].concat())
}

pub fn columns(form: &HtmlFormElement) -> Vec<String> {
    let controls = all_in(form, &["[name^=\"", VALUE, "\"]"].concat());
    controls
        .iter()
        .filter_map(|control| Some(control.get_attribute("name")?.strip_prefix(VALUE)?.to_owned()))
        .collect()
}

/// The column that a control's name belongs to, if it is a value or its NULL.
pub fn column_of(name: &str) -> Option<&str> {
    name.strip_prefix(VALUE).or_else(|| name.strip_prefix(NULL))
}

/// What is in the column's controls now. Where text and NULL contradict each other, the text counts.
pub fn value(form: &HtmlFormElement, column: &str) -> Option<Text> {
    Some(
        read_controls(form, column)?
            .unwrap_or_else(|NullBesideText| control(form, column).map(|control| control.text())),
    )
}

fn read_controls(form: &HtmlFormElement, column: &str) -> Option<Result<Text, NullBesideText>> {
    let text = control(form, column)?.text();
    let ticked = null_box(form, column).is_some_and(|null| null.checked());
    let is_baseline = || baseline(form, column).flatten().as_ref() == Some(&text);
    Some(with_null(&text, ticked, is_baseline))
}

/// Puts a value into the column's controls.
pub fn put(form: &HtmlFormElement, column: &str, value: &Text) {
    let Some(control) = control(form, column) else { return };
    let text = value.as_deref().unwrap_or_default();
    control.set(text);
    if control.text() != with_line_feeds(text) {
        hold_exactly(&control, text);
    }
    if let Some(null) = null_box(form, column) {
        null.set_checked(value.is_none());
    }
}

/// Browsers strip what a widget cannot hold, and what is read next would count as typed: the control
/// becomes one of text.
fn hold_exactly(control: &Control, text: &str) {
    let Control::Line(input) = control else { return };
    if !text.contains(['\n', '\r']) {
        input.set_type("text");
        input.set_value(text);
        return;
    }
    let area: HtmlTextAreaElement = make("textarea").done().unchecked_into();
    for name in input.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        if !matches!(name.as_str(), "type" | "value") {
            let _ = area.set_attribute(&name, &input.get_attribute(&name).unwrap_or_default());
        }
    }
    let _ = area.set_default_value(&input.default_value());
    area.set_value(text);
    let had_focus = document().active_element().as_ref() == Some(input.as_ref());
    let _ = input.replace_with_with_node_1(&area);
    if had_focus {
        let _ = area.focus();
    }
}

fn drawn_value(form: &HtmlFormElement, column: &str) -> Option<Text> {
    let text = control(form, column)?.drawn();
    let null = null_box(form, column).is_some_and(|null| null.default_checked());
    Some(if null && text.is_empty() { None } else { Some(text) })
}

/// What the record has: `bn.` or `b.` where drawn, else what is drawn.
fn baseline(form: &HtmlFormElement, column: &str) -> Option<Text> {
    if named(form, &[BASE_NULL, column].concat()).is_some() {
        let has_null = null_box(form, column).is_some();
        return Some(if has_null { None } else { Some(String::new()) });
    }
    match input(form, &[BASE, column].concat()) {
        Some(base) => Some(Some(with_line_feeds(&base.default_value()))),
        None => drawn_value(form, column),
    }
}

/// After a save: what is drawn, and what a plain `POST` would take for the base, is the record.
pub fn settle_baseline(form: &HtmlFormElement, column: &str, base: &Text) {
    for prefix in [BASE, BASE_NULL] {
        if let Some(drawn) = named(form, &[prefix, column].concat()) {
            drawn.remove();
        }
    }
    if let Some(control) = control(form, column) {
        control.set_drawn(base.as_deref().unwrap_or_default());
    }
    if let Some(null) = null_box(form, column) {
        null.set_default_checked(base.is_none());
    }
}

/// Everything the page says of its fields.
pub struct Fields {
    pub base: Values,
    pub drawn: Values,
    pub live: Values,
    pub touched: BTreeSet<String>,
    pub secrets: BTreeSet<String>,
    pub nullable: BTreeSet<String>,
}

pub fn read(form: &HtmlFormElement) -> Fields {
    let columns = columns(form);
    let gather = |read: fn(&HtmlFormElement, &str) -> Option<Text>| -> Values {
        columns
            .iter()
            .filter_map(|column| Some((column.clone(), read(form, column)?)))
            .collect()
    };
    let marked = |attribute: &str| -> BTreeSet<String> {
        let is_marked =
            |column: &&String| control(form, column).is_some_and(|control| control.element().has_attribute(attribute));
        columns.iter().filter(is_marked).cloned().collect()
    };
    Fields {
        base: gather(baseline),
        drawn: gather(drawn_value),
        live: gather(value),
        touched: marked("data-touched"),
        secrets: marked("data-secret"),
        nullable: columns
            .iter()
            .filter(|column| null_box(form, column).is_some())
            .cloned()
            .collect(),
    }
}

/// What is wrong as far as the page can see: NULL ticked beside text.
pub fn contradictions(form: &HtmlFormElement) -> BTreeMap<String, String> {
    let contradicts = |column: &String| matches!(read_controls(form, column), Some(Err(NullBesideText)));
    let words = "NULL is ticked, but there is text. Clear the text or untick NULL.";
    columns(form)
        .into_iter()
        .filter(contradicts)
        .map(|column| (column, words.to_owned()))
        .collect()
}

/// The wrapper with the label and the place for errors.
pub fn wrapper(form: &HtmlFormElement, column: &str) -> Option<Element> {
    find_in(form, &["[data-field=\"", column, "\"]"].concat())
}

/// What the column is called on the page.
pub fn label(form: &HtmlFormElement, column: &str) -> String {
    let label = wrapper(form, column).and_then(|wrapper| find_in(&wrapper, "label"));
    label
        .and_then(|label| label.text_content())
        .map(|label| label.trim().to_owned())
        .unwrap_or_else(|| column.to_owned())
}

/// What several columns are called, with commas between.
pub fn labels<'a>(form: &HtmlFormElement, columns: impl Iterator<Item = &'a String>) -> String {
    let mut labels = String::new();
    for column in columns {
        if !labels.is_empty() {
            labels.push_str(", ");
        }
        labels.push_str(&label(form, column));
    }
    labels
}

/// The words of the option that stands for a value: of a select, or of a line's suggestions.
pub fn option_label(form: &HtmlFormElement, column: &str, value: &str) -> Option<String> {
    let control = control(form, column)?;
    let place: Element = match &control {
        Control::Choice(select) => select.clone().into(),
        Control::Line(input) => document().get_element_by_id(&input.get_attribute("list")?)?,
        Control::Lines(_) => return None,
    };
    let options = all_in(&place, "option").into_iter();
    let mut of_value = options.filter(|option| option.get_attribute("value").as_deref() == Some(value));
    let option = of_value.next()?;
    let words = option.get_attribute("label").or_else(|| option.text_content())?;
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

/// Turns on the radio of this value in a group, or all off.
pub fn check_radio(group: &Element, value: Option<&str>) {
    for radio in all_in(group, "input[type=radio]") {
        let on = value.is_some() && radio.get_attribute("value").as_deref() == value;
        radio.unchecked_into::<HtmlInputElement>().set_checked(on);
    }
}

pub fn hidden(form: &HtmlFormElement, name: &str) -> Option<HtmlInputElement> {
    input(form, name)
}
