//! Subscribers of a feed over any transport, and the cost of one event for one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::feed::KIND_RESET;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Report;
use super::cores::pin_self;
use super::players::start_server;
use super::usage::{cpu_seconds, resident_kib};
use crate::feed::{FeedReader, Transport};
use crate::site::Site;

/// Before measuring: all subscribers are connected.
const SETTLE: Duration = Duration::from_secs(2);
/// The interval of the measured feed: two events a second.
const BEAT_MS: &str = "--lab-interval-ms=500";
/// Any seed will do: there are no rooms.
const NOBODY_PLAYS: u64 = 0;
/// The measured transports: those that hold a connection.
const MEASURED: [Transport; 4] =
    [Transport::LongPoll, Transport::Sse, Transport::Ndjson, Transport::WebSocket];

/// What all subscribers together have received.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Events.
    pub events: AtomicU64,
    /// Reset events.
    pub resets: AtomicU64,
    /// Events whose sequence number did not follow the one before.
    pub gaps: AtomicU64,
    /// Subscriptions that ended.
    pub lost: AtomicU64,
}

/// Subscribes `count` times and reads until the set is dropped.
///
/// # Errors
/// When a subscription is refused.
pub async fn subscribe(
    site: &Site,
    feed: &str,
    transport: Transport,
    count: usize,
    deliveries: &Arc<Deliveries>,
) -> Result<JoinSet<()>> {
    let site = site.keeping_connections();
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let reader = transport.open(&site, feed, None).await.context("subscribing")?;
        tasks.spawn(read(reader, deliveries.clone()));
    }
    Ok(tasks)
}

async fn read(mut reader: Box<dyn FeedReader>, deliveries: Arc<Deliveries>) {
    let mut last = None;
    while let Ok(envelope) = reader.next().await {
        let sequence = envelope.id.sequence;
        let is_reset = envelope.kind == KIND_RESET;
        let follows = last.is_none_or(|last| sequence == last + 1);
        deliveries.events.fetch_add(1, Ordering::Relaxed);
        deliveries.resets.fetch_add(is_reset.into(), Ordering::Relaxed);
        deliveries.gaps.fetch_add((!follows && !is_reset).into(), Ordering::Relaxed);
        last = Some(sequence);
    }
    deliveries.lost.fetch_add(1, Ordering::Relaxed);
}

/// Measures the server's CPU for one event delivered to one subscriber, on each transport that holds a
/// connection.
///
/// # Errors
/// When the server cannot be started, or an event was lost or doubled without a reset.
pub async fn measure(count: usize, window: Duration, report: &mut Report) -> Result<()> {
    pin_self()?;
    for transport in MEASURED {
        let data = tempfile::tempdir().context("a folder for the server")?;
        let (program, site) = start_server(data.path(), NOBODY_PLAYS, &[BEAT_MS]).await?;
        let empty = resident_kib(program.id())?;
        let deliveries = Arc::new(Deliveries::default());
        let tasks = subscribe(&site, "lab", transport, count, &deliveries).await?;
        sleep(SETTLE).await;
        let full = resident_kib(program.id())?;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (began, used) = (read(&deliveries.events), cpu_seconds(program.id())?);
        sleep(window).await;
        let events = read(&deliveries.events) - began;
        let used = cpu_seconds(program.id())? - used;
        let (lost, resets) = (read(&deliveries.lost), read(&deliveries.resets));
        drop(tasks);
        let name = |figure: &str| format!("feeds.{}.{count}.{figure}", transport.name());
        let each = used * 1e6 / events.max(1) as f64;
        report.add(name("us_per_delivery"), each, "µs", "server CPU for an event to a subscriber");
        let connection = (full - empty) / count as f64;
        report.add(name("kb_per_connection"), connection, "KiB", "an idle subscription");
        if lost + resets > 0 {
            report.note(format!(
                "feeds.{}: this machine could not carry {count} subscribers: {lost} subscriptions ended, and {resets} times \
                 a subscriber was so far behind that it was told to start again.",
                transport.name()
            ));
        }
        let gaps = read(&deliveries.gaps);
        ensure!(gaps == 0, "{}: {gaps} events did not follow the one before", transport.name());
    }
    Ok(())
}

/// Subscribes to a running server and reports the deliveries.
///
/// # Errors
/// When a subscription is refused.
pub async fn watch(
    site: &Site,
    feed: &str,
    transport: Transport,
    count: usize,
    window: Duration,
    report: &mut Report,
) -> Result<()> {
    let deliveries = Arc::new(Deliveries::default());
    let tasks = subscribe(site, feed, transport, count, &deliveries).await?;
    let began = Instant::now();
    sleep(window).await;
    drop(tasks);
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let name = |figure: &str| format!("subscribers.{}.{figure}", transport.name());
    let rate = read(&deliveries.events) / began.elapsed().as_secs_f64() / count.max(1) as f64;
    report.add(name("events_per_second"), rate, "/s", "that each subscriber got");
    report.add(name("gaps"), read(&deliveries.gaps), "", "events that did not follow");
    report.add(
        name("resets"),
        read(&deliveries.resets),
        "",
        "reset events, after which a subscriber starts again",
    );
    report.add(name("lost"), read(&deliveries.lost), "", "subscriptions that ended");
    Ok(())
}
