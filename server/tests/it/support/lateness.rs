//! How late the machine itself is: what has only to wait is late where nothing is at fault.

use std::time::{Duration, Instant};

/// Does `work`, and tells how late ticks of this length were beside it, all of them together: what waits for several may
/// be late by each. One that was still to come counts, too. On a runtime of several threads only: where `work` keeps the
/// one thread busy, that would be taken for the machine's fault.
pub async fn lateness_during<T>(tick: Duration, work: impl Future<Output = T>) -> (T, Duration) {
    let (done, mut is_done) = tokio::sync::oneshot::channel::<()>();
    let ticking = tokio::spawn(async move {
        let mut late = Duration::ZERO;
        loop {
            let began = Instant::now();
            let is_last = tokio::select! {
                _ = &mut is_done => true,
                () = tokio::time::sleep(tick) => false,
            };
            late += began.elapsed().saturating_sub(tick);
            if is_last {
                return late;
            }
        }
    });
    let result = work.await;
    drop(done);
    (result, ticking.await.expect("it only waits"))
}
