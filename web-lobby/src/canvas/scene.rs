//! What a picture shows: a moment of a match, and where its discs are drawn.

use presentation::playhead::share_between;
use shared::sim::disc::Disc;
use shared::sim::{Slot, World};
use shared::snapshot::Roster;

use super::effects::Effects;
use super::point::Point;

/// Farther than this in one frame, in units, is no movement but a respawn.
const GLIDE_MAX: f64 = 80.0;

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

/// Where a disc is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnDisc<'a> {
    pub(super) disc: &'a Disc,
    pub(super) place: Point,
    /// Units a tick.
    pub(super) speed: Point,
}

/// Every disc at the needle's place, between its last two.
pub(super) fn drawn_discs<'a>(scene: &Scene<'a>) -> Vec<DrawnDisc<'a>> {
    let part = glide(scene);
    let seen = |disc: &'a Disc| {
        let there = Point::from_world(disc.position);
        let before = scene.previous.and_then(|world| world.disc(disc.slot));
        let before = before.filter(|before| before.is_standing() && disc.is_standing());
        let place = before
            .map(|before| Point::from_world(before.position))
            .filter(|before| there.minus(*before).length() < GLIDE_MAX)
            .map_or(there, |before| before.towards(there, part));
        DrawnDisc { disc, place, speed: Point::from_world(disc.velocity) }
    };
    scene.world.discs.iter().map(seen).collect()
}

/// How far the needle is between the previous world (0) and the world (1).
fn glide(scene: &Scene) -> f64 {
    let Some(previous) = scene.previous else { return 1.0 };
    share_between(previous.elapsed(), scene.world.elapsed(), scene.at)
}
