//! The players: each has a real socket and sends thirty input messages a second by a clock of its own, always moving and
//! shooting.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use shared::api::{CreateRoom, Role};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::rng::Rng;
use shared::sim::{Angle, Buttons, Input, Mode, Thrust};
use shared::snapshot::{DecodeError, StreamDecoder, records};
use shared::tick::{TICK_DURATION, Tick};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::task::AbortOnDropHandle;

use super::seeds::player_rng;
use crate::site::Site;
use crate::socket::GameSocket;

/// Players in a room.
pub const ROOM_OF: usize = 16;
/// Bytes of an input message on the wire: two inputs behind a masked WebSocket header.
pub const INPUT_MESSAGE_BYTES: usize = 6 + 16;
/// The interval of input messages: thirty a second, each with the inputs of two ticks.
const MESSAGE_EVERY: Duration = TICK_DURATION.saturating_mul(2);
/// How far ahead of the newest snapshot inputs are addressed. A message may have to wait for two ticks until its player's
/// moment comes. Snapshots are of even ticks, and so messages begin with even ones, as those of the game's own client do.
const LEAD_TICKS: u32 = 6;
/// When inputs are farther from that lead than this many ticks, they are addressed anew.
const DRIFT_TICKS_MAX: u32 = 2;

/// Rooms that fill at the same time. One after the other, they would take minutes on a busy machine.
const ROOMS_AT_ONCE: usize = 8;

/// The buttons, and in how many messages each is pressed once: about one shot a second, a shove and a dash
/// every few. A button that is pressed during its cooldown has no effect, as with people.
const PRESSED_ONE_IN: [(Buttons, u32); 3] =
    [(Buttons::PULSE, 20), (Buttons::SHOVE, 120), (Buttons::DASH, 120)];

/// A gap between two snapshots that a player would feel.
pub(super) const STALL: Duration = Duration::from_millis(100);

/// What all players together have received and sent, from the beginning on.
#[derive(Debug, Default)]
pub struct Totals {
    pub(super) snapshots: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) inputs: AtomicU64,
    late: AtomicU64,
    received: AtomicU64,
    pub(super) stalls: AtomicU64,
    diverged: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// [`Totals`] at one moment, or between two.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Messages with frames.
    pub snapshots: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// Messages sent.
    pub inputs: u64,
    /// Inputs that came too late, as the server counts.
    pub late: u64,
    /// Inputs that came, as the server counts.
    pub received: u64,
    /// Gaps between snapshots that a player would feel.
    pub stalls: u64,
    /// Records that could not be read, or contradicted their checksum. Each is a bug.
    pub diverged: u64,
    /// Connections that ended.
    pub lost: u64,
}

impl Totals {
    /// The counts now.
    #[must_use]
    pub fn now(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            snapshots: read(&self.snapshots),
            bytes: read(&self.bytes),
            inputs: read(&self.inputs),
            late: read(&self.late),
            received: read(&self.received),
            stalls: read(&self.stalls),
            diverged: read(&self.diverged),
            lost: read(&self.lost),
        }
    }
}

impl Counts {
    /// What was counted after an earlier moment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            snapshots: self.snapshots - earlier.snapshots,
            bytes: self.bytes - earlier.bytes,
            inputs: self.inputs - earlier.inputs,
            late: self.late - earlier.late,
            received: self.received - earlier.received,
            stalls: self.stalls - earlier.stalls,
            diverged: self.diverged - earlier.diverged,
            lost: self.lost - earlier.lost,
        }
    }
}

pub(super) fn count(counter: &AtomicU64, more: impl Into<u64>) {
    counter.fetch_add(more.into(), Ordering::Relaxed);
}

/// Players at play. They stop when this is dropped.
pub type Playing = Vec<AbortOnDropHandle<()>>;

/// Seats players in rooms of sixteen on a Pushback server and lets them play. What they press follows from the seed.
///
/// # Errors
/// When a connection is refused.
pub async fn players(
    site: &Site,
    count: usize,
    seed: u64,
    totals: &Arc<Totals>,
) -> Result<Playing> {
    players_from(&|_| site.clone(), count, seed, totals).await
}

/// The same for players who see the server from addresses of their own.
///
/// # Errors
/// When a connection is refused.
pub(super) async fn players_from(
    site_of: &impl Fn(usize) -> Site,
    count: usize,
    seed: u64,
    totals: &Arc<Totals>,
) -> Result<Playing> {
    let rooms = (0..count).step_by(ROOM_OF).map(|first| first..(first + ROOM_OF).min(count));
    let playing = stream::iter(rooms.map(|numbers| seat_room(site_of, numbers, seed, totals)));
    playing.buffer_unordered(ROOMS_AT_ONCE).try_concat().await
}

/// Seats these players in a room of their own. The first of them decodes the stream for all.
async fn seat_room(
    site_of: &impl Fn(usize) -> Site,
    numbers: Range<usize>,
    seed: u64,
    totals: &Arc<Totals>,
) -> Result<Playing> {
    let (mut room, mut playing) = (None, Playing::new());
    let tick = Arc::<AtomicU32>::default();
    let mut follower = Some(StreamDecoder::new());
    for number in numbers {
        let guest = site_of(number).guest(&format!("Swarm {number}")).await;
        if room.is_none() {
            let wanted = CreateRoom { mode: Mode::Brawl, private: true, bots: None };
            room = Some(guest.open_room(&wanted).await.summary.id);
        }
        let room = room.context("the first player opens a room")?;
        let socket = guest.connect(room, Role::Player).await;
        let rng = player_rng(number, seed);
        let player = play(socket, tick.clone(), follower.take(), rng, totals.clone());
        playing.push(AbortOnDropHandle::new(tokio::spawn(player)));
    }
    Ok(playing)
}

/// The moments at which a player sends: a clock of its own, not tied to snapshots, as on people's computers. Missed moments
/// are skipped.
pub(super) fn own_clock(rng: &mut Rng) -> Interval {
    let within = u32::try_from(MESSAGE_EVERY.as_micros()).unwrap_or(u32::MAX);
    let first = Duration::from_micros(rng.below(within).into());
    let mut clock = interval_at(tokio::time::Instant::now() + first, MESSAGE_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    clock
}

/// The ticks to which a player's next message is addressed.
#[derive(Debug, Default)]
struct InputTicks(Tick);

impl InputTicks {
    /// The two ticks after the last ones, unless their lead has drifted.
    fn next(&mut self, newest: Tick) -> Tick {
        let wanted = newest.plus(LEAD_TICKS);
        if self.0.since(wanted).unsigned_abs() > DRIFT_TICKS_MAX {
            self.0 = wanted;
        }
        let first = self.0;
        self.0 = first.plus(2);
        first
    }
}

/// One player. The first of a room decodes the stream and shares the current tick with the others.
async fn play(
    mut socket: GameSocket,
    tick: Arc<AtomicU32>,
    mut follower: Option<StreamDecoder>,
    mut rng: Rng,
    totals: Arc<Totals>,
) {
    let (mut held, mut input_ticks) = (Input::default(), InputTicks::default());
    let mut clock = own_clock(&mut rng);
    let mut last = Instant::now();
    loop {
        let message = tokio::select! {
            message = socket.next() => message,
            _ = clock.tick() => {
                held = wander(held, &mut rng);
                let first = input_ticks.next(Tick(tick.load(Ordering::Relaxed)));
                let inputs = ClientMessage::Inputs { first, inputs: [held; 2].into_iter().collect() };
                if socket.send(&inputs).await.is_err() {
                    break;
                }
                count(&totals.inputs, 1_u64);
                continue;
            }
        };
        let frames = match message {
            Ok(ServerMessage::Frames(frames)) => frames,
            Ok(ServerMessage::Timing { late, received, .. }) => {
                count(&totals.late, late);
                count(&totals.received, received);
                continue;
            }
            Ok(
                ServerMessage::Welcome { .. }
                | ServerMessage::Pong { .. }
                | ServerMessage::Summary(_),
            ) => continue,
            Err(_) => break,
        };
        count(&totals.snapshots, 1_u64);
        count(&totals.bytes, frames.len() as u64);
        count(&totals.stalls, last.elapsed() > STALL);
        last = Instant::now();
        if let Some(decoder) = &mut follower {
            count(&totals.diverged, apply_frames(decoder, &frames));
            if let Some(world) = decoder.world() {
                tick.store(world.tick.0, Ordering::Relaxed);
            }
        }
    }
    count(&totals.lost, 1_u64);
}

/// Applies frames. Returns how many could not be read, or contradicted their checksum.
pub(super) fn apply_frames(decoder: &mut StreamDecoder, frames: &[u8]) -> u32 {
    let (before, mut unreadable) = (decoder.diverged(), 0);
    for frame in records(frames) {
        match frame.and_then(|frame| decoder.apply(frame)) {
            // The next keyframe ends a gap.
            Ok(_) | Err(DecodeError::Gap) => {}
            Err(_) => unreadable += 1,
        }
    }
    decoder.diverged() - before + unreadable
}

/// Turns the aim a little in every message and changes direction now and then, as a person does, and presses buttons.
pub(super) fn wander(held: Input, rng: &mut Rng) -> Input {
    let turn = i16::try_from(rng.between(-12, 12)).unwrap_or(0);
    let thrust = if rng.below(8) == 0 {
        let way = u16::try_from(rng.below(u32::from(Angle::TURN))).unwrap_or(0);
        Thrust::towards(Angle::from_steps(way))
    } else {
        held.thrust
    };
    let pressed = PRESSED_ONE_IN.iter().filter(|(_, one_in)| rng.below(*one_in) == 0);
    let buttons = pressed.fold(Buttons::NONE, |others, (button, _)| others.with(*button));
    Input { thrust, aim: held.aim.turned(turn), buttons }
}

/// Connects to the floor: reads snapshots of `bytes`, sends an input message's worth as often as players do, at moments
/// that follow from the seed.
///
/// # Errors
/// When a connection is refused.
pub async fn floor_players(
    address: SocketAddr,
    count: usize,
    bytes: usize,
    seed: u64,
    totals: &Arc<Totals>,
) -> Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let socket = TcpStream::connect(address).await.context("connecting to the floor")?;
        socket.set_nodelay(true)?;
        let clock = own_clock(&mut player_rng(number, seed));
        tasks.spawn(read_and_write(socket, bytes, clock, totals.clone()));
    }
    Ok(tasks)
}

async fn read_and_write(
    mut socket: TcpStream,
    bytes: usize,
    mut clock: Interval,
    totals: Arc<Totals>,
) {
    let mut buffer = vec![0; 2 * bytes];
    let mut got = 0;
    loop {
        tokio::select! {
            read = socket.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(read) => got += read,
            },
            _ = clock.tick() => {
                if socket.write_all(&[0x17; INPUT_MESSAGE_BYTES]).await.is_err() {
                    return;
                }
                count(&totals.inputs, 1_u64);
            }
        }
        count(&totals.snapshots, (got / bytes) as u64);
        got %= bytes;
    }
}
