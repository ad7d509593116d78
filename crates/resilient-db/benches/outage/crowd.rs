//! Others who take every place a server has.

use std::time::Duration;

use resilient_db::Options;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::statements::Loaded;

const BETWEEN_TRIES: Duration = Duration::from_millis(5);

pub struct Crowd {
    coming: JoinHandle<()>,
}

impl Crowd {
    /// They go on coming, so that whoever leaves is followed by one of them.
    pub fn gather<D: Loaded>(options: Options<D>) -> Self {
        let coming = async move {
            let mut inside = Vec::new();
            loop {
                match <D::Connection as sqlx::Connection>::connect_with(&options).await {
                    Ok(place) => inside.push(place),
                    Err(_) => sleep(BETWEEN_TRIES).await,
                }
            }
        };
        Self {
            coming: tokio::spawn(coming),
        }
    }

    /// All at once.
    pub fn leave(self) {
        self.coming.abort();
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.coming.abort();
    }
}
