//! What a process costs while players are connected to it.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep_until;

use super::usage::{cpu_seconds, resident_kib};

/// Samples of the memory in the window.
const MEMORY_SAMPLES: u32 = 10;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Number of players.
    pub count: usize,
    /// How long to measure.
    pub window: Duration,
    /// Decides what the players press, and the worlds.
    pub seed: u64,
}

/// What a process cost in the window.
pub(super) struct ProcessCost {
    /// CPU in microseconds for a player and second.
    pub(super) us_per_player_second: f64,
    /// Resident memory in KiB, sampled at equal intervals.
    pub(super) memory: Vec<f64>,
}

/// Watches a process for the window.
///
/// # Errors
/// When the process ends.
pub(super) async fn measure(pid: u32, plan: Plan) -> Result<ProcessCost> {
    let (began, before) = (Instant::now(), cpu_seconds(pid)?);
    let mut memory = vec![resident_kib(pid)?];
    for sample in 1..=MEMORY_SAMPLES {
        sleep_until((began + plan.window / MEMORY_SAMPLES * sample).into()).await;
        memory.push(resident_kib(pid)?);
    }
    let used = cpu_seconds(pid)? - before;
    let player_seconds = plan.count as f64 * began.elapsed().as_secs_f64();
    Ok(ProcessCost { us_per_player_second: used * 1e6 / player_seconds, memory })
}
