//! What the machine announces, in words.

use resilient_core::submission::machine::effects::Announcement;

use super::{Form, fields};
use crate::browser::toasts;

impl Form {
    pub(super) fn announce(&self, announcement: Announcement) {
        use toasts::Kind;
        let (kind, words) = match announcement {
            Announcement::Restored => (Kind::Restored, "Restored what you typed.".to_owned()),
            Announcement::Queued { why } => (Kind::Queued, [&why, "."].concat()),
            Announcement::SavedAfterQueue => (Kind::Saved, "Saved what was queued.".to_owned()),
            Announcement::SavedWhileTyping => (Kind::Saved, "Saved. What you typed since is not saved yet.".to_owned()),
            Announcement::Merged { columns } => (
                Kind::Notice,
                [
                    "Saved. Somebody else had changed ",
                    &fields::labels(&self.element, columns.iter()),
                    "; that is kept too.",
                ]
                .concat(),
            ),
            Announcement::Conflict => (
                Kind::Conflict,
                "Somebody else changed the same field. Nothing was overwritten: choose above.".to_owned(),
            ),
            Announcement::Refused { message } => (Kind::Refused, message),
            Announcement::DiscardedElsewhere => (
                Kind::Notice,
                "This text was discarded or saved in another tab or on another device.".to_owned(),
            ),
            Announcement::TooLargeForServer => (
                Kind::Notice,
                "This text is too large to be kept on the server; it is kept on this device.".to_owned(),
            ),
            Announcement::NotProtected => (
                Kind::Refused,
                "Not protected on this device: its storage is full, forbidden or locked.".to_owned(),
            ),
            Announcement::SecretLost => (
                Kind::Refused,
                "A secret was not saved before the page was loaded again. Type it once more and press Save.".to_owned(),
            ),
        };
        toasts::show(kind, &words);
    }
}
