//! Which names are shown, and where in the window: near the mouse, of the leader, of who is watched.

use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Single, Update, Window, With,
};
use bevy::window::PrimaryWindow;

use super::{OwnFall, Phase, Stage, View};

/// Names of discs nearer to the mouse than this are shown, in logical pixels.
const NEAR_PIXELS: f32 = 110.0;
/// From the middle of a disc to its name, in units.
const BELOW_UNITS: f32 = 46.0;

/// One name in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub text: String,
    /// Where its middle stands: logical pixels, y down.
    pub place: Vec2,
    /// How clearly, from 0 to 1.
    pub strength: f32,
}

/// The names of this frame. The panels draw them.
#[derive(Debug, Default, Resource)]
pub struct Labels(pub Vec<Label>);

/// Finds the names.
#[derive(Debug)]
pub(super) struct LabelsPlugin;

impl Plugin for LabelsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Labels>().add_systems(Update, find.in_set(Phase::Paint));
    }
}

fn find(
    stage: Res<Stage>,
    fall: Res<OwnFall>,
    view: Res<View>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut labels: ResMut<Labels>,
) {
    labels.0.clear();
    let Some(drawn) = stage.drawn.as_ref().filter(|_| !stage.is_backdrop) else { return };
    for disc in drawn.discs.iter().filter(|disc| disc.standing && stage.own != Some(disc.slot)) {
        let Some(entry) = stage.roster.entry(disc.slot) else { continue };
        let place = view.pixel_of(disc.position - Vec2::new(0.0, BELOW_UNITS));
        let away = window.cursor_position().map(|mouse| mouse.distance(place));
        let near = away.map_or(0.0, |away| 1.0 - (away / NEAR_PIXELS - 0.6).clamp(0.0, 0.4) / 0.4);
        let is_watched = stage.own.is_none() || fall.killer() == Some(disc.slot);
        let always = is_watched || drawn.leader == Some(disc.slot) || entry.reconnecting;
        let strength = if always { 1.0 } else { near };
        if strength > 0.02 {
            let name = entry.name.as_str();
            let text = if entry.reconnecting {
                format!("{name} · reconnecting")
            } else {
                name.to_owned()
            };
            labels.0.push(Label { text, place, strength });
        }
    }
}
