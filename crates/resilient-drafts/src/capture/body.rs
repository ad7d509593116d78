//! Reading a body ahead without changing what a handler gets.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// A body as far as it was read ahead.
pub enum ReadAhead {
    Whole(Bytes),
    /// It is longer than the limit, comes too slowly or breaks off: this is all of it, the rest still to come.
    Partly(Body),
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
                let before = stream::iter([Ok(Bytes::from(read)), other]);
                return ReadAhead::Partly(Body::from_stream(before.chain(rest)));
            }
            Err(_) => {
                let before = stream::iter([Ok(Bytes::from(read))]);
                return ReadAhead::Partly(Body::from_stream(before.chain(rest)));
            }
        }
    }
}
