//! Hides corrections: what is drawn slides to where the simulation already is. The simulation itself is never bent.

use shared::sim::disc::RADIUS;
use shared::sim::fixed::{SUBUNITS, Vec2};
use shared::sim::{Slot, World};

/// Half of a difference is gone after so many seconds.
const HALF_LIFE_SECONDS: f32 = 0.06;
/// Farther than so many radii, a disc is put where it is: a slide would be a lie.
const SLIDE_RADII_MAX: f32 = 5.0;
/// A difference below so many units cannot be seen.
const INVISIBLE_UNITS: f32 = 0.05;

/// How far discs are drawn from where they are, in units, y down. Of a crowd, a few at any moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offsets {
    /// Those that are drawn elsewhere, in the order of their slots.
    of: Vec<(Slot, [f32; 2])>,
}

impl Offsets {
    /// A disc's place moved by `way` (old minus new): it is drawn where it was.
    pub fn add(&mut self, slot: Slot, way: Vec2) {
        let [x, y] = self.of(slot);
        let offset = [x + units(way.x), y + units(way.y)];
        self.clear(slot);
        if length(offset) <= SLIDE_RADII_MAX * units(RADIUS)
            && let Err(place) = self.place_of(slot)
        {
            self.of.insert(place, (slot, offset));
        }
    }

    /// A disc appeared somewhere else (a respawn): nothing to hide.
    pub fn clear(&mut self, slot: Slot) {
        if let Ok(place) = self.place_of(slot) {
            self.of.remove(place);
        }
    }

    /// Forgets those who are not there any more: where they come back, they are.
    pub fn keep_those_in(&mut self, world: &World) {
        self.of.retain(|(slot, _)| world.disc(*slot).is_some());
    }

    /// Lets time pass.
    pub fn decay(&mut self, seconds: f32) {
        let left = 0.5_f32.powf(seconds / HALF_LIFE_SECONDS);
        self.of.retain_mut(|(_, offset)| {
            *offset = [offset[0] * left, offset[1] * left];
            length(*offset) >= INVISIBLE_UNITS
        });
    }

    /// How far a disc is drawn from where it is, in units, y down.
    #[must_use]
    pub fn of(&self, slot: Slot) -> [f32; 2] {
        self.place_of(slot).map_or([0.0; 2], |place| self.of[place].1)
    }

    fn place_of(&self, slot: Slot) -> Result<usize, usize> {
        self.of.binary_search_by_key(&slot, |(slot, _)| *slot)
    }
}

fn length(offset: [f32; 2]) -> f32 {
    offset[0].hypot(offset[1])
}

#[expect(clippy::cast_precision_loss, reason = "coordinates have at most 17 bits")]
fn units(subunits: i32) -> f32 {
    subunits as f32 / SUBUNITS as f32
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::{Vec2, units};
    use shared::sim::{Command, Mode, Slot, World};

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

    #[test]
    fn each_of_a_crowd_has_its_own_and_who_leaves_has_none_on_coming_back() {
        let mut world = World::new(Mode::Crowd, 1, 3_600);
        world.step(&[3, 19, 1_019].map(|slot| Command::Join { slot: Slot(slot), team: 0 }));
        let mut offsets = Offsets::default();

        for (slot, way) in [(1_019, 7), (3, 5), (19, 6)] {
            offsets.add(Slot(slot), Vec2::new(units(way), 0));
        }
        let all = [3, 19, 1_019].map(|slot| offsets.of(Slot(slot))[0]);
        world.step(&[Command::Leave { slot: Slot(19) }]);
        offsets.keep_those_in(&world);

        assert_eq!(all, [5.0, 6.0, 7.0]);
        assert_eq!([3, 19, 1_019].map(|slot| offsets.of(Slot(slot))[0]), [5.0, 0.0, 7.0]);
    }
}
