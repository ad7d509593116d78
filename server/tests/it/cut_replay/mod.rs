//! Saves that are queued while the database is away, and done by servers whose process ends at each moment after which it
//! may be gone; afterwards the database is asked what was done, how often, and in which order.

pub mod life;
mod person;
mod scene;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use inkfast_server::replay::Cut;

use self::life::{End, How};
use self::person::{Person, Pressed};
use self::scene::Scene;
pub use self::verdict::Verdict;
use crate::support::private_database::PrivateDatabase;

/// Of one record, each to a column of its own: what is pressed later builds on what was pressed before. For each record
/// there is one more press, which makes another one.
pub const PRESSES: usize = 10;
/// Of one person, fewer than may wait.
const MOST_RECORDS: usize = 40;
/// If nothing at all is done for so long, what is missing is lost.
const NOTHING_DONE_FOR: Duration = Duration::from_secs(120);
const PRESSING: [Cut; 2] = [Cut::Saved, Cut::Enqueued];
const REPLAYING: [Cut; 3] = [Cut::Leased, Cut::Committed, Cut::Acknowledged];

/// Where it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    File,
    Redis,
    /// Redis is away for a third of the presses, which the file takes.
    Both,
}

/// What is done; the same seed gives the same choices, though not the same moments.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub queue: Queue,
    /// Several only where the queue is in Redis.
    pub servers: usize,
    /// At least so many.
    pub people: usize,
    /// At least so many, rounded up to whole records.
    pub submissions: usize,
    /// At each cut point.
    pub kills: usize,
    pub seed: u64,
    /// What makes this program a server, beside what the environment tells it.
    pub arguments: &'static [&'static str],
}

impl Plan {
    fn all_records(&self) -> usize {
        self.submissions.div_ceil(PRESSES + 1).max(1)
    }

    fn people(&self) -> usize {
        self.all_records().div_ceil(MOST_RECORDS).max(self.people)
    }

    fn records_of_each(&self) -> usize {
        self.all_records().div_ceil(self.people())
    }

    fn presses(&self) -> usize {
        self.people() * self.records_of_each() * (PRESSES + 1)
    }

    /// Where one server's lives end: all of them before the work does, however it is shared.
    fn ends(&self, server: usize, cuts: &[Cut], random: &mut fastrand::Rng) -> Vec<End> {
        let longest = self.presses() * 9 / 10 / (self.kills * cuts.len() * self.servers).max(1);
        let of_this = (0..self.kills).filter(|kill| kill % self.servers == server);
        let mut ends: Vec<End> = of_this
            .flat_map(|_| cuts)
            .map(|cut| End {
                cut: *cut,
                time: random.usize(1..=longest.max(1)),
                how: How::Killed,
            })
            .collect();
        random.shuffle(&mut ends);
        ends
    }
}

/// Promised, and not done yet: the database is there again, and no server is.
pub struct Waiting {
    pub scene: Arc<Scene>,
    people: Vec<Person>,
    /// By person, in their order.
    pressed: Vec<Vec<Pressed>>,
    verdict: Verdict,
}

impl Waiting {
    pub async fn pressed(database: PrivateDatabase, plan: Plan) -> Self {
        let mut random = fastrand::Rng::with_seed(plan.seed);
        let mut scene = Scene::set(database, plan).await;
        let people = scene.people(plan, &mut random).await;
        scene.take_the_database_away();
        let scene = Arc::new(scene);
        let over = Arc::new(AtomicBool::new(false));
        let living = live(&scene, &plan, &PRESSING, &mut random, &over);
        let (ended, (pressed, people)) = tokio::join!(living, async {
            let pressed = press_all(&scene, &plan, people).await;
            if plan.queue == Queue::Redis {
                scene.until_redis_has(plan.presses()).await;
            }
            over.store(true, Ordering::Release);
            pressed
        });
        scene.database.restart();
        let mut verdict = Verdict::default();
        verdict.ended(&ended);
        Self {
            scene,
            people,
            pressed,
            verdict,
        }
    }

    /// By servers that are killed again and again.
    pub async fn done(&mut self, plan: &Plan) {
        let over = Arc::new(AtomicBool::new(false));
        let mut random = fastrand::Rng::with_seed(plan.seed);
        let living = live(&self.scene, plan, &REPLAYING, &mut random, &over);
        let (ended, ()) = tokio::join!(living, async {
            until_done(&self.scene, plan.presses()).await;
            over.store(true, Ordering::Release);
        });
        self.verdict.ended(&ended);
    }

    /// After this server has looked at everything; it lives.
    pub async fn compared(mut self, server: usize) -> Verdict {
        self.scene.until_nothing_waits(server).await;
        for person in &self.people {
            self.verdict
                .asked_again(person.presses_again(&self.scene, server).await);
        }
        self.verdict.compare(&self.scene, &self.pressed);
        self.verdict
    }
}

pub async fn run(database: PrivateDatabase, plan: Plan) -> Verdict {
    let begun = Instant::now();
    let mut waiting = Waiting::pressed(database, plan).await;
    waiting.done(&plan).await;
    let _last = waiting.scene.begin(0, &[]);
    let verdict = waiting.compared(0).await;
    let (seconds, seed) = (begun.elapsed().as_secs_f64(), plan.seed);
    println!("in {seconds:.0} s with seed {seed}: {verdict}");
    verdict
}

/// All servers, one life after the other, until it is over; where those ended that did by themselves.
async fn live(
    scene: &Arc<Scene>,
    plan: &Plan,
    cuts: &[Cut],
    random: &mut fastrand::Rng,
    over: &Arc<AtomicBool>,
) -> Vec<Cut> {
    let lives: Vec<_> = (0..plan.servers)
        .map(|server| {
            let ends = plan.ends(server, cuts, random);
            tokio::spawn(lives_of(Arc::clone(scene), server, ends, Arc::clone(over)))
        })
        .collect();
    let mut ended = Vec::new();
    for lives in lives {
        ended.extend(lives.await.expect("each life ended as it was told to"));
    }
    ended
}

async fn lives_of(scene: Arc<Scene>, server: usize, ends: Vec<End>, over: Arc<AtomicBool>) -> Vec<Cut> {
    let mut ended = Vec::new();
    for end in ends.into_iter().map(Some).chain([None]) {
        let mut life = scene.begin(server, end.as_slice());
        while !life.has_ended() {
            if over.load(Ordering::Acquire) {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ended.push(end.expect("only a life that was told to ends by itself").cut);
    }
    ended
}

/// Everybody at the same time, each one press after the other.
async fn press_all(scene: &Arc<Scene>, plan: &Plan, people: Vec<Person>) -> (Vec<Vec<Pressed>>, Vec<Person>) {
    let count = Arc::new(AtomicUsize::new(0));
    let pressing: Vec<_> = people
        .into_iter()
        .map(|person| tokio::spawn(person.press_all(Arc::clone(scene), Arc::clone(&count))))
        .collect();
    if plan.queue == Queue::Both {
        until(&count, plan.presses() / 3).await;
        scene.redis().kill();
        until(&count, plan.presses() * 2 / 3).await;
        scene.redis().restart().expect("Redis starts again");
    }
    let (mut pressed, mut people) = (Vec::new(), Vec::new());
    for one in pressing {
        let (all, person) = one.await.expect("a person came to the end");
        pressed.push(all);
        people.push(person);
    }
    (pressed, people)
}

async fn until(count: &AtomicUsize, wanted: usize) {
    while count.load(Ordering::Acquire) < wanted {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Comes back, too, when no more is done: then the comparison says what is missing.
async fn until_done(scene: &Scene, wanted: usize) {
    let (mut done, mut since) = (0, Instant::now());
    while done < wanted && since.elapsed() < NOTHING_DONE_FOR {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = scene.done();
        if now > done {
            (done, since) = (now, Instant::now());
        }
    }
}
