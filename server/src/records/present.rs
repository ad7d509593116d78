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
use crate::sql::Dialect;

/// For all of them together.
const DEADLINE: Duration = Duration::from_secs(2);
/// Of ten connections; saving and forms go on beside it.
const AT_ONCE: usize = 3;

impl<D: Dialect> RecordService<D> {
    pub(super) async fn present_in_time(&self, who: &Account, wanted: &[(Arc<Table>, RecordKey)]) -> Vec<Present> {
        let until = Instant::now() + DEADLINE;
        let reads = wanted.iter().cloned().map(|(table, key)| {
            let (service, who) = (self.clone(), who.clone());
            async move { service.present_until(until, &who, &table, &key).await }
        });
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// Where the database is known to be away, it is not asked.
    async fn present_until(&self, until: Instant, who: &Account, table: &Arc<Table>, key: &RecordKey) -> Present {
        match timeout_at(until, self.record(who, table, key, "present record")).await {
            Ok(Ok((table, record))) => Present::Here(table, record.values),
            Ok(Err(error)) if error.kind == ErrorKind::NotFound => Present::Gone,
            Ok(Err(_)) | Err(_) => Present::Unreadable,
        }
    }
}
