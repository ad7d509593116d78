//! Five hundred pages whose server went at the same moment: they do not come back at the same moment.

use super::*;

const PAGES: u64 = 500;

/// Evenly spread numbers in an order of their own (splitmix64).
fn chance(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A page that pressed Save at the beginning, and how it draws its random numbers.
struct OneOfMany {
    page: Page,
    seed: u64,
}

impl OneOfMany {
    fn all() -> Vec<Self> {
        let one = |seed| {
            let mut page = Page::drawn();
            page.types("name", "typed").presses_save();
            Self { page, seed }
        };
        (0..PAGES).map(one).collect()
    }

    fn tell(&mut self, event: Event) {
        self.seed = chance(self.seed);
        let given = Given {
            now: self.page.now,
            random: u128::from(self.seed),
        };
        (self.page.form, self.page.orders) = self.page.form.clone().handle(event, given);
    }

    /// The attempt under way fails; when the next one leaves.
    fn fails(&mut self) -> Moment {
        let id = self.page.form.hidden().0.to_owned();
        self.tell(Event::Unanswered { id });
        self.page.form.next_try().expect("it is tried again")
    }

    /// Sleeps until then, and what it sends.
    fn at(&mut self, moment: Moment) {
        self.page.now = moment;
        self.tell(Event::Woke);
        assert!(self.page.sent().is_some(), "its time has come");
    }
}

/// The most moments of any stretch of time of this length.
fn most_within(mut moments: Vec<Moment>, stretch: Duration) -> usize {
    moments.sort();
    let from = |at: usize| {
        moments[at..]
            .iter()
            .take_while(|moment| moment.since(moments[at]) < stretch)
            .count()
    };
    (0..moments.len()).map(from).max().unwrap_or(0)
}

#[test]
fn five_hundred_pages_that_failed_together_try_again_apart() {
    let mut crowd = OneOfMany::all();
    for failures in 1..=7_u32 {
        // The longest pause is 1, 2, 4, … 30 s: a tenth of it sees a tenth of them, give or take.
        let longest = Duration::from_secs(30.min(1 << (failures - 1)));
        let next: Vec<Moment> = crowd.iter_mut().map(OneOfMany::fails).collect();
        let most = most_within(next.clone(), longest / 10);
        assert!(most <= 85, "{most} of {PAGES} within a tenth of {longest:?}");
        crowd.iter_mut().zip(next).for_each(|(one, moment)| one.at(moment));
    }
}

#[test]
fn five_hundred_pages_that_hear_together_that_the_server_is_back_send_apart() {
    let mut crowd = OneOfMany::all();
    let back = Moment::START + Duration::from_secs(60);
    let mut sends = Vec::new();
    for one in &mut crowd {
        // A minute of failures, so that no try is due by itself.
        while one.fails() < back {
            let next = one.page.form.next_try().expect("it is tried again");
            one.at(next);
        }
        one.page.now = back;
        one.tell(Event::ServerReady);
        sends.push(one.page.form.next_try().expect("it is tried again"));
    }
    let latest = sends.iter().max().expect("one of them").since(back);
    assert!(latest <= Duration::from_millis(800), "nobody waits long: {latest:?}");
    let most = most_within(sends, Duration::from_millis(80));
    assert!(most <= 85, "{most} of {PAGES} within 80 ms");
}

#[test]
fn five_hundred_pages_that_were_told_the_same_time_return_after_it_and_apart() {
    let mut crowd = OneOfMany::all();
    let named = Duration::from_secs(5);
    let limited = Answer {
        retry_after_ms: Some(5_000),
        ..Answer::new(Outcome::RateLimited)
    };
    let mut returns = Vec::new();
    for one in &mut crowd {
        let id = one.page.form.hidden().0.to_owned();
        one.tell(Event::answered(id, limited.clone()));
        returns.push(one.page.form.next_try().expect("it is tried again"));
    }
    assert!(returns.iter().all(|at| at.since(Moment::START) >= named));
    let most = most_within(returns, Duration::from_millis(100));
    assert!(most <= 85, "{most} of {PAGES} within 100 ms");
}
