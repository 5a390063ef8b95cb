//! The pickups on the ice.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Time, Update};
use shared::sim::PickupKind;

use super::painter::{Layer, Painter};
use super::palette;
use crate::frame::{Phase, RenderState};

/// Radius of a pickup, in units.
const RADIUS: f32 = 16.0;

/// Draws the pickups.
#[derive(Debug)]
pub(super) struct PickupsPlugin;

impl Plugin for PickupsPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, paint.in_set(Phase::Draw));
    }
}

fn paint(render: Res<RenderState>, time: Res<Time>, mut painter: ResMut<Painter>) {
    let Some(scene) = &render.scene else { return };
    for pickup in &scene.pickups {
        let phase = pickup.position.x * 0.01;
        let breath = (time.elapsed_secs() * 2.4 + phase).sin();
        let colour = palette::pickup(pickup.kind);
        let lifted = pickup.position + Vec2::new(0.0, 3.0 + 2.0 * breath);
        painter.shade(
            Layer::Ground,
            pickup.position + Vec2::new(1.0, -5.0),
            RADIUS * 1.3,
            palette::SHADOW.with_alpha(0.4),
        );
        let halo = RADIUS * (1.5 + 0.08 * breath);
        painter.ring(Layer::Ground, pickup.position, halo, 2.0, colour.with_alpha(0.75));
        let dark = palette::mix(palette::INK, colour, 0.12);
        painter.disc(Layer::Ground, lifted, RADIUS, dark, dark);
        painter.ring(Layer::Ground, lifted, RADIUS - 1.0, 2.5, colour);
        icon(&mut painter, Layer::Ground, pickup.kind, lifted, RADIUS * 0.52, colour);
    }
}

/// The sign of a pickup. A disc under its effect carries it too.
pub(super) fn icon(
    painter: &mut Painter,
    layer: Layer,
    kind: PickupKind,
    centre: Vec2,
    size: f32,
    colour: Color,
) {
    match kind {
        PickupKind::Heavy => {
            painter.hexagon(layer, centre, size * 1.15, core::f32::consts::FRAC_PI_6, colour);
        }
        PickupKind::Overcharge => {
            let at = |x: f32, y: f32| centre + Vec2::new(x, y) * size;
            painter.stroke(layer, at(0.25, 1.0), at(-0.4, 0.0), size * 0.34, colour);
            painter.stroke(layer, at(-0.4, 0.0), at(0.4, 0.0), size * 0.34, colour);
            painter.stroke(layer, at(0.4, 0.0), at(-0.25, -1.0), size * 0.34, colour);
        }
        PickupKind::Mend => painter.plus(layer, centre, size, size * 0.62, colour),
    }
}
