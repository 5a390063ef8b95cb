//! The commands of one tick: the inputs of people and bots.

use shared::sim::{Command, World, bot};
use shared::snapshot::relay::RelayedInput;

use super::seat::Occupant;
use super::seats::Seats;

/// The inputs of a tick.
pub(super) struct Inputs {
    /// Those that change in this tick.
    pub(super) commands: Vec<Command>,
    /// Those to relay for later ticks.
    pub(super) relayed: Vec<RelayedInput>,
    /// A person's input changes, and not only a bot's.
    pub(super) is_a_person_s: bool,
}

/// The inputs of the coming tick. A person alone among bots has no other client to relay to, and the players of a crowd
/// get a stream of their own.
pub(super) fn collect(world: &World, seats: &mut Seats) -> Inputs {
    let relays = seats.people() > 1 && !world.mode.is_crowd();
    let (mut commands, mut relayed) = (Vec::with_capacity(seats.len()), Vec::new());
    let mut is_a_person_s = false;
    // Both are in the order of the slots.
    let mut discs = world.discs.iter().peekable();
    for seat in seats.iter_mut() {
        let (slot, is_bot) = (seat.slot, seat.is_bot());
        let input = match &mut seat.occupant {
            Occupant::Bot(strength) => bot::think(world, slot, *strength),
            Occupant::Person(person) => {
                let inputs = person.inputs.take_relayed().filter(|_| relays);
                relayed.extend(inputs.map(|(tick, input)| RelayedInput { slot, tick, input }));
                person.inputs.take(world.tick)
            }
        };
        while discs.next_if(|disc| disc.slot < slot).is_some() {}
        let held = discs.next_if(|disc| disc.slot == slot).map(|disc| disc.input);
        if input != held.unwrap_or_default() {
            is_a_person_s |= !is_bot;
            commands.push(Command::Input { slot, input });
        }
    }
    Inputs { commands, relayed, is_a_person_s }
}
