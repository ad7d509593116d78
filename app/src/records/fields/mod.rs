//! One widget per kind of column, and the rule which one may hold a value.
//!
//! A widget is taken only where it gives back exactly the text it was drawn with; everything else
//! is edited as text. The server tells changed from unchanged by that text alone.
//!
//! *Add a widget:* a variant of [`Control`], the kind that takes it in [`control_for`] with a test
//! of a value it cannot hold, and its markup in `widget.rs`.

mod exact;
pub mod widget;

use super::display::Widget;
use super::model::{Column, ColumnKind, ReferenceOption, ReferenceOptions, Text};

/// How a column is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// `input` of this `type`, with `inputmode` where the keyboard should be a special one, and an example in it while
    /// it is empty.
    Input {
        kind: &'static str,
        inputmode: Option<&'static str>,
        example: Option<&'static str>,
    },
    /// A one-line input with suggestions.
    Suggest(Vec<ReferenceOption>),
    Area {
        monospace: bool,
    },
    /// A monospaced line that grows with its text.
    Growing,
    Select(Vec<ReferenceOption>),
    /// Write-only.
    Secret,
    /// No control of HTML holds this text: it is shown.
    Shown,
}

const LINE: Control = Control::Input {
    kind: "text",
    inputmode: None,
    example: None,
};

fn line(inputmode: &'static str) -> Control {
    Control::Input {
        kind: "text",
        inputmode: Some(inputmode),
        example: None,
    }
}

fn written_as(column: &Column) -> Control {
    Control::Input {
        kind: "text",
        inputmode: None,
        example: example(column),
    }
}

/// How values of the column are written, where that does not go without saying.
pub fn example(column: &Column) -> Option<&'static str> {
    Some(match &column.kind {
        ColumnKind::Date => "2026-11-30",
        ColumnKind::Time => "14:30:00",
        ColumnKind::TimeWithZone => "14:30:00+01",
        ColumnKind::Timestamp => "2026-11-30 14:30:00",
        ColumnKind::TimestampWithZone => "2026-11-30 14:30:00+00",
        ColumnKind::Interval => "2 days 03:30:00",
        ColumnKind::NetworkAddress => "192.168.0.1",
        ColumnKind::Network => "192.168.0.0/24",
        ColumnKind::HardwareAddress => "08:00:2b:01:02:03",
        ColumnKind::Array(of) => match **of {
            ColumnKind::Integer | ColumnKind::Decimal | ColumnKind::Float => "{1,2,3}",
            ColumnKind::Boolean => "{t,f,NULL}",
            ColumnKind::Date => "{2026-11-30,2026-12-01}",
            _ => "{one,\"two words\",NULL}",
        },
        ColumnKind::Range(of) => bounds(of),
        ColumnKind::Multirange(of) => match **of {
            ColumnKind::Date => "{[2026-11-01,2026-12-01),[2027-01-01,2027-02-01)}",
            _ => "{[1,3),[5,8)}",
        },
        _ => return None,
    })
}

fn bounds(of: &ColumnKind) -> &'static str {
    match of {
        ColumnKind::Date => "[2026-11-01,2026-12-01)",
        ColumnKind::Time => "[08:00:00,17:00:00)",
        ColumnKind::Timestamp => "[2026-11-30 08:00:00,2026-11-30 17:00:00)",
        ColumnKind::TimestampWithZone => "[2026-11-30 08:00:00+00,2026-11-30 17:00:00+00)",
        _ => "[1,10)",
    }
}

/// The widget that the configuration asks for, where it holds all of `texts`, else the usual one.
pub fn control_as(
    asked: Option<Widget>,
    column: &Column,
    texts: &[&Text],
    references: Option<&ReferenceOptions>,
) -> Control {
    let usual = control_for(column, texts, references);
    let in_a_line = texts
        .iter()
        .all(|text| text.as_deref().is_none_or(exact::holds_in_a_line));
    match (asked, usual) {
        (None, usual) | (_, usual @ (Control::Secret | Control::Shown)) => usual,
        (Some(Widget::Line), _) if in_a_line => LINE,
        (Some(Widget::Area), _) => Control::Area { monospace: false },
        (Some(Widget::Code), _) => Control::Area { monospace: true },
        (Some(Widget::Suggest), Control::Select(options)) => {
            Control::Suggest(options.into_iter().filter(|option| !option.value.is_empty()).collect())
        }
        (_, usual) => usual,
    }
}

/// The widget for `column` that holds all of `texts`: what is drawn, and the base beside it.
pub fn control_for(column: &Column, texts: &[&Text], references: Option<&ReferenceOptions>) -> Control {
    let all = |holds: fn(&str) -> bool| texts.iter().all(|text| text.as_deref().is_none_or(holds));
    if column.secret {
        return Control::Secret;
    }
    if !all(|text| !text.contains('\0')) {
        return Control::Shown;
    }
    if !all(exact::holds_in_a_line) {
        return Control::Area {
            monospace: !matches!(column.kind, ColumnKind::Text | ColumnKind::LongText),
        };
    }
    if let Some(references) = references {
        return reference(column, texts, references);
    }
    match &column.kind {
        ColumnKind::Boolean if all(|text| text == "true" || text == "false") => Control::Select(with_empty(
            column,
            texts,
            vec![option("true", "Yes"), option("false", "No")],
        )),
        ColumnKind::Choice(values)
            if texts
                .iter()
                .all(|text| text.as_ref().is_none_or(|text| values.contains(text))) =>
        {
            let options = values.iter().map(|value| option(value, &readable(value))).collect();
            Control::Select(with_empty(column, texts, options))
        }
        ColumnKind::Date if all(exact::holds_in_a_date) => Control::Input {
            kind: "date",
            inputmode: None,
            example: None,
        },
        ColumnKind::Time if all(exact::holds_in_a_time) => Control::Input {
            kind: "time",
            inputmode: None,
            example: None,
        },
        ColumnKind::Timestamp
            if texts
                .iter()
                .all(|text| text.as_deref().is_some_and(exact::holds_in_a_local_time)) =>
        {
            Control::Input {
                kind: "datetime-local",
                inputmode: None,
                example: None,
            }
        }
        ColumnKind::Integer | ColumnKind::Bits => line("numeric"),
        ColumnKind::Decimal | ColumnKind::Float => line("decimal"),
        ColumnKind::Date
        | ColumnKind::Time
        | ColumnKind::TimeWithZone
        | ColumnKind::Timestamp
        | ColumnKind::TimestampWithZone
        | ColumnKind::Interval
        | ColumnKind::NetworkAddress
        | ColumnKind::Network
        | ColumnKind::HardwareAddress
        | ColumnKind::Range(_) => written_as(column),
        ColumnKind::LongText => Control::Area { monospace: false },
        ColumnKind::Json | ColumnKind::Bytes => Control::Area { monospace: true },
        ColumnKind::Array(_) | ColumnKind::Multirange(_) => Control::Growing,
        ColumnKind::Text | ColumnKind::Boolean | ColumnKind::Choice(_) | ColumnKind::Uuid | ColumnKind::Other => LINE,
    }
}

/// A select of all targets, or a line with suggestions where there are more than the server lists.
fn reference(column: &Column, texts: &[&Text], references: &ReferenceOptions) -> Control {
    if references.more {
        return Control::Suggest(references.options.clone());
    }
    let mut options = references.options.clone();
    for text in texts.iter().filter_map(|text| text.as_ref()) {
        if !options.iter().any(|option| option.value == *text) {
            let label = references.current_label.clone().unwrap_or_else(|| text.clone());
            options.push(ReferenceOption {
                value: text.clone(),
                label,
            });
        }
    }
    Control::Select(with_empty(column, texts, options))
}

/// With an option for NULL, or for "not chosen yet", in front where one is needed.
fn with_empty(column: &Column, texts: &[&Text], mut options: Vec<ReferenceOption>) -> Vec<ReferenceOption> {
    let empty_is_listed = options.iter().any(|option| option.value.is_empty());
    let needed = column.nullable || texts.iter().any(|text| text.as_deref().is_none_or(str::is_empty));
    if needed && !empty_is_listed {
        options.insert(
            0,
            option(
                "",
                if column.nullable {
                    "No value (NULL)"
                } else {
                    "Choose…"
                },
            ),
        );
    }
    options
}

fn option(value: &str, label: &str) -> ReferenceOption {
    ReferenceOption {
        value: value.to_owned(),
        label: label.to_owned(),
    }
}

/// `in_progress` as `in progress`: the value stays what it is.
fn readable(value: &str) -> String {
    if value.is_empty() {
        "(empty)".to_owned()
    } else {
        value.replace('_', " ")
    }
}

/// Whether the column has a checkbox for NULL: where the empty text is a value of its own, and for
/// secrets and what cannot be read, whose empty control says "unchanged".
pub fn has_null_checkbox(column: &Column) -> bool {
    column.nullable && (column.keeps_empty() || !column.is_seen())
}

#[cfg(test)]
mod tests;
