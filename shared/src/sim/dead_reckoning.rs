//! Dead reckoning (IEEE 1278.1): how a disc and a pulse go on when no other disc touches them.
//!
//! These are the rules of [`World::step`](super::World::step) that need one disc, or one pulse, only. Both ends of a
//! crowd's stream apply them, and the stream carries the differences; see [`crate::snapshot::crowd`].

use super::disc::{Disc, Stance};
use super::pulse::Pulse;
use super::world::World;
use super::{mode, movement, platform, pulse, push, scoring};
use crate::tick::Tick;

/// The surroundings of a disc during one tick, without other discs.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The tick of the step.
    pub tick: Tick,
    /// Radius of the ice, in sub-units.
    pub radius: i32,
    /// Whether the countdown still holds all discs in place.
    pub is_counting_down: bool,
}

impl Environment {
    /// The environment in the step of `tick`.
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

/// The actions that a disc took. Pulses that it fired are not among them: they are entities of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions {
    /// It dashed.
    pub dashed: bool,
    /// It shoved.
    pub shoved: bool,
}

/// Moves pulses by one tick as if they hit no disc, and removes those that fade.
pub fn step_pulses(pulses: &mut Vec<Pulse>) {
    pulses.retain_mut(pulse::advance);
}

/// Moves a disc by one tick as if no other disc touched it. A disc that is out stays out: its place of return is random.
pub fn step_disc(disc: &mut Disc, environment: Environment) -> Actions {
    disc.count_down();
    if let Stance::Out { ticks_left } = disc.stance {
        disc.stance = Stance::Out { ticks_left: ticks_left.saturating_sub(1).max(1) };
        return Actions::default();
    }
    if environment.is_counting_down {
        return Actions::default();
    }
    let dashed = movement::dash(disc);
    pulse::fire(disc, environment.tick);
    let shoved = push::begin_shove(disc);
    movement::advance(disc);
    if !platform::holds(environment.radius, disc.position) {
        scoring::leave_the_ice(disc);
    }
    Actions { dashed, shoved }
}

#[cfg(test)]
mod tests {
    use super::{Environment, step_disc};
    use crate::sim::rng::Rng;
    use crate::sim::{Angle, Buttons, Command, Input, Mode, Slot, Thrust, World};

    #[test]
    fn a_disc_alone_in_a_world_is_predicted_exactly() {
        let mut world = World::new(Mode::Crowd, 5, 1_200);
        let slot = Slot(700);
        world.step(&[Command::Join { slot, team: 0 }]);
        let mut rng = Rng(8);
        let mut alone = world.discs[0].clone();
        while !world.is_over() {
            if rng.below(6) == 0 {
                let east = Angle::from_steps(0);
                let angle = east.turned(i16::try_from(rng.below(1_024)).unwrap());
                let buttons = Buttons::from_code(rng.next_u64().to_le_bytes()[0]);
                let input = Input { thrust: Thrust::towards(angle), aim: angle, buttons };
                world.step(&[Command::Input { slot, input }]);
                alone.input = input;
            } else {
                world.step(&[]);
            }
            step_disc(&mut alone, Environment::at(&world, world.tick.minus(1)));
            let real = &world.discs[0];
            if real.is_standing() && !alone.is_standing() {
                alone = real.clone(); // It respawned at a random place.
            }
            // It may have taken a pickup.
            (alone.heavy, alone.overcharge, alone.strain) =
                (real.heavy, real.overcharge, real.strain);
            alone.points = real.points;
            assert_eq!(*real, alone, "tick {}", world.tick);
        }
    }
}
