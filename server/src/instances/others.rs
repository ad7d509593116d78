//! The way to the other servers, for whoever has something to tell.

use tokio::sync::mpsc;

use super::told::Told;

/// What waits to be told. What is more is dropped: nobody waits for the others.
const MOST_WAITING: usize = 512;

/// Clones go the same way.
#[derive(Clone, Debug, Default)]
pub struct Others {
    way: Option<mpsc::Sender<Told>>,
}

impl Others {
    /// Nobody hears it.
    pub fn none() -> Self {
        Self::default()
    }

    /// With what is to be told, for [`join`](super::join()).
    pub fn some() -> (Self, mpsc::Receiver<Told>) {
        let (way, waiting) = mpsc::channel(MOST_WAITING);
        (Self { way: Some(way) }, waiting)
    }

    pub fn tell(&self, told: Told) {
        if let Some(way) = &self.way
            && way.try_send(told).is_err()
        {
            tracing::debug!("there is too much to tell the other servers: something was not told");
        }
    }
}
