//! Bots: a world and a seat in, an input out.
//!
//! A bot sees what every player sees and acts through the same [`Input`]. It has no memory: between two decisions it
//! holds the input that its disc already has. Its random numbers come from the tick and the slot, so the same world always
//! gets the same answer, and the world's own random numbers are not consumed.

mod drift;
mod fight;
mod steer;
mod strength;

pub use strength::BotStrength;

use super::command::{Buttons, Input, Slot, Thrust};
use super::rng::Rng;
use super::world::World;

/// The input of a bot for the coming tick. The default input when the seat has no disc.
#[must_use]
pub fn think(world: &World, slot: Slot, strength: BotStrength) -> Input {
    let Some(me) = world.disc(slot) else { return Input::default() };
    let skill = strength.skill();
    // Bots of different seats decide on different ticks.
    let phase = world.tick.0.wrapping_add(u32::from(slot.0) * 5);
    if !phase.is_multiple_of(skill.reaction_ticks) {
        return me.input;
    }
    if !me.is_standing() {
        return me.input.idle();
    }
    let mut rng = Rng(u64::from(world.tick.0) << 8 | u64::from(slot.0));
    let Some(target) = fight::target(world, me) else {
        return Input { thrust: steer::home(world, me, &skill), ..me.input.idle() };
    };
    let escape = steer::escape(world, me, &skill);
    let thrust = escape
        .or_else(|| skill.dodges.then(|| steer::dodge(world, me)).flatten())
        .unwrap_or_else(|| Thrust::along(steer::chase(world, me, target, &mut rng)));
    let aim = fight::aim(me, target, &skill, &mut rng);
    let mut input = Input { thrust, aim, buttons: Buttons::NONE };
    input.buttons = fight::buttons(world, me, target, &input, escape.is_some(), &skill, &mut rng);
    input
}
