//! A server that is given half of its time, as by a quota of processor time: it stands still for half of each
//! short while.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::databases::{PrivateServer as _, Served};

const STILL: Duration = Duration::from_millis(25);

pub struct Throttle {
    slowing: JoinHandle<()>,
}

impl Throttle {
    /// From now on; `slowed` counts from now.
    pub fn begin<D: Served>(server: Arc<D::Private>, slowed: Range<Duration>) -> Self {
        let began = Instant::now();
        // Signals are sent at their times, however busy the runtime is.
        let slowing = tokio::task::spawn_blocking(move || {
            std::thread::sleep(slowed.start);
            while began.elapsed() < slowed.end {
                server.freeze();
                std::thread::sleep(STILL);
                server.thaw();
                std::thread::sleep(STILL);
            }
        });
        Self { slowing }
    }

    pub async fn end(self) {
        self.slowing.await.expect("no panic");
    }
}
