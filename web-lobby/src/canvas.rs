//! A world as a picture: the void, the ice, the discs, and what just happened.
//!
//! Everything is drawn anew for each picture from a [`Scene`], which holds no state of its own: effects are as old
//! as the needle says, so a paused or rewound match shows exactly its moment. What is kept between pictures
//! is only where the eye was and a few gradients.
//!
//! Deliberately absent: clocks, requests, and rules.

mod backdrop;
mod camera;
mod discs;
mod effects;
mod ice;
mod labels;
mod pickups;
mod place;
mod pulses;
mod small;

pub use effects::Effects;
pub use small::draw_small;

use core::f64::consts::TAU;

use presentation::camera::is_wide;
use presentation::playhead::share_between;
use shared::sim::disc::Disc;
use shared::sim::{Slot, World};
use shared::snapshot::Roster;
use web_sys::{CanvasGradient, CanvasRenderingContext2d};

use camera::{Aim, Camera, View};
use place::{Place, units};

/// Farther than this in one frame, in units, is no movement but a respawn.
const GLIDE_MAX: f64 = 80.0;

/// Names, arcs and trails of a disc reach so far beyond its middle, in units.
const REACH: f64 = 130.0;

/// What a picture shows.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The world at or after the needle.
    pub world: &'a World,
    /// The world before the needle, for gliding between the two.
    pub previous: Option<&'a World>,
    /// The needle, in ticks since the round began.
    pub at: f64,
    pub roster: &'a Roster,
    pub effects: &'a Effects,
    /// The player whom the eye follows.
    pub follow: Option<Slot>,
}

/// The picture's size and circumstances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// In CSS pixels.
    pub width: f64,
    pub height: f64,
    /// Device pixels in a CSS pixel.
    pub density: f64,
    /// The time, and how much of it passed since the last picture, in milliseconds.
    pub now_ms: f64,
    pub passed_ms: f64,
    /// Where the pointer is, in CSS pixels.
    pub pointer: Option<(f64, f64)>,
    /// No drifting, gliding or trembling.
    pub is_calm: bool,
}

/// What is kept from picture to picture.
#[derive(Default)]
pub struct Brushes {
    camera: Camera,
    /// The void's gradient, and the size that it was made for.
    void: Option<((f64, f64), CanvasGradient)>,
    /// The ice's gradients, and the radius that they were made for.
    ice: Option<(f64, ice::Gradients)>,
}

impl Brushes {
    /// The ice's gradients for a radius, made anew when the last ones were for quite another.
    fn ice(&mut self, context: &CanvasRenderingContext2d, radius: f64) -> Option<&ice::Gradients> {
        if self.ice.as_ref().is_none_or(|(made_for, _)| (made_for - radius).abs() > 2.0) {
            self.ice = ice::gradients(context, radius).map(|gradients| (radius, gradients));
        }
        self.ice.as_ref().map(|(_, gradients)| gradients)
    }

    /// The next picture does not glide from the last one.
    pub fn cut(&mut self) {
        self.camera.cut();
    }
}

/// Where a disc is drawn.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    disc: &'a Disc,
    place: Place,
    /// Units a tick.
    speed: Place,
}

/// Draws only the void: there is no world yet.
pub fn draw_void(context: &CanvasRenderingContext2d, brushes: &mut Brushes, frame: &Frame) {
    backdrop::draw(context, brushes, frame, Place::default());
}

/// Draws a scene over the whole canvas.
pub fn draw(
    context: &CanvasRenderingContext2d,
    brushes: &mut Brushes,
    frame: &Frame,
    scene: &Scene,
) {
    let world = scene.world;
    let mut discs = seen_discs(scene);
    if !frame.is_calm {
        for seen in discs.iter_mut().filter(|seen| seen.disc.is_standing()) {
            seen.place = seen.place.plus(scene.effects.hold(seen.disc.slot, scene.at));
        }
    }
    let followed = scene.follow.and_then(|slot| discs.iter().find(|seen| seen.disc.slot == slot));
    let follow = followed.map(|seen| seen.place);
    let radius_whole = units(world.mode.platform_radius());
    let radius = ice::radius_at(world, scene.at);
    let aim = Aim { width: frame.width, height: frame.height, radius_whole, radius, follow };
    let mut view = brushes.camera.look(aim, frame.passed_ms, !frame.is_calm);
    // On wide ice somebody falls all the time, mostly far away.
    let is_wide = is_wide(radius_whole);
    if !frame.is_calm && !is_wide {
        view.middle = view.middle.plus(scene.effects.shake(scene.at));
    }

    discs.retain(|seen| view.shows(seen.place, REACH, (frame.width, frame.height)));

    backdrop::draw(context, brushes, frame, view.middle);
    look_through(context, frame, view);
    ice::draw_falling_shards(context, world, scene.at);
    discs::draw_falling(context, &discs, scene, true);
    ice::draw(context, brushes, world, radius, scene.at);
    if is_wide {
        ice::draw_near_scratches(context, view, frame, radius);
    }
    pickups::draw(context, world, scene.at, frame);
    effects::draw_below(context, scene);
    if view.is_far() {
        discs::draw_dots(context, &discs, view);
    } else {
        discs::draw_standing(context, &discs, scene, frame);
    }
    pulses::draw(context, scene);
    discs::draw_falling(context, &discs, scene, false);
    effects::draw_above(context, scene);
    reset(context, frame);
    labels::draw(context, &discs, scene, frame, view);
}

/// Every disc at the needle's place, between its last two.
fn seen_discs<'a>(scene: &Scene<'a>) -> Vec<Seen<'a>> {
    let part = glide(scene);
    let seen = |disc: &'a Disc| {
        let there = Place::of(disc.position);
        let before = scene.previous.and_then(|world| world.disc(disc.slot));
        let before = before.filter(|before| before.is_standing() && disc.is_standing());
        let place = before
            .map(|before| Place::of(before.position))
            .filter(|before| there.minus(*before).length() < GLIDE_MAX)
            .map_or(there, |before| before.towards(there, part));
        Seen { disc, place, speed: Place::of(disc.velocity) }
    };
    scene.world.discs.iter().map(seen).collect()
}

/// How far the needle is between the previous world (0) and the world (1).
fn glide(scene: &Scene) -> f64 {
    let Some(previous) = scene.previous else { return 1.0 };
    share_between(previous.elapsed(), scene.world.elapsed(), scene.at)
}

/// From here on, units of the world.
fn look_through(context: &CanvasRenderingContext2d, frame: &Frame, view: View) {
    let scale = view.scale * frame.density;
    let x = frame.width * frame.density / 2.0 - view.middle.x * scale;
    let y = frame.height * frame.density / 2.0 - view.middle.y * scale;
    context.set_transform(scale, 0.0, 0.0, scale, x, y).ok();
}

/// From here on, CSS pixels.
fn reset(context: &CanvasRenderingContext2d, frame: &Frame) {
    context.set_transform(frame.density, 0.0, 0.0, frame.density, 0.0, 0.0).ok();
    context.set_global_alpha(1.0);
}

/// Begins a path that is one circle.
fn circle(context: &CanvasRenderingContext2d, middle: Place, radius: f64) {
    context.begin_path();
    context.arc(middle.x, middle.y, radius.max(0.0), 0.0, TAU).ok();
}

/// Fills a circle.
fn fill_circle(context: &CanvasRenderingContext2d, middle: Place, radius: f64, colour: &str) {
    circle(context, middle, radius);
    context.set_fill_style_str(colour);
    context.fill();
}

/// Strokes a circle.
fn ring(
    context: &CanvasRenderingContext2d,
    middle: Place,
    radius: f64,
    colour: &str,
    line_width: f64,
) {
    circle(context, middle, radius);
    context.set_stroke_style_str(colour);
    context.set_line_width(line_width);
    context.stroke();
}
