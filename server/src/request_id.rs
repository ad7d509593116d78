//! The id a request goes by: in its answer, in each of its log lines, and as the error id people see.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Characters. What a proxy in front makes (a UUID, 16 bytes in hex) is shorter.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// The id of the request this task works for.
pub fn current() -> Option<String> {
    CURRENT.try_with(|id| id.to_string()).ok()
}

/// The id that was sent along, where it can be written into logs, headers and pages as it is; else a
/// new one.
pub fn accepted(given: Option<&str>) -> Arc<str> {
    let is_sane = |id: &&str| {
        (1..=LONGEST).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match given.filter(is_sane) {
        Some(id) => id.into(),
        None => fresh().into(),
    }
}

/// Random, and short enough to be read out on the telephone.
pub fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// Works for the request `id`.
pub async fn within<F: Future>(id: Arc<str>, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// A task of its own for the same request: its id and its span go along.
pub fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let work = work.in_current_span();
    match CURRENT.try_with(Arc::clone) {
        Ok(id) => tokio::spawn(CURRENT.scope(id, work)),
        Err(_) => tokio::spawn(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_as_it_is_only_if_it_can_stand_anywhere() {
        for sane in ["0af7651916cd43dd8448eb211c80319c", "a", "front-1.node_2"] {
            assert_eq!(&*accepted(Some(sane)), sane);
        }
        let long = "x".repeat(LONGEST + 1);
        for insane in ["", "two words", "a\nb", "<b>", "id;drop", "\u{e9}", long.as_str()] {
            let made = accepted(Some(insane));
            assert_ne!(&*made, insane);
            assert_eq!(made.len(), 16);
        }
        assert_ne!(accepted(None), accepted(None));
    }

    #[tokio::test]
    async fn a_task_of_its_own_works_for_the_same_request() {
        assert_eq!(current(), None);
        within("outer".into(), async {
            assert_eq!(current().as_deref(), Some("outer"));
            let spawned = spawn(async { current() }).await.expect("no panic");
            assert_eq!(spawned.as_deref(), Some("outer"));
        })
        .await;
    }
}
