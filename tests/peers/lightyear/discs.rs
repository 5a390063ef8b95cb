//! Sixteen discs on ice, in integers: the part of Pushback's rules that moves every disc in every tick, as
//! `tests/peers/colyseus/discs.mjs` has it.
//!
//! A step takes about a microsecond, so the measurement is of the framework and not of this file. Pulses, shoves, dashes
//! and pick-ups are left out here, which makes this room cheaper; ours has them.

use std::f64::consts::TAU;

/// Steps in a second.
pub(crate) const TICK_RATE_HZ: u32 = 60;
/// Seats in a room.
pub(crate) const SEATS: usize = 16;

/// Lengths are in sub-units, speeds in sub-units a tick, as in `shared/src/sim`.
const UNIT: i32 = 64;
const PLATFORM_RADIUS: i32 = 480 * UNIT;
const HOME_RADIUS: i32 = 320 * UNIT;
const RADIUS: i32 = 24 * UNIT;
const SPEED_MAX: i32 = 16 * UNIT;
const FRICTION_DIVISOR: i32 = 48;
const STRAIN_MAX: i32 = 150;
const BUMP_SPEED_MIN: i32 = 96;
const BUMP_SPEED_PER_STRAIN: i32 = 128;
const POINTS_MAX: i32 = 999;

// Replicated values have two bytes: see `protocol`. After a step no disc is over the edge.
const _: () = assert!(PLATFORM_RADIUS <= i16::MAX as i32);

/// Directions of thrust, eight sub-units a tick long. An input says 0 for none, else the direction plus one.
const THRUSTS: [(i32, i32); 16] = [
    (8, 0),
    (7, 3),
    (6, 6),
    (3, 7),
    (0, 8),
    (-3, 7),
    (-6, 6),
    (-7, 3),
    (-8, 0),
    (-7, -3),
    (-6, -6),
    (-3, -7),
    (0, -8),
    (3, -7),
    (6, -6),
    (7, -3),
];

/// A player's disc and score.
#[derive(Debug, Clone)]
pub(crate) struct Disc {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) vx: i32,
    pub(crate) vy: i32,
    /// The aim, which has no effect here.
    pub(crate) angle: u16,
    /// The thrust of the newest input.
    pub(crate) thrust: u8,
    pub(crate) strain: i32,
    pub(crate) points: i32,
    /// The seat of the disc that bumped it last.
    bumped_by: Option<usize>,
}

impl Disc {
    /// A disc that enters, on a circle around the middle.
    pub(crate) fn entering(seat: usize) -> Self {
        let angle = seat as f64 / SEATS as f64 * TAU;
        let on_circle = |part: f64| (part * f64::from(HOME_RADIUS)).round() as i32;
        let home = (on_circle(angle.cos()), on_circle(angle.sin()));
        Self {
            x: home.0,
            y: home.1,
            vx: 0,
            vy: 0,
            angle: 0,
            thrust: 0,
            strain: 0,
            points: 0,
            bumped_by: None,
        }
    }

    fn advance(&mut self) {
        let way = usize::from(self.thrust).checked_sub(1).and_then(|way| THRUSTS.get(way));
        let (x, y) = way.copied().unwrap_or_default();
        let (vx, vy) = (self.vx + x, self.vy + y);
        self.vx = clamp(vx - vx / FRICTION_DIVISOR, SPEED_MAX);
        self.vy = clamp(vy - vy / FRICTION_DIVISOR, SPEED_MAX);
        self.x += self.vx;
        self.y += self.vy;
    }

    fn push(&mut self, (vx, vy): (i32, i32)) {
        self.vx = clamp(self.vx + vx, SPEED_MAX);
        self.vy = clamp(self.vy + vy, SPEED_MAX);
    }

    fn bump(&mut self, by: usize, closing: i32) {
        self.strain = (self.strain + closing / BUMP_SPEED_PER_STRAIN).min(STRAIN_MAX);
        self.bumped_by = Some(by);
    }

    fn is_over_the_edge(&self) -> bool {
        self.x * self.x + self.y * self.y > PLATFORM_RADIUS * PLATFORM_RADIUS
    }
}

/// Moves all discs by one tick.
pub(crate) fn step(discs: &mut [Disc]) {
    discs.iter_mut().for_each(Disc::advance);
    for second in 1..discs.len() {
        for first in 0..second {
            meet(discs, first, second);
        }
    }
    for seat in 0..discs.len() {
        if discs[seat].is_over_the_edge() {
            fall(discs, seat);
        }
    }
}

/// Separates two overlapping discs and swaps their closing speeds.
fn meet(discs: &mut [Disc], first: usize, second: usize) {
    let [a, b] = [first, second].map(|seat| &discs[seat]);
    let (x, y) = (b.x - a.x, b.y - a.y);
    let squared = i64::from(x) * i64::from(x) + i64::from(y) * i64::from(y);
    if squared >= i64::from(4 * RADIUS * RADIUS) {
        return;
    }
    // At most two radii, as checked above.
    let distance = (squared.isqrt() as i32).max(1);
    let closing = ((a.vx - b.vx) * x + (a.vy - b.vy) * y) / distance;
    let overlap = (2 * RADIUS - distance) / 2;
    let apart = (x * overlap / distance, y * overlap / distance);
    for (seat, sign) in [(first, -1), (second, 1)] {
        discs[seat].x += sign * apart.0;
        discs[seat].y += sign * apart.1;
    }
    if closing <= 0 {
        return;
    }
    let swapped = (x * closing / distance, y * closing / distance);
    discs[first].push((-swapped.0, -swapped.1));
    discs[second].push(swapped);
    if closing >= BUMP_SPEED_MIN {
        discs[first].bump(second, closing);
        discs[second].bump(first, closing);
    }
}

/// Handles a fall: a point for the disc that bumped it last, and a respawn.
fn fall(discs: &mut [Disc], seat: usize) {
    if let Some(by) = discs[seat].bumped_by {
        discs[by].points = clamp(discs[by].points + 1, POINTS_MAX);
    }
    let fallen = &discs[seat];
    let points = clamp(fallen.points - 1, POINTS_MAX);
    let (angle, thrust) = (fallen.angle, fallen.thrust);
    discs[seat] = Disc { points, angle, thrust, ..Disc::entering(seat) };
}

fn clamp(value: i32, most: i32) -> i32 {
    value.clamp(-most, most)
}
