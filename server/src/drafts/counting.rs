//! Drafts written, by store and by what became of it.

use resilient_drafts::{StoreError, Written};

pub fn count(written: &Result<Written, StoreError>) {
    let (outcome, kept) = match written {
        Ok(Written::Stored(kept)) => ("stored", Some(kept)),
        Ok(Written::SameAgain(kept)) => ("same_again", Some(kept)),
        Ok(Written::Stale(kept)) => ("stale", Some(kept)),
        Ok(Written::Diverged(kept)) => ("diverged", kept.as_ref()),
        Ok(Written::Ended(_)) => ("ended", None),
        Err(StoreError::TooLarge { .. }) => ("too_large", None),
        Err(StoreError::TooMany) => ("too_many", None),
        Err(StoreError::TooMuch) => ("too_much", None),
        Err(StoreError::NearlyFull) => ("nearly_full", None),
        Err(StoreError::Unavailable(_)) => ("unavailable", None),
    };
    let store = kept.map_or("none", |kept| kept.kept_in.word());
    metrics::counter!("inkfast_drafts_total", "store" => store, "outcome" => outcome).increment(1);
}
