//! A field as HTML: what `resilient-form` expects of one.

use leptos::prelude::*;
use resilient_core::submission::form_body::{BASE, BASE_NULL, NULL, VALUE};
use resilient_form::textarea_content;

use super::Control;
use crate::records::form_view::FieldView;
use crate::records::model::ReferenceOption;
use crate::ui::icon::icon;

/// Label, control, what it is for, and what is wrong with it.
pub fn field(field: &FieldView) -> AnyView {
    let written = field.column.clone();
    let ids = Ids::of(&written);
    view! {
        <div
            class=if is_short(&field.control) { "field field-short" } else { "field" }
            data-field=written
            data-key-column=field.key_column.then_some("")
            data-restored=field.restored.then_some("")
            data-changed=field.base.is_some().then_some("")
        >
            <div class="field-head">
                <label for=ids.control.clone()>{field.label.clone()}</label>
                {field.required.then(|| view! { <span class="required">"required"</span> })}
                <span class="field-mark" data-mark="restored">"restored"</span>
                <span class="field-mark" data-mark="changed">"changed"</span>
                {field.link.clone().map(|(_, url)| view! { <a class="field-link" href=url>"Open" {icon("arrow")}</a> })}
            </div>
            <div class="field-control">{control(field, &ids)} {null_checkbox(field)}</div>
            {base(field)}
            {field.hint.clone().map(|hint| view! { <p class="field-hint" id=ids.hint.clone()>{hint}</p> })}
            <p class="field-error" id=ids.error.clone() hidden=field.error.is_none()>{field.error.clone()}</p>
        </div>
    }
    .into_any()
}

/// Characters that fit half a line.
const SHORT: usize = 24;

/// Two of these fit on a line.
fn is_short(control: &Control) -> bool {
    match control {
        Control::Input {
            kind,
            inputmode,
            example,
        } => *kind != "text" || inputmode.is_some() || example.is_some_and(|example| example.len() <= SHORT),
        Control::Select(options) => options.iter().all(|option| option.label.chars().count() <= SHORT),
        Control::Suggest(_) => true,
        Control::Area { .. } | Control::Growing | Control::Secret | Control::Shown => false,
    }
}

struct Ids {
    control: String,
    hint: String,
    error: String,
}

impl Ids {
    fn of(written: &str) -> Self {
        Self {
            control: format!("f-{written}"),
            hint: format!("h-{written}"),
            error: format!("e-{written}"),
        }
    }

    fn described_by(&self, field: &FieldView) -> String {
        match field.hint {
            Some(_) => format!("{} {}", self.error, self.hint),
            None => self.error.clone(),
        }
    }
}

fn control(field: &FieldView, ids: &Ids) -> AnyView {
    match &field.control {
        Control::Area { monospace } => area(field, ids, monospace.then_some("monospace"), 3),
        Control::Growing => area(field, ids, Some("monospace growing"), 1),
        Control::Select(options) => select(field, ids, options),
        Control::Suggest(options) => suggest(field, ids, options),
        Control::Secret => secret(field, ids),
        Control::Input {
            kind,
            inputmode,
            example,
        } => input(field, ids, kind, *inputmode, *example),
        Control::Shown => ().into_any(),
    }
}

fn input(
    field: &FieldView,
    ids: &Ids,
    kind: &'static str,
    inputmode: Option<&'static str>,
    example: Option<&'static str>,
) -> AnyView {
    view! {
        <input
            id=ids.control.clone()
            name=format!("{VALUE}{}", field.column)
            type=kind
            class=(kind != "text" || inputmode.is_some() || example.is_some()).then_some("number")
            inputmode=inputmode
            placeholder=null_placeholder(field).or(example)
            step=(kind == "time" || kind == "datetime-local").then_some("1")
            value=field.text.clone()
            autocomplete="off"
            spellcheck=(inputmode.is_some() || example.is_some()).then_some("false")
            aria-describedby=ids.described_by(field)
            aria-invalid=field.error.is_some().then_some("true")
            aria-required=field.required.then_some("true")
        />
    }
    .into_any()
}

fn area(field: &FieldView, ids: &Ids, class: Option<&'static str>, least_rows: usize) -> AnyView {
    view! {
        <textarea
            id=ids.control.clone()
            name=format!("{VALUE}{}", field.column)
            class=class
            placeholder=null_placeholder(field)
            rows=rows(&field.text, least_rows).to_string()
            autocomplete="off"
            spellcheck=class.map(|_| "false")
            aria-describedby=ids.described_by(field)
            aria-invalid=field.error.is_some().then_some("true")
            aria-required=field.required.then_some("true")
            inner_html=textarea_content(&field.text)
        ></textarea>
    }
    .into_any()
}

/// Where the empty control is NULL, it says so.
fn null_placeholder(field: &FieldView) -> Option<&'static str> {
    (field.nullable && field.null.is_none()).then_some("NULL")
}

/// As many as the text has, up to 16; the style lets it grow where browsers can.
fn rows(text: &str, least: usize) -> usize {
    let lines = text.split('\n').map(|line| 1 + line.chars().count() / 70);
    lines.sum::<usize>().clamp(least, 16)
}

fn select(field: &FieldView, ids: &Ids, options: &[ReferenceOption]) -> AnyView {
    let options = options.iter().map(|option| {
        let selected = option.value == field.text;
        view! { <option value=option.value.clone() selected=selected>{option.label.clone()}</option> }
    });
    view! {
        <select
            id=ids.control.clone()
            name=format!("{VALUE}{}", field.column)
            autocomplete="off"
            aria-describedby=ids.described_by(field)
            aria-invalid=field.error.is_some().then_some("true")
            aria-required=field.required.then_some("true")
        >
            {options.collect_view()}
        </select>
    }
    .into_any()
}

fn suggest(field: &FieldView, ids: &Ids, options: &[ReferenceOption]) -> AnyView {
    let list = format!("l-{}", field.column);
    let label = field
        .link
        .clone()
        .map(|(label, _)| label)
        .filter(|label| *label != field.text);
    let options = options.iter().map(|option| {
        view! { <option value=option.value.clone()>{option.label.clone()}</option> }
    });
    view! {
        <input
            id=ids.control.clone()
            name=format!("{VALUE}{}", field.column)
            type="text"
            list=list.clone()
            placeholder=null_placeholder(field)
            value=field.text.clone()
            autocomplete="off"
            aria-describedby=ids.described_by(field)
            aria-invalid=field.error.is_some().then_some("true")
            aria-required=field.required.then_some("true")
        />
        <datalist id=list>{options.collect_view()}</datalist>
        {label.map(|label| view! { <span class="reference-label">{label}</span> })}
    }
    .into_any()
}

/// Always empty: what is stored or was typed never comes back.
fn secret(field: &FieldView, ids: &Ids) -> AnyView {
    view! {
        <input
            id=ids.control.clone()
            name=format!("{VALUE}{}", field.column)
            type="password"
            value=""
            data-secret=""
            autocomplete="new-password"
            aria-describedby=ids.described_by(field)
            aria-invalid=field.error.is_some().then_some("true")
        />
    }
    .into_any()
}

fn null_checkbox(field: &FieldView) -> Option<AnyView> {
    let checked = field.null?;
    let id = format!("n-{}", field.column);
    let words = if field.control == Control::Secret {
        "Remove (NULL)"
    } else {
        "NULL"
    };
    let title = "NULL: no value at all, which is not the same as an empty text";
    Some(
        view! {
            <label class="null" for=id.clone() title=title>
                <input id=id.clone() type="checkbox" name=format!("{NULL}{}", field.column) value="1" checked=checked autocomplete="off" />
                <span>{words}</span>
                <span class="visually-hidden">{format!(" for {}", field.label)}</span>
            </label>
        }
        .into_any(),
    )
}

fn base(field: &FieldView) -> Option<AnyView> {
    let (name, text) = match field.base.as_ref()? {
        Some(text) => (BASE, text.clone()),
        None => (BASE_NULL, "1".to_owned()),
    };
    let name = format!("{name}{}", field.column);
    Some(view! { <input type="hidden" name=name value=text autocomplete="off" /> }.into_any())
}

#[cfg(test)]
mod tests;
