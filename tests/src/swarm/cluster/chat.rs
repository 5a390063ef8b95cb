//! Lines of chat a second through the hubs of all nodes, each acknowledged to its author.
//!
//! A player may say five lines at once. So a writer says five lines as one guest, and then five as the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use shared::protocol::chat::{ChatChannel, LINES_BURST_MAX};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::measured::Measured;

/// Writers on all nodes together: a multiple of each number of nodes.
const WRITERS: usize = 24;

/// Lets writers write on every node for a while.
pub(super) async fn lines_per_second(servers: &[Measured], length: Duration) -> Result<f64> {
    let lines = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let (site, lines) = (servers[number % servers.len()].site.clone(), lines.clone());
        writers.spawn(async move {
            for turn in 0_u32.. {
                let guest = site.guest(&format!("writer {number} {turn}")).await;
                let mut chat = guest.chat().await;
                for line in 0..LINES_BURST_MAX {
                    let text = format!("line {line} of turn {turn} of writer {number}");
                    // A refused line is not counted.
                    let said = chat.say(ChatChannel::Lobby, &text).await;
                    lines.fetch_add(said.is_ok().into(), Ordering::Relaxed);
                }
            }
        });
    }
    // The first guests sign in.
    sleep(length / 4).await;
    let (before, began) = (lines.load(Ordering::Relaxed), Instant::now());
    sleep(length).await;
    let more = lines.load(Ordering::Relaxed) - before;
    Ok(more as f64 / began.elapsed().as_secs_f64())
}
