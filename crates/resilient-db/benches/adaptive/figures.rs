//! The figures of one scene, with both limits, and their ratio round by round.

use std::time::Duration;

use crate::load::{Answer, Asked, Request};
use crate::scene::{Part, Scene};

/// One round with one of the limits.
struct Played {
    round: u32,
    adaptive: bool,
    requests: Vec<Request>,
}

pub struct Figures {
    scene: Scene,
    played: Vec<Played>,
}

/// Of some requests in so many seconds; `None` where there is none to tell of.
type Figure = fn(&[Request], f64) -> Option<f64>;

/// What is told, each of one part of a scene and one kind of request.
const COLUMNS: [(&str, Figure); 5] = [
    ("p50 ms", |requests, _| percentile(requests, 0.50)),
    ("p99 ms", |requests, _| percentile(requests, 0.99)),
    ("in time %", |requests, _| {
        share(requests, |answer| answer == Answer::InTime)
    }),
    ("refused %", |requests, _| {
        share(requests, |answer| answer == Answer::Refused)
    }),
    ("in time a s", |requests, seconds| {
        let in_time = requests.iter().filter(|request| request.answer == Answer::InTime);
        Some(in_time.count() as f64 / seconds)
    }),
];

impl Figures {
    pub fn new(scene: Scene) -> Self {
        println!(
            "\n{}, fixed / adaptive, and adaptive to fixed: median [least, most] of the rounds",
            scene.name()
        );
        Self {
            scene,
            played: Vec::new(),
        }
    }

    pub fn add(&mut self, round: u32, adaptive: bool, requests: Vec<Request>) {
        self.played.push(Played {
            round,
            adaptive,
            requests,
        });
    }

    pub fn print(&self) {
        let kinds = [Asked::LookUp, Asked::Report, Asked::Wait, Asked::Change];
        for part in self.scene.parts() {
            for asked in kinds {
                let any = self
                    .played
                    .iter()
                    .any(|played| !chosen(played, &part, asked).is_empty());
                if any {
                    println!("  {:<9}{asked:?}", part.name);
                    self.print_rows(&part, asked);
                }
            }
        }
    }

    fn print_rows(&self, part: &Part, asked: Asked) {
        let seconds = (part.seconds.end - part.seconds.start) as f64;
        for (name, figure) in COLUMNS {
            let of = |adaptive: bool| -> Vec<(u32, Option<f64>)> {
                let played = self.played.iter().filter(|played| played.adaptive == adaptive);
                let mut all: Vec<_> = played
                    .map(|played| (played.round, figure(&chosen(played, part, asked), seconds)))
                    .collect();
                all.sort_by_key(|(round, _)| *round);
                all
            };
            let (fixed, adaptive) = (of(false), of(true));
            let ratios: Vec<f64> = fixed
                .iter()
                .zip(&adaptive)
                .filter_map(|(off, on)| ratio(on.1?, off.1?))
                .collect();
            let medians = [fixed, adaptive].map(|all| median(all.iter().filter_map(|(_, figure)| *figure).collect()));
            println!(
                "    {name:<12} {:>9} / {:<9} {}",
                medians[0],
                medians[1],
                spread(ratios)
            );
        }
    }
}

fn chosen(played: &Played, part: &Part, asked: Asked) -> Vec<Request> {
    let within = |request: &&Request| request.asked == asked && part.seconds.contains(&request.at.as_secs());
    played.requests.iter().filter(within).copied().collect()
}

/// Of those that were answered, late or not.
fn percentile(requests: &[Request], part: f64) -> Option<f64> {
    let answered = |request: &&Request| matches!(request.answer, Answer::InTime | Answer::Late);
    let mut all: Vec<Duration> = requests.iter().filter(answered).map(|request| request.took).collect();
    all.sort();
    let rank = (part * all.len() as f64).ceil() as usize;
    all.get(rank.max(1) - 1).map(|took| took.as_secs_f64() * 1e3)
}

fn share(requests: &[Request], counts: impl Fn(Answer) -> bool) -> Option<f64> {
    let counted = requests.iter().filter(|request| counts(request.answer)).count();
    (!requests.is_empty()).then(|| 100.0 * counted as f64 / requests.len() as f64)
}

fn ratio(adaptive: f64, fixed: f64) -> Option<f64> {
    (fixed > 0.0).then(|| adaptive / fixed)
}

fn sorted(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all
}

fn median(all: Vec<f64>) -> String {
    let all = sorted(all);
    all.get(all.len() / 2)
        .map_or("none".to_owned(), |middle| format!("{middle:.1}"))
}

fn spread(ratios: Vec<f64>) -> String {
    let all = sorted(ratios);
    match (all.first(), all.get(all.len() / 2), all.last()) {
        (Some(least), Some(middle), Some(most)) => format!("{middle:.2} [{least:.2}, {most:.2}]"),
        _ => "no ratio".to_owned(),
    }
}
