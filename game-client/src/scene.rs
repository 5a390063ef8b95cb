//! The picture of a match: one plugin for each part of it. All of them read the same
//! [`RenderState`](crate::frame::RenderState).

mod camera;
mod canvas;
mod disc_visuals;
mod discs;
mod effects;
mod gradient_mesh;
mod ice;
mod labels;
pub mod marks;
mod own_fall;
mod painter;
pub mod palette;
mod pickups;
mod platform;
mod pulses;
mod random;
mod scratches;
mod shape;
mod void;

use bevy::prelude::{App, Plugin};

pub use camera::{Shake, View};
pub use labels::Labels;
pub use own_fall::{Credit, OwnFall};

/// Draws the scene.
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
