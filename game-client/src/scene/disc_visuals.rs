//! What the picture adds to the discs: squash, recoil, trails, falls, and fading in.

use std::collections::VecDeque;

use bevy::math::Vec2;
use bevy::prelude::Resource;
use shared::sim::Slot;

use crate::world_to_scene::{SceneDisc, SceneWorld};

/// A disc that is hit stands still in the picture for this time. The world goes on.
const HOLD_SECONDS: f32 = 0.04;
/// The time in which a squash halves.
const SQUASH_SECONDS: f32 = 0.055;
/// The time between two positions of a trail.
const TRAIL_SECONDS: f32 = 0.016;
/// The duration of a fall.
pub(super) const FALL_SECONDS: f32 = 0.6;
/// The positions of a trail. When full, the oldest is dropped.
pub(super) const TRAIL_POSITIONS: usize = 9;
/// Radius of a disc, in units.
pub(super) const RADIUS: f32 = 24.0;
/// A disc that comes into sight in a crowd fades in within this time.
const ENTER_SECONDS: f32 = 0.18;

/// What the picture adds to one disc.
#[derive(Debug, Clone, Default)]
pub(super) struct DiscVisual {
    /// Seconds for which it stands still in the picture…
    hold: f32,
    /// …at this position.
    held_at: Vec2,
    /// How far it is drawn from its position, after a hold or a recoil.
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
    /// Opacity from 0 to 1. Below 1 while it fades in.
    pub(super) presence: f32,
    /// The frame in which it was seen last.
    frame: u32,
}

/// A disc that falls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fall {
    pub(super) position: Vec2,
    velocity: Vec2,
    pub(super) age: f32,
}

/// What the picture adds to all discs.
#[derive(Debug, Default, Resource)]
pub(super) struct DiscVisuals {
    /// By slot, up to the highest that was seen.
    of: Vec<DiscVisual>,
    generation: u32,
    /// The number of this frame.
    frame: u32,
    /// Whether frames are shorter than a hold. Otherwise a hold would look like a stutter.
    is_fluent: bool,
}

impl DiscVisuals {
    /// Advances by the seconds of the round and of the client. A disc that was not in the last frame starts without a past:
    /// without a trail and without a fall.
    pub(super) fn follow(
        &mut self,
        scene: &SceneWorld,
        generation: u32,
        seconds: f32,
        real_seconds: f32,
    ) {
        self.is_fluent = real_seconds < HOLD_SECONDS;
        let begins = self.generation != generation;
        if begins {
            self.generation = generation;
            self.of.clear();
        }
        let before = self.frame;
        self.frame = self.frame.wrapping_add(1);
        for disc in &scene.discs {
            let index = usize::from(disc.slot.0);
            if index >= self.of.len() {
                self.of.resize(index + 1, DiscVisual::default());
            }
            let visual = &mut self.of[index];
            if visual.frame != before || before == 0 {
                let presence = if scene.is_partial && !begins { 0.0 } else { 1.0 };
                *visual = DiscVisual { presence, ..DiscVisual::default() };
            }
            visual.frame = self.frame;
            visual.presence = (visual.presence + real_seconds / ENTER_SECONDS).min(1.0);
            advance(visual, seconds);
            follow_disc(visual, disc, seconds);
        }
    }

    pub(super) fn of(&self, slot: Slot) -> Option<&DiscVisual> {
        self.of.get(usize::from(slot.0))
    }

    fn of_mut(&mut self, slot: Slot) -> Option<&mut DiscVisual> {
        self.of.get_mut(usize::from(slot.0))
    }

    /// A disc is hit along `direction`: it holds, squashes by `amount` and flashes. A negative amount stretches it.
    pub(super) fn hit(&mut self, slot: Slot, direction: Vec2, amount: f32) {
        let holds = self.is_fluent;
        let Some(visual) = self.of_mut(slot) else { return };
        if let Some(last) = visual.last
            && holds
            && amount > 0.0
            && visual.hold <= 0.0
        {
            visual.hold = HOLD_SECONDS;
            visual.held_at = last;
        }
        visual.squash = amount;
        visual.squash_turn = direction.to_angle();
        visual.flash = visual.flash.max(amount.abs() * 2.2).min(0.9);
    }

    /// A disc is moved by `direction` and slides back.
    pub(super) fn recoil(&mut self, slot: Slot, direction: Vec2) {
        if let Some(visual) = self.of_mut(slot) {
            visual.slide += direction;
        }
    }
}

/// Advances by the seconds of the round.
fn advance(visual: &mut DiscVisual, seconds: f32) {
    visual.hold -= seconds;
    let left = 0.5_f32.powf(seconds / SQUASH_SECONDS);
    visual.squash *= left;
    visual.slide *= left;
    visual.flash = (visual.flash - seconds * 5.0).max(0.0);
    if let Some(fall) = &mut visual.fall {
        fall.age += seconds;
        fall.velocity *= 0.5_f32.powf(seconds / 0.4);
        fall.position += fall.velocity * seconds;
        if fall.age > FALL_SECONDS {
            visual.fall = None;
        }
    }
}

/// Follows a disc: here holds, falls and trails begin and end.
fn follow_disc(visual: &mut DiscVisual, disc: &SceneDisc, seconds: f32) {
    let was_held = visual.hold + seconds > 0.0 && visual.hold <= 0.0;
    if was_held {
        // From where it stood still, it slides to its position.
        visual.slide += (visual.held_at - disc.position).clamp_length_max(RADIUS * 1.5);
    }
    match (disc.standing, visual.last) {
        (false, Some(last)) => {
            visual.fall = Some(Fall { position: last, velocity: visual.velocity, age: 0.0 });
            visual.last = None;
            visual.trail.clear();
            (visual.hold, visual.slide) = (0.0, Vec2::ZERO);
        }
        (true, _) => {
            visual.fall = None;
            visual.last = Some(position_of(visual, disc));
            visual.velocity = disc.velocity;
            visual.trail_due -= seconds;
            if visual.trail_due <= 0.0 {
                visual.trail_due = TRAIL_SECONDS;
                visual.trail.push_front(disc.position);
                visual.trail.truncate(TRAIL_POSITIONS);
            }
        }
        (false, None) => {}
    }
    visual.strain += (disc.strain - visual.strain) * (seconds * 10.0).min(1.0);
}

/// The position where a disc is drawn.
pub(super) fn position_of(visual: &DiscVisual, disc: &SceneDisc) -> Vec2 {
    if visual.hold > 0.0 { visual.held_at } else { disc.position + visual.slide }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::fixed::{self, units};
    use shared::sim::{Command, Mode, Slot, Stance, World};

    use super::DiscVisuals;
    use crate::world_to_scene::SceneWorld;

    const FRAME: f32 = 1.0 / 60.0;
    const WHO: Slot = Slot(1_000);

    /// A crowd as one player receives it.
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

    fn show(visuals: &mut DiscVisuals, world: &World) {
        let scene = SceneWorld::interpolate(world, world, 1.0);
        visuals.follow(&scene, 1, FRAME, FRAME);
    }

    #[test]
    fn a_disc_that_comes_into_sight_again_has_no_past() {
        let mut visuals = DiscVisuals::default();
        show(&mut visuals, &crowd(&[(3, 0), (WHO.0, 700)]));
        (0..20).for_each(|_| show(&mut visuals, &crowd(&[(3, 0), (WHO.0, 700)])));
        assert!(
            visuals.of(WHO).is_some_and(|visual| visual.presence >= 1.0 && visual.trail.len() > 3)
        );

        show(&mut visuals, &crowd(&[(3, 0)]));
        show(&mut visuals, &crowd(&[(3, 0), (WHO.0, -700)]));

        let visual = visuals.of(WHO).expect("it is there");
        assert_eq!(Vec::from(visual.trail.clone()), [Vec2::new(-700.0, 0.0)]);
        assert!(visual.fall.is_none() && visual.presence < 0.2);
    }

    #[test]
    fn a_disc_that_is_out_when_it_comes_into_sight_does_not_fall_again() {
        let mut visuals = DiscVisuals::default();
        show(&mut visuals, &crowd(&[(3, 0)]));
        let mut world = crowd(&[(3, 0), (WHO.0, 700)]);
        world.discs[1].stance = Stance::Out { ticks_left: 40 };

        show(&mut visuals, &world);
        assert!(visuals.of(WHO).is_some_and(|visual| visual.fall.is_none()));

        world.discs[0].stance = Stance::Out { ticks_left: 90 };
        show(&mut visuals, &world);
        assert!(visuals.of(Slot(3)).is_some_and(|visual| visual.fall.is_some()));
    }
}
