//! The commands of one tick: the inputs of people and bots.

use shared::sim::{Command, World, bot};
use shared::snapshot::relay::RelayedInput;

use super::seat::Occupant;
use super::seats::Seats;

/// The inputs that change in the coming tick, and the inputs to relay for later ones. A person alone among bots has no
/// other client to relay to, and the players of a crowd get a stream of their own.
pub(super) fn collect(world: &World, seats: &mut Seats) -> (Vec<Command>, Vec<RelayedInput>) {
    let relays = seats.people() > 1 && !world.mode.is_crowd();
    let (mut commands, mut relayed) = (Vec::with_capacity(seats.len()), Vec::new());
    // Both are in the order of the slots.
    let mut discs = world.discs.iter().peekable();
    for seat in seats.iter_mut() {
        let slot = seat.slot;
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
            commands.push(Command::Input { slot, input });
        }
    }
    (commands, relayed)
}
