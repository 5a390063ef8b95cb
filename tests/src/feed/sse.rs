//! Server-sent events as a browser reads them (WHATWG HTML §9.2.6).

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use shared::feed::{Cursor, Heartbeat, KIND_HEARTBEAT};

use super::reader::{AnyEnvelope, FeedReader, path};
use super::stream::Body;
use crate::site::Site;

/// What a block of lines says.
#[derive(Debug, Default)]
struct Block {
    id: Option<String>,
    event: Option<String>,
    data: Vec<String>,
}

/// An event stream.
#[derive(Debug)]
pub struct EventStream {
    body: Body,
    /// Milliseconds to wait before a reconnect, as the server asks.
    pub retry_ms: Option<u64>,
    /// Heartbeats so far.
    pub heartbeats: u64,
    /// What the last heartbeat said.
    pub heartbeat: Option<Heartbeat>,
}

impl EventStream {
    /// Subscribes; the cursor travels as `Last-Event-ID`, as a browser sends it.
    ///
    /// # Errors
    /// When the server does not listen, or refuses.
    pub async fn open(site: &Site, feed: &str, after: Option<Cursor>) -> Result<Self> {
        let last = after.map(|cursor| cursor.to_string());
        Self::open_after(site, &path(feed, None), last.as_deref()).await
    }

    /// Subscribes at an address, with any `Last-Event-ID`.
    ///
    /// # Errors
    /// When the server does not listen, or refuses.
    pub async fn open_after(site: &Site, path: &str, last: Option<&str>) -> Result<Self> {
        let mut request = site.request(reqwest::Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let body = Body::open(request, "text/event-stream").await?;
        Ok(Self { body, retry_ms: None, heartbeats: 0, heartbeat: None })
    }

    /// Reads one line.
    ///
    /// # Errors
    /// When the stream ends.
    pub async fn line(&mut self) -> Result<String> {
        self.body.line().await
    }

    /// Reads the next envelope, which may be a heartbeat.
    ///
    /// # Errors
    /// When the stream ends.
    pub async fn any_envelope(&mut self) -> Result<AnyEnvelope> {
        let envelope = self.next_envelope().await?;
        if envelope.kind == KIND_HEARTBEAT {
            self.heartbeats += 1;
            self.heartbeat = Some(serde_json::from_value(envelope.data.clone())?);
        }
        Ok(envelope)
    }

    async fn block(&mut self) -> Result<Block> {
        let mut block = Block::default();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                if block.data.is_empty() {
                    continue;
                }
                return Ok(block);
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "id" => block.id = Some(value),
                "event" => block.event = Some(value),
                "data" => block.data.push(value),
                "retry" => self.retry_ms = value.parse().ok(),
                _ => {}
            }
        }
    }

    async fn next_envelope(&mut self) -> Result<AnyEnvelope> {
        let block = self.block().await?;
        let data = block.data.join("\n");
        let envelope: AnyEnvelope =
            serde_json::from_str(&data).with_context(|| format!("an envelope: {data}"))?;
        ensure!(block.event.as_ref() == Some(&envelope.kind), "the event's type differs from data");
        ensure!(block.id == Some(envelope.id.to_string()), "the event's id differs from data");
        Ok(envelope)
    }
}

impl FeedReader for EventStream {
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
