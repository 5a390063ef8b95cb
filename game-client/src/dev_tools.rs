//! What scripts and tests read of the client: a status file, and the result of a round on the standard output.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bevy::app::AppExit;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, MessageWriter, Plugin, Real, Res, ResMut,
    Resource, State, Time, Update, error, warn,
};
use serde::Serialize;
use shared::api::MatchState;
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::sim::Mode;

use crate::frame::{Phase, RenderState};
use crate::lobby::{Lobby, Screen};
use crate::net::LinkState;
use crate::prediction::PredictionReport;
use crate::room::{Room, RoundEnded};
use crate::ui::chat::Draft;

/// Seconds between two writes of the status.
const STATUS_SECONDS: f32 = 0.5;

/// The state of the client in the status file.
#[derive(Debug, Serialize)]
struct Status<'a> {
    screen: &'static str,
    server: Option<&'a str>,
    name: Option<&'a str>,
    player: Option<PlayerId>,
    /// Players who search for the same kind of match. `None` while this client does not search.
    in_queue: Option<u32>,
    link: Option<&'static str>,
    room: Option<RoomId>,
    mode: Option<Mode>,
    seat: Option<u16>,
    round: u32,
    tick: Option<u32>,
    points: Option<i16>,
    strain: Option<u16>,
    players: usize,
    corrections: u32,
    diverged: u32,
    round_trip_ms: Option<f64>,
    lead: f64,
    result: bool,
    /// Whether the chat's field is open.
    writing: bool,
    frames_per_second: f32,
    /// The newest error, in words for a person.
    trouble: Option<&'a str>,
}

/// The result of a round on the standard output.
#[derive(Debug, Serialize)]
struct Outcome {
    room: RoomId,
    mode: Option<Mode>,
    replay: ReplayId,
    player: Option<PlayerId>,
    place: Option<usize>,
    points: Option<i32>,
    knockouts: Option<u32>,
    falls: Option<u32>,
    rating: Option<i32>,
    rating_change: Option<i32>,
    players: usize,
    diverged: u32,
    prediction: PredictionReport,
}

#[derive(Debug, Resource)]
struct Reporter {
    status_file: Option<PathBuf>,
    exit_after_round: bool,
    /// Seconds until the next write.
    due: f32,
    /// Frames since the last write.
    frames: u32,
}

/// Writes what the command line asks for.
#[derive(Debug)]
pub struct DevToolsPlugin {
    /// The status file, if there is one.
    pub status_file: Option<PathBuf>,
    /// Whether to print the first result and exit.
    pub exit_after_round: bool,
}

impl Plugin for DevToolsPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Reporter {
            status_file: self.status_file.clone(),
            exit_after_round: self.exit_after_round,
            due: 0.0,
            frames: 0,
        })
        .add_systems(Update, (write_status, exit_after_round).after(Phase::Present));
    }
}

fn write_status(
    mut reporter: ResMut<Reporter>,
    time: Res<Time<Real>>,
    screen: Res<State<Screen>>,
    lobby: Res<Lobby>,
    render: Res<RenderState>,
    room: Option<Res<Room>>,
    draft: Option<Res<Draft>>,
) {
    reporter.frames += 1;
    reporter.due -= time.delta_secs();
    if reporter.due > 0.0 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few dozen frames")]
    let frames_per_second = reporter.frames as f32 / (STATUS_SECONDS - reporter.due);
    (reporter.due, reporter.frames) = (STATUS_SECONDS, 0);
    let Some(path) = &reporter.status_file else { return };
    let mut status = status(*screen.get(), &lobby, &render, room.as_deref(), frames_per_second);
    status.writing = draft.is_some_and(|draft| draft.is_open);
    if let Err(error) = write_atomically(path, &status) {
        warn!("the status cannot be written to {}: {error}", path.display());
    }
}

fn status<'a>(
    screen: Screen,
    lobby: &'a Lobby,
    render: &RenderState,
    room: Option<&'a Room>,
    frames_per_second: f32,
) -> Status<'a> {
    let world = room.and_then(|room| room.game.confirmed_world());
    let seat = room.and_then(|room| room.game.seat());
    let disc = world.zip(seat).and_then(|(world, seat)| world.disc(seat));
    let trouble_of_link = room.and_then(|room| match &room.state {
        LinkState::Lost { error, .. } | LinkState::Ended { error } => Some(error.text.as_str()),
        LinkState::Connecting { .. } | LinkState::Open => None,
    });
    Status {
        screen: match screen {
            Screen::Menu => "menu",
            Screen::Queue => "queue",
            Screen::Playing => "playing",
            Screen::Replay => "replay",
        },
        server: lobby.server(),
        name: lobby.session().map(|session| session.name.as_str()),
        player: lobby.session().map(|session| session.player),
        in_queue: match lobby.search().and_then(|search| search.state.as_ref()) {
            Some(MatchState::Waiting { in_queue, .. }) => Some(*in_queue),
            Some(MatchState::Matched { .. }) | None => None,
        },
        link: room.map(|room| match &room.state {
            LinkState::Connecting { .. } => "connecting",
            LinkState::Open => "open",
            LinkState::Lost { .. } => "lost",
            LinkState::Ended { .. } => "ended",
        }),
        room: room.map(|room| room.id),
        mode: room.and_then(|room| room.mode),
        seat: seat.map(|seat| seat.0),
        round: room.map_or(0, |room| room.game.rounds()),
        tick: world.map(|world| world.tick.0),
        points: disc.map(|disc| disc.points),
        strain: disc.map(|disc| disc.strain),
        players: render.scene.as_ref().map_or(0, |scene| scene.discs.len()),
        corrections: room.map_or(0, |room| room.game.statistics().corrections),
        diverged: room.map_or(0, |room| room.game.diverged()),
        round_trip_ms: room.and_then(|room| room.round_trip_ms),
        lead: room.map_or(0.0, |room| room.game.lead()),
        result: room.is_some_and(|room| room.result.is_some()),
        writing: false,
        frames_per_second,
        trouble: trouble_of_link.or(lobby.error.as_deref()),
    }
}

/// Writes a new file and renames it, so that a reader never sees half of it.
fn write_atomically(path: &Path, status: &Status<'_>) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, serde_json::to_vec(status)?)?;
    fs::rename(&fresh, path)
}

fn exit_after_round(
    mut ended: MessageReader<RoundEnded>,
    reporter: Res<Reporter>,
    room: Option<Res<Room>>,
    lobby: Res<Lobby>,
    mut exit: MessageWriter<AppExit>,
) {
    // A client that entered while a result was shown has not played the round.
    let has_played = |RoundEnded(result): &&RoundEnded| result.prediction.snapshots > 0;
    let Some(RoundEnded(result)) = ended.read().filter(has_played).last() else { return };
    let Some(room) = room.filter(|_| reporter.exit_after_round) else { return };
    let player = lobby.session().map(|session| session.player);
    let places = &result.summary.results;
    let place = places.iter().position(|place| Some(place.player) == player);
    let own = place.map(|place| &places[place]);
    let outcome = Outcome {
        room: room.id,
        mode: room.mode,
        replay: result.summary.replay,
        player,
        place: place.map(|place| place + 1),
        points: own.map(|own| own.points),
        knockouts: own.map(|own| own.knockouts),
        falls: own.map(|own| own.falls),
        rating: own.map(|own| own.rating),
        rating_change: own.map(|own| own.rating_change),
        players: places.len(),
        diverged: room.game.diverged(),
        prediction: result.prediction.clone(),
    };
    exit.write(match print(&outcome) {
        Ok(()) => AppExit::Success,
        Err(error) => {
            error!("the result cannot be printed: {error}");
            AppExit::error()
        }
    });
}

fn print(outcome: &Outcome) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(outcome)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
