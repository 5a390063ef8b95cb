//! The room that the player or spectator is in: its link, its rounds, its result. The [`Room`] exists from entering to
//! leaving.

use std::time::{Duration, Instant};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Message, MessageReader, MessageWriter, Plugin, Real, Res,
    ResMut, Resource, Time, Update, resource_exists, warn,
};
use shared::api::Role;
use shared::id::RoomId;
use shared::invitation::RoomAddress;
use shared::protocol::{ClientMessage, RoundSummary, ServerMessage};
use shared::sim::{Mode, Slot, bot};
use shared::tick::TICK_RATE_HZ;

use crate::frame::{ConfirmedEvent, Phase, PresentedEvent, RenderState};
use crate::input::{Controls, Driver};
use crate::net::{LinkId, LinkState, Net, RoomEvent, RoomRequest};
use crate::prediction::{Match, PredictionReport, ticks_from_seconds};
use crate::world_to_scene::{SceneWorld, radians_from_world};

/// How long a desynced client waits for a keyframe before it reconnects: two seconds.
const KEYFRAME_WITHIN_TICKS: f64 = TICK_RATE_HZ as f64 * 2.0;

/// The result of the last round, while it is shown.
#[derive(Debug, Clone)]
pub struct RoundResult {
    /// The server's summary.
    pub summary: RoundSummary,
    /// When the next round begins.
    pub next_at: Instant,
    /// How good the prediction was.
    pub prediction: PredictionReport,
    /// The player's vote for another round. `None` before a vote.
    pub rematch: Option<bool>,
}

/// The room that the player or spectator is in.
#[derive(Debug, Resource)]
pub struct Room {
    /// The link to it. Events of an earlier link are ignored.
    pub link: LinkId,
    /// Its code.
    pub id: RoomId,
    /// The address that others are invited to.
    pub address: RoomAddress,
    /// Player or spectator.
    pub role: Role,
    /// The state of the link.
    pub state: LinkState,
    /// The mode. `None` before the first welcome.
    pub mode: Option<Mode>,
    /// Whether it is left out of the public list.
    pub is_private: bool,
    /// The rounds, one after the other.
    pub game: Match,
    /// The result of the last round, while it is shown.
    pub result: Option<RoundResult>,
    /// The smallest round trip of the last seconds, in milliseconds. `None` before the first measurement.
    pub round_trip_ms: Option<f64>,
    /// The slot that a spectator follows. `None`: the whole platform is shown.
    pub watched: Option<Slot>,
    resync: Resync,
}

/// What a client does that cannot follow the match stream, or whose world differs from the server's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Resync {
    /// The client is in sync.
    InSync,
    /// The client has asked for a keyframe at this time, in ticks of the client's time.
    Requested(f64),
    /// No keyframe came, and the client reconnects: a new connection begins with one.
    Reconnecting,
}

impl Room {
    /// A room before the server's first message.
    #[must_use]
    pub fn entering(link: LinkId, address: RoomAddress, role: Role) -> Self {
        Self {
            link,
            id: address.room,
            address,
            role,
            state: LinkState::Connecting { attempt: 1 },
            mode: None,
            is_private: false,
            game: Match::default(),
            result: None,
            round_trip_ms: None,
            watched: None,
            resync: Resync::InSync,
        }
    }

    /// Whether the link is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == LinkState::Open
    }
}

/// A round is over, and its result is known.
#[derive(Debug, Clone, Message)]
pub struct RoundEnded(pub RoundResult);

/// Runs the room.
#[derive(Debug)]
pub struct RoomPlugin;

impl Plugin for RoomPlugin {
    fn build(&self, app: &mut App) {
        app.add_message::<RoundEnded>().add_systems(
            Update,
            (
                receive.in_set(Phase::Receive),
                simulate.in_set(Phase::Simulate),
                present.in_set(Phase::Present),
            )
                // Each system checks for itself: the room may be left between two of them.
                .distributive_run_if(resource_exists::<Room>),
        );
    }
}

/// A moment in the client's time: ticks since the program started.
fn ticks_at(moment: Instant, time: &Time<Real>) -> f64 {
    ticks_from_seconds(moment.saturating_duration_since(time.startup()).as_secs_f64())
}

fn receive(
    mut events: MessageReader<RoomEvent>,
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    net: Res<Net>,
    mut ended: MessageWriter<RoundEnded>,
) {
    for event in events.read() {
        match event {
            RoomEvent::Link { link, state } if *link == room.link => room.state = state.clone(),
            RoomEvent::Message { link, message, at } if *link == room.link => {
                if let Some(result) = receive_message(&mut room, message, *at, &time, &net) {
                    ended.write(RoundEnded(result));
                }
            }
            RoomEvent::RoundTrip { time: round_trip } => {
                let ticks = ticks_from_seconds(round_trip.as_secs_f64());
                let smallest = room.game.round_trip(ticks);
                room.round_trip_ms = Some(smallest * 1_000.0 / ticks_from_seconds(1.0));
            }
            RoomEvent::Invited { link, room: address } if *link == room.link => {
                room.address = *address;
            }
            RoomEvent::Link { .. } | RoomEvent::Message { .. } | RoomEvent::Invited { .. } => {}
        }
    }
}

/// Takes one message of the server. Returns the result when a round is over.
fn receive_message(
    room: &mut Room,
    message: &ServerMessage,
    at: Instant,
    time: &Time<Real>,
    net: &Net,
) -> Option<RoundResult> {
    match message {
        ServerMessage::Welcome { seat, mode, private, .. } => {
            room.game.welcome(*seat);
            room.resync = Resync::InSync;
            (room.mode, room.is_private) = (Some(*mode), *private);
            None
        }
        ServerMessage::Frames(bytes) => {
            let rounds = room.game.rounds();
            receive_frames(room, bytes, ticks_at(at, time), net);
            if room.game.rounds() != rounds {
                room.result = None;
            }
            None
        }
        ServerMessage::Timing { margin_p99_ticks, late, received } => {
            room.game.input_timing(*margin_p99_ticks, *late, *received);
            None
        }
        ServerMessage::Summary(summary) => {
            let wait = Duration::from_secs(u64::from(summary.next_round_in_s));
            let result = RoundResult {
                summary: summary.clone(),
                next_at: at + wait,
                prediction: room.game.statistics().report(),
                rematch: None,
            };
            room.result = Some(result.clone());
            Some(result)
        }
        ServerMessage::Pong { .. } => None,
    }
}

/// Takes frames of the match stream. A desynced client asks for a keyframe. When none comes, it reconnects, once until the
/// next welcome.
fn receive_frames(room: &mut Room, bytes: &[u8], at: f64, net: &Net) {
    let diverged_before = room.game.diverged();
    let received = room.game.receive(bytes, at);
    let Some(tick) = room.game.desynced_at() else {
        room.resync = Resync::InSync;
        return;
    };
    match (&received, room.resync) {
        (Err(error), Resync::InSync) => {
            warn!("the match stream cannot be decoded at tick {}: {error}", tick.0);
        }
        (Ok(()), _) if room.game.diverged() != diverged_before => {
            warn!("the client's world differs from the server's at tick {}", tick.0);
        }
        (Err(_), Resync::Requested(_) | Resync::Reconnecting) | (Ok(()), _) => {}
    }
    match room.resync {
        Resync::InSync => {
            room.resync = Resync::Requested(at);
            net.send(room.link, ClientMessage::Diverged { tick });
        }
        Resync::Requested(since) if at - since > KEYFRAME_WITHIN_TICKS => {
            room.resync = Resync::Reconnecting;
            net.request(RoomRequest::Reconnect(room.link));
        }
        Resync::Requested(_) | Resync::Reconnecting => {}
    }
}

fn simulate(
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    mut controls: ResMut<Controls>,
    driver: Res<Driver>,
    net: Res<Net>,
    mut presented: MessageWriter<PresentedEvent>,
    mut confirmed: MessageWriter<ConfirmedEvent>,
) {
    let now = ticks_at(Instant::now(), &time);
    let seat = room.game.seat();
    let messages = room.game.advance(now, |world| match (seat, *driver) {
        (Some(seat), Driver::Bot(strength)) => bot::think(world, seat, strength),
        (None, _) | (_, Driver::Human) => controls.next_input(),
    });
    if room.is_open() {
        messages.into_iter().for_each(|message| net.send(room.link, message));
    }
    if room.result.is_some() {
        controls.clear_presses();
    }
    for event in room.game.take_events() {
        if event.is_new {
            presented.write(PresentedEvent(event.event));
        }
        if event.is_confirmed {
            confirmed.write(ConfirmedEvent(event.event));
        }
    }
}

fn present(
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    controls: Res<Controls>,
    driver: Res<Driver>,
    mut render: ResMut<RenderState>,
) {
    let seconds = time.delta_secs();
    let seat = room.game.seat();
    let mut scene = room.game.present(seconds).map(|moment| {
        let offset_of = |slot| moment.offset_of(slot);
        SceneWorld::interpolate_with(moment.earlier, moment.later, moment.part, offset_of)
    });
    // The own disc faces the mouse of this frame, not the aim of the last tick.
    if let (Some(scene), Some(seat), Driver::Human) = (&mut scene, seat, *driver)
        && let Some(own) = scene.discs.iter_mut().find(|disc| disc.slot == seat)
    {
        own.aim = radians_from_world(controls.aim());
    }
    render.scene = scene;
    render.seconds = seconds;
    render.own = seat;
    render.followed = seat.or(room.watched);
    render.is_backdrop = false;
    if render.roster != *room.game.roster() {
        render.roster = room.game.roster().clone();
    }
}

#[cfg(test)]
mod tests;
