//! How discs look besides what the world says: what squashes, slides, trails and falls, and who has just come into sight.

use std::collections::VecDeque;

use bevy::math::Vec2;
use bevy::prelude::Resource;
use shared::sim::Slot;

use crate::space::{Drawn, DrawnDisc};

/// A hit holds what it hit for so long. Only the picture stands still.
const HOLD_SECONDS: f32 = 0.04;
/// Half of a squash is gone after so many seconds.
const SQUASH_SECONDS: f32 = 0.055;
/// Seconds between two places of a trail.
const TRAIL_SECONDS: f32 = 0.016;
/// A fall takes so long.
pub(super) const FALL_SECONDS: f32 = 0.6;
/// Places kept for a trail.
pub(super) const TRAIL_PLACES: usize = 9;
/// Radius of a disc, in units.
pub(super) const RADIUS: f32 = 24.0;
/// Who comes into sight in a crowd is there after so many seconds.
const ENTER_SECONDS: f32 = 0.18;

/// How one disc looks besides what the world says.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// It stands still in the picture for so long…
    hold: f32,
    /// …here.
    held_at: Vec2,
    /// How far it is drawn from where it is, after a hold or a recoil.
    slide: Vec2,
    pub(super) squash: f32,
    pub(super) squash_turn: f32,
    pub(super) flash: f32,
    pub(super) trail: VecDeque<Vec2>,
    trail_due: f32,
    last: Option<Vec2>,
    velocity: Vec2,
    pub(super) fall: Option<Fall>,
    pub(super) strain: f32,
    /// From 0 to 1: it has come into sight a moment ago.
    pub(super) presence: f32,
    /// The picture in which it was there last.
    picture: u32,
}

/// A disc on its way down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fall {
    pub(super) place: Vec2,
    velocity: Vec2,
    pub(super) age: f32,
}

/// How all discs look.
#[derive(Debug, Default, Resource)]
pub(super) struct Looks {
    /// By slot; no longer than the highest that was seen.
    of: Vec<Look>,
    act: u32,
    /// Counts pictures.
    picture: u32,
    /// Frames are shorter than a hold: otherwise it would only look like a stutter.
    is_fluent: bool,
}

impl Looks {
    /// Lets time pass for who is there, on the stage and on the screen. Who was not there in the last picture has no
    /// past: no trail leads to it, and it does not fall.
    pub(super) fn follow(&mut self, drawn: &Drawn, act: u32, seconds: f32, real_seconds: f32) {
        self.is_fluent = real_seconds < HOLD_SECONDS;
        let begins = self.act != act;
        if begins {
            self.act = act;
            self.of.clear();
        }
        let before = self.picture;
        self.picture = self.picture.wrapping_add(1);
        for disc in &drawn.discs {
            let place = usize::from(disc.slot.0);
            if place >= self.of.len() {
                self.of.resize(place + 1, Look::default());
            }
            let look = &mut self.of[place];
            if look.picture != before || before == 0 {
                let presence = if drawn.is_partial && !begins { 0.0 } else { 1.0 };
                *look = Look { presence, ..Look::default() };
            }
            look.picture = self.picture;
            look.presence = (look.presence + real_seconds / ENTER_SECONDS).min(1.0);
            pass(look, seconds);
            move_look(look, disc, seconds);
        }
    }

    pub(super) fn of(&self, slot: Slot) -> Option<&Look> {
        self.of.get(usize::from(slot.0))
    }

    fn of_mut(&mut self, slot: Slot) -> Option<&mut Look> {
        self.of.get_mut(usize::from(slot.0))
    }

    /// A disc was hit along `way`: it holds, squashes by `amount` and flashes. A negative amount stretches it.
    pub(super) fn hit(&mut self, slot: Slot, way: Vec2, amount: f32) {
        let holds = self.is_fluent;
        let Some(look) = self.of_mut(slot) else { return };
        if let Some(last) = look.last
            && holds
            && amount > 0.0
            && look.hold <= 0.0
        {
            look.hold = HOLD_SECONDS;
            look.held_at = last;
        }
        look.squash = amount;
        look.squash_turn = way.to_angle();
        look.flash = look.flash.max(amount.abs() * 2.2).min(0.9);
    }

    /// A disc jerks by `way` and slides back.
    pub(super) fn recoil(&mut self, slot: Slot, way: Vec2) {
        if let Some(look) = self.of_mut(slot) {
            look.slide += way;
        }
    }
}

/// Lets time pass for a look.
fn pass(look: &mut Look, seconds: f32) {
    look.hold -= seconds;
    let left = 0.5_f32.powf(seconds / SQUASH_SECONDS);
    look.squash *= left;
    look.slide *= left;
    look.flash = (look.flash - seconds * 5.0).max(0.0);
    if let Some(fall) = &mut look.fall {
        fall.age += seconds;
        fall.velocity *= 0.5_f32.powf(seconds / 0.4);
        fall.place += fall.velocity * seconds;
        if fall.age > FALL_SECONDS {
            look.fall = None;
        }
    }
}

/// Follows a disc: holds, falls and trails begin and end here.
fn move_look(look: &mut Look, disc: &DrawnDisc, seconds: f32) {
    let was_held = look.hold + seconds > 0.0 && look.hold <= 0.0;
    if was_held {
        // From where it stood still, it slides to where it is.
        look.slide += (look.held_at - disc.position).clamp_length_max(RADIUS * 1.5);
    }
    match (disc.standing, look.last) {
        (false, Some(last)) => {
            look.fall = Some(Fall { place: last, velocity: look.velocity, age: 0.0 });
            look.last = None;
            look.trail.clear();
            (look.hold, look.slide) = (0.0, Vec2::ZERO);
        }
        (true, _) => {
            look.fall = None;
            look.last = Some(place_of(look, disc));
            look.velocity = disc.velocity;
            look.trail_due -= seconds;
            if look.trail_due <= 0.0 {
                look.trail_due = TRAIL_SECONDS;
                look.trail.push_front(disc.position);
                look.trail.truncate(TRAIL_PLACES);
            }
        }
        (false, None) => {}
    }
    look.strain += (disc.strain - look.strain) * (seconds * 10.0).min(1.0);
}

/// Where a disc is drawn.
pub(super) fn place_of(look: &Look, disc: &DrawnDisc) -> Vec2 {
    if look.hold > 0.0 { look.held_at } else { disc.position + look.slide }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::fixed::{self, units};
    use shared::sim::{Command, Mode, Slot, Stance, World};

    use super::Looks;
    use crate::prediction::Offsets;
    use crate::space::Drawn;

    const FRAME: f32 = 1.0 / 60.0;
    const WHO: Slot = Slot(1_000);

    /// What a player of a crowd is told.
    fn crowd(who: &[(u16, i32)]) -> World {
        let mut world = World::new(Mode::Crowd, 0, 3_600);
        for (slot, x) in who {
            world.step(&[Command::Join { slot: Slot(*slot), team: 0 }]);
            let disc = world.discs.last_mut().expect("it came");
            (disc.position, disc.stance) = (fixed::Vec2::new(units(*x), 0), Stance::Standing);
            disc.velocity = fixed::Vec2::new(units(9), 0);
        }
        world
    }

    fn show(looks: &mut Looks, world: &World) {
        let drawn = Drawn::between(world, world, 1.0, &Offsets::default());
        looks.follow(&drawn, 1, FRAME, FRAME);
    }

    #[test]
    fn who_comes_into_sight_again_has_no_past() {
        let mut looks = Looks::default();
        show(&mut looks, &crowd(&[(3, 0), (WHO.0, 700)]));
        (0..20).for_each(|_| show(&mut looks, &crowd(&[(3, 0), (WHO.0, 700)])));
        assert!(looks.of(WHO).is_some_and(|look| look.presence >= 1.0 && look.trail.len() > 3));

        show(&mut looks, &crowd(&[(3, 0)]));
        show(&mut looks, &crowd(&[(3, 0), (WHO.0, -700)]));

        let look = looks.of(WHO).expect("it is there");
        assert_eq!(Vec::from(look.trail.clone()), [Vec2::new(-700.0, 0.0)]);
        assert!(look.fall.is_none() && look.presence < 0.2);
    }

    #[test]
    fn who_is_out_when_it_comes_into_sight_does_not_fall_again() {
        let mut looks = Looks::default();
        show(&mut looks, &crowd(&[(3, 0)]));
        let mut world = crowd(&[(3, 0), (WHO.0, 700)]);
        world.discs[1].stance = Stance::Out { ticks_left: 40 };

        show(&mut looks, &world);
        assert!(looks.of(WHO).is_some_and(|look| look.fall.is_none()));

        world.discs[0].stance = Stance::Out { ticks_left: 90 };
        show(&mut looks, &world);
        assert!(looks.of(Slot(3)).is_some_and(|look| look.fall.is_some()));
    }
}
