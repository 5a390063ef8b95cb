//! A crowd on one platform: the server on one core, all players on the other.
//!
//! Two rounds, each on a new server: with the players' budget of bytes, and without one, because a cap would hide
//! what it cuts. The platform shrinks to a fifth of its area during a round, and its last 15 seconds are reported apart.
//! Players join in parallel. Where the machine cannot seat all of them in time, those that are there are measured, and the
//! report says how many they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use super::Report;
use super::cores::pin_self;
use super::players::start_server;
use super::usage::cpu_seconds;
use crate::site::Site;

mod figures;
mod plan;
mod players;
mod totals;

use figures::{Round, Span};
pub use plan::Plan;
use totals::Totals;

/// Default numbers of players.
pub const COUNTS: [usize; 2] = [512, 1_000];

/// After the last player has joined.
const SETTLE: Duration = Duration::from_secs(3);
/// The part of the round in which players join, at most. With [`SETTLE`] behind it the measurement begins.
const JOINING_MAX: Duration = Duration::from_secs(27);
/// The last part of the round, on shrunken ice.
const LAST: Duration = Duration::from_secs(15);
/// The measurement ends this long before the round does.
const MARGIN: Duration = Duration::from_secs(1);
/// Bytes of a snapshot that no crowd reaches: no budget.
const UNCAPPED: &str = "1000000";

/// Measures one crowd after the other.
///
/// # Errors
/// See [`measure`].
pub async fn measure_each(
    counts: &[usize],
    window: Duration,
    seed: u64,
    report: &mut Report,
) -> Result<()> {
    for &count in counts {
        measure(Plan { count, window, seed }, report).await?;
    }
    Ok(())
}

/// Measures and reports.
///
/// # Errors
/// When a program cannot be started, no player can join, or a record was wrong.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    pin_self()?;
    report.note_seed("crowd", plan.seed, "which keys are pressed, and the worlds");
    if plan.fighters() < plan.count {
        report.note(format!(
            "crowd.{}: {} of the players decode what they are sent, check it and fight; the others press keys by chance.",
            plan.count,
            plan.fighters()
        ));
    }
    let round = play(plan, &[]).await?;
    figures::add(plan, &round, report);
    ensure_true(&round)?;
    let round = play(plan, &["--crowd-snapshot-bytes-max", UNCAPPED]).await?;
    figures::add_uncapped(plan, &round, report);
    ensure_true(&round)
}

/// A slow machine is no reason for a record that is wrong.
fn ensure_true(round: &Round) -> Result<()> {
    let diverged = round.whole.diverged;
    ensure!(
        diverged == 0,
        "{diverged} times a record could not be read, or contradicted its checksum"
    );
    Ok(())
}

/// Plays one round on a server with these flags.
async fn play(plan: Plan, flags: &[&str]) -> Result<Round> {
    let data = tempfile::tempdir().context("a folder for the server")?;
    let length = JOINING_MAX + SETTLE + plan.window + LAST;
    let seconds = length.as_secs().to_string();
    let flags = [flags, &["--round-seconds", &seconds]].concat();
    let (program, site) = start_server(data.path(), plan.seed, &flags).await?;
    let totals = Arc::new(Totals::default());
    let began = Instant::now();
    let playing = players::join(&site, plan, began + JOINING_MAX, &totals).await;
    let joining_seconds = began.elapsed().as_secs_f64();
    ensure!(playing.count > 0, "no player had joined after {joining_seconds:.0} s");
    sleep(SETTLE).await;
    let wide = watch(&site, program.id(), &totals, plan.window).await?;
    let end = began + length - LAST - MARGIN;
    sleep(end.saturating_duration_since(Instant::now())).await;
    let shrunk = watch(&site, program.id(), &totals, LAST - MARGIN).await?;
    let whole = totals.now();
    Ok(Round { players: playing.count, joining_seconds, wide, shrunk, whole })
}

async fn watch(site: &Site, pid: u32, totals: &Totals, window: Duration) -> Result<Span> {
    let metrics = || async { site.get("/metrics").await.text().to_owned() };
    let (metrics_before, cpu_before) = (metrics().await, cpu_seconds(pid)?);
    let (began, before) = (Instant::now(), totals.now());
    sleep(window).await;
    let (seconds, counts) = (began.elapsed().as_secs_f64(), totals.now() - before);
    let cpu_seconds = cpu_seconds(pid)? - cpu_before;
    Ok(Span { seconds, counts, cpu_seconds, metrics: (metrics_before, metrics().await) })
}
