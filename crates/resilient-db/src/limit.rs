//! How many calls may be at the database at once, by what they take: a gradient, after Netflix's *Gradient2*.
//!
//! In each window the calls' times are compared with what they take nearly alone. Up to twice that is what
//! sharing a server costs. Beyond it the limit becomes smaller in the same proportion, halved at most, and by
//! the part of calls that were not answered in time; and larger by its square root, so that there is always
//! room to find out. It grows only while somebody waits.

use std::time::Duration;

use resilient_core::time::Moment;

/// Where it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) least: u32,
    /// Where it begins, and returns to while little is asked.
    pub(crate) usual: u32,
    pub(crate) most: u32,
}

/// How one call ended, as far as the limit cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seen {
    /// With how many times the usual it took, as a natural logarithm, where that is known.
    Answered(Option<f64>),
    /// Stopped because it took too long, or the server had no room for it.
    TooMuch,
}

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    bounds: Bounds,
    limit: f64,
    strained: bool,
    window: Window,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    since: Moment,
    answered: u32,
    too_much: u32,
    compared: u32,
    sum: f64,
    most_running: u32,
}

/// Twice what it takes alone, before it is thought of as too much.
const TOLERATED: f64 = 2.0;
/// No window takes more than half.
const LEAST_GRADIENT: f64 = 0.5;
/// Of the way to where a window points.
const STEP: f64 = 0.5;
/// Windows are at least as long, and as many calls have ended in them, or they are a second long.
const WINDOW: Duration = Duration::from_millis(250);
const CALLS: u32 = 8;
const LONGEST_WINDOW: Duration = Duration::from_secs(1);
/// Fewer calls are no reason to make it smaller.
const CALLS_TO_SHRINK: u32 = 3;

impl Limit {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            limit: f64::from(bounds.usual.clamp(bounds.least, bounds.most)),
            strained: false,
            window: Window::default(),
        }
    }

    /// Calls that may run now.
    pub(crate) fn places(&self) -> u32 {
        // Within the bounds, so it fits.
        (self.limit as u32).clamp(self.bounds.least, self.bounds.most)
    }

    /// How many of `burst` may run beside them: none while they are too much already, and never more in all
    /// than there may ever be.
    pub(crate) fn burst(&self, burst: u32) -> u32 {
        match self.strained {
            true => 0,
            false => burst.min(self.bounds.most - self.places()),
        }
    }

    /// A call ended, and so many were running with it.
    pub(crate) fn record(&mut self, seen: Seen, running: u32) {
        let window = &mut self.window;
        window.most_running = window.most_running.max(running);
        match seen {
            Seen::TooMuch => window.too_much += 1,
            Seen::Answered(compared) => {
                window.answered += 1;
                if let Some(compared) = compared.filter(|compared| compared.is_finite()) {
                    window.compared += 1;
                    window.sum += compared;
                }
            }
        }
    }

    /// Whether the window is over.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        let length = now.since(self.window.since);
        let ended = self.window.answered + self.window.too_much;
        length >= LONGEST_WINDOW || (length >= WINDOW && ended >= CALLS)
    }

    /// Ends the window. `crowded`: somebody had to wait for a place in it.
    pub(crate) fn decide(&mut self, now: Moment, crowded: bool) {
        let since = now;
        let window = std::mem::replace(
            &mut self.window,
            Window {
                since,
                ..Window::default()
            },
        );
        let ended = window.answered + window.too_much;
        // Fewer than half of the places in use: it is not our number that makes calls slow.
        let in_use = crowded || 2 * window.most_running >= self.places();
        if !in_use {
            self.strained = false;
            return self.move_to(self.towards_usual());
        }
        // Whoever waits for calls that do not end learns nothing of them.
        if ended == 0 {
            return;
        }
        let gradient = window.gradient();
        let room = self.limit.sqrt();
        let wanted = self.limit * gradient + room;
        if gradient < 1.0 && ended < CALLS_TO_SHRINK {
            return;
        }
        self.strained = gradient < 1.0;
        if wanted < self.limit || crowded {
            self.move_to(self.limit + STEP * (wanted - self.limit));
        }
    }

    fn towards_usual(&self) -> f64 {
        let step = STEP * self.limit.sqrt();
        self.limit + (f64::from(self.bounds.usual) - self.limit).clamp(-step, step)
    }

    fn move_to(&mut self, limit: f64) {
        self.limit = limit.clamp(f64::from(self.bounds.least), f64::from(self.bounds.most));
    }
}

impl Window {
    /// 1 where nothing is amiss, less where there are too many.
    fn gradient(&self) -> f64 {
        let ended = f64::from((self.answered + self.too_much).max(1));
        let times_usual = (self.sum / f64::from(self.compared.max(1))).exp();
        let by_time = (TOLERATED / times_usual).clamp(LEAST_GRADIENT, 1.0);
        by_time * (1.0 - f64::from(self.too_much) / ended)
    }
}

#[cfg(test)]
mod tests;
