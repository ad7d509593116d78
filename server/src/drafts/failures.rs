//! What a store's failures mean to people.

use app::api_error::{ApiError, ErrorKind};
use resilient_drafts::{MOST_DRAFTS, StoreError};

/// What a store's failure means to the one who asked; logged here.
pub(super) fn api_error(error: &StoreError) -> ApiError {
    match error {
        StoreError::TooLarge { .. } => ApiError::new(
            ErrorKind::TooLarge,
            "This is too large to be kept on the server. It stays on this device.",
        ),
        StoreError::TooMany => ApiError {
            retry_after_ms: Some(30_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                format!(
                    "{MOST_DRAFTS} drafts of yours are kept on the server; there is no room for one more. It stays on \
                     this device. Save or discard some of those under Unsaved work."
                ),
            )
        },
        StoreError::TooMuch => ApiError {
            retry_after_ms: Some(30_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                "All that the server keeps of your unsaved work has become too large. This stays on this device. Save or \
                 discard some of what is under Unsaved work.",
            )
        },
        StoreError::NearlyFull => ApiError {
            retry_after_ms: Some(10_000),
            ..ApiError::new(
                ErrorKind::Unavailable,
                "The server has hardly any room left for unsaved work. This stays on this device until there is room.",
            )
        },
        StoreError::Unavailable(_) => {
            tracing::warn!(?error, "the draft store did not do it");
            cannot_be_reached()
        }
    }
}

pub(super) fn cannot_be_reached() -> ApiError {
    let message = "Unsaved work cannot be reached on the server right now.";
    ApiError {
        retry_after_ms: Some(1_000),
        ..ApiError::new(ErrorKind::Unavailable, message)
    }
}
