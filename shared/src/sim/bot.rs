//! Bots: a world and a seat in, an input out.
//!
//! A bot sees what every player sees and acts through the same [`Input`]. It remembers nothing: what
//! it holds between two thoughts is the input that its disc already has. Its whims come from the
//! tick, so the same world always gets the same answer, and the world's own luck stays untouched.

mod fight;
mod steer;

use serde::{Deserialize, Serialize};

use super::command::{Buttons, Input, Slot, Thrust};
use super::disc::Disc;
use super::fixed::{Vec2, units};
use super::movement::FRICTION_DIVISOR;
use super::rng::Rng;
use super::world::World;

/// How good a bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BotStrength {
    /// Slow to react, aims wide, seldom dashes.
    Gentle,
    /// A fair opponent.
    Keen,
    /// Quick, accurate, and knows the edge.
    Fierce,
}

impl BotStrength {
    /// From the weakest to the strongest.
    pub const ALL: [Self; 3] = [Self::Gentle, Self::Keen, Self::Fierce];

    const fn habits(self) -> Habits {
        match self {
            Self::Gentle => Habits {
                period: 15,
                aim_error: 85,
                fire_percent: 30,
                foresight: 14,
                margin: units(90),
                dodges: false,
            },
            Self::Keen => Habits {
                period: 8,
                aim_error: 45,
                fire_percent: 65,
                foresight: 26,
                margin: units(120),
                dodges: true,
            },
            Self::Fierce => Habits {
                period: 4,
                aim_error: 18,
                fire_percent: 95,
                foresight: 36,
                margin: units(140),
                dodges: true,
            },
        }
    }
}

/// What a strength comes down to.
struct Habits {
    /// Ticks from one thought to the next: the reaction time.
    period: u32,
    /// Steps that the aim may be off, either way.
    aim_error: i32,
    /// How often a chance to fire is taken.
    fire_percent: u32,
    /// How many ticks ahead it sees where it slides.
    foresight: i32,
    /// How near to the edge it likes to be, in sub-units.
    margin: i32,
    /// Whether it steps out of the way of pulses.
    dodges: bool,
}

/// What a bot does during the coming tick.
#[must_use]
pub fn think(world: &World, slot: Slot, strength: BotStrength) -> Input {
    let Some(me) = world.disc(slot) else { return Input::default() };
    let habits = strength.habits();
    let beat = world.tick.0.wrapping_add(u32::from(slot.0) * 5);
    if !beat.is_multiple_of(habits.period) {
        return me.input;
    }
    if !me.is_standing() {
        return me.input.idle();
    }
    let mut whim = Rng(u64::from(world.tick.0) << 8 | u64::from(slot.0));
    let Some(target) = fight::target(world, me) else {
        return Input { thrust: steer::home(world, me, &habits), ..me.input.idle() };
    };
    let danger = steer::escape(world, me, &habits);
    let thrust = danger
        .or_else(|| habits.dodges.then(|| steer::dodge(world, me)).flatten())
        .unwrap_or_else(|| Thrust::along(steer::chase(world, me, target, &mut whim)));
    let aim = fight::aim(me, target, &habits, &mut whim);
    let mut input = Input { thrust, aim, buttons: Buttons::NONE };
    input.buttons = fight::buttons(world, me, target, &input, danger.is_some(), &habits, &mut whim);
    input
}

/// Where a disc will be when it slides on for so many ticks without thrust.
fn drifted(disc: &Disc, ticks: i32) -> Vec2 {
    // The sum of what friction leaves, to the second term.
    let effective = ticks - ticks * ticks / (2 * FRICTION_DIVISOR);
    disc.position + disc.velocity.scale(effective, 1)
}
