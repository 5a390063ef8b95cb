//! The pulse: a travelling shot that pushes.

use super::collision::CELL_SHIFT;
use super::command::Buttons;
use super::disc::{self, Disc};
use super::event::{Event, PulseId, PushKind};
use super::fixed::{Vec2, units};
use super::grid::Grid;
use super::mode::Mode;
use super::push::{self, Push};
use crate::tick::Tick;

/// Radius, in sub-units.
pub const RADIUS: i32 = units(8);
/// Sub-units a tick. Less than the radii of disc and pulse together: it cannot pass through.
pub const SPEED: i32 = units(12);
/// How long it flies.
pub const LIFE_TICKS: u16 = 40;
/// The speed that it gives without strain, sub-units a tick.
pub const PUSH_SPEED: i32 = 72;
/// What it adds to the strain, percent.
pub const STRAIN: u16 = 6;
/// What it takes from its owner's speed, backwards.
pub const RECOIL_SPEED: i32 = 18;
/// From one pulse to the next.
pub const COOLDOWN_TICKS: u16 = 36;

const _: () = assert!(SPEED < disc::RADIUS + RADIUS);
const _: () = assert!(LIFE_TICKS < 3 * COOLDOWN_TICKS);

/// A shot in the air.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pulse {
    /// Which.
    pub id: PulseId,
    /// The centre.
    pub position: Vec2,
    /// Sub-units a tick.
    pub velocity: Vec2,
    /// Ticks until it fades, at most [`LIFE_TICKS`].
    pub ticks_left: u16,
    /// Fired with Overcharge: twice the push.
    pub overcharged: bool,
}

/// Fires if the button asks for it and the cooldown allows it.
pub(super) fn fire(from: &mut Disc, tick: Tick) -> Option<Pulse> {
    if from.pulse_cooldown > 0 || !from.input.buttons.contains(Buttons::PULSE) {
        return None;
    }
    from.pulse_cooldown = COOLDOWN_TICKS;
    from.protection = 0;
    let aim = from.input.aim;
    from.velocity -= aim.vector(RECOIL_SPEED);
    Some(Pulse {
        id: PulseId { slot: from.slot, tick },
        position: from.position + aim.vector(disc::RADIUS + RADIUS),
        velocity: aim.vector(SPEED),
        ticks_left: LIFE_TICKS,
        overcharged: from.overcharge > 0,
    })
}

/// Moves every pulse and lets it hit at most one disc.
pub(super) fn fly(
    pulses: &mut Vec<Pulse>,
    discs: &mut [Disc],
    mode: Mode,
    events: &mut Vec<Event>,
) {
    // A pulse moves no disc, so the grid holds for all of them.
    let places = discs.iter().map(|disc| disc.position);
    let grid = (mode.is_crowd() && !pulses.is_empty()).then(|| Grid::new(places, CELL_SHIFT));
    pulses
        .retain_mut(|pulse| advance(pulse) && !strikes(pulse, discs, grid.as_ref(), mode, events));
}

/// Moves one pulse by one tick. False when it has faded.
pub(super) fn advance(pulse: &mut Pulse) -> bool {
    pulse.position += pulse.velocity;
    pulse.ticks_left = pulse.ticks_left.saturating_sub(1);
    pulse.ticks_left > 0
}

fn strikes(
    pulse: &Pulse,
    discs: &mut [Disc],
    grid: Option<&Grid>,
    mode: Mode,
    events: &mut Vec<Event>,
) -> bool {
    const REACH: i32 = disc::RADIUS + RADIUS;
    let owner_team = || discs.iter().find(|disc| disc.slot == pulse.id.slot).map(|disc| disc.team);
    let spared = mode.has_teams().then(owner_team).flatten();
    let is_struck = |disc: &Disc| {
        disc.is_standing()
            && disc.slot != pulse.id.slot
            && spared != Some(disc.team)
            && (disc.position - pulse.position).length_squared() <= i64::from(REACH * REACH)
    };
    // Of several, the one with the lowest slot.
    let struck = match grid {
        None => discs.iter().position(is_struck),
        Some(grid) => {
            let near = grid.near(pulse.position, Vec2::new(REACH, REACH));
            near.filter(|place| is_struck(&discs[*place])).min()
        }
    };
    let Some(target) = struck.map(|place| &mut discs[place]) else { return false };
    let push = Push {
        by: pulse.id.slot,
        kind: PushKind::Pulse,
        direction: pulse.velocity,
        speed: if pulse.overcharged { 2 * PUSH_SPEED } else { PUSH_SPEED },
        strain: STRAIN,
    };
    if push::give(target, push) {
        events.push(Event::PulseHit { id: pulse.id, target: target.slot, at: pulse.position });
    }
    true
}
