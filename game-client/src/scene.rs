//! What is seen of a match: one plugin for each part, all of them read the same [`Stage`].

mod camera;
mod canvas;
mod discs;
mod effects;
mod ice;
mod labels;
mod looks;
pub mod marks;
mod own_fall;
mod painter;
pub mod palette;
mod pickups;
mod platform;
mod pulses;
mod scratches;
mod tinted;
mod void;

use bevy::prelude::{App, IntoScheduleConfigs as _, Message, Plugin, Resource, SystemSet, Update};
use shared::sim::{Event, Slot};
use shared::snapshot::Roster;

use crate::space::Drawn;

pub use camera::{Shake, View};
pub use labels::Labels;
pub use own_fall::{Credit, OwnFall};

/// What is on the stage in this frame. Whoever plays, watches or replays fills it.
#[derive(Debug, Clone, Resource, Default)]
pub struct Stage {
    /// The moment to draw. Nothing: an empty void.
    pub drawn: Option<Drawn>,
    /// Who sits where.
    pub roster: Roster,
    /// The own seat.
    pub own: Option<Slot>,
    /// Whom the camera follows. Nobody: it shows the whole platform.
    pub subject: Option<Slot>,
    /// Seconds that passed on the stage since the last frame; a replay's may run faster or not at all.
    pub seconds: f32,
    /// How much of the window's height panels cover at the bottom, from 0 to 1: what is shown stands above.
    pub covered: f32,
    /// It is a backdrop: no names, the picture turns slowly, effects are quiet.
    pub is_backdrop: bool,
    /// Counts changes of what is shown: with each, the looks of the old one are forgotten.
    pub act: u32,
}

impl Stage {
    /// Something else comes on the stage.
    pub fn change(&mut self) {
        *self = Self { act: self.act.wrapping_add(1), ..Self::default() };
    }
}

/// Something happened on the stage, and is to be seen and heard now.
#[derive(Debug, Clone, Copy, Message)]
pub struct Seen(pub Event);

/// The order of a frame's work in `Update`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum Phase {
    /// What the network said is taken in.
    Listen,
    /// Time passes, inputs are made, the world is predicted.
    Play,
    /// The stage is filled.
    Show,
    /// Shapes are put on the canvas.
    Paint,
}

/// Orders the phases. Without a window too.
#[derive(Debug)]
pub struct PhasesPlugin;

impl Plugin for PhasesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Stage>().add_message::<Seen>().configure_sets(
            Update,
            (Phase::Listen, Phase::Play, Phase::Show, Phase::Paint).chain(),
        );
    }
}

/// Draws the stage.
#[derive(Debug)]
pub struct ScenePlugin;

impl Plugin for ScenePlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((
            canvas::CanvasPlugin,
            camera::CameraPlugin,
            own_fall::OwnFallPlugin,
            void::VoidPlugin,
            platform::PlatformPlugin,
            pickups::PickupsPlugin,
            discs::DiscsPlugin,
            pulses::PulsesPlugin,
            effects::EffectsPlugin,
            labels::LabelsPlugin,
        ));
    }
}

/// Small numbers by chance, for pictures only.
#[derive(Debug, Clone)]
struct Chance(u32);

impl Chance {
    /// From 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
    fn part(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// Between two numbers.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }
}
