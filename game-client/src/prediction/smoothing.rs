//! Smooths corrections: a corrected disc is drawn where it was and slides to where it is. The simulation is corrected at
//! once.

use shared::sim::disc::RADIUS;
use shared::sim::fixed::{SUBUNITS, Vec2};
use shared::sim::{Slot, World};

/// The time in which an offset halves.
const HALF_LIFE_SECONDS: f32 = 0.06;
/// A larger offset, in radii of a disc, is dropped: the disc jumps, because a slide that far would mislead.
const SLIDE_RADII_MAX: f32 = 5.0;
/// An offset below this is dropped: it cannot be seen.
const INVISIBLE_UNITS: f32 = 0.05;

/// How far discs are drawn from their positions, in units, y down. Most discs have no offset.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SmoothingOffsets {
    /// Only discs with an offset, in the order of their slots.
    of: Vec<(Slot, [f32; 2])>,
}

impl SmoothingOffsets {
    /// A correction moved a disc by `offset` (old minus new position, in sub-units): it is drawn where it was.
    pub(super) fn add(&mut self, slot: Slot, offset: Vec2) {
        let [x, y] = self.of(slot);
        let offset = [x + units(offset.x), y + units(offset.y)];
        self.clear(slot);
        if length(offset) <= SLIDE_RADII_MAX * units(RADIUS)
            && let Err(index) = self.index_of(slot)
        {
            self.of.insert(index, (slot, offset));
        }
    }

    /// Drops the offset of a disc: it appeared somewhere else, after a respawn for example.
    pub(super) fn clear(&mut self, slot: Slot) {
        if let Ok(index) = self.index_of(slot) {
            self.of.remove(index);
        }
    }

    /// Drops the offsets of discs that are not in this world.
    pub(super) fn retain_discs_of(&mut self, world: &World) {
        self.of.retain(|(slot, _)| world.disc(*slot).is_some());
    }

    /// Shrinks the offsets by the time that passed.
    pub(super) fn decay(&mut self, seconds: f32) {
        let left = 0.5_f32.powf(seconds / HALF_LIFE_SECONDS);
        self.of.retain_mut(|(_, offset)| {
            *offset = [offset[0] * left, offset[1] * left];
            length(*offset) >= INVISIBLE_UNITS
        });
    }

    /// How far a disc is drawn from its position, in units, y down.
    #[must_use]
    pub(super) fn of(&self, slot: Slot) -> [f32; 2] {
        self.index_of(slot).map_or([0.0; 2], |index| self.of[index].1)
    }

    fn index_of(&self, slot: Slot) -> Result<usize, usize> {
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

    use super::SmoothingOffsets;

    #[test]
    fn a_small_correction_slides_and_is_gone_soon() {
        let mut offsets = SmoothingOffsets::default();

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
        let mut offsets = SmoothingOffsets::default();

        offsets.add(Slot(0), Vec2::new(units(400), 0));

        assert_eq!(offsets.of(Slot(0)), [0.0; 2]);
    }

    #[test]
    fn each_disc_of_a_crowd_has_its_own_offset_and_a_disc_that_left_has_none() {
        let mut world = World::new(Mode::Crowd, 1, 3_600);
        world.step(&[3, 19, 1_019].map(|slot| Command::Join { slot: Slot(slot), team: 0 }));
        let mut offsets = SmoothingOffsets::default();

        for (slot, offset) in [(1_019, 7), (3, 5), (19, 6)] {
            offsets.add(Slot(slot), Vec2::new(units(offset), 0));
        }
        let all = [3, 19, 1_019].map(|slot| offsets.of(Slot(slot))[0]);
        world.step(&[Command::Leave { slot: Slot(19) }]);
        offsets.retain_discs_of(&world);

        assert_eq!(all, [5.0, 6.0, 7.0]);
        assert_eq!([3, 19, 1_019].map(|slot| offsets.of(Slot(slot))[0]), [5.0, 0.0, 7.0]);
    }
}
