//! What the log says of the way to Redis: each change once, with what Redis said. The address, which
//! may hold a password, is in none of it.

use super::link::Failed;

/// Something is not as it was.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    Lost(String),
    /// Still away, and now for this reason.
    LostOtherwise(String),
    Back,
    TakesNoWrites(String),
    TakesWrites,
}

/// What was said last, so that it is not said again.
#[derive(Debug, Default)]
pub struct Said {
    away: Option<String>,
    no_writes: Option<String>,
}

impl Said {
    pub fn is_without_writes(&self) -> bool {
        self.no_writes.is_some()
    }

    /// It is not asked any more, or again in vain.
    pub fn away(&mut self, failed: &Failed) -> Option<News> {
        let before = self.away.replace(failed.name());
        match before {
            None => Some(News::Lost(failed.reason())),
            Some(before) if self.away.as_ref() != Some(&before) => Some(News::LostOtherwise(failed.reason())),
            Some(_) => None,
        }
    }

    pub fn back(&mut self) -> Option<News> {
        self.away.take().map(|_| News::Back)
    }

    pub fn no_writes(&mut self, failed: &Failed) -> Option<News> {
        let before = self.no_writes.replace(failed.name());
        (before != self.no_writes).then(|| News::TakesNoWrites(failed.reason()))
    }

    pub fn writes(&mut self) -> Option<News> {
        self.no_writes.take().map(|_| News::TakesWrites)
    }
}

/// Never under a lock.
pub fn tell(news: impl IntoIterator<Item = News>) {
    for news in news {
        match news {
            News::Lost(reason) => tracing::warn!(reason, "Redis is away: it is not asked until it answers again"),
            News::LostOtherwise(reason) => tracing::warn!(reason, "Redis is still away, and says why differently"),
            News::Back => tracing::warn!("Redis answers again"),
            News::TakesNoWrites(reason) => {
                tracing::warn!(
                    reason,
                    "Redis takes no writes: it is read, and drafts are kept elsewhere until it does"
                );
            }
            News::TakesWrites => tracing::warn!("Redis takes writes again"),
        }
    }
}
