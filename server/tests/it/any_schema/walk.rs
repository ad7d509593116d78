//! From list to form to save, over every table of a database.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use resilient_core::path_text::write_part;
use resilient_core::submission::answer::{Answer, Outcome};
use scraper::{Html, Selector};

use super::values::{candidates, fresh};
use super::witness::{Attribute, Look, Relation, Snapshot, Text, as_drawn};
use crate::support::drawn_form::DrawnForm;
use crate::support::test_app::TestApp;

/// What a schema does that a walk cannot know.
#[derive(Clone, Copy, Default)]
pub struct Known {
    /// (table, column): a trigger of the table writes it.
    pub set_by_trigger: &'static [(&'static str, &'static str)],
    /// (table, column, value): what its constraints take.
    pub values: &'static [(&'static str, &'static str, &'static str)],
    /// Tables to which no record can be added, as whatever it would be is there or is checked against others.
    pub full: &'static [&'static str],
    /// Columns whose values are never drawn.
    pub secrets: &'static [&'static str],
    /// Relations that cannot be read.
    pub unreadable: &'static [&'static str],
    /// Change the last record of each table, too.
    pub both_ends: bool,
}

/// Of a table with more columns than `WIDE` only the first ones are changed: they hold every type it has.
const WIDE: usize = 100;
const OF_WIDE: usize = 8;

#[derive(Debug, Default)]
pub struct Walked {
    pub tables: usize,
    pub columns: usize,
    pub untouched: usize,
    pub saves: usize,
    pub made: usize,
    pub deleted: usize,
}

pub struct Walk<'a, W> {
    pub app: &'a TestApp,
    pub witness: W,
    pub known: Known,
    pub walked: Walked,
    /// The records that were added, and where.
    made: Vec<(Relation, String)>,
    faults: Vec<String>,
}

impl<'a, W: Look> Walk<'a, W> {
    pub fn new(app: &'a TestApp, witness: W, known: Known) -> Self {
        Self {
            app,
            witness,
            known,
            walked: Walked::default(),
            made: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Walks over all of it, then tells everything that was not as it should be.
    pub async fn all(mut self) -> Walked {
        for relation in self.witness.relations().await {
            self.walked.tables += 1;
            self.list(&relation).await;
            if relation.key.is_empty() {
                continue;
            }
            self.untouched(&relation).await;
            if relation.is_editable() {
                self.changes(&relation).await;
                self.new_record(&relation).await;
            }
        }
        while let Some((relation, address)) = self.made.pop() {
            self.delete(&relation, &address).await;
        }
        assert!(
            self.faults.is_empty(),
            "{} faults:\n{}",
            self.faults.len(),
            self.faults.join("\n")
        );
        self.walked
    }

    fn fault(&mut self, words: String) {
        self.faults.push(words);
    }

    /// The list shows the rows, each with the way to its record.
    async fn list(&mut self, relation: &Relation) {
        let path = format!("/records/{}", relation.written);
        let answer = self.app.get(&path).await;
        let readable = !self.known.unreadable.contains(&relation.written.as_str());
        if (answer.status == StatusCode::OK) != readable {
            return self.fault(format!("{path}: {}", answer.status));
        }
        if !readable {
            return;
        }
        let Snapshot(rows) = self.witness.snapshot(relation).await;
        let html = Html::parse_document(&answer.body);
        let shown = html.select(&selector("tbody tr")).count();
        if shown != rows.len().min(50) && !relation.columns.is_empty() {
            self.fault(format!("{path}: {shown} rows are shown of {}", rows.len()));
        }
        let links: Vec<&str> = html
            .select(&selector("tbody a"))
            .filter_map(|link| link.attr("href"))
            .collect();
        if rows.len() <= 50 && !relation.key.is_empty() && !self.is_secret_key(relation) {
            for row in &rows {
                let address = relation.address(row);
                if !links.contains(&address.as_str()) {
                    self.fault(format!("{path}: no link to {address}"));
                }
            }
        }
    }

    fn is_secret_key(&self, relation: &Relation) -> bool {
        relation
            .key
            .iter()
            .any(|key| self.known.secrets.contains(&key.as_str()))
    }

    /// Every record's form, posted back as a browser without script does, changes nothing.
    async fn untouched(&mut self, relation: &Relation) {
        if self.is_secret_key(relation) {
            return;
        }
        let before = self.witness.snapshot(relation).await;
        let audit = self.witness.audit_rows().await;
        for row in before.0.iter().take(20) {
            let address = relation.address(row);
            let page = self.app.get(&address).await;
            if page.status != StatusCode::OK {
                self.fault(format!("{address}: {}", page.status));
                continue;
            }
            let has_form = DrawnForm::is_in(&page.body);
            // A key is shown and never changed: of a record that is nothing else, the page says what can be done instead.
            let is_form = relation.is_editable() && columns_to_change(relation).next().is_some();
            if has_form != is_form {
                self.fault(format!("{address}: has a form: {has_form}"));
            }
            if relation.is_editable() && !is_form && !page.body.contains("delete it and make another one") {
                self.fault(format!("{address}: does not say what can be done"));
            }
            if !has_form || !is_form {
                continue;
            }
            let form = DrawnForm::read(&page.body);
            self.compare_controls(relation, &address, &form);
            let plain = self.app.post(&form).await;
            if plain.status != StatusCode::SEE_OTHER
                || plain.location() != format!("{address}?saved={}", form.value("_id").unwrap())
            {
                self.fault(format!(
                    "{address}: untouched, without script: {} {}",
                    plain.status,
                    said(&plain.body)
                ));
            }
            let (status, answer) = self.app.save(&form).await;
            let unchanged = answer.version.as_deref() == form.value("_version") && answer.current.is_empty();
            if status != StatusCode::OK || answer.outcome != Outcome::Saved || !unchanged {
                self.fault(format!("{address}: untouched: {status} {answer:?}"));
            }
            self.walked.untouched += 1;
        }
        if self.witness.snapshot(relation).await != before {
            self.fault(format!("{}: an untouched save changed a row", relation.written));
        }
        if self.witness.audit_rows().await != audit {
            let last = self.witness.last_audit().await;
            self.fault(format!(
                "{}: an untouched save is in the audit log: {last}",
                relation.written
            ));
        }
    }

    /// The form has a control for every column that can be written, and for no other.
    fn compare_controls(&mut self, relation: &Relation, address: &str, form: &DrawnForm) {
        let expected: Vec<String> = relation
            .columns
            .iter()
            .filter(|column| !column.is_generated && !relation.is_key(&column.name))
            .map(control)
            .collect();
        let drawn: Vec<&String> = form
            .controls
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("v."))
            .collect();
        if drawn != expected.iter().collect::<Vec<_>>() {
            self.fault(format!("{address}: controls {drawn:?} instead of {expected:?}"));
        }
    }

    /// One changed field after the other, of the first record and of the last.
    async fn changes(&mut self, relation: &Relation) {
        let Snapshot(rows) = self.witness.snapshot(relation).await;
        if self.is_secret_key(relation) || rows.is_empty() {
            return;
        }
        let columns = columns_to_change(relation);
        let most = if relation.columns.len() > WIDE { OF_WIDE } else { WIDE };
        let columns: Vec<&Attribute> = columns.take(most).collect();
        if columns.is_empty() {
            return;
        }
        self.walked.columns += columns.len();
        let mut addresses = vec![relation.address(&rows[0])];
        if rows.len() > 1 && self.known.both_ends {
            addresses.push(relation.address(&rows[rows.len() - 1]));
        }
        for address in addresses {
            let mut now = (self.app.form(&address).await, self.witness.snapshot(relation).await);
            for column in &columns {
                now = self.change(relation, &address, now, column).await;
            }
        }
    }

    /// Gives the form and the rows as they are then.
    async fn change(
        &mut self,
        relation: &Relation,
        address: &str,
        (form, before): (DrawnForm, Snapshot),
        column: &Attribute,
    ) -> (DrawnForm, Snapshot) {
        let name = control(column);
        let drawn = form.value(&name).map(str::to_owned);
        let mut refused = Vec::new();
        for value in self.other_values(relation, column, &form) {
            if drawn.as_deref() == Some(value.as_str()) {
                continue;
            }
            let null = format!("n.{}", write_part(&column.name));
            let changed = form.clone().without(&null).with(&name, &value);
            let (status, answer) = self.app.save(&changed).await;
            if answer.outcome == Outcome::Invalid && !answer.errors.is_empty() {
                refused.push(format!("{value}: {:?}", answer.errors));
                // An answer of `invalid` keeps nothing, and the id with it.
                continue;
            }
            if status != StatusCode::OK || answer.outcome != Outcome::Saved {
                self.fault(format!("{address}, {}: {value:?}: {status} {answer:?}", column.name));
                return (self.app.form(address).await, before);
            }
            self.walked.saves += 1;
            return self.changed(relation, address, column, &value, &answer, before).await;
        }
        self.fault(format!(
            "{address}: nothing was taken for {} ({}), {drawn:?}: {refused:?}",
            column.name, column.type_name
        ));
        (form, before)
    }

    /// Exactly this column of this row has the new value, and the form shows it.
    async fn changed(
        &mut self,
        relation: &Relation,
        address: &str,
        column: &Attribute,
        value: &str,
        answer: &Answer,
        before: Snapshot,
    ) -> (DrawnForm, Snapshot) {
        let after = self.witness.snapshot(relation).await;
        let stored = self.witness.stored(column, value).await;
        let differing = differences(relation, address, &before, &after);
        let allowed = |name: &String| {
            let found = relation.columns.iter().find(|other| other.name == *name);
            found.is_some_and(|other| other.is_generated)
                || self
                    .known
                    .set_by_trigger
                    .contains(&(relation.written.as_str(), name.as_str()))
        };
        let others: Vec<&String> = differing
            .keys()
            .filter(|name| **name != column.name && !allowed(name))
            .collect();
        if !others.is_empty() || after.0.len() != before.0.len() {
            self.fault(format!("{address}: changing {} changed {others:?} too", column.name));
        }
        let is_set_by_trigger = self
            .known
            .set_by_trigger
            .contains(&(relation.written.as_str(), column.name.as_str()));
        if differing.get(&column.name) != Some(&stored) && !is_set_by_trigger {
            let found = differing.get(&column.name);
            self.fault(format!("{address}: {} is {found:?} instead of {stored:?}", column.name));
        }
        let form = self.app.form(address).await;
        let shown = form.value(&control(column)).unwrap_or_default().replace("\r\n", "\n");
        let written = write_part(&column.name);
        let expected = match answer.current.get(&written) {
            _ if self.known.secrets.contains(&column.name.as_str()) => String::new(),
            Some(current) => current.clone().unwrap_or_default(),
            None => value.to_owned(),
        };
        if shown != expected {
            self.fault(format!(
                "{address}: {} shows {shown:?} instead of {expected:?}",
                column.name
            ));
        }
        (form, after)
    }

    fn other_values(&self, relation: &Relation, column: &Attribute, form: &DrawnForm) -> Vec<String> {
        let own = self.own_values(relation, column);
        if !own.is_empty() {
            return own;
        }
        let options = form.options.get(&control(column)).cloned().unwrap_or_default();
        let options: Vec<String> = options.into_iter().filter(|option| !option.is_empty()).collect();
        match options.is_empty() {
            true => candidates(&column.type_name)
                .iter()
                .map(|value| (*value).to_owned())
                .collect(),
            false => options,
        }
    }

    fn own_values(&self, relation: &Relation, column: &Attribute) -> Vec<String> {
        let is_own = |(table, name, _): &&(&str, &str, &str)| *table == relation.written && *name == column.name;
        let own = self.known.values.iter().filter(is_own);
        own.map(|(_, _, value)| (*value).to_owned()).collect()
    }

    /// A record can be added, and is there.
    async fn new_record(&mut self, relation: &Relation) {
        if self.known.full.contains(&relation.written.as_str()) || self.is_secret_key(relation) {
            return;
        }
        let path = format!("/records/{}/new", relation.written);
        let there = self.app.get(&path).await;
        if there.status != StatusCode::SEE_OTHER {
            return self.fault(format!("{path}: {}", there.status));
        }
        let mut form = self.app.form(there.location()).await;
        let before = self.witness.snapshot(relation).await;
        for column in relation.columns.iter().filter(|column| !column.is_generated) {
            let is_key = relation.is_key(&column.name);
            let needed = is_key || column.not_null;
            let has_own = !self.own_values(relation, column).is_empty();
            if (needed && !column.has_default) || has_own {
                let value = self.needed_value(relation, column, &form, &before);
                form = form
                    .without(&format!("n.{}", write_part(&column.name)))
                    .with(&control(column), &value);
            }
        }
        let (status, answer) = self.app.save(&form).await;
        if status != StatusCode::CREATED || answer.outcome != Outcome::Saved {
            return self.fault(format!("{path}: {status} {answer:?}"));
        }
        let after = self.witness.snapshot(relation).await;
        if after.0.len() != before.0.len() + 1 {
            self.fault(format!("{path}: {} rows became {}", before.0.len(), after.0.len()));
        }
        let made = format!("/records/{}/{}", relation.written, answer.key.unwrap_or_default());
        if self.app.get(&made).await.status != StatusCode::OK {
            self.fault(format!("{made}: the new record does not open"));
        }
        self.walked.made += 1;
        self.made.push((relation.clone(), made));
    }

    /// The way to delete a record is on its page, and takes away that record alone; unless others came to refer to it.
    async fn delete(&mut self, relation: &Relation, address: &str) {
        let page = self.app.get(address).await;
        let way = format!("{address}/delete");
        let is_offered = Html::parse_document(&page.body)
            .select(&selector("a.delete-link"))
            .any(|link| link.attr("href") == Some(&way));
        if !is_offered {
            return self.fault(format!("{address}: no way to delete it"));
        }
        let question = self.app.get(&way).await;
        let controls = controls_of(&question.body, "form[action$='/delete'] input[name]");
        let mut without = self.witness.snapshot(relation).await;
        without.0.retain(|row| relation.address(row) != address);
        let deleted = self.app.request(Method::POST, &way, Some(&controls), &[]).await;
        match deleted.status {
            StatusCode::SEE_OTHER => self.walked.deleted += 1,
            StatusCode::CONFLICT if deleted.body.contains("still used elsewhere") => return,
            status => return self.fault(format!("{way}: {status} {}", said(&deleted.body))),
        }
        if self.witness.snapshot(relation).await != without {
            self.fault(format!("{way}: more or less is gone than this"));
        }
    }

    fn needed_value(&self, relation: &Relation, column: &Attribute, form: &DrawnForm, rows: &Snapshot) -> String {
        let own = self.own_values(relation, column);
        if let Some(own) = own.last() {
            return own.clone();
        }
        let options = form.options.get(&control(column)).cloned().unwrap_or_default();
        let place = relation.place(&column.name);
        let is_taken = |option: &String| rows.0.iter().any(|row| row[place].as_ref() == Some(option));
        let mut options = options.iter().rev().filter(|option| !option.is_empty());
        if let Some(option) = options
            .clone()
            .find(|option| !is_taken(option))
            .or_else(|| options.next())
        {
            return option.clone();
        }
        let fresh = fresh(&column.type_name).iter().map(|value| (*value).to_owned());
        if column.is_unique {
            // The longest that fits.
            let length = column
                .full_type
                .split_once('(')
                .and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
            return fresh
                .into_iter()
                .find(|value| value.len() <= length.unwrap_or(usize::MAX))
                .unwrap();
        }
        let known = rows.0.iter().find_map(|row| row[place].as_deref());
        known.map_or_else(
            || candidates(&column.type_name)[0].to_owned(),
            |known| as_drawn(&column.type_name, known),
        )
    }
}

pub fn control(column: &Attribute) -> String {
    format!("v.{}", write_part(&column.name))
}

/// The columns of the row at `address` that differ, with their new texts; a difference in any other row stands under
/// no name.
fn differences(relation: &Relation, address: &str, before: &Snapshot, after: &Snapshot) -> BTreeMap<String, Text> {
    let mut differing = BTreeMap::new();
    let (mine, others): (Vec<_>, Vec<_>) = before.0.iter().partition(|row| relation.address(row) == address);
    let (mine_now, others_now): (Vec<_>, Vec<_>) = after.0.iter().partition(|row| relation.address(row) == address);
    if others != others_now || mine.len() != 1 || mine_now.len() != 1 {
        differing.insert("(another row)".to_owned(), None);
        return differing;
    }
    for (place, column) in relation.columns.iter().enumerate() {
        if mine[0][place] != mine_now[0][place] {
            differing.insert(column.name.clone(), mine_now[0][place].clone());
        }
    }
    differing
}

fn controls_of(page: &str, which: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(page);
    let named = |control: scraper::ElementRef| {
        let attribute = |name| control.attr(name).unwrap_or_default().to_owned();
        (attribute("name"), attribute("value"))
    };
    html.select(&selector(which)).map(named).collect()
}

fn said(page: &str) -> String {
    let html = Html::parse_document(page);
    let telling = selector(".field-error:not([hidden]), .notice");
    let words = html.select(&telling);
    words
        .map(|words| words.text().collect::<String>())
        .collect::<Vec<_>>()
        .join(" | ")
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn columns_to_change(relation: &Relation) -> impl Iterator<Item = &Attribute> {
    let columns = relation.columns.iter();
    columns.filter(|column| !column.is_generated && !relation.is_key(&column.name))
}
