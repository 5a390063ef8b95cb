//! Which names are shown, and where in the window: near the mouse, of the leader, of who is watched.

use core::cmp::Ordering;

use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Single, Update, Window, With,
};
use bevy::window::PrimaryWindow;
use presentation::labels::{CROWDED_ABOVE, LabelLayout};
use shared::sim::Slot;

use super::{OwnFall, Phase, Stage, View};

/// Names of discs nearer to the mouse than this are shown, in logical pixels.
const NEAR_PIXELS: f32 = 110.0;
/// The same for who watches many.
const NEAR_PIXELS_MANY: f32 = 44.0;
/// From the middle of a disc to its name, in units, and in logical pixels at least.
const BELOW_UNITS: f32 = 46.0;
const BELOW_PIXELS: f32 = 15.0;
/// A spectator of a crowd sees the names of this many leaders.
const BEST: usize = 5;
/// Room that a name takes: for each letter, and in height, in logical pixels.
const LETTER: f64 = 7.5;
const LINE: f64 = 16.0;

/// One name in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub text: String,
    /// Where its middle stands: logical pixels, y down.
    pub place: Vec2,
    /// How clearly, from 0 to 1.
    pub strength: f32,
    /// How important it is.
    rank: u8,
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
    let best = best_of(&stage);
    let is_many = drawn.discs.len() > CROWDED_ABOVE;
    let reach = if is_many && stage.own.is_none() { NEAR_PIXELS_MANY } else { NEAR_PIXELS };
    for disc in drawn.discs.iter().filter(|disc| disc.standing && stage.own != Some(disc.slot)) {
        let below = Vec2::new(0.0, BELOW_UNITS.max(BELOW_PIXELS * view.scale));
        let place = view.pixel_of(disc.position - below);
        if !is_inside(place, view.window) {
            continue;
        }
        let away = window.cursor_position().map(|mouse| mouse.distance(place));
        let near = away.map_or(0.0, |away| 1.0 - (away / reach - 0.6).clamp(0.0, 0.4) / 0.4);
        let is_watched = best.contains(&disc.slot) || fall.killer() == Some(disc.slot);
        let Some(entry) = stage.roster.entry(disc.slot) else { continue };
        let leads = drawn.leader == Some(disc.slot);
        let is_followed = stage.subject == Some(disc.slot);
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
            labels.0.push(Label { text, place, strength, rank });
        }
    }
    if is_many {
        keep_apart(&mut labels.0);
    }
}

/// Whose names are shown to who watches.
fn best_of(stage: &Stage) -> Vec<Slot> {
    let Some(drawn) = stage.drawn.as_ref().filter(|_| stage.own.is_none()) else {
        return Vec::new();
    };
    if drawn.discs.len() <= CROWDED_ABOVE {
        return drawn.discs.iter().map(|disc| disc.slot).collect();
    }
    drawn.ranking().into_iter().take(BEST).map(|disc| disc.slot).collect()
}

fn is_inside(pixel: Vec2, window: Vec2) -> bool {
    pixel.cmpge(Vec2::ZERO).all() && pixel.cmple(window).all()
}

/// Where names would lie over each other, the more important one stays.
fn keep_apart(labels: &mut Vec<Label>) {
    let weight = |label: &Label| (label.rank, label.strength);
    labels.sort_by(|a, b| weight(b).partial_cmp(&weight(a)).unwrap_or(Ordering::Equal));
    let mut layout = LabelLayout::default();
    labels.retain(|label| {
        #[expect(clippy::cast_precision_loss, reason = "a name is short")]
        let width = label.text.chars().count() as f64 * LETTER;
        layout.place((label.place.x.into(), label.place.y.into()), (width, LINE))
    });
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;

    use super::{Label, keep_apart};

    fn label(name: u32, x: f32, rank: u8) -> Label {
        let text = format!("Player {name}");
        Label { text, place: Vec2::new(x, 100.0), strength: 1.0, rank }
    }

    #[test]
    fn names_of_many_do_not_lie_over_each_other_and_the_leaders_stays() {
        let mut labels: Vec<Label> =
            (0..40).map(|name| label(name, name as f32 * 30.0, u8::from(name == 21))).collect();

        keep_apart(&mut labels);

        let mut places: Vec<_> = labels.iter().map(|label| label.place.x).collect();
        places.sort_by(f32::total_cmp);
        assert!(labels.len() > 8 && labels.iter().any(|label| label.text == "Player 21"));
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 60.0), "{places:?}");
    }
}
