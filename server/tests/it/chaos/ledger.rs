//! What clients were told, and whether it is so.

use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// It was signed in with that at last.
    pub cookie: String,
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
    /// The form of which a draft was kept before it was pressed.
    pub typed_in: Option<String>,
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
            cookie: String::new(),
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
    /// Keys of records by the id that they were made under.
    made: HashMap<String, Vec<String>>,
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
        let mut made = HashMap::<_, Vec<_>>::new();
        for row in &records {
            let id = row[2].strip_prefix("made by ").unwrap_or_default();
            made.entry(id.to_owned()).or_default().push(row[0].clone());
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
    compare_effects(&entries, &there, &mut verdict);
    for entries in &entries {
        compare_kept(scene, entries, &mut verdict).await;
        compare_ended(scene, entries, &mut verdict).await;
    }
    verdict
}

/// Nothing was done that nobody pressed.
fn compare_effects(entries: &[Entries], there: &There, verdict: &mut Verdict) {
    let pressed = entries.iter().flat_map(|entries| &entries.submissions);
    let pressed: HashSet<&str> = pressed.map(|submission| submission.id.as_str()).collect();
    for id in there.effects.keys().chain(there.made.keys()) {
        if !pressed.contains(id.as_str()) {
            verdict.wrong(format!("nobody pressed {id}, and it was done"));
        }
    }
}

fn compare_submissions(entries: &Entries, there: &There, verdict: &mut Verdict) {
    verdict.submissions += entries.submissions.len();
    for Submission {
        id,
        title,
        change,
        fate,
        ..
    } in &entries.submissions
    {
        let effects = there.effects.get(id).copied().unwrap_or_default();
        let keys = there.made.get(id).map_or(&[][..], Vec::as_slice);
        let made = keys.len();
        if effects > 1 || made > 1 {
            verdict.twice(format!("{title}: {effects} audit lines, {made} records"));
        }
        match fate {
            Fate::Saved { key } => {
                verdict.saved += 1;
                if change.is_none() && made == 1 && keys[0] != *key {
                    verdict.wrong(format!("{title} made record {}, and was answered {key}", keys[0]));
                }
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
        if !until(async || has_draft(scene, &entries.cookie, &draft.form_key, &draft.title).await).await {
            verdict.lost(format!("the draft of {} is not there: {}", draft.form_key, draft.title));
        }
    }
    for Submission { id, title, fate, .. } in &entries.submissions {
        let Fate::Kept { form_key } = fate else { continue };
        let audit = scene.database.own("audit");
        let effects = format!("SELECT count(*) FROM {audit} WHERE submission = '{id}'");
        let is_there =
            async || has_draft(scene, &entries.cookie, form_key, title).await || scene.database.query(&effects) == "1";
        if !until(is_there).await {
            verdict.lost(format!("{title} was kept, and is neither a draft nor saved"));
        }
    }
}

/// What was saved is not called unsaved. (Another text of that form may be: one that was refused.)
async fn compare_ended(scene: &Scene, entries: &Entries, verdict: &mut Verdict) {
    for submission in &entries.submissions {
        let (Fate::Saved { .. }, Some(form_key)) = (&submission.fate, &submission.typed_in) else {
            continue;
        };
        let is_over = async || {
            let found = drafts_title(scene, &entries.cookie, form_key).await;
            found.is_ok_and(|title| title.as_deref() != Some(&submission.title))
        };
        if !until(is_over).await {
            let title = &submission.title;
            verdict.wrong(format!(
                "client {}: {title} was saved, and is still a draft of {form_key}",
                entries.client
            ));
        }
    }
}

async fn has_draft(scene: &Scene, cookie: &str, form_key: &str, title: &str) -> bool {
    drafts_title(scene, cookie, form_key).await == Ok(Some(title.to_owned()))
}

/// Of the draft of a form, if there is one. `Err` where nobody says.
async fn drafts_title(scene: &Scene, cookie: &str, form_key: &str) -> Result<Option<String>, ()> {
    let path = format!("/api/drafts/{form_key}");
    let got = scene.get(0, cookie, &path).await.ok_or(())?;
    match got.status {
        StatusCode::OK => {
            let envelope: Value = serde_json::from_str(&got.body).map_err(drop)?;
            Ok(envelope["data"]["values"]["title"].as_str().map(str::to_owned))
        }
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(()),
    }
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
