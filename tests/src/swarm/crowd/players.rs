//! The players of a crowd: all in one room, joining side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use shared::api::{CreateRoom, Role};
use shared::id::RoomId;
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::rng::Rng;
use shared::sim::{BotStrength, Input, Mode, Slot, World, bot};
use shared::snapshot::StreamDecoder;
use shared::tick::Tick;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::plan::Plan;
use super::totals::Totals;
use crate::guest::Guest;
use crate::site::Site;
use crate::socket::GameSocket;
use crate::swarm::load::{STALL, apply_frames, count, wander};
use crate::swarm::seeds::player_rng;

/// How far ahead of the newest snapshot inputs are addressed.
const LEAD_TICKS: u32 = 4;
/// Players that join at the same time. One after the other, a thousand would take most of a minute on a busy machine.
const JOINS_AT_ONCE: usize = 32;

/// Players at play. They stop when this is dropped.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) count: usize,
    _tasks: JoinSet<()>,
}

/// Seats the players in one room and lets them play. Players that have not joined at `deadline` are left out.
pub(super) async fn join(
    site: &Site,
    plan: Plan,
    deadline: Instant,
    totals: &Arc<Totals>,
) -> Playing {
    let wanted = CreateRoom { mode: Mode::Crowd, private: true, bots: None };
    let host = site.guest("Swarm 0").await;
    let room = host.open_room(&wanted).await.summary.id;
    let tick = Arc::<AtomicU32>::default();
    let mut tasks = JoinSet::new();
    let mut joins = stream::iter(0..plan.count)
        .map(|number| seat(site, (number == 0).then(|| host.clone()), room, number))
        .buffer_unordered(JOINS_AT_ONCE);
    while let Ok(Some((number, socket))) = timeout_at(deadline.into(), joins.next()).await {
        let player = Player {
            fights: plan.is_fighter(number),
            decoder: StreamDecoder::for_player(),
            you: None,
            held: Input::default(),
            rng: player_rng(number, plan.seed),
            last: Instant::now(),
        };
        tasks.spawn(player.play(socket, tick.clone(), totals.clone()));
    }
    Playing { count: tasks.len(), _tasks: tasks }
}

async fn seat(
    site: &Site,
    host: Option<Guest>,
    room: RoomId,
    number: usize,
) -> (usize, GameSocket) {
    let guest = match host {
        Some(host) => host,
        None => site.guest(&format!("Swarm {number}")).await,
    };
    (number, guest.connect(room, Role::Player).await)
}

struct Player {
    fights: bool,
    decoder: StreamDecoder,
    /// `None` until the server's welcome.
    you: Option<Slot>,
    held: Input,
    rng: Rng,
    /// When the last snapshot came.
    last: Instant,
}

impl Player {
    /// Plays until the connection ends.
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
            count(&totals.stalls, self.last.elapsed() > STALL);
            self.last = Instant::now();
            if self.fights {
                self.decide(&frames, &tick, &totals);
            } else {
                self.held = wander(self.held, &mut self.rng);
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

    /// Decodes the frames and chooses the keys as a bot would that sees the same.
    fn decide(&mut self, frames: &[u8], tick: &AtomicU32, totals: &Totals) {
        count(&totals.diverged, apply_frames(&mut self.decoder, frames));
        let (Some(world), Some(you)) = (self.decoder.world(), self.you) else { return };
        tick.fetch_max(world.tick.0, Ordering::Relaxed);
        count(&totals.seen, world.discs.len() as u64);
        count(&totals.looks, 1_u64);
        self.held = bot_input(world, you).unwrap_or(self.held);
    }
}

/// `None` while the own disc is not on the platform.
fn bot_input(world: &World, you: Slot) -> Option<Input> {
    world.disc(you)?;
    Some(bot::think(world, you, BotStrength::Fierce))
}
