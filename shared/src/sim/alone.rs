//! What a disc does in a tick when nobody else touches it: the rules of [`World::step`](super::World::step) that
//! need one disc, or one pulse, only. A crowd's stream tells how a disc differs from that; see [`crate::snapshot::crowd`].

use super::disc::{Disc, Stance};
use super::pulse::Pulse;
use super::world::World;
use super::{mode, movement, platform, pulse, push, scoring};
use crate::tick::Tick;

/// What lies around the disc during one tick.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The tick of the step.
    pub tick: Tick,
    /// Radius of the ice, in sub-units.
    pub radius: i32,
    /// Nobody can move yet.
    pub is_counting_down: bool,
}

impl Surroundings {
    /// What lies around the discs of a world when it takes the step of `tick`.
    #[must_use]
    pub fn at(world: &World, tick: Tick) -> Self {
        let elapsed = tick.since(world.began).max(0).unsigned_abs();
        Self {
            tick,
            radius: platform::radius(world.mode, elapsed, world.round_ticks),
            is_counting_down: mode::is_counting_down(elapsed, world.round_ticks),
        }
    }
}

/// What the disc did. A pulse that it fired is not among it: pulses are told by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deeds {
    /// It dashed.
    pub dashed: bool,
    /// It shoved.
    pub shoved: bool,
}

/// One tick of pulses that meet nobody.
pub fn fly(pulses: &mut Vec<Pulse>) {
    pulses.retain_mut(pulse::advance);
}

/// One tick of a disc that nobody touches. Who is out stays out: where it comes back is chance.
pub fn step(disc: &mut Disc, around: Surroundings) -> Deeds {
    disc.count_down();
    if let Stance::Out { ticks_left } = disc.stance {
        disc.stance = Stance::Out { ticks_left: ticks_left.saturating_sub(1).max(1) };
        return Deeds::default();
    }
    if around.is_counting_down {
        return Deeds::default();
    }
    let dashed = movement::dash(disc);
    pulse::fire(disc, around.tick);
    let shoved = push::begins_shove(disc);
    movement::advance(disc);
    if !platform::holds(around.radius, disc.position) {
        scoring::go_over(disc);
    }
    Deeds { dashed, shoved }
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, step};
    use crate::sim::rng::Rng;
    use crate::sim::{Angle, Buttons, Command, Input, Mode, Slot, Thrust, World};

    #[test]
    fn alone_in_a_world_is_alone() {
        let mut world = World::new(Mode::Crowd, 5, 1_200);
        let slot = Slot(700);
        world.step(&[Command::Join { slot, team: 0 }]);
        let mut chance = Rng(8);
        let mut alone = world.discs[0].clone();
        while !world.is_over() {
            if chance.below(6) == 0 {
                let way = || Angle::from_steps(0);
                let angle = way().turned(i16::try_from(chance.below(1_024)).unwrap());
                let buttons = Buttons::from_code(chance.next_u64().to_le_bytes()[0]);
                let input = Input { thrust: Thrust::towards(angle), aim: angle, buttons };
                world.step(&[Command::Input { slot, input }]);
                alone.input = input;
            } else {
                world.step(&[]);
            }
            step(&mut alone, Surroundings::at(&world, world.tick.minus(1)));
            let real = &world.discs[0];
            if real.is_standing() && !alone.is_standing() {
                alone = real.clone(); // It is back, wherever chance has put it.
            }
            // A pickup may lie in its way.
            (alone.heavy, alone.overcharge, alone.strain) =
                (real.heavy, real.overcharge, real.strain);
            alone.points = real.points;
            assert_eq!(*real, alone, "tick {}", world.tick);
        }
    }
}
