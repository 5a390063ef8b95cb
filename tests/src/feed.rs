//! The five transports of a feed, each as a reader of envelopes.
//!
//! Polling answers are turned into the same envelopes that streams bring, `snapshot` and `reset` included,
//! so one story can run over all five transports.

mod pages;
mod reader;
mod sse;
mod stream;
mod websocket;

use anyhow::Result;
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use shared::feed::Cursor;

use crate::site::Site;
use crate::wait::within;

pub use reader::{AnyEnvelope, FeedReader, path};
pub use sse::EventStream;
pub use websocket::FeedSocket;

/// A way to read a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// A request at an interval.
    Poll,
    /// A request that the server holds until there is an event.
    LongPoll,
    /// Server-sent events.
    Sse,
    /// Lines of JSON.
    Ndjson,
    /// Text frames.
    WebSocket,
}

impl Transport {
    /// All transports.
    pub const ALL: [Self; 5] =
        [Self::Poll, Self::LongPoll, Self::Sse, Self::Ndjson, Self::WebSocket];

    /// The name that the command line takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
            Self::Ndjson => "ndjson",
            Self::WebSocket => "websocket",
        }
    }

    /// Subscribes to a feed, after a cursor or from a snapshot on.
    ///
    /// # Errors
    /// When the server does not listen, or refuses.
    pub async fn open(
        self,
        site: &Site,
        feed: &str,
        after: Option<Cursor>,
    ) -> Result<Box<dyn FeedReader>> {
        Ok(match self {
            Self::Poll => Box::new(pages::Pages::new(site, feed, after, None)),
            Self::LongPoll => Box::new(pages::Pages::new(site, feed, after, Some(25))),
            Self::Sse => Box::new(EventStream::open(site, feed, after).await?),
            Self::Ndjson => Box::new(stream::Lines::open(site, feed, after).await?),
            Self::WebSocket => Box::new(FeedSocket::open(site, feed, after).await?),
        })
    }
}

impl Site {
    /// Subscribes to a feed, from a snapshot on.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn subscribe(&self, feed: &str, transport: Transport) -> Box<dyn FeedReader> {
        let opening = transport.open(self, feed, None);
        within("a subscription", opening).await.expect("a subscription")
    }
}

/// The next envelope.
///
/// # Panics
/// When the connection ends, or no event comes in time.
pub async fn next(reader: &mut dyn FeedReader) -> AnyEnvelope {
    within("an event", reader.next()).await.expect("the subscription goes on")
}

/// An envelope that has arrived already; `None` when there is none.
pub fn ready(reader: &mut dyn FeedReader) -> Option<AnyEnvelope> {
    reader.next().now_or_never()?.ok()
}

/// The data of an envelope.
///
/// # Panics
/// When the data is not a `T`.
#[must_use]
pub fn data<T: DeserializeOwned>(envelope: &AnyEnvelope) -> T {
    serde_json::from_value(envelope.data.clone())
        .unwrap_or_else(|error| panic!("{error} in {envelope:?}"))
}
