//! How soon the last reader on another node has an event: from the moment before the request that causes it until the kernel of
//! that reader has it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::Value;
use shared::feed::Envelope;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::measured::{Measured, guests, publish};
use crate::feed::Transport;
use crate::swarm::Report;
use crate::swarm::abuse::arrivals::Arrivals;
use crate::swarm::report::percentile;

/// Readers on each other node.
const READERS: usize = 100;
/// Events.
const EVENTS: usize = 300;
/// Before the first event.
const SETTLE: Duration = Duration::from_secs(1);
/// The pause between two events, and by how much more each is longer, so that no timer of a server fits it.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MORE: Duration = Duration::from_micros(137);
/// An event that has not arrived by then is counted as lost.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// Arrivals that wait to be looked at. When there are more, readers wait, and their kernels have the time.
const ARRIVALS_MAX: usize = 4_096;

pub(super) struct Lag {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) from_log_p99_ms: f64,
}

struct Arrival {
    room: String,
    at_ms: u64,
    received_us: u64,
}

/// Publishes on the first node and reads on all others; on the only one where there are no others.
pub(super) async fn measure(servers: &[Measured], report: &mut Report) -> Result<Lag> {
    let readers_at = if servers.len() == 1 { servers } else { &servers[1..] };
    let (sender, mut arrivals) = mpsc::channel(ARRIVALS_MAX);
    let mut readers = JoinSet::new();
    for server in readers_at {
        for _ in 0..READERS {
            let reader = Arrivals::open(&server.site, "rooms", Transport::Sse).await?;
            readers.spawn(read(reader, sender.clone()));
        }
    }
    let guest = guests(servers).await.remove(0);
    sleep(SETTLE).await;
    let (mut lags, mut from_log, mut lost) = (Vec::new(), Vec::new(), 0);
    for number in 0..EVENTS {
        let began_us = now_us();
        let room = publish(&guest).await;
        let mut missing = readers.len();
        let (mut last_us, mut at_ms) = (0, 0);
        let arriving = async {
            while missing > 0 {
                let arrival: Arrival = arrivals.recv().await.context("readers end")?;
                if arrival.room == room {
                    missing -= 1;
                    last_us = last_us.max(arrival.received_us);
                    at_ms = arrival.at_ms;
                }
            }
            anyhow::Ok(())
        };
        match timeout(ARRIVES_WITHIN, arriving).await {
            Ok(arrived) => {
                arrived?;
                lags.push(as_sample(last_us.saturating_sub(began_us)));
                from_log.push(as_sample(last_us.saturating_sub(at_ms * 1_000)));
            }
            Err(_) => lost += 1,
        }
        let more = u32::try_from(number % 97).unwrap_or_default();
        sleep(PAUSE + PAUSE_MORE * more).await;
    }
    report.note_lost("cluster: events to readers of another node", EVENTS, lost);
    let ms = |samples: &mut Vec<usize>, percent| percentile(samples, percent) as f64 / 1_000.0;
    Ok(Lag {
        p50_ms: ms(&mut lags, 50),
        p99_ms: ms(&mut lags, 99),
        from_log_p99_ms: ms(&mut from_log, 99),
    })
}

async fn read(mut reader: Arrivals, sender: mpsc::Sender<Arrival>) {
    while let Ok((envelope, received_us)) = reader.next::<Envelope<Value>>().await {
        let Some(room) = envelope.data.get("id").and_then(Value::as_str) else { continue };
        let arrival = Arrival { room: room.to_owned(), at_ms: envelope.at_ms, received_us };
        if envelope.kind == "room" && sender.send(arrival).await.is_err() {
            return;
        }
    }
}

fn as_sample(us: u64) -> usize {
    usize::try_from(us).unwrap_or(usize::MAX)
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
