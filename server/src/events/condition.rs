//! Watches the server's condition for the streams, from cached probes alone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use app::monitoring::port::{Condition, DependencyState, DraftsState, Monitor};
use tokio::time::{Instant, sleep};

use super::hub::Hub;
use super::message::Message;

/// Between two looks: a change is told within twice this.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The next probe has moved when it is expected this much later than was told.
const MOVED: Duration = Duration::from_millis(300);

/// Tells the hub of each change as long as both are there.
pub fn follow(hub: &Arc<Hub>, monitor: &Arc<dyn Monitor>) {
    let (hub, monitor) = (Arc::downgrade(hub), Arc::downgrade(monitor));
    tokio::spawn(watch(hub, monitor));
}

/// What a new stream is told first.
pub fn message(condition: &Condition) -> Message {
    Message::status(
        word(condition.database_for_saving()),
        condition.drafts_state.word(),
        condition.retry_after_ms,
    )
}

async fn watch(hub: Weak<Hub>, monitor: Weak<dyn Monitor>) {
    let mut told: Option<Told> = None;
    while let (Some(hub), Some(monitor)) = (hub.upgrade(), monitor.upgrade()) {
        if hub.is_heard() {
            let condition = monitor.condition();
            let now = Told::new(&condition);
            if told.as_ref().is_none_or(|told| now.is_news_after(told)) {
                hub.tell_condition(message(&condition));
                told = Some(now);
            }
        }
        drop((hub, monitor));
        sleep(LOOK_EVERY).await;
    }
}

struct Told {
    database: DependencyState,
    drafts: DraftsState,
    next_probe: Option<Instant>,
}

impl Told {
    fn new(condition: &Condition) -> Self {
        let wait = condition.retry_after_ms.map(Duration::from_millis);
        Self {
            database: condition.database_for_saving(),
            drafts: condition.drafts_state,
            next_probe: wait.map(|wait| Instant::now() + wait),
        }
    }

    fn is_news_after(&self, told: &Self) -> bool {
        let moved = match (self.next_probe, told.next_probe) {
            (Some(now), Some(told)) => now.saturating_duration_since(told) > MOVED,
            (None, None) => false,
            _ => true,
        };
        moved || self.database != told.database || self.drafts != told.drafts
    }
}

fn word(state: DependencyState) -> &'static str {
    match state {
        DependencyState::Up => "up",
        DependencyState::Slow => "slow",
        DependencyState::Down => "down",
    }
}
