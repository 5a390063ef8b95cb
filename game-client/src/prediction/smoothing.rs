//! Hides corrections: what is drawn slides to where the simulation already is. The simulation itself is never bent.

use shared::sim::Slot;
use shared::sim::disc::RADIUS;
use shared::sim::fixed::{SUBUNITS, Vec2};
use shared::sim::mode::SEATS_MAX;

/// Half of a difference is gone after so many seconds.
const HALF_LIFE_SECONDS: f32 = 0.06;
/// Farther than so many radii, a disc is put where it is: a slide would be a lie.
const SLIDE_RADII_MAX: f32 = 5.0;
/// A difference below so many units cannot be seen.
const INVISIBLE_UNITS: f32 = 0.05;

/// How far each disc is drawn from where it is, in units, y down.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Offsets {
    of: [[f32; 2]; SEATS_MAX],
}

impl Offsets {
    /// A disc's place moved by `way` (old minus new): it is drawn where it was.
    pub fn add(&mut self, slot: Slot, way: Vec2) {
        let Some(offset) = self.of.get_mut(usize::from(slot.0)) else { return };
        offset[0] += units(way.x);
        offset[1] += units(way.y);
        if offset[0].hypot(offset[1]) > SLIDE_RADII_MAX * units(RADIUS) {
            *offset = [0.0; 2];
        }
    }

    /// A disc appeared somewhere else (a respawn): nothing to hide.
    pub fn clear(&mut self, slot: Slot) {
        if let Some(offset) = self.of.get_mut(usize::from(slot.0)) {
            *offset = [0.0; 2];
        }
    }

    /// Lets time pass.
    pub fn decay(&mut self, seconds: f32) {
        let left = 0.5_f32.powf(seconds / HALF_LIFE_SECONDS);
        for offset in &mut self.of {
            *offset = [offset[0] * left, offset[1] * left];
            if offset[0].hypot(offset[1]) < INVISIBLE_UNITS {
                *offset = [0.0; 2];
            }
        }
    }

    /// How far a disc is drawn from where it is, in units, y down.
    #[must_use]
    pub fn of(&self, slot: Slot) -> [f32; 2] {
        self.of.get(usize::from(slot.0)).copied().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "coordinates have at most 17 bits")]
fn units(subunits: i32) -> f32 {
    subunits as f32 / SUBUNITS as f32
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;
    use shared::sim::fixed::{Vec2, units};

    use super::Offsets;

    #[test]
    fn a_small_correction_slides_and_is_gone_soon() {
        let mut offsets = Offsets::default();

        offsets.add(Slot(2), Vec2::new(units(10), units(-4)));
        let at_once = offsets.of(Slot(2));
        offsets.decay(0.06);
        let later = offsets.of(Slot(2));
        offsets.decay(1.0);

        assert_eq!(at_once, [10.0, -4.0]);
        assert_eq!(later, [5.0, -2.0]);
        assert_eq!(offsets.of(Slot(2)), [0.0; 2]);
    }

    #[test]
    fn a_large_one_is_not_hidden() {
        let mut offsets = Offsets::default();

        offsets.add(Slot(0), Vec2::new(units(400), 0));

        assert_eq!(offsets.of(Slot(0)), [0.0; 2]);
    }
}
