//! A feed over a WebSocket: an envelope a text frame.

use anyhow::{Context as _, Result, bail};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use shared::feed::{Cursor, Heartbeat, KIND_HEARTBEAT};

use super::reader::{AnyEnvelope, FeedReader, path};
use crate::site::Site;
use crate::socket::{self, Closed, Incoming, Stream};

/// A subscription over a WebSocket.
#[derive(Debug)]
pub struct FeedSocket {
    stream: Stream,
    /// Heartbeats so far.
    pub heartbeats: u64,
    /// What the last heartbeat said.
    pub heartbeat: Option<Heartbeat>,
    /// How it ended, once it has.
    pub closed: Option<Closed>,
}

impl FeedSocket {
    /// Subscribes.
    ///
    /// # Errors
    /// When the server does not listen, or refuses.
    pub async fn open(site: &Site, feed: &str, after: Option<Cursor>) -> Result<Self> {
        let stream =
            socket::over(site.tcp().await?, site.address(), &path(feed, after), None).await?;
        Ok(Self { stream, heartbeats: 0, heartbeat: None, closed: None })
    }

    /// Reads the next envelope, which may be a heartbeat.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn any_envelope(&mut self) -> Result<AnyEnvelope> {
        let envelope = self.next_envelope().await?;
        if envelope.kind == KIND_HEARTBEAT {
            self.heartbeats += 1;
            self.heartbeat = Some(serde_json::from_value(envelope.data.clone())?);
        }
        Ok(envelope)
    }

    async fn next_envelope(&mut self) -> Result<AnyEnvelope> {
        match socket::receive(&mut self.stream).await {
            Incoming::Text(text) => {
                serde_json::from_str(&text).with_context(|| format!("an envelope: {text}"))
            }
            Incoming::Binary(_) => bail!("a feed is text"),
            Incoming::Closed(closed) => {
                self.closed = Some(closed.clone());
                bail!("closed: {closed:?}")
            }
        }
    }
}

impl FeedReader for FeedSocket {
    fn next(&mut self) -> BoxFuture<'_, Result<AnyEnvelope>> {
        async {
            loop {
                let envelope = self.any_envelope().await?;
                if envelope.kind != KIND_HEARTBEAT {
                    return Ok(envelope);
                }
            }
        }
        .boxed()
    }
}
