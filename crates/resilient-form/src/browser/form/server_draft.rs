//! The server's copy of the draft: sent while typing goes on, handed over as the page goes away.

use std::rc::Rc;
use std::time::Duration;

use resilient_core::draft::{Draft, Revision};
use resilient_core::submission::machine::events::{DraftRefusal, Event};

use super::{Form, beside_url, drop_url, keep_url};
use crate::browser::connection::{JSON, Request, beacon};
use crate::browser::outbox_runner::account_is_here;
use crate::browser::status;
use crate::{reply, wire};

const DRAFT_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of a draft that the server takes.
const LARGEST_DRAFT: usize = 1024 * 1024;
/// Bytes that browsers hand over as a page goes away.
const LARGEST_BEACON: usize = 60 * 1024;

impl Form {
    pub(super) fn save_draft(self: &Rc<Self>, draft: Draft, beside: bool) {
        let (revision, json) = (draft.revision.clone(), wire::draft_json(&draft));
        let Some(draft_url) = self.draft_url.borrow().clone() else {
            return self.tell(Event::DraftRefused {
                revision,
                why: DraftRefusal::Refused,
            });
        };
        if json.len() > LARGEST_DRAFT {
            return self.tell(Event::DraftRefused {
                revision,
                why: DraftRefusal::TooLarge,
            });
        }
        if !account_is_here(&self.account) {
            return self.tell(Event::DraftRefused {
                revision,
                why: DraftRefusal::SignedOut,
            });
        }
        let form = Rc::clone(self);
        self.tell_after(async move {
            let url = if beside {
                beside_url(&draft_url, &form.account)
            } else {
                keep_url(&draft_url, &form.account)
            };
            let request = Request {
                method: "POST",
                url: &url,
                body: Some((JSON, json)),
                limit: DRAFT_LIMIT,
            };
            let taken = reply::draft_taken(status::watched(request).await.as_ref());
            if form.draft_url.borrow().as_ref() != Some(&draft_url) {
                // The form became a record meanwhile: this draft is of a form that is no more.
                drop_on_server(&draft_url, &form.account, &revision).await;
                return Event::DraftDropped(revision);
            }
            match taken {
                Ok(()) => Event::DraftStored(revision),
                Err(why) => Event::DraftRefused { revision, why },
            }
        });
    }

    pub(super) fn beacon_draft(&self, draft: &Draft) {
        let json = wire::draft_json(draft);
        if let Some(draft_url) = self
            .draft_url
            .borrow()
            .as_ref()
            .filter(|_| json.len() <= LARGEST_BEACON)
        {
            beacon(&beside_url(draft_url, &self.account), &json);
        }
    }

    pub(super) fn drop_draft(self: &Rc<Self>, revision: Revision) {
        let Some(draft_url) = self.draft_url.borrow().clone() else {
            return self.tell(Event::DraftDropped(revision));
        };
        let account = self.account.clone();
        self.tell_after(async move {
            if drop_on_server(&draft_url, &account, &revision).await {
                Event::DraftDropped(revision)
            } else {
                Event::DraftRefused {
                    revision,
                    why: DraftRefusal::Unanswered,
                }
            }
        });
    }
}

/// Whether the server has dropped it, or never had it.
async fn drop_on_server(draft_url: &str, account: &str, revision: &Revision) -> bool {
    let url = drop_url(draft_url, account, revision);
    let request = Request {
        method: "DELETE",
        url: &url,
        body: None,
        limit: DRAFT_LIMIT,
    };
    status::watched(request)
        .await
        .as_ref()
        .is_some_and(reply::draft_dropped)
}
