//! What is asked of the server, and what becomes of the server meanwhile.

use std::ops::Range;
use std::time::Duration;

use clap::ValueEnum;

use crate::load::{Arrival, Asked};
use crate::work::Size;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    /// Half of what the server can do, all the time
    Steady,
    /// Calls that wait on the server for 50 ms and cost it nothing, more of them than ten at a time can be
    Waiting,
    /// Reports that want half again as much of the processors as there is, and short look-ups beside them
    Overload,
    /// Changes that all want the same row, half again as many as can be one after the other
    Locks,
    /// Three quarters of what the server can do; it is slowed to half for a while, and goes on as before
    Halved,
}

/// A part of a scene whose figures are told apart.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: &'static str,
    pub seconds: Range<u64>,
}

const NORMAL: Part = Part {
    name: "before",
    seconds: 0..4,
};
const SLOWED: Part = Part {
    name: "halved",
    seconds: 4..12,
};
const AFTER: Part = Part {
    name: "recovery",
    seconds: 12..18,
};

impl Scene {
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or(String::new(), |value| value.get_name().to_owned())
    }

    pub fn parts(self) -> Vec<Part> {
        let whole = |end| Part {
            name: "",
            seconds: 0..end,
        };
        match self {
            Self::Steady | Self::Waiting => vec![whole(8)],
            Self::Overload | Self::Locks => vec![whole(10)],
            Self::Halved => vec![NORMAL, SLOWED, AFTER],
        }
    }

    /// When the server has half of its time.
    pub fn slowed(self) -> Option<Range<Duration>> {
        let Range { start, end } = SLOWED.seconds;
        (self == Self::Halved).then(|| Duration::from_secs(start)..Duration::from_secs(end))
    }

    /// What comes, and how often a second. `capacity` in reports a second.
    fn rates(self, capacity: f64) -> Vec<(Asked, f64)> {
        match self {
            Self::Steady => vec![(Asked::Report, 0.5 * capacity), (Asked::LookUp, 20.0)],
            Self::Waiting => vec![(Asked::Wait, 300.0)],
            Self::Overload => vec![(Asked::Report, 1.5 * capacity), (Asked::LookUp, 20.0)],
            Self::Locks => vec![(Asked::Change, 1.5 / crate::work::LOCK_HELD.as_secs_f64())],
            Self::Halved => vec![(Asked::Report, 0.75 * capacity), (Asked::LookUp, 20.0)],
        }
    }

    /// The same for each seed; nobody waits for the one before.
    pub fn arrivals(self, size: &Size, seed: u64) -> Vec<Arrival> {
        let end = self.parts().last().map_or(0, |part| part.seconds.end) as f64;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut all = Vec::new();
        for (asked, a_second) in self.rates(size.capacity) {
            let mut at = 0.0;
            loop {
                at -= (1.0 - random.f64()).ln() / a_second;
                if at >= end {
                    break;
                }
                let at = Duration::from_secs_f64(at);
                all.push(Arrival { at, asked });
            }
        }
        all.sort_by_key(|arrival| arrival.at);
        all
    }
}
