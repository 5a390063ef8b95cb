//! Polling and long-polling: pages of events, returned as single envelopes.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;
use shared::feed::{Cursor, Envelope, EventsPage, KIND_RESET, KIND_SNAPSHOT, SnapshotPage};
use tokio::time::sleep;

use super::reader::{AnyEnvelope, FeedReader, path};
use crate::answer::Answer;
use crate::site::Site;

/// The interval of polling.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// A reader that sends one request after the other.
#[derive(Debug)]
pub(super) struct Pages {
    site: Site,
    feed: String,
    after: Option<Cursor>,
    wait_s: Option<u32>,
    ready: VecDeque<AnyEnvelope>,
}

impl Pages {
    pub(super) fn new(site: &Site, feed: &str, after: Option<Cursor>, wait_s: Option<u32>) -> Self {
        Self { site: site.clone(), feed: feed.to_owned(), after, wait_s, ready: VecDeque::new() }
    }

    async fn next_envelope(&mut self) -> Result<AnyEnvelope> {
        loop {
            if let Some(envelope) = self.ready.pop_front() {
                return Ok(envelope);
            }
            let mut address = path(&self.feed, self.after);
            if let (Some(wait), Some(_)) = (self.wait_s, self.after) {
                address.push_str(&format!("&wait={wait}"));
            }
            let response = self.site.request(Method::GET, &address).send().await?;
            self.take(&Answer::read(response).await?)?;
            if self.ready.is_empty() && self.wait_s.is_none() {
                sleep(POLL_EVERY).await;
            }
        }
    }

    fn take(&mut self, answer: &Answer) -> Result<()> {
        match (answer.status.as_u16(), self.after) {
            (200, None) => self.take_snapshot(answer, KIND_SNAPSHOT),
            (200, Some(_)) => {
                let page: EventsPage<Value> = answer.json();
                self.after = Some(page.cursor);
                self.ready.extend(page.events);
            }
            (204, Some(after)) => {
                assert_eq!(answer.header("pushback-cursor"), after.to_string());
            }
            (410, _) => self.take_snapshot(answer, KIND_RESET),
            (status, _) => bail!("{status}: {}", answer.text()),
        }
        Ok(())
    }

    fn take_snapshot(&mut self, answer: &Answer, kind: &str) {
        let page: SnapshotPage<Value> = answer.json_of_any_status();
        self.after = Some(page.cursor);
        let kind = kind.to_owned();
        self.ready.push_back(Envelope { id: page.cursor, kind, at_ms: 0, data: page.snapshot });
    }
}

impl FeedReader for Pages {
    fn next(&mut self) -> BoxFuture<'_, Result<AnyEnvelope>> {
        self.next_envelope().boxed()
    }
}
