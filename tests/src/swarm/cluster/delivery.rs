//! The CPU of a node for one event that goes to one of its subscribers.
//!
//! One room after the other is opened on the first node. Windows with the subscribers stand between windows without them: what the
//! rooms themselves cost, and what a node does anyway, is not what a delivery costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::measured::{Measured, guests, publish};
use crate::swarm::Report;
use crate::swarm::usage::cpu_seconds;

/// The pause between two events: long enough that all readers have one before the next comes. Events that wait for each other
/// go out together, and then cost less.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);
/// Before measuring.
const SETTLE: Duration = Duration::from_secs(3);
const PIECE_BYTES: usize = 16 * 1024;
/// An event of a room, in the text of the stream.
const EVENT: &[u8] = b"event: room\n";

#[derive(Debug, Default)]
struct Deliveries {
    events: AtomicU64,
    ended: AtomicU64,
}

/// CPU seconds of each node, and events, in a window.
struct Window {
    cpu: Vec<f64>,
    published: u64,
    delivered: Vec<u64>,
}

/// Measures with so many subscribers on each node. Returns microseconds for a delivery.
pub(super) async fn measure(
    servers: &[Measured],
    each: usize,
    length: Duration,
    of: &impl Fn(&str) -> String,
    report: &mut Report,
) -> Result<f64> {
    let published = Arc::new(AtomicU64::new(0));
    let mut publishing = JoinSet::new();
    let (guest, count) = (guests(servers).await.remove(0), published.clone());
    publishing.spawn(async move {
        let mut ticks = interval(PUBLISH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            publish(&guest).await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let nobody: Vec<_> = servers.iter().map(|_| Arc::<Deliveries>::default()).collect();
    sleep(SETTLE).await;
    let before = watch(servers, &nobody, &published, length / 2).await?;

    let deliveries: Vec<_> = servers.iter().map(|_| Arc::<Deliveries>::default()).collect();
    let mut readers = JoinSet::new();
    for (server, deliveries) in servers.iter().zip(&deliveries) {
        for _ in 0..each {
            let stream = subscribe(server).await?;
            readers.spawn(read(stream, deliveries.clone()));
        }
    }
    sleep(SETTLE).await;
    let with = watch(servers, &deliveries, &published, length).await?;
    let ended: u64 = deliveries.iter().map(|of| of.ended.load(Ordering::Relaxed)).sum();
    drop(readers);
    sleep(SETTLE).await;
    let after = watch(servers, &nobody, &published, length / 2).await?;
    ensure!(!publishing.is_empty() && with.published > 0, "nothing was published");

    let count = (each * servers.len()) as f64;
    report.note_lost("cluster", each * servers.len(), ended);
    // Both windows without subscribers together are as long as the one with them.
    let without = before.cpu.iter().zip(&after.cpu).map(|(one, other)| one + other);
    let more: f64 = with.cpu.iter().zip(without).map(|(with, without)| with - without).sum();
    let delivered: u64 = with.delivered.iter().sum();
    let share = delivered as f64 / (with.published as f64 * count);
    report.add(of("delivered"), share, "×", "of the events reached a subscriber in the window");
    let rate = with.published as f64 / length.as_secs_f64();
    report.add(of("events_per_second"), rate, "/s", "that the machine carried");
    let cpu = with.cpu.iter().sum::<f64>() / length.as_secs_f64() / servers.len() as f64;
    report.add(of("node_cores"), cpu, "cores", "of a node meanwhile");
    // A node that publishes nothing still takes each event over.
    if let Some(last) = (1..servers.len()).next_back() {
        let idle = (before.cpu[last] + after.cpu[last]) / length.as_secs_f64();
        report.add(of("follower_cores"), idle, "cores", "of a node that reads the log for nobody");
    }
    Ok(more * 1e6 / delivered.max(1) as f64)
}

async fn watch(
    servers: &[Measured],
    deliveries: &[Arc<Deliveries>],
    published: &AtomicU64,
    length: Duration,
) -> Result<Window> {
    let cpu = || servers.iter().map(|server| cpu_seconds(server.pid)).collect::<Result<Vec<_>>>();
    let events = || deliveries.iter().map(|of| of.events.load(Ordering::Relaxed));
    let (cpu_before, events_before) = (cpu()?, events().collect::<Vec<_>>());
    let published_before = published.load(Ordering::Relaxed);
    sleep(length).await;
    Ok(Window {
        cpu: cpu()?.iter().zip(cpu_before).map(|(after, before)| after - before).collect(),
        published: published.load(Ordering::Relaxed) - published_before,
        delivered: events().zip(events_before).map(|(after, before)| after - before).collect(),
    })
}

async fn subscribe(server: &Measured) -> Result<TcpStream> {
    let (mut stream, address) = (server.site.tcp().await?, server.site.address());
    let head = format!(
        "GET /api/feeds/rooms HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.context("subscribing")?;
    Ok(stream)
}

/// Counts the events of a stream. Reading it as JSON would cost more than the server spends.
async fn read(stream: TcpStream, deliveries: Arc<Deliveries>) {
    while stream.readable().await.is_ok() {
        let mut piece = [0; PIECE_BYTES];
        match stream.try_read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                let found = piece[..length].windows(EVENT.len()).filter(|part| *part == EVENT);
                deliveries.events.fetch_add(found.count() as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    deliveries.ended.fetch_add(1, Ordering::Relaxed);
}
