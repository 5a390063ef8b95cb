//! Players over real sockets: they sit down in private rooms and keep moving.
//!
//! The first of each room decodes the stream and tells the others the time; they only count what they get, so
//! that hundreds fit on one core.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use shared::api::{CreateRoom, Role};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::Mode;
use shared::snapshot::{Applied, StreamDecoder, records};
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};
use tests::Site;
use tests::socket::GameSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::hands::Hands;
use super::report::percentile;

/// Ticks between the newest snapshot and the tick of an input.
const LEAD_TICKS: u32 = 4;
/// A gap between two snapshots that a player would feel, in milliseconds.
const STALL_MS: u32 = 100;

/// Who plays where for how long.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) server: SocketAddr,
    pub(crate) count: usize,
    pub(crate) rooms_of: usize,
    pub(crate) seconds: u64,
}

/// What the players saw, once all of them played.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct PlayersReport {
    pub(crate) players: usize,
    pub(crate) seconds: f64,
    pub(crate) snapshots: u64,
    pub(crate) inputs_sent: u64,
    pub(crate) inputs_late: u64,
    pub(crate) inputs_received: u64,
    pub(crate) input_message_bytes: usize,
    pub(crate) snapshot_bytes_p50: f64,
    pub(crate) snapshot_bytes_p90: f64,
    pub(crate) snapshot_bytes_p99: f64,
    pub(crate) snapshot_bytes_mean: f64,
    pub(crate) gap_ms_p50: f64,
    pub(crate) gap_ms_p99: f64,
    pub(crate) stalls_a_minute: f64,
    pub(crate) diverged: u32,
    pub(crate) lost: usize,
}

/// Players who play.
pub(crate) struct Playing {
    players: JoinSet<Tally>,
    begin: watch::Sender<Phase>,
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Settling,
    Counting,
    Over,
}

/// What one player saw.
#[derive(Debug, Default)]
struct Tally {
    snapshots: u64,
    /// Of the first player of a room.
    sizes: Vec<u32>,
    gaps_ms: Vec<u32>,
    sent: u64,
    late: u64,
    received: u64,
    message_bytes: usize,
    diverged: u32,
    lost: bool,
}

/// Seats everybody.
pub(crate) async fn join(plan: &Plan) -> Result<Playing> {
    let site = Site::at(plan.server);
    let (begin, phase) = watch::channel(Phase::Settling);
    let mut players = JoinSet::new();
    let mut number = 0;
    while number < plan.count {
        let host = site.guest(&format!("Swarm {number}")).await;
        let wish = CreateRoom { mode: Mode::Brawl, private: true, bots: None };
        let room = host.open_room(&wish).await.summary.id;
        let now = Arc::new(AtomicU32::new(0));
        for place in 0..plan.rooms_of.min(plan.count - number) {
            let guest = match place {
                0 => host.clone(),
                _ => site.guest(&format!("Swarm {}", number + place)).await,
            };
            let ticket = guest.ticket(room, Role::Player).await;
            let socket = GameSocket::open(plan.server, &ticket.url).await.context("a seat")?;
            let player = Player {
                socket,
                hands: Hands::new((number + place) as u64),
                now: now.clone(),
                decoder: (place == 0).then(StreamDecoder::new),
                tally: Tally::default(),
            };
            players.spawn(player.play(phase.clone()));
        }
        number += plan.rooms_of;
    }
    Ok(Playing { players, begin, seconds: plan.seconds })
}

impl Playing {
    /// Plays for the planned time and adds up what was seen.
    pub(crate) async fn finish(self) -> PlayersReport {
        let Self { players, begin, seconds } = self;
        let began = Instant::now();
        begin.send_replace(Phase::Counting);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        begin.send_replace(Phase::Over);
        add_up(&players.join_all().await, began.elapsed())
    }
}

struct Player {
    socket: GameSocket,
    hands: Hands,
    /// The room's newest tick, told by the one who decodes.
    now: Arc<AtomicU32>,
    decoder: Option<StreamDecoder>,
    tally: Tally,
}

impl Player {
    async fn play(mut self, mut phase: watch::Receiver<Phase>) -> Tally {
        let mut last: Option<Instant> = None;
        loop {
            let heard = tokio::select! {
                heard = self.socket.next() => heard,
                // A sender that is gone ends the play too.
                _ = phase.wait_for(|phase| *phase == Phase::Over) => break,
            };
            let counts = *phase.borrow() == Phase::Counting;
            match heard {
                Ok(ServerMessage::Frames(bytes)) => {
                    if counts {
                        self.count(&bytes, &mut last);
                    }
                    if self.take(&bytes) && self.answer().await.is_err() {
                        self.tally.lost = true;
                        break;
                    }
                }
                Ok(ServerMessage::Timing { late, received, .. }) if counts => {
                    self.tally.late += u64::from(late);
                    self.tally.received += u64::from(received);
                }
                Ok(_) => {}
                Err(_) => {
                    self.tally.lost = true;
                    break;
                }
            }
        }
        self.tally.diverged = self.decoder.as_ref().map_or(0, StreamDecoder::diverged);
        self.tally
    }

    fn count(&mut self, bytes: &[u8], last: &mut Option<Instant>) {
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            let gap = now.duration_since(last).as_millis();
            self.tally.gaps_ms.push(u32::try_from(gap).unwrap_or(u32::MAX));
        }
        self.tally.snapshots += 1;
        if self.decoder.is_some() {
            self.tally.sizes.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
    }

    /// Takes frames. Says whether there is something to answer: the world moved.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let Some(decoder) = &mut self.decoder else {
            return self.now.load(Ordering::Relaxed) > 0;
        };
        let mut moved = false;
        for frame in records(bytes).flatten() {
            moved |= matches!(decoder.apply(frame), Ok(Applied::Delta(_)));
        }
        if let Some(world) = decoder.world() {
            self.now.store(world.tick.0, Ordering::Relaxed);
        }
        moved
    }

    async fn answer(&mut self) -> Result<()> {
        let first = Tick(self.now.load(Ordering::Relaxed)).plus(LEAD_TICKS);
        let inputs = (0..SNAPSHOT_EVERY_TICKS).map(|_| self.hands.next()).collect();
        let message = ClientMessage::Inputs { first, inputs }.encode();
        self.tally.message_bytes = message.len();
        self.tally.sent += 1;
        self.socket.send_bytes(message).await
    }
}

fn add_up(tallies: &[Tally], played: Duration) -> PlayersReport {
    let mut sizes: Vec<u32> = tallies.iter().flat_map(|tally| tally.sizes.clone()).collect();
    let mut gaps: Vec<u32> = tallies.iter().flat_map(|tally| tally.gaps_ms.clone()).collect();
    sizes.sort_unstable();
    gaps.sort_unstable();
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let stalls = gaps.iter().filter(|gap| **gap > STALL_MS).count();
    let minutes = played.as_secs_f64() / 60.0 * tallies.len().max(1) as f64;
    let all: f64 = sizes.iter().copied().map(f64::from).sum();
    PlayersReport {
        players: tallies.len(),
        seconds: played.as_secs_f64(),
        snapshots: sum(|tally| tally.snapshots),
        inputs_sent: sum(|tally| tally.sent),
        inputs_late: sum(|tally| tally.late),
        inputs_received: sum(|tally| tally.received),
        input_message_bytes: tallies.iter().map(|tally| tally.message_bytes).max().unwrap_or(0),
        snapshot_bytes_p50: percentile(&sizes, 50),
        snapshot_bytes_p90: percentile(&sizes, 90),
        snapshot_bytes_p99: percentile(&sizes, 99),
        snapshot_bytes_mean: all / sizes.len().max(1) as f64,
        gap_ms_p50: percentile(&gaps, 50),
        gap_ms_p99: percentile(&gaps, 99),
        stalls_a_minute: stalls as f64 / minutes,
        diverged: tallies.iter().map(|tally| tally.diverged).sum(),
        lost: tallies.iter().filter(|tally| tally.lost).count(),
    }
}
