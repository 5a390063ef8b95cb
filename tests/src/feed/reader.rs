//! What all readers of feeds have in common.

use anyhow::Result;
use futures_util::future::BoxFuture;
use serde_json::Value;
use shared::feed::{Cursor, Envelope};

/// An envelope of any feed.
pub type AnyEnvelope = Envelope<Value>;

/// A subscription to a feed.
pub trait FeedReader: Send {
    /// The next envelope. An error means that the connection ended; a new reader resumes after the last cursor.
    fn next(&mut self) -> BoxFuture<'_, Result<AnyEnvelope>>;
}

/// The path of a feed, with the cursor to resume after.
#[must_use]
pub fn path(feed: &str, after: Option<Cursor>) -> String {
    let after = after.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
    format!("/api/feeds/{feed}{after}")
}
