//! Reading a body ahead without changing what a handler gets.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// A body as far as it was read ahead.
pub enum ReadAhead {
    Whole(Bytes),
    /// It is longer than the limit. This is all of it, the rest still to come.
    TooLong(Body),
    /// The same of one that comes too slowly, or breaks off.
    TooSlow(Body),
}

/// Reads up to `longest` bytes, for at most `arrival`.
pub async fn read_ahead(body: Body, longest: usize, arrival: Duration) -> ReadAhead {
    let until = Instant::now() + arrival;
    let mut rest = body.into_data_stream();
    let mut read = Vec::new();
    loop {
        match timeout_at(until, rest.next()).await {
            Ok(None) => return ReadAhead::Whole(read.into()),
            Ok(Some(Ok(piece))) if read.len() + piece.len() <= longest => read.extend_from_slice(&piece),
            Ok(Some(other)) => {
                let is_piece = other.is_ok();
                let body = Body::from_stream(stream::iter([Ok(Bytes::from(read)), other]).chain(rest));
                return match is_piece {
                    true => ReadAhead::TooLong(body),
                    false => ReadAhead::TooSlow(body),
                };
            }
            Err(_) => return ReadAhead::TooSlow(Body::from_stream(stream::iter([Ok(read.into())]).chain(rest))),
        }
    }
}
