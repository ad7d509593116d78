//! What clients were told, and whether it is so.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::Value;

use super::scene::Scene;

/// Longer than drafts take to move to Redis, and waiting submissions to be done.
const PATIENCE: Duration = Duration::from_secs(60);
/// Faults that are told in words.
const MOST_TOLD: usize = 20;

/// All that one client was told.
pub struct Entries {
    client: usize,
    pub submissions: Vec<Submission>,
    pub drafts: Vec<Draft>,
    /// Forms that it went away from.
    pub left: usize,
}

pub struct Submission {
    pub id: String,
    pub title: String,
    /// The key of the record it changes; `None`: it makes one.
    pub change: Option<String>,
    pub fate: Fate,
}

/// How it ended, as far as the client was told.
pub enum Fate {
    Saved {
        key: String,
    },
    /// It was told that this is kept, and went away: by now it may have been saved.
    Kept {
        form_key: String,
    },
    Refused,
    AnsweredWrongly {
        outcome: String,
    },
}

/// One that was taken, and then left.
pub struct Draft {
    pub form_key: String,
    pub title: String,
}

impl Entries {
    pub fn of(client: usize) -> Self {
        Self {
            client,
            submissions: Vec::new(),
            drafts: Vec::new(),
            left: 0,
        }
    }
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub submissions: usize,
    pub saved: usize,
    pub kept: usize,
    pub refused: usize,
    pub drafts: usize,
    pub lost: usize,
    pub duplicates: usize,
    pub wrong_answers: usize,
    told: Vec<String>,
}

impl Verdict {
    pub fn faults(&self) -> usize {
        self.lost + self.duplicates + self.wrong_answers
    }

    fn tell(&mut self, fault: String) {
        if self.told.len() < MOST_TOLD {
            self.told.push(fault);
        }
    }

    fn lost(&mut self, fault: String) {
        self.lost += 1;
        self.tell(fault);
    }

    fn twice(&mut self, fault: String) {
        self.duplicates += 1;
        self.tell(fault);
    }

    fn wrong(&mut self, fault: String) {
        self.wrong_answers += 1;
        self.tell(fault);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} submissions ({} saved, {} kept, {} refused), {} drafts left: {} lost, {} duplicates, {} wrong answers. \
             None of n means at most {:.4} % (3/n).",
            self.submissions,
            self.saved,
            self.kept,
            self.refused,
            self.drafts,
            self.lost,
            self.duplicates,
            self.wrong_answers,
            100.0 * 3.0 / self.submissions.max(1) as f64
        )?;
        self.told.iter().try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}

/// What the database has.
struct There {
    /// Audit lines by submission.
    effects: HashMap<String, usize>,
    /// Title and how often it was written, by key.
    records: HashMap<String, (String, usize)>,
    /// Records by the id that they were made under.
    made: HashMap<String, usize>,
}

impl There {
    fn read(scene: &Scene) -> Self {
        let rows = |sql: &str| {
            let said = scene.database.query(sql);
            let row = |line: &str| line.split(['|', '\t']).map(str::to_owned).collect::<Vec<_>>();
            said.lines().map(row).collect::<Vec<_>>()
        };
        let number = |text: &str| text.parse().expect("a number");
        let audit = scene.database.own("audit");
        let effects = rows(&format!("SELECT submission, count(*) FROM {audit} GROUP BY submission"));
        let records = rows("SELECT id, saves, notes, title FROM activity WHERE id > 400");
        let mut made = HashMap::new();
        for row in &records {
            let id = row[2].strip_prefix("made by ").unwrap_or_default();
            *made.entry(id.to_owned()).or_default() += 1;
        }
        Self {
            effects: effects
                .into_iter()
                .map(|row| (row[0].clone(), number(&row[1])))
                .collect(),
            records: records
                .into_iter()
                .map(|row| (row[0].clone(), (row[3].clone(), number(&row[1]))))
                .collect(),
            made,
        }
    }
}

pub async fn compared(scene: &Scene, entries: Vec<Entries>) -> Verdict {
    let there = There::read(scene);
    let mut verdict = Verdict::default();
    for entries in &entries {
        compare_submissions(entries, &there, &mut verdict);
        compare_records(entries, &there, &mut verdict);
    }
    for entries in &entries {
        compare_kept(scene, entries, &mut verdict).await;
    }
    verdict
}

fn compare_submissions(entries: &Entries, there: &There, verdict: &mut Verdict) {
    verdict.submissions += entries.submissions.len();
    for Submission {
        id,
        title,
        change,
        fate,
    } in &entries.submissions
    {
        let effects = there.effects.get(id).copied().unwrap_or_default();
        let made = there.made.get(id).copied().unwrap_or_default();
        if effects > 1 || made > 1 {
            verdict.twice(format!("{title}: {effects} audit lines, {made} records"));
        }
        match fate {
            Fate::Saved { .. } => {
                verdict.saved += 1;
                if effects == 0 || (change.is_none() && made == 0) {
                    verdict.lost(format!(
                        "{title} was called saved: {effects} audit lines, {made} records"
                    ));
                }
            }
            Fate::Kept { .. } => verdict.kept += 1,
            Fate::Refused => {
                verdict.refused += 1;
                if effects + made > 0 {
                    verdict.wrong(format!("submission {id} was refused and done"));
                }
            }
            Fate::AnsweredWrongly { outcome } => verdict.wrong(format!("{title} was answered {outcome}")),
        }
    }
}

/// Each record is as it was saved last, and was written as often as was acknowledged.
fn compare_records(entries: &Entries, there: &There, verdict: &mut Verdict) {
    let mut expected: BTreeMap<&String, (&String, usize)> = BTreeMap::new();
    for submission in &entries.submissions {
        match (&submission.fate, &submission.change) {
            (Fate::Saved { key }, None) => drop(expected.insert(key, (&submission.title, 0))),
            (Fate::Saved { .. }, Some(key)) => {
                let record = expected.entry(key).or_insert((&submission.title, 0));
                *record = (&submission.title, record.1 + 1);
            }
            _ => {}
        }
    }
    for (key, (title, writes)) in expected {
        match there.records.get(key) {
            Some((found, times)) if found == title && *times == writes => {}
            Some((_, times)) if *times > writes => {
                verdict.twice(format!("record {key} was written {times} times instead of {writes}"));
            }
            found => verdict.lost(format!("record {key} is {found:?} instead of {title}, {writes}")),
        }
    }
}

/// What was kept is there, unless it was saved since.
async fn compare_kept(scene: &Scene, entries: &Entries, verdict: &mut Verdict) {
    for draft in &entries.drafts {
        verdict.drafts += 1;
        if !until(async || has_draft(scene, entries.client, &draft.form_key, &draft.title).await).await {
            verdict.lost(format!("the draft of {} is not there: {}", draft.form_key, draft.title));
        }
    }
    for Submission { id, title, fate, .. } in &entries.submissions {
        let Fate::Kept { form_key } = fate else { continue };
        let audit = scene.database.own("audit");
        let effects = format!("SELECT count(*) FROM {audit} WHERE submission = '{id}'");
        let is_there =
            async || has_draft(scene, entries.client, form_key, title).await || scene.database.query(&effects) == "1";
        if !until(is_there).await {
            verdict.lost(format!("{title} was kept, and is neither a draft nor saved"));
        }
    }
}

async fn has_draft(scene: &Scene, client: usize, form_key: &str, title: &str) -> bool {
    let path = format!("/api/drafts/{form_key}");
    let got = scene.get(0, &scene.cookies[client], &path).await;
    let Some(got) = got.filter(|got| got.status == StatusCode::OK) else {
        return false;
    };
    let envelope: Value = serde_json::from_str(&got.body).unwrap_or_default();
    envelope["data"]["values"]["title"] == title
}

async fn until(is_so: impl AsyncFn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so().await {
        if begun.elapsed() > PATIENCE {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    true
}
