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

/// Radius of a pulse, in sub-units.
pub const RADIUS: i32 = units(8);
/// Speed, in sub-units a tick. It is below the radii of disc and pulse together, so that a pulse cannot pass through a disc.
pub const SPEED: i32 = units(12);
/// How long a pulse flies, in ticks.
pub const LIFE_TICKS: u16 = 40;
/// The speed that a hit gives a plain disc without strain, in sub-units a tick.
pub const PUSH_SPEED: i32 = 72;
/// Strain that a hit adds, in percent.
pub const STRAIN: u16 = 6;
/// The speed that a shot gives its shooter backwards, in sub-units a tick.
pub const RECOIL_SPEED: i32 = 18;
/// Ticks from one pulse to the next.
pub const COOLDOWN_TICKS: u16 = 36;

const _: () = assert!(SPEED < disc::RADIUS + RADIUS);
const _: () = assert!(LIFE_TICKS < 3 * COOLDOWN_TICKS);

/// A shot in the air.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pulse {
    /// Its identity.
    pub id: PulseId,
    /// The centre, in sub-units.
    pub position: Vec2,
    /// Sub-units a tick.
    pub velocity: Vec2,
    /// Ticks until it fades, at most [`LIFE_TICKS`].
    pub ticks_left: u16,
    /// Whether it was fired with Overcharge: then it pushes twice as hard.
    pub overcharged: bool,
}

/// Fires if the button is held and the cooldown is over. `None` otherwise.
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

/// Moves each pulse by one tick and lets it hit at most one disc.
pub(super) fn fly(
    pulses: &mut Vec<Pulse>,
    discs: &mut [Disc],
    mode: Mode,
    events: &mut Vec<Event>,
) {
    // A hit changes no position, so one grid serves all pulses.
    let positions = discs.iter().map(|disc| disc.position);
    let grid = (mode.is_crowd() && !pulses.is_empty()).then(|| Grid::new(positions, CELL_SHIFT));
    pulses.retain_mut(|pulse| advance(pulse) && !hits(pulse, discs, grid.as_ref(), mode, events));
}

/// Moves one pulse by one tick. False when it fades.
pub(super) fn advance(pulse: &mut Pulse) -> bool {
    pulse.position += pulse.velocity;
    pulse.ticks_left = pulse.ticks_left.saturating_sub(1);
    pulse.ticks_left > 0
}

/// Pushes the disc that the pulse touches. False when it touches none.
fn hits(
    pulse: &Pulse,
    discs: &mut [Disc],
    grid: Option<&Grid>,
    mode: Mode,
    events: &mut Vec<Event>,
) -> bool {
    const REACH: i32 = disc::RADIUS + RADIUS;
    let owner_team = || discs.iter().find(|disc| disc.slot == pulse.id.slot).map(|disc| disc.team);
    let spared_team = mode.has_teams().then(owner_team).flatten();
    let is_hit = |disc: &Disc| {
        disc.is_standing()
            && disc.slot != pulse.id.slot
            && spared_team != Some(disc.team)
            && (disc.position - pulse.position).length_squared() <= i64::from(REACH * REACH)
    };
    // Of several discs, the one with the lowest slot.
    let hit = match grid {
        None => discs.iter().position(is_hit),
        Some(grid) => {
            let near = grid.near(pulse.position, Vec2::new(REACH, REACH));
            near.filter(|index| is_hit(&discs[*index])).min()
        }
    };
    let Some(target) = hit.map(|index| &mut discs[index]) else { return false };
    let push = Push {
        by: pulse.id.slot,
        kind: PushKind::Pulse,
        direction: pulse.velocity,
        speed: if pulse.overcharged { 2 * PUSH_SPEED } else { PUSH_SPEED },
        strain: STRAIN,
    };
    if push::apply(target, push) {
        events.push(Event::PulseHit { id: pulse.id, target: target.slot, at: pulse.position });
    }
    true
}
