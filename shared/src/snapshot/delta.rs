//! Commands in bits: changes of seats, and inputs as differences from those held before.

use super::bits::{Coder, DecodeError};
use super::keyframe::{Layout, buttons, slot, thrust};
use crate::sim::mode::{CROWD_SEATS, SEATS_MAX};
use crate::sim::{Command, Input, Mode, Slot, World};

type Coded = Result<(), DecodeError>;

/// Order of the Exponential-Golomb code for turns of the aim: most are below eight steps.
const TURN_ORDER: u32 = 3;

/// The input that each taken seat holds, as both ends know it after the last tick. By slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held(pub(super) Vec<(Slot, Input)>);

impl Held {
    /// The inputs that the discs of a world hold.
    pub(super) fn of(world: &World) -> Self {
        Self(world.discs.iter().map(|disc| (disc.slot, disc.input)).collect())
    }

    /// Applies one command, exactly as a world with this number of seats does.
    fn apply(&mut self, command: &Command, seats: usize) {
        let index = self.0.partition_point(|(slot, _)| *slot < command.slot());
        let taken = self.0.get(index).is_some_and(|(slot, _)| *slot == command.slot());
        match command {
            Command::Join { slot, .. } if !taken && usize::from(slot.0) < seats => {
                self.0.insert(index, (*slot, Input::default()));
            }
            Command::Leave { .. } if taken => {
                self.0.remove(index);
            }
            Command::Input { input, .. } if taken => self.0[index].1 = *input,
            Command::Join { .. } | Command::Leave { .. } | Command::Input { .. } => {}
        }
    }
}

/// Codes the commands of one tick: changes of seats first, then inputs by slot.
pub(super) fn tick<C: Coder>(
    c: &mut C,
    commands: &mut Vec<Command>,
    held: &mut Held,
    mode: Mode,
) -> Coded {
    let seats = |command: &Command| !matches!(command, Command::Input { .. });
    let mut changes: Vec<_> = commands.iter().copied().filter(seats).collect();
    seat_changes(c, &mut changes, mode)?;
    changes.iter().for_each(|change| held.apply(change, mode.seats()));
    let mut wanted = held.clone();
    let pressed = commands.iter().filter(|command| !seats(command));
    pressed.for_each(|command| wanted.apply(command, mode.seats()));
    inputs(c, held, &mut wanted)?;
    if c.is_reading() {
        let turned = wanted.0.iter().zip(&held.0).filter(|(new, old)| new != old);
        changes.extend(turned.map(|(&(slot, input), _)| Command::Input { slot, input }));
        *commands = changes;
    }
    *held = wanted;
    Ok(())
}

fn seat_changes<C: Coder>(c: &mut C, changes: &mut Vec<Command>, mode: Mode) -> Coded {
    let mut any = !changes.is_empty();
    c.flag(&mut any)?;
    if !any {
        changes.clear();
        return Ok(());
    }
    let mut count = changes.len();
    c.length(&mut count, 1, seat_changes_max(mode))?;
    changes.resize(count, Command::Leave { slot: Slot(0) });
    for change in changes {
        let (mut joins, mut second) = match change {
            Command::Join { team, .. } => (true, *team == 1),
            Command::Leave { .. } | Command::Input { .. } => (false, false),
        };
        let mut seat = change.slot();
        slot(c, &mut seat, Layout::of(mode))?;
        c.flag(&mut joins)?;
        if joins {
            c.flag(&mut second)?;
            *change = Command::Join { slot: seat, team: u8::from(second) };
        } else {
            *change = Command::Leave { slot: seat };
        }
    }
    Ok(())
}

/// The most changes of seats in one tick: each seat may be left and taken again.
const fn seat_changes_max(mode: Mode) -> usize {
    if mode.is_crowd() { 2 * CROWD_SEATS } else { 2 * SEATS_MAX }
}

fn inputs<C: Coder>(c: &mut C, held: &Held, wanted: &mut Held) -> Coded {
    let mut any = held != wanted;
    c.flag(&mut any)?;
    if !any {
        return Ok(());
    }
    for ((_, old), (_, new)) in held.0.iter().zip(&mut wanted.0) {
        let mut changed = old != new;
        c.flag(&mut changed)?;
        if changed {
            input(c, old, new)?;
        }
    }
    Ok(())
}

/// Codes an input against the one held before. A reader gives both as `new`.
pub(super) fn input<C: Coder>(c: &mut C, old: &Input, new: &mut Input) -> Coded {
    let mut aims = old.aim != new.aim;
    c.flag(&mut aims)?;
    if aims {
        let mut turn = new.aim.since(old.aim);
        c.signed_golomb(&mut turn, TURN_ORDER)?;
        new.aim = old.aim.turned(turn);
    }
    let mut drives = old.thrust != new.thrust;
    c.flag(&mut drives)?;
    if drives {
        thrust(c, &mut new.thrust)?;
    }
    let mut presses = old.buttons != new.buttons;
    c.flag(&mut presses)?;
    if presses {
        buttons(c, &mut new.buttons)?;
    }
    Ok(())
}
