//! What all readers of feeds have in common.

use anyhow::Result;
use futures_util::future::BoxFuture;
use serde_json::Value;
use shared::feed::{Cursor, Envelope};

/// What a reader gets: data of any feed.
pub type AnyEnvelope = Envelope<Value>;

/// A subscription.
pub trait FeedReader: Send {
    /// The next envelope. An error says that the connection ended: open another after the last cursor.
    fn next(&mut self) -> BoxFuture<'_, Result<AnyEnvelope>>;
}

/// The address of a feed after a cursor.
#[must_use]
pub fn path(feed: &str, after: Option<Cursor>) -> String {
    let after = after.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
    format!("/api/feeds/{feed}{after}")
}
