//! `--shots DIR`: takes a picture of each screen without a person.

use std::path::PathBuf;

use bevy::app::AppExit;
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, MessageWriter, Plugin, Real, Res, ResMut, Resource,
    State, Time, Update, error, info,
};
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use shared::sim::Mode;

use crate::frame::{Phase, RenderState};
use crate::input::Controls;
use crate::lobby::{Intent, Lobby, Screen};
use crate::room::Room;
use crate::screens::Tab;
use crate::ui::chat::Draft;
use crate::ui::net_graph::NetGraph;

/// When all pictures together take longer than this, something is wrong.
const LIMIT_SECONDS: f32 = 420.0;

/// One step on the way through the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Opens a panel of the menu.
    Open(Tab),
    /// Waits for this many tenths of a second.
    Wait(u32),
    /// Takes a picture with this file name, and waits until it is written.
    Picture(&'static str),
    /// Starts quick play.
    QuickPlay,
    /// Waits until the round is this many seconds old.
    Playing(u32),
    /// Shows or hides the scoreboard.
    Scoreboard(bool),
    /// Opens the chat with a text in its field, or closes it.
    Chat(bool),
    /// Shows or hides the net graph.
    NetGraph(bool),
    /// Waits until a quarter of the platform's radius has broken off.
    Shrunk,
    /// Waits for the result of the round.
    Summary,
}

const STEPS: &[Step] = &[
    Step::Wait(25),
    Step::Picture("menu"),
    Step::Open(Tab::Private),
    Step::Wait(6),
    Step::Picture("private"),
    Step::Open(Tab::Practice),
    Step::Wait(6),
    Step::Picture("practice"),
    Step::Open(Tab::Watch),
    Step::Wait(30),
    Step::Picture("watch"),
    Step::Open(Tab::Replays),
    Step::Wait(20),
    Step::Picture("replays"),
    Step::Open(Tab::Settings),
    Step::Wait(6),
    Step::Picture("settings"),
    Step::Open(Tab::None),
    Step::QuickPlay,
    Step::Wait(15),
    Step::Picture("queue"),
    Step::Playing(1),
    Step::Picture("countdown"),
    Step::Playing(20),
    Step::Picture("playing"),
    Step::Scoreboard(true),
    Step::Wait(6),
    Step::Picture("scoreboard"),
    Step::Scoreboard(false),
    Step::Chat(true),
    Step::Wait(8),
    Step::Picture("chat"),
    Step::Chat(false),
    Step::NetGraph(true),
    Step::Wait(25),
    Step::Picture("net-graph"),
    Step::NetGraph(false),
    Step::Shrunk,
    Step::Picture("shrinking"),
    Step::Summary,
    Step::Wait(12),
    Step::Picture("summary"),
];

#[derive(Debug, Resource)]
struct Shots {
    folder: PathBuf,
    next: usize,
    /// Seconds since the step began.
    since: f32,
    /// Seconds since the first step.
    total: f32,
    taking: bool,
    scoreboard: bool,
}

/// Takes the pictures.
#[derive(Debug)]
pub struct ShotsPlugin {
    /// The folder of the pictures. `None`: no pictures are taken.
    pub folder: Option<PathBuf>,
}

impl Plugin for ShotsPlugin {
    fn build(&self, app: &mut App) {
        let Some(folder) = self.folder.clone() else { return };
        app.insert_resource(Shots {
            folder,
            next: 0,
            since: 0.0,
            total: 0.0,
            taking: false,
            scoreboard: false,
        })
        .add_systems(Update, advance.in_set(Phase::Present));
    }
}

fn advance(
    mut shots: ResMut<Shots>,
    time: Res<Time<Real>>,
    screen: Res<State<Screen>>,
    render: Res<RenderState>,
    room: Option<Res<Room>>,
    lobby: Res<Lobby>,
    mut tab: ResMut<Tab>,
    mut draft: ResMut<Draft>,
    mut graph: ResMut<NetGraph>,
    mut controls: ResMut<Controls>,
    mut intents: MessageWriter<Intent>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    shots.since += time.delta_secs();
    shots.total += time.delta_secs();
    if shots.scoreboard {
        controls.scoreboard = true;
    }
    let Some(step) = STEPS.get(shots.next).copied() else {
        exit.write(AppExit::Success);
        return;
    };
    if shots.total > LIMIT_SECONDS {
        error!("{step:?} took too long: {:?}", lobby.error);
        exit.write(AppExit::error());
        return;
    }
    let elapsed =
        room.as_ref().and_then(|room| room.game.confirmed_world()).map(|world| world.elapsed());
    let done = match step {
        Step::Wait(tenths) => {
            #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
            let enough = tenths as f32 / 10.0;
            shots.since > enough
        }
        Step::Open(which) => {
            *tab = which;
            true
        }
        Step::Picture(name) => take(&mut shots, name, &mut commands),
        Step::QuickPlay => {
            intents.write(Intent::QuickPlay(Mode::Brawl));
            true
        }
        Step::Playing(seconds) => {
            let is_there = *screen.get() == Screen::Playing && render.scene.is_some();
            is_there && elapsed.is_some_and(|ticks| ticks >= seconds * shared::tick::TICK_RATE_HZ)
        }
        Step::Shrunk => {
            let scene = render.scene.as_ref();
            scene.is_some_and(|scene| scene.radius < scene.radius_whole * 0.75)
        }
        Step::Scoreboard(shown) => {
            shots.scoreboard = shown;
            true
        }
        Step::Chat(opened) => {
            if opened {
                draft.open(false);
                "Watch the rim, it cracks on the left!".clone_into(&mut draft.text);
            } else {
                draft.close();
            }
            true
        }
        Step::NetGraph(shown) => {
            graph.is_shown = shown;
            true
        }
        Step::Summary => room.as_ref().is_some_and(|room| room.result.is_some()),
    };
    if done {
        shots.next += 1;
        shots.since = 0.0;
    }
}

/// Takes a picture. True when its file is written.
fn take(shots: &mut Shots, name: &str, commands: &mut Commands<'_, '_>) -> bool {
    let path = shots.folder.join(format!("{name}.png"));
    if !shots.taking {
        shots.taking = true;
        if path.exists()
            && let Err(error) = std::fs::remove_file(&path)
        {
            error!("{}: {error}", path.display());
        }
        commands.spawn(Screenshot::primary_window()).observe(save_to_disk(path));
        return false;
    }
    let is_written = path.metadata().is_ok_and(|file| file.len() > 0) && shots.since > 0.3;
    if is_written {
        info!("{}", path.display());
        shots.taking = false;
    }
    is_written
}
