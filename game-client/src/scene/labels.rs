//! The labels: the names that are shown, and their positions in the window. Shown are the names near the mouse, of the leader and
//! of the followed disc.

use core::cmp::Ordering;

use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Single, Update, Window, With,
};
use bevy::window::PrimaryWindow;
use presentation::labels::{CROWDED_ABOVE, LabelLayout};
use shared::sim::Slot;

use super::camera::View;
use super::own_fall::OwnFall;
use crate::frame::{Phase, RenderState};

/// A name nearer to the mouse than this is shown, in logical pixels.
const NEAR_PIXELS: f32 = 110.0;
/// The same for a spectator of a crowd.
const NEAR_PIXELS_MANY: f32 = 44.0;
/// The distance from the centre of a disc to its name, in units…
const BELOW_UNITS: f32 = 46.0;
/// …and at least in logical pixels.
const BELOW_PIXELS: f32 = 15.0;
/// A spectator of a crowd sees the names of this many leaders.
const BEST: usize = 5;
/// The width of a letter, in logical pixels.
const LETTER: f64 = 7.5;
/// The height of a name, in logical pixels.
const LINE: f64 = 16.0;

/// A name in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub text: String,
    /// The centre of the name: logical pixels, y down.
    pub position: Vec2,
    /// The opacity, from 0 to 1.
    pub strength: f32,
    /// The importance. A larger rank wins.
    rank: u8,
}

/// The names of this frame. The panels draw them.
#[derive(Debug, Default, Resource)]
pub struct Labels(pub Vec<Label>);

/// Places the labels.
#[derive(Debug)]
pub(super) struct LabelsPlugin;

impl Plugin for LabelsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Labels>().add_systems(Update, find.in_set(Phase::Draw));
    }
}

fn find(
    render: Res<RenderState>,
    fall: Res<OwnFall>,
    view: Res<View>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut labels: ResMut<Labels>,
) {
    labels.0.clear();
    let Some(scene) = render.scene.as_ref().filter(|_| !render.is_backdrop) else { return };
    let best = best_of(&render);
    let is_many = scene.discs.len() > CROWDED_ABOVE;
    let reach = if is_many && render.own.is_none() { NEAR_PIXELS_MANY } else { NEAR_PIXELS };
    for disc in scene.discs.iter().filter(|disc| disc.standing && render.own != Some(disc.slot)) {
        let below = Vec2::new(0.0, BELOW_UNITS.max(BELOW_PIXELS * view.scale));
        let position = view.pixel_of(disc.position - below);
        if !is_inside(position, view.window) {
            continue;
        }
        let away = window.cursor_position().map(|mouse| mouse.distance(position));
        let near = away.map_or(0.0, |away| 1.0 - (away / reach - 0.6).clamp(0.0, 0.4) / 0.4);
        let is_watched = best.contains(&disc.slot) || fall.killer() == Some(disc.slot);
        let Some(entry) = render.roster.entry(disc.slot) else { continue };
        let leads = scene.leader == Some(disc.slot);
        let is_followed = render.followed == Some(disc.slot);
        let always = is_watched || leads || is_followed || entry.reconnecting;
        let strength = if always { 1.0 } else { near };
        if strength > 0.02 {
            let name = entry.name.as_str();
            let text = if entry.reconnecting {
                format!("{name} · reconnecting")
            } else {
                name.to_owned()
            };
            let rank = u8::from(leads || is_followed) + u8::from(is_watched);
            labels.0.push(Label { text, position, strength, rank });
        }
    }
    if is_many {
        keep_apart(&mut labels.0);
    }
}

/// The slots whose names a spectator always sees.
fn best_of(render: &RenderState) -> Vec<Slot> {
    let Some(scene) = render.scene.as_ref().filter(|_| render.own.is_none()) else {
        return Vec::new();
    };
    if scene.discs.len() <= CROWDED_ABOVE {
        return scene.discs.iter().map(|disc| disc.slot).collect();
    }
    scene.ranking().into_iter().take(BEST).map(|disc| disc.slot).collect()
}

fn is_inside(pixel: Vec2, window: Vec2) -> bool {
    pixel.cmpge(Vec2::ZERO).all() && pixel.cmple(window).all()
}

/// Drops labels that would overlap a more important one.
fn keep_apart(labels: &mut Vec<Label>) {
    let weight = |label: &Label| (label.rank, label.strength);
    labels.sort_by(|a, b| weight(b).partial_cmp(&weight(a)).unwrap_or(Ordering::Equal));
    let mut layout = LabelLayout::default();
    labels.retain(|label| {
        #[expect(clippy::cast_precision_loss, reason = "a name is short")]
        let width = label.text.chars().count() as f64 * LETTER;
        layout.place((label.position.x.into(), label.position.y.into()), (width, LINE))
    });
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;

    use super::{Label, keep_apart};

    fn label(name: u32, x: f32, rank: u8) -> Label {
        let text = format!("Player {name}");
        Label { text, position: Vec2::new(x, 100.0), strength: 1.0, rank }
    }

    #[test]
    fn labels_of_a_crowd_do_not_overlap_and_the_leaders_stays() {
        let mut labels: Vec<Label> =
            (0..40).map(|name| label(name, name as f32 * 30.0, u8::from(name == 21))).collect();

        keep_apart(&mut labels);

        let mut positions: Vec<_> = labels.iter().map(|label| label.position.x).collect();
        positions.sort_by(f32::total_cmp);
        assert!(labels.len() > 8 && labels.iter().any(|label| label.text == "Player 21"));
        assert!(positions.windows(2).all(|pair| pair[1] - pair[0] >= 60.0), "{positions:?}");
    }
}
