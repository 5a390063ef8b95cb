//! Hit stop: after a hard hit both discs are drawn standing for 40 ms, then slide to their real positions.
//!
//! The world does not stop, so a disc is drawn behind its real position by the distance that it has moved since the
//! hit. That follows from the playhead alone, so it looks the same in slow motion and on every replay.

use shared::sim::{Event, Slot, World};
use shared::tick::TICK_RATE_HZ;

use super::super::point::{Point, units};

/// How long a disc stands: 40 ms.
const STOP_TICKS: f64 = 0.040 * TICK_RATE_HZ as f64;
/// How long it then takes to catch up, in ticks.
const SLIDE_TICKS: f64 = 7.0;
/// How long a hit stop can be seen, in ticks.
pub(super) const LIFE_TICKS: f64 = STOP_TICKS + SLIDE_TICKS;
/// The largest distance between the drawn and the real position, in units, however many hits follow each other.
const REACH_MAX: f64 = 36.0;
/// Bumps slower than this do not stop the discs, in units a tick.
const BUMP_SPEED_MIN: f64 = 5.0;

/// The hit stop of one disc.
#[derive(Debug, Clone, Copy)]
pub(super) struct HitStop {
    /// Ticks since the round began.
    pub(super) born: f64,
    slot: Slot,
    /// The velocity after the hit, in units a tick.
    velocity: Point,
}

/// The hit stops that an event causes.
pub(super) fn hit_stops_of(
    world: &World,
    event: &Event,
    born: f64,
) -> impl Iterator<Item = HitStop> {
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
        Some(HitStop { born, slot, velocity: Point::from_world(disc.velocity) })
    })
}

/// The distance of the drawn position from the real one.
pub(super) fn offset<'a>(stops: impl Iterator<Item = &'a HitStop>, slot: Slot, at: f64) -> Point {
    let own = stops.filter(|stop| stop.slot == slot);
    let sum = own.fold(Point::default(), |sum, stop| {
        sum.minus(stop.velocity.times(ticks_behind(at - stop.born)))
    });
    let length = sum.length();
    if length > REACH_MAX { sum.times(REACH_MAX / length) } else { sum }
}

/// By how many ticks the drawn position lags behind, `age` ticks after the hit.
fn ticks_behind(age: f64) -> f64 {
    if !(0.0..LIFE_TICKS).contains(&age) {
        return 0.0;
    }
    let left = 1.0 - (age - STOP_TICKS).max(0.0) / SLIDE_TICKS;
    age.min(STOP_TICKS) * left * left
}

#[cfg(test)]
mod tests {
    use super::{HitStop, LIFE_TICKS, Point, REACH_MAX, STOP_TICKS, Slot, offset, ticks_behind};

    #[test]
    fn a_disc_stands_for_40_ms_and_catches_up() {
        let stop = HitStop { born: 10.0, slot: Slot(1), velocity: Point::new(6.0, 0.0) };
        // The real position is 100 at the hit and moves on from there.
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
        let stop = HitStop { born: 0.0, slot: Slot(0), velocity: Point::new(0.0, 16.0) };

        let torn = offset([&stop; 5].into_iter(), Slot(0), STOP_TICKS).length();

        assert!((torn - REACH_MAX).abs() < 1e-9, "{torn}");
        assert!(ticks_behind(-1.0).abs() < f64::EPSILON);
    }
}
