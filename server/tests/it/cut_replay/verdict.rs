//! What was promised, and what the database has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use inkfast_server::replay::Cut;

use super::PRESSES;
use super::person::Pressed;
use super::scene::Scene;

/// Faults that are told in words.
const MOST_TOLD: usize = 20;

#[derive(Debug, Default)]
pub struct Verdict {
    pub submissions: usize,
    /// Processes that ended, by where.
    pub kills: BTreeMap<Cut, usize>,
    pub lost: usize,
    pub duplicates: usize,
    pub out_of_order: usize,
    pub wrong_answers: usize,
    told: Vec<String>,
}

impl Verdict {
    pub fn faults(&self) -> usize {
        self.lost + self.duplicates + self.out_of_order + self.wrong_answers
    }

    pub fn ended(&mut self, cuts: &[Cut]) {
        for cut in cuts {
            *self.kills.entry(*cut).or_default() += 1;
        }
    }

    pub fn asked_again(&mut self, answered: Result<(), String>) {
        if let Err(fault) = answered {
            self.wrong_answers += 1;
            self.tell(fault);
        }
    }

    /// `pressed` is by person, each in their order.
    pub fn compare(&mut self, scene: &Scene, pressed: &[Vec<Pressed>]) {
        self.count(&scene.effects(), pressed);
        self.order_of_people(&scene.order(), pressed);
        self.records(&scene.written(), pressed);
        self.made(&scene.made(), pressed);
    }

    /// By the audit.
    fn count(&mut self, effects: &HashMap<String, usize>, pressed: &[Vec<Pressed>]) {
        let mut ids = HashSet::new();
        for press in pressed.iter().flatten() {
            self.submissions += 1;
            ids.insert(press.id.as_str());
            match effects.get(&press.id).copied().unwrap_or_default() {
                0 => {
                    self.lost += 1;
                    self.tell(format!("{}: {} was promised, and not done", press.account, press.text));
                }
                1 => {}
                times => {
                    self.duplicates += times - 1;
                    self.tell(format!("{}: {} was done {times} times", press.account, press.text));
                }
            }
        }
        for id in effects.keys().filter(|id| !ids.contains(id.as_str())) {
            self.duplicates += 1;
            self.tell(format!("nobody pressed {id}, and it was done"));
        }
    }

    /// What is done of one person is done in the order pressed.
    fn order_of_people(&mut self, order: &HashMap<String, Vec<String>>, pressed: &[Vec<Pressed>]) {
        for presses in pressed {
            let Some(first) = presses.first() else { continue };
            let place: HashMap<&str, usize> = presses
                .iter()
                .enumerate()
                .map(|(at, one)| (one.id.as_str(), at))
                .collect();
            let done = order.get(&first.account).map_or(&[][..], Vec::as_slice);
            let places: Vec<usize> = done.iter().filter_map(|id| place.get(id.as_str()).copied()).collect();
            for two in places.windows(2).filter(|two| two[0] > two[1]) {
                self.out_of_order += 1;
                let [before, after] = [&presses[two[0]], &presses[two[1]]];
                self.tell(format!(
                    "{}: {} was done before {}",
                    first.account, before.text, after.text
                ));
            }
        }
    }

    /// By the database's own notes: each change of a record adds the next text, and there is nothing else.
    fn records(&mut self, written: &HashMap<String, Vec<String>>, pressed: &[Vec<Pressed>]) {
        let mut expected = HashMap::<usize, Vec<&str>>::new();
        for press in pressed.iter().flatten() {
            if let Some(record) = press.record {
                expected.entry(record).or_default().push(&press.text);
            }
        }
        for (record, texts) in expected {
            let found = written.get(&record.to_string()).map_or(&[][..], Vec::as_slice);
            let after = |changes: usize| {
                let text = |column: usize| if column < changes { texts[column] } else { "-" };
                (0..PRESSES).map(text).collect::<Vec<_>>().join(" ")
            };
            let wanted: Vec<String> = (1..=texts.len()).map(after).collect();
            match found.len() {
                _ if found == wanted => continue,
                more if more > wanted.len() => self.duplicates += more - wanted.len(),
                fewer if fewer < wanted.len() => self.lost += wanted.len() - fewer,
                _ => self.out_of_order += 1,
            }
            self.tell(format!("record {record} was written as {found:?}"));
        }
    }

    /// Each press that makes a record has made one.
    fn made(&mut self, made: &HashMap<String, usize>, pressed: &[Vec<Pressed>]) {
        for press in pressed.iter().flatten().filter(|press| press.record.is_none()) {
            match made.get(&press.text).copied().unwrap_or_default() {
                1 => continue,
                0 => self.lost += 1,
                more => self.duplicates += more - 1,
            }
            self.tell(format!("{} has made {:?} records", press.text, made.get(&press.text)));
        }
    }

    fn tell(&mut self, fault: String) {
        if self.told.len() < MOST_TOLD {
            self.told.push(fault);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let kills = self
            .kills
            .iter()
            .map(|(cut, times)| format!("{times} {cut:?}").to_lowercase());
        write!(
            formatter,
            "{} submissions; the process killed {} times ({}): {} lost, {} duplicates, {} out of order, {} wrong answers. \
             None of n means at most {:.4} % (3/n).",
            self.submissions,
            self.kills.values().sum::<usize>(),
            kills.collect::<Vec<_>>().join(", "),
            self.lost,
            self.duplicates,
            self.out_of_order,
            self.wrong_answers,
            100.0 * 3.0 / self.submissions.max(1) as f64
        )?;
        self.told.iter().try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}
