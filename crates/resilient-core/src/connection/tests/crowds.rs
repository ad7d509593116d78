//! Five hundred pages whose server went at the same moment.

use super::*;

/// When one of them asks for its server while that is away.
fn probes_of(random: u64, outage: Duration) -> Vec<Moment> {
    let mut now = Moment::START + SILENCE;
    let (mut connection, mut probes) = (Connection::new(Moment::START), Vec::new());
    while now < Moment::START + outage {
        let (next, effects) = connection.handle(Event::Woke, now, random);
        connection = next;
        if effects.contains(&Effect::Probe) {
            probes.push(now);
            let random = random.rotate_left(probes.len() as u32);
            (connection, _) = connection.handle(Event::ProbeFailed, now, random);
        }
        now = connection.next_probe().expect("it goes on asking");
    }
    probes
}

#[test]
fn five_hundred_pages_that_lost_their_server_together_ask_for_it_apart() {
    let random = |page: u64| page.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let outage = Duration::from_secs(60);
    let mut late: Vec<Moment> = (0..500).flat_map(|page| probes_of(random(page), outage)).collect();
    late.retain(|probe| probe.since(Moment::START) > Duration::from_secs(10));
    late.sort();
    // Each asks every 1.4 s or so: 36 of them in 100 ms, give or take.
    let within = Duration::from_millis(100);
    let from = |at: usize| {
        let here = late[at..].iter();
        here.take_while(|probe| probe.since(late[at]) < within).count()
    };
    let most = (0..late.len()).map(from).max().unwrap_or(0);
    assert!((20..=90).contains(&most), "{most} of 500 within {within:?}");
}
