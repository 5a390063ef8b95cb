//! Subscribers of a feed, over any transport.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use shared::feed::KIND_RESET;
use tests::Site;
use tests::feed::{FeedReader, Transport};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::players::Plan;

/// What the subscribers got.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SubscribersReport {
    subscribers: usize,
    seconds: f64,
    events: u64,
    resets: u64,
    gaps: u64,
    lost: u64,
}

/// Subscribers who read.
pub(crate) struct Following {
    readers: JoinSet<SubscribersReport>,
    over: watch::Sender<bool>,
    seconds: u64,
}

/// Subscribes everybody.
pub(crate) async fn open(plan: &Plan, transport: Transport, feed: &str) -> Result<Following> {
    let site = Site::at(plan.server);
    let (over, is_over) = watch::channel(false);
    let mut readers = JoinSet::new();
    for _ in 0..plan.count {
        let reader = transport.open(&site, feed, None).await.context("a subscription")?;
        readers.spawn(follow(reader, is_over.clone()));
    }
    Ok(Following { readers, over, seconds: plan.seconds })
}

impl Following {
    /// Reads for the planned time and adds up what came.
    pub(crate) async fn finish(self) -> SubscribersReport {
        let began = Instant::now();
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        self.over.send_replace(true);
        let mut all = SubscribersReport::default();
        for one in self.readers.join_all().await {
            all.subscribers += 1;
            all.events += one.events;
            all.resets += one.resets;
            all.gaps += one.gaps;
            all.lost += one.lost;
        }
        all.seconds = began.elapsed().as_secs_f64();
        all
    }
}

async fn follow(
    mut reader: Box<dyn FeedReader>,
    mut over: watch::Receiver<bool>,
) -> SubscribersReport {
    let mut report = SubscribersReport::default();
    let mut last: Option<u64> = None;
    loop {
        let next = tokio::select! {
            next = reader.next() => next,
            _ = over.wait_for(|over| *over) => return report,
        };
        let Ok(envelope) = next else {
            report.lost += 1;
            return report;
        };
        let sequence = envelope.id.sequence;
        let is_reset = envelope.kind == KIND_RESET;
        report.events += 1;
        report.resets += u64::from(is_reset);
        report.gaps += u64::from(!is_reset && last.is_some_and(|last| sequence != last + 1));
        last = Some(sequence);
    }
}
