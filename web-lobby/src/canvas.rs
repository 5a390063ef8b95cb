//! Draws a world: the void, the ice, the discs, and the effects of recent events.
//!
//! Every picture is drawn afresh from a [`Scene`]. The age of an effect follows from the playhead, so a paused or
//! rewound match shows exactly its moment. Only the camera and a few gradients are kept between pictures.
//!
//! Deliberately absent: clocks, requests and rules.

mod camera;
mod discs;
mod effects;
mod gradients;
mod ice;
mod labels;
mod pickups;
mod point;
mod pulses;
mod scene;
mod shapes;
mod thumbnail;
mod trigonometry;
mod void;

pub(crate) use camera::Camera;
pub use effects::Effects;
pub use gradients::GradientCache;
pub use scene::{Frame, Scene};
pub use thumbnail::draw_thumbnail;

use presentation::camera::is_wide;
use web_sys::CanvasRenderingContext2d;

use camera::CameraTarget;
use point::{Point, units};
use scene::drawn_discs;
use shapes::{use_css_pixels, use_world_units};

/// How far the name, arc and trail of a disc extend from its centre, in units.
const REACH: f64 = 130.0;

/// Draws only the void, while there is no world.
pub fn draw_void(context: &CanvasRenderingContext2d, gradients: &mut GradientCache, frame: &Frame) {
    void::draw(context, gradients, frame, Point::default());
}

/// Draws a scene over the whole canvas.
pub(crate) fn draw(
    context: &CanvasRenderingContext2d,
    camera: &mut Camera,
    gradients: &mut GradientCache,
    frame: &Frame,
    scene: &Scene,
) {
    let world = scene.world;
    let mut discs = drawn_discs(scene);
    if !frame.is_calm {
        for seen in discs.iter_mut().filter(|seen| seen.disc.is_standing()) {
            seen.place = seen.place.plus(scene.effects.hit_stop_offset(seen.disc.slot, scene.at));
        }
    }
    let followed = scene.follow.and_then(|slot| discs.iter().find(|seen| seen.disc.slot == slot));
    let follow = followed.map(|seen| seen.place);
    let initial_radius = units(world.mode.platform_radius());
    let radius = ice::radius_at(world, scene.at);
    let target =
        CameraTarget { width: frame.width, height: frame.height, initial_radius, radius, follow };
    let mut view = camera.update(target, frame.passed_ms, !frame.is_calm);
    // On a wide platform someone is always falling, mostly far away.
    let is_wide = is_wide(initial_radius);
    if !frame.is_calm && !is_wide {
        view.middle = view.middle.plus(scene.effects.shake(scene.at));
    }

    discs.retain(|seen| view.shows(seen.place, REACH, (frame.width, frame.height)));

    void::draw(context, gradients, frame, view.middle);
    use_world_units(context, frame, view);
    ice::draw_falling_shards(context, world, scene.at);
    discs::draw_falling(context, &discs, scene, true);
    ice::draw(context, gradients, world, radius, scene.at);
    if is_wide {
        ice::draw_near_scratches(context, view, frame, radius);
    }
    pickups::draw(context, world, scene.at, frame);
    effects::draw_below(context, scene.effects, scene.at);
    if view.is_far() {
        discs::draw_dots(context, &discs, view);
    } else {
        discs::draw_standing(context, &discs, scene, frame);
    }
    pulses::draw(context, scene);
    discs::draw_falling(context, &discs, scene, false);
    effects::draw_above(context, scene.effects, scene.at);
    use_css_pixels(context, frame);
    labels::draw(context, &discs, scene, frame, view);
}
