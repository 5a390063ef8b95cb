//! Pickups: how they appear, and their effect on the disc that takes one.

use super::disc::{self, Disc, EFFECT_TICKS};
use super::event::{Event, PickupKind};
use super::fixed::{Angle, Vec2, units};
use super::platform;
use super::rng::Rng;

/// Radius of a pickup, in sub-units.
pub const RADIUS: i32 = units(16);
/// Strain that Mend takes away, in percent.
pub const MEND_STRAIN: u16 = 50;

/// A pickup that lies on the ice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pickup {
    /// Its effect.
    pub kind: PickupKind,
    /// The centre, in sub-units.
    pub position: Vec2,
}

/// Places a random pickup on the inner part of the ice, unless `max` lie there.
pub(super) fn spawn(
    pickups: &mut Vec<Pickup>,
    max: usize,
    radius: i32,
    rng: &mut Rng,
    events: &mut Vec<Event>,
) {
    if pickups.len() >= max {
        return;
    }
    let kind = PickupKind::ALL[rng.below(3) as usize];
    let position = random_position(rng, radius, 15, 80);
    pickups.push(Pickup { kind, position });
    events.push(Event::PickupSpawned { kind, at: position });
}

/// A random position at a distance between two percentages of the radius from the centre.
pub(super) fn random_position(
    rng: &mut Rng,
    radius: i32,
    from_percent: i32,
    to_percent: i32,
) -> Vec2 {
    let steps = rng.below(u32::from(Angle::TURN));
    let percent = rng.between(from_percent, to_percent);
    let angle = Angle::from_steps(u16::try_from(steps).unwrap_or(0));
    angle.vector(radius / 100 * percent)
}

/// Gives each pickup to the lowest slot that touches it, and removes those that are no longer on the ice.
pub(super) fn collect(
    pickups: &mut Vec<Pickup>,
    discs: &mut [Disc],
    radius: i32,
    events: &mut Vec<Event>,
) {
    let reach = i64::from(disc::RADIUS + RADIUS);
    pickups.retain(|pickup| {
        let taker = discs.iter_mut().find(|disc| {
            disc.is_standing()
                && (disc.position - pickup.position).length_squared() <= reach * reach
        });
        if let Some(disc) = taker {
            take(disc, pickup.kind);
            events.push(Event::PickupTaken {
                slot: disc.slot,
                kind: pickup.kind,
                at: pickup.position,
            });
            return false;
        }
        platform::holds(radius, pickup.position)
    });
}

fn take(disc: &mut Disc, kind: PickupKind) {
    match kind {
        PickupKind::Heavy => disc.heavy = EFFECT_TICKS,
        PickupKind::Overcharge => disc.overcharge = EFFECT_TICKS,
        PickupKind::Mend => disc.strain = disc.strain.saturating_sub(MEND_STRAIN),
    }
}
