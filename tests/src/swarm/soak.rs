//! Guests come and go for half an hour: whether memory stays flat, and whether a tick is as quick at the end as at first.
//!
//! Each seat is taken by one guest after the other. A guest stays for a while and leaves in one of four ways: it gives the
//! seat up, closes the connection, resets it, or falls silent and neither reads nor writes any more. Groups move to new
//! rooms now and then, so rooms come and go as well. Rounds are short, so results and recordings are stored all the time. All choices follow from the seed.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::api::{CreateRoom, Role, WebSocketTicket};
use shared::id::RoomId;
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::rng::Rng;
use shared::sim::{Input, Mode};
use shared::snapshot::StreamDecoder;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::Report;
use super::cores::pin_self;
use super::load::{apply_frames, count, wander};
use super::players::server_command;
use super::seeds::player_rng;
use super::usage::{open_files, quantile_within, resident_kib};
use crate::process::Program;
use crate::site::{Site, metric_in};
use crate::socket::GameSocket;

/// Default length in seconds.
pub const SECONDS: u64 = 30 * 60;
/// Number of checkpoints, and of parts of the window.
const CHECKPOINTS: u32 = 10;
/// Between two samples for the slope.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// Time for the server to allocate what it needs: all guests have joined, some have left, rounds have ended.
const WARM_UP: Duration = Duration::from_secs(60);
/// In a short measurement, the warm-up takes at most this fraction of the window: 1 / `WARM_UP_PART`.
const WARM_UP_PART: u32 = 5;
/// Players of a group. Fewer than its room has seats, because the seats of silent guests are kept for a while.
const GROUP: usize = 8;
/// How long a guest stays, in milliseconds. About seventy thousand come and go in half an hour.
const STAY_MS: (i32, i32) = (500, 15_000);
/// How long a group stays in a room, in milliseconds.
const ROOM_MS: (i32, i32) = (60_000, 240_000);
/// The server ends a silent connection within this.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long reading the data before that end may take.
const READING_MAX: Duration = Duration::from_secs(5);
/// The wait after a refusal.
const PAUSE: Duration = Duration::from_millis(500);
const ROUND_SECONDS: &str = "20";
const SUMMARY_SECONDS: &str = "2";
/// How far ahead of the newest snapshot inputs are addressed.
const LEAD_TICKS: u32 = 3;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Seats that are always taken, except for the moment between two guests.
    pub seats: usize,
    /// How long, after the warm-up.
    pub window: Duration,
    /// Decides when and how guests leave, what they press, and the worlds.
    pub seed: u64,
}

/// The metric of the memory that the server has in use.
const ALLOCATED: &str = "pushback_memory_allocated_bytes";
const MIB: f64 = 1024.0 * 1024.0;

/// Counters from the beginning on.
#[derive(Debug, Default)]
struct Totals {
    joins: AtomicU64,
    leaves: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    diverged: AtomicU64,
    /// Silent guests that the server did not disconnect in time.
    kept: AtomicU64,
    /// Round summaries that guests received.
    summaries: AtomicU64,
}

/// How a guest leaves.
#[derive(Debug, Clone, Copy)]
enum LeaveMode {
    /// Sends `Leave`, which gives the seat up.
    Leave,
    /// Closes the connection; the server keeps the seat for a while.
    Close,
    /// Resets the connection.
    Reset,
    /// Neither reads nor writes until the server disconnects the guest.
    Silence,
}

/// The room in which a group plays, and until when.
#[derive(Debug, Default)]
struct GroupRoom(Mutex<Option<(RoomId, Instant)>>);

/// The state of the server at one moment.
struct Checkpoint {
    resident_mib: f64,
    open_files: usize,
    metrics: String,
}

/// The server's memory at one moment.
struct Sample {
    at: Duration,
    resident_mib: f64,
    /// Memory in use, without free memory that the allocator keeps.
    allocated_mib: f64,
}

/// Measures and reports.
///
/// # Errors
/// When the server cannot be started or ends, or a record was wrong.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    pin_self()?;
    report.note_seed(
        "soak",
        plan.seed,
        "when and how guests leave, which keys are pressed, and the worlds",
    );
    let data = tempfile::tempdir().context("a folder for the server")?;
    let mut command = server_command(data.path(), ([127, 0, 0, 1], 0).into(), plan.seed);
    command.args(["--round-seconds", ROUND_SECONDS, "--summary-seconds", SUMMARY_SECONDS]);
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    let site = Site::at(address);

    let totals = Arc::<Totals>::default();
    let guests = seat_everybody(&site, plan, &totals);
    sleep(WARM_UP.min(plan.window / WARM_UP_PART)).await;
    let began = Instant::now();
    let mut checkpoints = vec![Checkpoint::at(&site, program.id()).await?];
    let mut samples = Vec::new();
    for part in 1..=CHECKPOINTS {
        let until = began + plan.window * part / CHECKPOINTS;
        while Instant::now() + SAMPLE_EVERY < until {
            sleep(SAMPLE_EVERY).await;
            let resident_mib = resident_kib(program.id())? / 1024.0;
            let allocated_mib = site.metric(ALLOCATED).await / MIB;
            samples.push(Sample { at: began.elapsed(), resident_mib, allocated_mib });
        }
        sleep_until(until.into()).await;
        checkpoints.push(Checkpoint::at(&site, program.id()).await?);
    }
    drop(guests);

    add_memory(&checkpoints, &samples, plan, report);
    add_ticks(&checkpoints, report);
    add_traffic(&totals, plan, report);
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (diverged, kept) = (read(&totals.diverged), read(&totals.kept));
    if kept > 0 {
        let seconds = SILENCE_MAX.as_secs();
        report
            .note(format!("soak: {kept} silent guests were not disconnected within {seconds} s."));
    }
    ensure!(
        diverged == 0,
        "{diverged} times a record could not be read, or contradicted its checksum"
    );
    Ok(())
}

impl Checkpoint {
    async fn at(site: &Site, pid: u32) -> Result<Self> {
        Ok(Self {
            resident_mib: resident_kib(pid)? / 1024.0,
            open_files: open_files(pid)?,
            metrics: site.get("/metrics").await.text().to_owned(),
        })
    }
}

fn add_memory(checkpoints: &[Checkpoint], samples: &[Sample], plan: Plan, report: &mut Report) {
    let Some(([first, .., last], rest)) = checkpoints.get(1..).map(|rest| (rest, rest)) else {
        return;
    };
    for (place, checkpoint) in (1..).zip(rest) {
        let words = format!("resident after {place} of {CHECKPOINTS} parts of the time");
        report.add(format!("soak.resident_mib.{place}"), checkpoint.resident_mib, "MiB", &words);
    }
    let growth = last.resident_mib - first.resident_mib;
    report.add("soak.growth_mib", growth, "MiB", "from the first of these checkpoints to the last");
    let later = || samples.iter().filter(|sample| sample.at >= plan.window / 2);
    let of = |mib: fn(&Sample) -> f64| {
        let points: Vec<_> = later().map(|s| (s.at.as_secs_f64() / 3_600.0, mib(s))).collect();
        slope(&points)
    };
    let words = "over the second half, by least squares";
    report.add("soak.slope_mib_per_hour", of(|sample| sample.resident_mib), "MiB/h", words);
    let words = "the same of what the server had in use";
    report.add("soak.allocated_slope_mib_per_hour", of(|s| s.allocated_mib), "MiB/h", words);
    for (name, checkpoint) in [("first", first), ("last", last)] {
        let words = format!("in use at the {name} of these checkpoints");
        let allocated = metric_in(&checkpoint.metrics, ALLOCATED) / MIB;
        report.add(format!("soak.allocated_mib_{name}"), allocated, "MiB", &words);
    }
    report.add("soak.open_files_first", first.open_files as f64, "", "of the server");
    report.add("soak.open_files_last", last.open_files as f64, "", "");
}

fn add_ticks(checkpoints: &[Checkpoint], report: &mut Report) {
    let p99 = |part: usize, histogram: &str| {
        let (before, after) = (&checkpoints[part - 1].metrics, &checkpoints[part].metrics);
        quantile_within(before, after, histogram, 0.99) * 1_000.0
    };
    for (name, histogram) in
        [("tick_p99", "pushback_tick_seconds"), ("lateness_p99", "pushback_tick_late_seconds")]
    {
        let (first, last) = (p99(1, histogram), p99(checkpoints.len() - 1, histogram));
        report.add(format!("soak.{name}_first_ms"), first, "ms", "in the first tenth");
        report.add(format!("soak.{name}_last_ms"), last, "ms", "in the last tenth");
        report.add(format!("soak.{name}_ratio"), last / first, "×", "last beside first");
    }
}

fn add_traffic(totals: &Totals, plan: Plan, report: &mut Report) {
    for (name, counter, words) in [
        ("joins", &totals.joins, "guests that took a seat, in the warm-up too"),
        ("leaves", &totals.leaves, "in one of four ways"),
        ("refused", &totals.refused, "the room was full or gone"),
        ("lost", &totals.lost, "connections that ended unasked"),
        ("results", &totals.summaries, "of rounds, shown to guests"),
    ] {
        report.add(format!("soak.{name}"), counter.load(Ordering::Relaxed) as f64, "", words);
    }
    report.add("soak.seed", plan.seed as f64, "", "see below");
}

/// The slope of the regression line through the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let (across, along) = points.iter().fold((0.0, 0.0), |(across, along), point| {
        (across + (point.0 - x) * (point.1 - y), along + (point.0 - x).powi(2))
    });
    across / along
}

fn seat_everybody(site: &Site, plan: Plan, totals: &Arc<Totals>) -> JoinSet<()> {
    let mut seats = JoinSet::new();
    let mut group = Arc::<GroupRoom>::default();
    for number in 0..plan.seats {
        if number % GROUP == 0 {
            group = Arc::default();
        }
        let rng = player_rng(number, plan.seed);
        let seat = Seat { site: site.clone(), group: group.clone(), totals: totals.clone(), rng };
        seats.spawn(seat.keep_taken(number));
    }
    seats
}

/// A seat that one guest takes after the other.
struct Seat {
    site: Site,
    group: Arc<GroupRoom>,
    totals: Arc<Totals>,
    rng: Rng,
}

impl Seat {
    async fn keep_taken(mut self, number: usize) {
        // Silent guests stay until the server disconnects them. Their number is bounded by the guests that come in that time.
        let mut silent = JoinSet::new();
        for stay in 0_u64.. {
            while silent.try_join_next().is_some() {}
            let name = format!("Soak {number} {stay}");
            let Ok(mut socket) = self.join(&name).await else {
                count(&self.totals.refused, 1_u64);
                // The room is full of kept seats, or gone: the group takes another one.
                *self.group.0.lock().await = None;
                sleep(PAUSE).await;
                continue;
            };
            count(&self.totals.joins, 1_u64);
            let ms = self.rng.between(STAY_MS.0, STAY_MS.1);
            let stays = Duration::from_millis(u64::from(ms.unsigned_abs()));
            let mode = random_leave_mode(&mut self.rng);
            if timeout(stays, self.play(&mut socket)).await.is_ok() {
                count(&self.totals.lost, 1_u64);
                continue;
            }
            count(&self.totals.leaves, 1_u64);
            self.leave(socket, mode, &mut silent).await;
        }
    }

    async fn join(&mut self, name: &str) -> Result<GameSocket> {
        let guest = self.site.guest(name).await;
        let mut group_room = self.group.0.lock().await;
        let room = match *group_room {
            Some((room, until)) if Instant::now() < until => room,
            Some(_) | None => {
                let wanted = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
                let room = guest.open_room(&wanted).await.summary.id;
                let ms = self.rng.between(ROOM_MS.0, ROOM_MS.1);
                let stays = Duration::from_millis(u64::from(ms.unsigned_abs()));
                *group_room = Some((room, Instant::now() + stays));
                room
            }
        };
        drop(group_room);
        let answer = guest.ask_for_ticket(room, Role::Player).await;
        ensure!(answer.status.is_success(), "refused: {}", answer.status);
        let ticket: WebSocketTicket = answer.json();
        GameSocket::open(self.site.address(), &ticket.url).await
    }

    /// Plays until the connection ends.
    async fn play(&mut self, socket: &mut GameSocket) {
        let mut decoder = StreamDecoder::new();
        let mut held = Input::default();
        while let Ok(message) = socket.next().await {
            match message {
                ServerMessage::Frames(frames) => {
                    count(&self.totals.diverged, apply_frames(&mut decoder, &frames));
                    let Some(world) = decoder.world() else { continue };
                    held = wander(held, &mut self.rng);
                    let first = world.tick.plus(LEAD_TICKS);
                    let inputs =
                        ClientMessage::Inputs { first, inputs: [held; 2].into_iter().collect() };
                    if socket.send(&inputs).await.is_err() {
                        return;
                    }
                }
                ServerMessage::Summary(_) => count(&self.totals.summaries, 1_u64),
                ServerMessage::Welcome { .. }
                | ServerMessage::Pong { .. }
                | ServerMessage::Timing { .. } => {}
            }
        }
    }

    async fn leave(&self, mut socket: GameSocket, how: LeaveMode, silent: &mut JoinSet<()>) {
        match how {
            LeaveMode::Leave => {
                // The connection may have ended already.
                socket.send(&ClientMessage::Leave).await.ok();
                timeout(PAUSE, socket.closed()).await.ok();
            }
            LeaveMode::Close => {
                timeout(PAUSE, socket.close()).await.ok();
            }
            LeaveMode::Reset => socket.reset(),
            LeaveMode::Silence => {
                let totals = self.totals.clone();
                silent.spawn(async move {
                    sleep(SILENCE_MAX).await;
                    // The data before the end is read first.
                    let is_kept = timeout(READING_MAX, socket.closed()).await.is_err();
                    count(&totals.kept, is_kept);
                });
            }
        }
    }
}

fn random_leave_mode(rng: &mut Rng) -> LeaveMode {
    match rng.below(4) {
        0 => LeaveMode::Close,
        1 => LeaveMode::Reset,
        2 => LeaveMode::Silence,
        _ => LeaveMode::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn a_slope_is_that_of_the_line_through_the_points() {
        let line: Vec<_> = (0..9).map(|x| (f64::from(x), 3.0 - 2.0 * f64::from(x))).collect();
        assert!((slope(&line) + 2.0).abs() < 1e-9);
        assert!(slope(&[(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)]).abs() < 1e-9);
    }
}
