//! What the configuration says about how a table is shown. Columns are named as the database names them, and only
//! columns that are there are named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::ColumnKind;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// Columns of the list, in order.
    pub list: Option<Vec<String>>,
    /// Columns that a search looks in.
    pub search: Option<Vec<String>>,
    /// Columns that the filter panel offers.
    pub filters: Option<Vec<String>>,
    /// (column, descending), where the address names no order.
    pub sort: Vec<(String, bool)>,
    /// Rows on one page of the list.
    pub page_size: Option<u32>,
    /// The column that stands for a record in links and pickers.
    pub label_column: Option<String>,
    pub widgets: BTreeMap<String, Widget>,
}

impl Display {
    /// Forgets the columns that `keeps` refuses.
    pub fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        let lists = [&mut self.list, &mut self.search, &mut self.filters];
        for list in lists.into_iter().flatten() {
            list.retain(|column| keeps(column));
        }
        self.sort.retain(|(column, _)| keeps(column));
        self.label_column = self.label_column.take().filter(|column| keeps(column));
        self.widgets.retain(|column, _| keeps(column));
    }
}

/// A control that a column can be given instead of its usual one. Where it cannot hold a value exactly, that value
/// still has the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Widget {
    /// One line of text.
    Line,
    /// Several lines.
    Area,
    /// Several lines in letters of one width.
    Code,
    /// A list to choose from.
    Select,
    /// One line with suggestions.
    Suggest,
}

impl Widget {
    pub const ALL: [Self; 5] = [Self::Line, Self::Area, Self::Code, Self::Select, Self::Suggest];

    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Area => "area",
            Self::Code => "code",
            Self::Select => "select",
            Self::Suggest => "suggest",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|widget| widget.name() == name)
    }

    /// Whether it can hold values of this kind at all. `is_reference`: the column is a foreign key.
    pub fn suits(self, kind: &ColumnKind, is_reference: bool) -> bool {
        match self {
            Self::Line | Self::Area | Self::Code => true,
            Self::Select | Self::Suggest => is_reference || matches!(kind, ColumnKind::Choice(_) | ColumnKind::Boolean),
        }
    }
}
