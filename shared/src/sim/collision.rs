//! Collisions of discs: equal and opposite impulses along the line between the centres.

use super::disc::{DASH_FORCE_TICKS, Disc, RADIUS, SPEED_MAX, STRAIN_MAX};
use super::event::{Event, PushKind};
use super::fixed::{Vec2, narrow, units};
use super::grid::Grid;
use super::movement::DASH_COOLDOWN_TICKS;
use super::push::{are_foes, credit, strained};

/// The part of the closing speed that comes back, in percent.
pub const RESTITUTION_PERCENT: i64 = 80;
/// The least closing speed of a bump, in sub-units a tick. A slower touch gives no credit, strain or event.
pub const BUMP_SPEED_MIN: i32 = 96;
/// Closing speed, in sub-units a tick, for which a bump adds one percent of strain.
pub const BUMP_SPEED_PER_STRAIN: i32 = 128;

/// Side of the cells of the grid for a crowd, as a power of two: 4,096 sub-units, 64 units.
pub(super) const CELL_SHIFT: u32 = 12;

/// Separates each pair of discs that overlaps and lets it bounce. The order of the pairs is that of their slots.
pub(super) fn resolve(discs: &mut [Disc], teams: bool, events: &mut Vec<Event>) {
    for second in 1..discs.len() {
        let (before, rest) = discs.split_at_mut(second);
        let b = &mut rest[0];
        for a in before.iter_mut().filter(|a| a.is_standing()) {
            if b.is_standing() {
                collide(a, b, teams, events);
            }
        }
    }
}

/// The same for a crowd. Only pairs that were near each other before any pair was separated are examined: a disc that
/// separation moves farther than [`SLACK`] collides in the next tick.
pub(super) fn resolve_crowd(discs: &mut [Disc], teams: bool, events: &mut Vec<Event>) {
    const SLACK: i32 = units(12);
    let reach = Vec2::new(2 * RADIUS + SLACK, 2 * RADIUS + SLACK);
    let grid = Grid::new(discs.iter().map(|disc| disc.position), CELL_SHIFT);
    let mut near = Vec::new();
    for second in 1..discs.len() {
        if !discs[second].is_standing() {
            continue;
        }
        near.clear();
        near.extend(grid.near(discs[second].position, reach).filter(|first| *first < second));
        near.sort_unstable();
        let (before, rest) = discs.split_at_mut(second);
        for first in &near {
            if before[*first].is_standing() {
                collide(&mut before[*first], &mut rest[0], teams, events);
            }
        }
    }
}

fn collide(a: &mut Disc, b: &mut Disc, teams: bool, events: &mut Vec<Event>) {
    let offset = b.position - a.position;
    let touching = i64::from(2 * RADIUS);
    if offset.length_squared() >= touching * touching {
        return;
    }
    let distance = offset.length();
    let normal = offset.with_length(RADIUS);
    separate(a, b, normal, 2 * RADIUS - distance);

    let closing = narrow((a.velocity - b.velocity).dot(normal) / i64::from(RADIUS));
    if closing <= 0 {
        return;
    }
    bounce(a, b, normal, closing);
    if closing >= BUMP_SPEED_MIN {
        let (a_kind, b_kind) = (bump_kind(a), bump_kind(b));
        strain(a, closing);
        strain(b, closing);
        // A bump by a teammate keeps the credit of the foe who pushed before.
        if are_foes(a, b, teams) {
            credit(a, b.slot, b_kind);
            credit(b, a.slot, a_kind);
        }
        let at = a.position + normal;
        events.push(Event::Bump { a: a.slot, b: b.slot, speed: closing, at });
    }
}

/// Moves both discs apart until they touch, the lighter one farther.
fn separate(a: &mut Disc, b: &mut Disc, normal: Vec2, overlap: i32) {
    let masses = a.mass() + b.mass();
    a.position -= normal.scale(overlap * b.mass() / masses, RADIUS);
    b.position += normal.scale(overlap * a.mass() / masses, RADIUS);
}

/// Exchanges the closing speed. Strain makes a disc bounce farther, unless it is protected.
fn bounce(a: &mut Disc, b: &mut Disc, normal: Vec2, closing: i32) {
    let masses = i64::from(a.mass() + b.mass());
    let exchanged = i64::from(closing) * (100 + RESTITUTION_PERCENT) / 100;
    let share = |other: &Disc, own: &Disc| {
        let speed = narrow(exchanged * i64::from(other.mass()) / masses);
        if own.protection > 0 { speed } else { strained(speed, own.strain / 2) }
    };
    let (of_a, of_b) = (share(b, a), share(a, b));
    a.velocity = (a.velocity - normal.with_length(of_a)).clamp_length(SPEED_MAX);
    b.velocity = (b.velocity + normal.with_length(of_b)).clamp_length(SPEED_MAX);
}

fn strain(disc: &mut Disc, closing: i32) {
    if disc.protection == 0 {
        let more = u16::try_from(closing / BUMP_SPEED_PER_STRAIN).unwrap_or(STRAIN_MAX);
        disc.strain = (disc.strain + more.min(STRAIN_MAX)).min(STRAIN_MAX);
    }
}

fn bump_kind(by: &Disc) -> PushKind {
    if by.dash_cooldown + DASH_FORCE_TICKS > DASH_COOLDOWN_TICKS {
        PushKind::Dash
    } else {
        PushKind::Bump
    }
}
