//! The stop of a hard hit: both discs stand for 40 ms, then slide to where they are by then.
//!
//! The world does not stop, so a disc is drawn where it came from: as far back along its new way as it has come since the
//! hit. That follows from the needle alone, so it is the same in slow motion and when played again.

use shared::sim::{Event, Slot, World};
use shared::tick::TICK_RATE_HZ;

use super::super::place::{Place, units};

/// 40 ms.
const STOP_TICKS: f64 = 0.040 * TICK_RATE_HZ as f64;
/// Then a disc makes up for it within so many ticks.
const SLIDE_TICKS: f64 = 7.0;
/// After so many ticks there is nothing left to see of it.
pub(super) const LIFE_TICKS: f64 = STOP_TICKS + SLIDE_TICKS;
/// However many hits follow each other, a disc is drawn at most so far from its place, in units.
const REACH_MAX: f64 = 36.0;
/// Discs that run into each other slower than this, in units a tick, do not stop.
const BUMP_SPEED_MIN: f64 = 5.0;

/// One disc that was hit, or hit another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Ticks since the round began.
    pub(super) born: f64,
    slot: Slot,
    /// After the hit, in units a tick.
    velocity: Place,
}

/// Whom an event stops.
pub(super) fn stops_of(world: &World, event: &Event, born: f64) -> impl Iterator<Item = Stop> {
    let slots = match event {
        Event::PulseHit { target, .. } => [Some(*target), None],
        Event::ShoveHit { by, target } => [Some(*by), Some(*target)],
        Event::Bump { a, b, speed, .. } if units(*speed) >= BUMP_SPEED_MIN => [Some(*a), Some(*b)],
        Event::Bump { .. }
        | Event::PulseFired { .. }
        | Event::Shove { .. }
        | Event::Dash { .. }
        | Event::KnockOut { .. }
        | Event::Respawn { .. }
        | Event::PickupSpawned { .. }
        | Event::PickupTaken { .. }
        | Event::LeadChange { .. }
        | Event::ShrinkBegins
        | Event::RoundOver => [None, None],
    };
    slots.into_iter().flatten().filter_map(move |slot| {
        let disc = world.disc(slot).filter(|disc| disc.is_standing())?;
        Some(Stop { born, slot, velocity: Place::of(disc.velocity) })
    })
}

/// How far from its place a disc is drawn.
pub(super) fn offset<'a>(stops: impl Iterator<Item = &'a Stop>, slot: Slot, at: f64) -> Place {
    let own = stops.filter(|stop| stop.slot == slot);
    let sum = own.fold(Place::default(), |sum, stop| {
        sum.minus(stop.velocity.times(ticks_behind(at - stop.born)))
    });
    let length = sum.length();
    if length > REACH_MAX { sum.times(REACH_MAX / length) } else { sum }
}

/// How many ticks a disc is behind itself, so many ticks after the hit.
fn ticks_behind(age: f64) -> f64 {
    if !(0.0..LIFE_TICKS).contains(&age) {
        return 0.0;
    }
    let left = 1.0 - (age - STOP_TICKS).max(0.0) / SLIDE_TICKS;
    age.min(STOP_TICKS) * left * left
}

#[cfg(test)]
mod tests {
    use super::{LIFE_TICKS, Place, REACH_MAX, STOP_TICKS, Slot, Stop, offset, ticks_behind};

    #[test]
    fn a_disc_stands_for_40_ms_and_catches_up() {
        let stop = Stop { born: 10.0, slot: Slot(1), velocity: Place::new(6.0, 0.0) };
        // A world in which it flies on from 100 at the hit.
        let drawn =
            |at: f64| 100.0 + 6.0 * (at - 10.0) + offset([&stop].into_iter(), Slot(1), at).x;

        for part in [0.0, 0.5, 1.0] {
            assert!((drawn(10.0 + STOP_TICKS * part) - 100.0).abs() < 1e-9, "{part}");
        }
        let path: Vec<f64> = (0..60).map(|step| drawn(10.0 + f64::from(step) * 0.2)).collect();
        assert!(path.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9), "never backwards: {path:?}");
        let end = 10.0 + LIFE_TICKS;
        assert!((drawn(end) - (100.0 + 6.0 * LIFE_TICKS)).abs() < 1e-9);
        assert!(offset([&stop].into_iter(), Slot(2), 11.0).length() < f64::EPSILON);
    }

    #[test]
    fn many_hits_do_not_tear_a_disc_from_its_place() {
        let stop = Stop { born: 0.0, slot: Slot(0), velocity: Place::new(0.0, 16.0) };

        let torn = offset([&stop; 5].into_iter(), Slot(0), STOP_TICKS).length();

        assert!((torn - REACH_MAX).abs() < 1e-9, "{torn}");
        assert!(ticks_behind(-1.0).abs() < f64::EPSILON);
    }
}
