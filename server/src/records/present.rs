//! Several records as they are now, for a page that goes without those that cannot be read in time.

use std::sync::Arc;
use std::time::Duration;

use app::api_error::ErrorKind;
use app::auth::model::Account;
use app::records::model::{RecordKey, Table};
use app::records::port::Present;
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::service::RecordService;
use crate::request_id;
use crate::sql::Dialect;

/// For all of them together.
const DEADLINE: Duration = Duration::from_secs(2);
/// Of ten connections; saving and forms go on beside it.
const AT_ONCE: usize = 3;

impl<D: Dialect> RecordService<D> {
    pub(super) async fn present_in_time(&self, who: &Account, wanted: &[(Arc<Table>, RecordKey)]) -> Vec<Present> {
        let until = Instant::now() + DEADLINE;
        let reads = wanted.iter().cloned();
        let reads = reads.map(|(table, key)| self.clone().present_until(until, who.clone(), table, key));
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// In a task of its own, which ends by the limits of every read: nobody drops a connection in the middle of a
    /// statement because a page does not wait for it.
    async fn present_until(self, until: Instant, who: Account, table: Arc<Table>, key: RecordKey) -> Present {
        if Instant::now() >= until {
            return Present::Unreadable;
        }
        let reading = request_id::spawn(async move { self.record(&who, &table, &key, "present record").await });
        match timeout_at(until, reading).await {
            Ok(Ok(Ok((table, record)))) => Present::Here(table, record.values),
            Ok(Ok(Err(error))) if error.kind == ErrorKind::NotFound => Present::Gone,
            _ => Present::Unreadable,
        }
    }
}
