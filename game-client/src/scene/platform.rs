//! The platform: the slab of ice, its cracks before it shrinks, and the shards that fall.

use bevy::color::Alpha as _;
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Time, Update};

use super::camera::View;
use super::gradient_mesh::GradientMesh;
use super::ice::Slab;
use super::painter::{Layer, Painter};
use super::random::VisualRng;
use super::{palette, scratches};
use crate::frame::{Phase, RenderState};

/// Cracks appear this many seconds before the platform shrinks.
const WARNING_SECONDS: f32 = 5.0;
/// The platform shrinks in this many last seconds of a full round.
const SHRINK_SECONDS: f32 = 60.0;
/// Shards that break off each second while the platform shrinks.
const SHARDS_A_SECOND: f32 = 16.0;
/// The duration of the fall of a shard.
const SHARD_SECONDS: f32 = 1.1;
/// Shards at once. When full, no further one breaks off.
const SHARDS_MAX: usize = 64;
/// The rim of wide ice glows when the own disc is nearer to it than this…
const GLOW_FROM_UNITS: f32 = 380.0;
/// …in pieces of this length…
const GLOW_STEP_UNITS: f32 = 55.0;
/// …this many to each side of the disc.
const GLOW_STEPS: i16 = 9;

/// A piece of the rim that falls.
#[derive(Debug, Clone, Copy)]
struct Shard {
    position: Vec2,
    velocity: Vec2,
    turn: f32,
    spin: f32,
    size: f32,
    is_pointed: bool,
    age: f32,
}

/// The state of the platform from the last frame.
#[derive(Debug, Resource)]
struct Ice {
    shards: Vec<Shard>,
    due: f32,
    cracks: f32,
    generation: u32,
    rng: VisualRng,
    shown: Option<Slab>,
}

/// Draws the platform.
#[derive(Debug)]
pub(super) struct PlatformPlugin;

impl Plugin for PlatformPlugin {
    fn build(&self, app: &mut App) {
        let ice = Ice {
            shards: Vec::new(),
            due: 0.0,
            cracks: 0.0,
            generation: 0,
            rng: VisualRng(0xbeef_cafe),
            shown: None,
        };
        app.insert_resource(ice).add_systems(Update, paint.in_set(Phase::Draw));
    }
}

fn paint(
    render: Res<RenderState>,
    time: Res<Time>,
    view: Res<View>,
    mut ice: ResMut<Ice>,
    mut painter: ResMut<Painter>,
) {
    let Some(scene) = &render.scene else {
        if ice.shown.take().is_some() {
            painter.ice(GradientMesh::default());
        }
        return;
    };
    if ice.generation != render.generation {
        (ice.generation, ice.cracks, ice.due) = (render.generation, 0.0, 0.0);
        ice.shards.clear();
    }
    let shrinking = scene.radius < scene.radius_whole && !scene.over;
    let near = scene.remaining < SHRINK_SECONDS + WARNING_SECONDS && scene.progress > 0.6;
    let goal = f32::from(u8::from(near || scene.radius < scene.radius_whole));
    ice.cracks += (goal - ice.cracks) * (render.seconds * 0.5).min(1.0);
    // The edge glows while the platform shrinks.
    let breath = 0.5 + 0.5 * (time.elapsed_secs() * 5.0).sin();
    let slab = Slab {
        radius: scene.radius,
        whole: scene.radius_whole,
        // Rounded: a new mesh is made only when it looks different.
        cracks: (ice.cracks * 32.0).round() / 32.0,
        pixel: (view.scale * 16.0).round() / 16.0,
        danger: if shrinking { ((0.35 + 0.65 * breath) * 16.0).round() / 16.0 } else { 0.0 },
    };
    if ice.shown != Some(slab) {
        ice.shown = Some(slab);
        painter.ice(slab.mesh());
    }
    if scene.is_wide() {
        scratches::paint(&mut painter, &view, scene.radius);
        glow_near(&mut painter, &render, scene.radius);
    }
    if shrinking {
        ice.due += render.seconds * if view.is_plain { 0.6 } else { 1.0 } * SHARDS_A_SECOND;
    }
    while ice.due >= 1.0 {
        ice.due -= 1.0;
        break_off(&mut ice, scene.radius, &view);
    }
    fall(&mut ice, render.seconds, &mut painter);
}

/// A glow along the rim of wide ice near the own disc. The rim is rarely in sight there, so players do not expect it.
fn glow_near(painter: &mut Painter, render: &RenderState, radius: f32) {
    let own = render.own.and_then(|slot| render.scene.as_ref()?.disc(slot));
    let Some(own) = own.filter(|own| own.standing) else { return };
    let near = 1.0 - (radius - own.position.length()) / GLOW_FROM_UNITS;
    if near <= 0.0 {
        return;
    }
    let middle = own.position.to_angle();
    let at = |step: i16| {
        Vec2::from_angle(middle + f32::from(step) * GLOW_STEP_UNITS / radius) * (radius - 3.0)
    };
    for step in -GLOW_STEPS..GLOW_STEPS {
        let aside = (f32::from(step) + 0.5) / f32::from(GLOW_STEPS);
        let alpha = near.min(1.0) * (1.0 - aside * aside);
        for (width, alpha) in [(20.0, 0.22 * alpha), (7.0, 0.7 * alpha)] {
            let colour = palette::WARM.with_alpha(alpha);
            painter.stroke(Layer::Ground, at(step), at(step + 1), width, colour);
        }
    }
}

/// The part of the rim that is in the picture: a direction, and the radians to both sides of it. `None`: no part is.
fn rim_in(view: &View, radius: f32) -> Option<(f32, f32)> {
    let (away, reach) = (view.centre.length(), view.half().length());
    if away + reach < radius {
        return None;
    }
    let spread = if away > reach { (reach / away).min(1.0).asin() } else { core::f32::consts::PI };
    Some((view.centre.to_angle(), spread))
}

fn break_off(ice: &mut Ice, radius: f32, view: &View) {
    if ice.shards.len() >= SHARDS_MAX {
        return;
    }
    let Some((middle, spread)) = rim_in(view, radius) else { return };
    let rng = &mut ice.rng;
    let outwards = Vec2::from_angle(middle + rng.range(-spread, spread));
    let shard = Shard {
        position: outwards * (radius - 2.0),
        velocity: outwards * rng.range(10.0, 40.0),
        turn: rng.range(0.0, 6.0),
        spin: rng.range(-4.0, 4.0),
        size: rng.range(5.0, 13.0),
        is_pointed: rng.unit() < 0.5,
        age: 0.0,
    };
    ice.shards.push(shard);
}

fn fall(ice: &mut Ice, seconds: f32, painter: &mut Painter) {
    ice.shards.retain_mut(|shard| {
        shard.age += seconds;
        shard.velocity.y -= 150.0 * seconds;
        shard.position += shard.velocity * seconds;
        shard.turn += shard.spin * seconds;
        let left = 1.0 - shard.age / SHARD_SECONDS;
        if left > 0.0 {
            // Behind the slab on its far side, in front of it on the near side.
            let layer = if shard.position.y > 0.0 { Layer::Deep } else { Layer::Ground };
            let colour =
                palette::mix(palette::ICE_RIM, palette::ICE_EDGE, 0.4).with_alpha(left.sqrt());
            let size = shard.size * (0.25 + 0.75 * left);
            if shard.is_pointed {
                painter.notch(layer, shard.position, size, size * 1.6, shard.turn, colour);
            } else {
                painter.hexagon(layer, shard.position, size * 0.8, shard.turn, colour);
            }
        }
        left > 0.0
    });
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;

    use super::{View, rim_in};

    #[test]
    fn shards_break_off_where_the_picture_shows_the_rim() {
        let at = |x: f32, scale: f32| {
            let view = View { centre: Vec2::new(x, 0.0), scale, ..View::default() };
            rim_in(&view, 3_200.0)
        };

        assert_eq!(at(1_000.0, 1.1), None);
        let (middle, spread) = at(3_000.0, 1.1).expect("the rim is near");
        assert!(middle.abs() < 1e-6 && (0.2..0.4).contains(&spread), "{middle} {spread}");
        let (_, all) = at(0.0, 10.0).expect("all of it");
        assert!((all - core::f32::consts::PI).abs() < 1e-6);
    }
}
