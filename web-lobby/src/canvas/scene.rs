//! What a picture shows: a moment of a match, and where its discs are drawn.

use presentation::playhead::share_between;
use shared::sim::disc::Disc;
use shared::sim::{Slot, World};
use shared::snapshot::Roster;

use super::effects::Effects;
use super::point::Point;

/// A disc that moves farther than this between two worlds has respawned, in units.
const MOVE_UNITS_MAX: f64 = 80.0;

/// A moment of a match.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The world at or after the playhead.
    pub world: &'a World,
    /// The world before the playhead, to interpolate between the two.
    pub previous: Option<&'a World>,
    /// The playhead, in ticks since the round began.
    pub at: f64,
    pub roster: &'a Roster,
    pub effects: &'a Effects,
    /// The player that the camera follows.
    pub follow: Option<Slot>,
}

/// One frame of the browser: size, time and pointer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// In CSS pixels.
    pub width: f64,
    pub height: f64,
    /// Device pixels for each CSS pixel.
    pub density: f64,
    /// The time, and the time since the last frame, in milliseconds.
    pub now_ms: f64,
    pub passed_ms: f64,
    /// The pointer, in CSS pixels. `None` while it is elsewhere.
    pub pointer: Option<(f64, f64)>,
    /// The visitor asked for less motion: nothing drifts, glides or trembles.
    pub is_calm: bool,
}

/// A disc and the position where it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnDisc<'a> {
    pub(super) disc: &'a Disc,
    pub(super) place: Point,
    /// Units a tick.
    pub(super) speed: Point,
}

/// All discs at the playhead, interpolated between the two worlds.
pub(super) fn drawn_discs<'a>(scene: &Scene<'a>) -> Vec<DrawnDisc<'a>> {
    let part = share(scene);
    let seen = |disc: &'a Disc| {
        let there = Point::from_world(disc.position);
        let before = scene.previous.and_then(|world| world.disc(disc.slot));
        let before = before.filter(|before| before.is_standing() && disc.is_standing());
        let place = before
            .map(|before| Point::from_world(before.position))
            .filter(|before| there.minus(*before).length() < MOVE_UNITS_MAX)
            .map_or(there, |before| before.towards(there, part));
        DrawnDisc { disc, place, speed: Point::from_world(disc.velocity) }
    };
    scene.world.discs.iter().map(seen).collect()
}

/// The playhead between the previous world (0) and the world (1).
fn share(scene: &Scene) -> f64 {
    let Some(previous) = scene.previous else { return 1.0 };
    share_between(previous.elapsed(), scene.world.elapsed(), scene.at)
}
