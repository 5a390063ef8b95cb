//! Endless HTTP bodies, read line by line: NDJSON, and the lines of SSE.

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::{RequestBuilder, Response};
use shared::feed::Cursor;

use super::reader::{AnyEnvelope, FeedReader, path};
use crate::answer::Answer;
use crate::site::Site;

/// Longest line of a feed, in bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// A body that is read by lines.
#[derive(Debug)]
pub(super) struct Body {
    response: Response,
    buffer: BytesMut,
}

impl Body {
    /// Sends the request and expects a body of that type.
    pub(super) async fn open(request: RequestBuilder, media_type: &str) -> Result<Self> {
        let response = request.header("accept", media_type).send().await?;
        if response.status() != 200 {
            let answer = Answer::read(response).await?;
            anyhow::bail!("refused: {} {}", answer.status, answer.text());
        }
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        ensure!(header("content-type") == Some(media_type), "{:?}", response.headers());
        ensure!(header("cache-control") == Some("no-store"), "{:?}", response.headers());
        ensure!(header("x-accel-buffering") == Some("no"), "{:?}", response.headers());
        ensure!(header("content-length").is_none(), "{:?}", response.headers());
        Ok(Self { response, buffer: BytesMut::new() })
    }

    /// The next line, without its end.
    pub(super) async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                return String::from_utf8(line.to_vec()).context("a line is text");
            }
            ensure!(self.buffer.len() < LINE_BYTES_MAX, "a line does not end");
            let chunk = self.response.chunk().await?.context("the stream ended")?;
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// Envelopes as lines.
#[derive(Debug)]
pub(super) struct Lines {
    body: Body,
}

impl Lines {
    pub(super) async fn open(site: &Site, feed: &str, after: Option<Cursor>) -> Result<Self> {
        let request = site.request(reqwest::Method::GET, &path(feed, after));
        Ok(Self { body: Body::open(request, "application/x-ndjson").await? })
    }

    async fn next_envelope(&mut self) -> Result<AnyEnvelope> {
        loop {
            let line = self.body.line().await?;
            // A blank line is a heartbeat.
            if !line.is_empty() {
                return serde_json::from_str(&line).with_context(|| format!("an envelope: {line}"));
            }
        }
    }
}

impl FeedReader for Lines {
    fn next(&mut self) -> BoxFuture<'_, Result<AnyEnvelope>> {
        self.next_envelope().boxed()
    }
}
