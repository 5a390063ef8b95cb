//! Shots in the air.

use std::collections::{HashMap, HashSet};

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Update};
use shared::sim::PulseId;

use super::painter::{Layer, Painter};
use super::{Phase, Stage, palette};
use crate::settings::Settings;

/// Radius of a pulse, in units.
const RADIUS: f32 = 8.0;
/// A pulse fades within the last so many seconds.
const FADE_SECONDS: f32 = 0.12;
/// Half of a late appearance is caught up after so many seconds.
const CATCH_UP_SECONDS: f32 = 0.045;
/// A pulse that is older when it is first seen was fired by somebody else, a moment ago.
const LATE_SECONDS: f32 = 0.03;
/// A pulse of a crowd that is still older when it is first seen was fired out of sight.
const FLEW_IN_SECONDS: f32 = 0.25;

/// How far each pulse is drawn behind where it is: it leaves its owner's disc, not the empty ice in front of it.
#[derive(Debug, Default, Resource)]
struct Behind {
    of: HashMap<PulseId, Vec2>,
    act: u32,
}

/// Draws the pulses.
#[derive(Debug)]
pub(super) struct PulsesPlugin;

impl Plugin for PulsesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Behind>().add_systems(Update, paint.in_set(Phase::Paint));
    }
}

fn paint(
    stage: Res<Stage>,
    settings: Res<Settings>,
    mut behind: ResMut<Behind>,
    mut painter: ResMut<Painter>,
) {
    let Some(drawn) = &stage.drawn else { return };
    let entering = behind.act != stage.act;
    behind.act = stage.act;
    let flying: HashSet<PulseId> = drawn.pulses.iter().map(|pulse| pulse.id).collect();
    behind.of.retain(|id, _| flying.contains(id));
    let left = 0.5_f32.powf(stage.seconds / CATCH_UP_SECONDS);
    for pulse in &drawn.pulses {
        // In a crowd an older one flew in from where nothing is seen.
        let flew_in = drawn.is_partial && pulse.age > FLEW_IN_SECONDS;
        let is_late = pulse.age > LATE_SECONDS && !entering && !flew_in;
        let start = if is_late { -pulse.velocity * pulse.age } else { Vec2::ZERO };
        let offset = behind.of.entry(pulse.id).and_modify(|way| *way *= left).or_insert(start);
        let place = pulse.position + *offset;
        let strength = (pulse.left / FADE_SECONDS).clamp(0.0, 1.0);
        let (body, _) = palette::hue(pulse.id.slot, settings.palette);
        let warm = if pulse.overcharged { palette::CHARGE } else { palette::WARM };
        let size = RADIUS * if pulse.overcharged { 1.45 } else { 1.0 };
        let back = -pulse.velocity.normalize_or_zero();

        painter.shade(
            Layer::Ground,
            place + Vec2::new(1.0, -6.0),
            size * 1.5,
            palette::SHADOW.with_alpha(0.35 * strength),
        );
        painter.shade(Layer::Above, place, size * 2.6, warm.with_alpha(0.5 * strength));
        painter.streak(
            Layer::Above,
            place + back * (size * 6.5).min(pulse.age * 760.0),
            place,
            size * 1.7,
            (warm.with_alpha(0.85 * strength), warm.with_alpha(0.0)),
        );
        painter.ring(Layer::Above, place, size * 1.25, 2.5, body.with_alpha(strength));
        let white = Color::WHITE.with_alpha(strength);
        painter.disc(Layer::Above, place, size * 0.95, white, warm.with_alpha(strength));
    }
}
