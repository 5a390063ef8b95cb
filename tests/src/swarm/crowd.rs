//! A crowd on one platform: the server on one core, everybody else on the other.
//!
//! Twice, each on a new server: with the budget of bytes that players have, and without one, because a cap would hide
//! what it cuts. The round ends on a platform that has shrunk to a fifth of its area: the last quarter of it is told
//! apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::api::{CreateRoom, Role};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::rng::Rng;
use shared::sim::{BotStrength, Input, Mode, Slot, World, bot};
use shared::snapshot::StreamDecoder;
use shared::tick::Tick;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Report;
use super::cores::pin_self;
use super::load::{STALL, count, take_in, wander};
use super::players::start_server;
use super::seeds::chance_of;
use super::usage::{count_of, cpu_seconds, quantile};
use crate::site::Site;
use crate::socket::GameSocket;

/// How far ahead of the newest snapshot inputs are addressed.
const LEAD_TICKS: u32 = 4;
/// At most so many clients see what they are told, check it, and fight; the others press keys as chance wants and count
/// bytes. All on one core, they would otherwise be what is measured.
const FIGHTERS_MAX: usize = 128;
/// After the last has come.
const SETTLE: Duration = Duration::from_secs(3);
/// Seconds of the round that pass while everybody comes, at most.
const COMING_SECONDS: u64 = 30;
/// The last part of the round, on shrunken ice.
const LAST: Duration = Duration::from_secs(15);
/// No budget.
const UNCAPPED: &str = "1000000";

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Players.
    pub count: usize,
    /// How long, before the platform is at its smallest.
    pub window: Duration,
    /// Decides which keys are pressed, and the worlds.
    pub seed: u64,
}

#[derive(Debug, Default)]
struct Totals {
    snapshots: AtomicU64,
    bytes: AtomicU64,
    inputs: AtomicU64,
    late: AtomicU64,
    received: AtomicU64,
    stalls: AtomicU64,
    /// Discs that fighters saw, summed over their snapshots, which are counted too.
    seen: AtomicU64,
    looks: AtomicU64,
    diverged: AtomicU64,
    lost: AtomicU64,
    largest: AtomicU64,
}

/// What was counted between two moments.
struct Span {
    seconds: f64,
    snapshots: u64,
    bytes: u64,
    inputs: u64,
    late: u64,
    received: u64,
    stalls: u64,
    seen: u64,
    looks: u64,
    cpu_seconds: f64,
    metrics: (String, String),
}

/// Players, unless told otherwise.
pub const COUNTS: [usize; 2] = [512, 1_000];

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
/// When a program cannot be started, a connection was lost, or somebody saw something that was not so.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    pin_self()?;
    report.note_seed("crowd", plan.seed, "which keys are pressed, and the worlds");
    if plan.fighters() < plan.count {
        report.note(format!(
            "crowd.{}: {} of the players see what they are told, check it and fight; the others press keys by chance.",
            plan.count,
            plan.fighters()
        ));
    }
    let spans = run(plan, &[]).await?;
    tell(plan, &spans, report);
    let spans = run(plan, &["--crowd-snapshot-bytes-max", UNCAPPED]).await?;
    tell_uncapped(plan, &spans, report);
    Ok(())
}

/// The middle of a round, and its end.
type Spans = (Span, Span);

fn tell(plan: Plan, (wide, shrunk): &Spans, report: &mut Report) {
    let name = |figure: &str| format!("crowd.{}.{figure}", plan.count);
    for (span, prefix, words) in
        [(wide, "", "the wide platform"), (shrunk, "shrunk_", "the last 15 s, on shrunken ice")]
    {
        let per_player = span.per_player_second(plan.count, span.bytes) / 1_000.0;
        let told = |figure: &str| name(&format!("{prefix}{figure}"));
        report.add(told("kb_per_second_per_player"), per_player, "KB/s", words);
        for (figure, histogram) in [
            ("tick_p99_ms", "pushback_tick_seconds"),
            ("tick_lateness_p99_ms", "pushback_tick_late_seconds"),
        ] {
            let p99 = quantile(&span.metrics.0, &span.metrics.1, histogram, 0.99);
            report.add(told(figure), p99 * 1_000.0, "ms", "the bound of its bucket");
        }
        let ticks = count_of(&span.metrics.0, &span.metrics.1, "pushback_tick_seconds");
        report.add(told("ticks_per_second"), ticks / span.seconds, "/s", "of the room");
        let snapshots = span.per_player_second(plan.count, span.snapshots);
        report.add(told("snapshots_per_second"), snapshots, "/s", "that each player got");
        let seen = span.seen as f64 / span.looks.max(1) as f64;
        report.add(told("discs_in_sight"), seen, "", "of those who were asked");
        let stalls = span.per_player_second(plan.count, span.stalls) * 60.0;
        report.add(told("stalls_per_minute"), stalls, "/min", "gaps over 100 ms that each had");
    }
    let us = wide.cpu_seconds * 1e6 / plan.count as f64 / wide.seconds;
    report.add(name("us_per_player_second"), us, "µs", "server CPU for a player");
    let inputs = wide.per_player_second(plan.count, wide.inputs);
    report.add(name("inputs_per_second"), inputs, "/s", "messages that each sent");
    let late = wide.late as f64 / wide.received.max(1) as f64 * 100.0;
    report.add(name("inputs_late_percent"), late, "%", "of the inputs came too late");
}

fn tell_uncapped(plan: Plan, (wide, shrunk): &Spans, report: &mut Report) {
    let name = |figure: &str| format!("crowd.{}.{figure}", plan.count);
    for (span, prefix) in [(wide, "uncapped_"), (shrunk, "uncapped_shrunk_")] {
        let per_player = span.per_player_second(plan.count, span.bytes) / 1_000.0;
        let figure = name(&format!("{prefix}kb_per_second_per_player"));
        report.add(figure, per_player, "KB/s", "without a budget");
        let p99 = quantile(&span.metrics.0, &span.metrics.1, "pushback_tick_seconds", 0.99);
        report.add(name(&format!("{prefix}tick_p99_ms")), p99 * 1_000.0, "ms", "without a budget");
    }
}

impl Plan {
    /// One player in so many fights.
    fn one_in(self) -> usize {
        self.count.div_ceil(FIGHTERS_MAX).max(1)
    }

    fn fighters(self) -> usize {
        self.count.div_ceil(self.one_in())
    }
}

impl Span {
    fn per_player_second(&self, players: usize, count: u64) -> f64 {
        count as f64 / players as f64 / self.seconds
    }
}

/// Plays one round.
async fn run(plan: Plan, flags: &[&str]) -> Result<Spans> {
    let data = tempfile::tempdir().context("a folder for the server")?;
    let round = Duration::from_secs(COMING_SECONDS) + plan.window + LAST;
    let seconds = round.as_secs().to_string();
    let flags = [flags, &["--round-seconds", &seconds]].concat();
    let (program, site) = start_server(data.path(), plan.seed, &flags).await?;
    let totals = Arc::new(Totals::default());
    let began = Instant::now();
    let tasks = players(&site, plan, &totals).await?;
    sleep(SETTLE).await;
    ensure!(
        began.elapsed() < Duration::from_secs(COMING_SECONDS),
        "it took {:.0} s until {} players were there",
        began.elapsed().as_secs_f64(),
        plan.count
    );
    let wide = watch(&site, program.id(), &totals, plan.window).await?;
    let end = began + round - LAST - Duration::from_secs(1);
    sleep(end.saturating_duration_since(Instant::now())).await;
    let shrunk = watch(&site, program.id(), &totals, LAST - Duration::from_secs(1)).await?;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (lost, diverged) = (read(&totals.lost), read(&totals.diverged));
    drop(tasks);
    ensure!(lost == 0, "{lost} connections were lost");
    ensure!(diverged == 0, "{diverged} times what was told could not be read, or was not so");
    Ok((wide, shrunk))
}

async fn watch(site: &Site, pid: u32, totals: &Totals, window: Duration) -> Result<Span> {
    let metrics = || async { site.get("/metrics").await.text().to_owned() };
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counters = [
        &totals.snapshots,
        &totals.bytes,
        &totals.inputs,
        &totals.late,
        &totals.received,
        &totals.stalls,
        &totals.seen,
        &totals.looks,
    ];
    let (metrics_before, cpu_before) = (metrics().await, cpu_seconds(pid)?);
    let (began, before) = (Instant::now(), counters.map(read));
    sleep(window).await;
    let (seconds, after) = (began.elapsed().as_secs_f64(), counters.map(read));
    let cpu_seconds = cpu_seconds(pid)? - cpu_before;
    let metrics = (metrics_before, metrics().await);
    let mut more = after.iter().zip(before).map(|(after, before)| after - before);
    let mut next = || more.next().unwrap_or_default();
    Ok(Span {
        seconds,
        snapshots: next(),
        bytes: next(),
        inputs: next(),
        late: next(),
        received: next(),
        stalls: next(),
        seen: next(),
        looks: next(),
        cpu_seconds,
        metrics,
    })
}

/// Seats everybody in one room and lets them play until the set is dropped.
async fn players(site: &Site, plan: Plan, totals: &Arc<Totals>) -> Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    let mut room = None;
    let tick = Arc::<AtomicU32>::default();
    for number in 0..plan.count {
        let guest = site.guest(&format!("Swarm {number}")).await;
        if room.is_none() {
            let wanted = CreateRoom { mode: Mode::Crowd, private: true, bots: None };
            room = Some(guest.open_room(&wanted).await.summary.id);
        }
        let room = room.context("the first player opens the room")?;
        let socket = guest.connect(room, Role::Player).await;
        let player = Player {
            fights: number % plan.one_in() == 0,
            decoder: StreamDecoder::for_player(),
            you: None,
            held: Input::default(),
            chance: chance_of(number, plan.seed),
            last: Instant::now(),
        };
        tasks.spawn(player.play(socket, tick.clone(), totals.clone()));
    }
    Ok(tasks)
}

/// One of them.
struct Player {
    fights: bool,
    decoder: StreamDecoder,
    you: Option<Slot>,
    held: Input,
    chance: Rng,
    last: Instant,
}

impl Player {
    async fn play(mut self, mut socket: GameSocket, tick: Arc<AtomicU32>, totals: Arc<Totals>) {
        while let Ok(message) = socket.next().await {
            let frames = match message {
                ServerMessage::Frames(frames) => frames,
                ServerMessage::Welcome { seat, .. } => {
                    self.you = seat;
                    continue;
                }
                ServerMessage::Timing { late, received, .. } => {
                    count(&totals.late, late);
                    count(&totals.received, received);
                    continue;
                }
                ServerMessage::Pong { .. } | ServerMessage::Summary(_) => continue,
            };
            count(&totals.snapshots, 1_u64);
            count(&totals.bytes, frames.len() as u64);
            totals.largest.fetch_max(frames.len() as u64, Ordering::Relaxed);
            count(&totals.stalls, self.last.elapsed() > STALL);
            self.last = Instant::now();
            if self.fights {
                self.look(&frames, &tick, &totals);
            } else {
                self.held = wander(self.held, &mut self.chance);
            }
            let first = Tick(tick.load(Ordering::Relaxed)).plus(LEAD_TICKS);
            let inputs =
                ClientMessage::Inputs { first, inputs: [self.held; 2].into_iter().collect() };
            if socket.send(&inputs).await.is_err() {
                break;
            }
            count(&totals.inputs, 1_u64);
        }
        count(&totals.lost, 1_u64);
    }

    /// Sees what it is told, and chooses its keys by it.
    fn look(&mut self, frames: &[u8], tick: &AtomicU32, totals: &Totals) {
        count(&totals.diverged, take_in(&mut self.decoder, frames));
        let (Some(world), Some(you)) = (self.decoder.world(), self.you) else { return };
        tick.fetch_max(world.tick.0, Ordering::Relaxed);
        count(&totals.seen, world.discs.len() as u64);
        count(&totals.looks, 1_u64);
        self.held = thought(world, you).unwrap_or(self.held);
    }
}

fn thought(world: &World, you: Slot) -> Option<Input> {
    world.disc(you)?;
    Some(bot::think(world, you, BotStrength::Fierce))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FIGHTERS_MAX, Plan, Report, Span, tell, tell_uncapped};
    use crate::swarm::report::assert_names;

    fn plan(count: usize) -> Plan {
        Plan { count, window: Duration::from_secs(10), seed: 1 }
    }

    #[test]
    fn few_fight_however_many_play() {
        assert_eq!(
            [1, 100, 128, 129, 512, 1_000].map(|count| plan(count).fighters()),
            [1, 100, 128, 65, 128, 125]
        );
        assert!((1..3_000).all(|count| plan(count).fighters() <= FIGHTERS_MAX));
    }

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let span = || Span {
            seconds: 10.0,
            bytes: 50_000_000,
            snapshots: 300_000,
            inputs: 0,
            late: 0,
            received: 0,
            stalls: 0,
            seen: 0,
            looks: 0,
            cpu_seconds: 1.0,
            metrics: (String::new(), String::new()),
        };
        let mut report = Report::default();

        tell(plan(1_000), &(span(), span()), &mut report);
        tell_uncapped(plan(1_000), &(span(), span()), &mut report);

        let names = ["tick_p99_ms", "kb_per_second_per_player", "uncapped_tick_p99_ms"];
        assert_names(&report, "crowd.1000", &names);
        assert_eq!(report.figure("crowd.1000.kb_per_second_per_player"), 5.0);
    }
}
