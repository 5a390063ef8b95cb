//! A push: its effect on velocity, strain and credit. And the shove, which gives a push to each disc in a cone.

use super::command::{Buttons, Slot};
use super::disc::{CREDIT_TICKS, Disc, LastPush, SPEED_MAX, STRAIN_MAX};
use super::event::{Event, PushKind};
use super::fixed::{Angle, Vec2, units};

/// Reach of a shove from centre to centre, in sub-units.
pub const SHOVE_REACH: i32 = units(100);
/// Half the opening angle of the cone of a shove, in steps of an [`Angle`].
pub const SHOVE_HALF_ANGLE: u16 = Angle::TURN / 8;
/// The speed that a shove gives a plain disc without strain, in sub-units a tick.
pub const SHOVE_SPEED: i32 = units(4);
/// Strain that a shove adds, in percent.
pub const SHOVE_STRAIN: u16 = 14;
/// Ticks from one shove to the next.
pub const SHOVE_COOLDOWN_TICKS: u16 = 150;
/// The strain, in percent, at which a push is twice as strong as without strain.
pub const STRAIN_DOUBLES: i32 = 100;

/// One push, before strain, mass and protection of its target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push {
    pub(super) by: Slot,
    pub(super) kind: PushKind,
    /// The direction, a vector of any length.
    pub(super) direction: Vec2,
    /// Sub-units a tick.
    pub(super) speed: i32,
    /// Strain that it adds, in percent.
    pub(super) strain: u16,
}

/// Pushes a disc. False when the disc is protected.
pub(super) fn apply(target: &mut Disc, push: Push) -> bool {
    if target.protection > 0 {
        return false;
    }
    let speed = strained(push.speed, target.strain) / target.mass();
    target.velocity = (target.velocity + push.direction.with_length(speed)).clamp_length(SPEED_MAX);
    target.strain = (target.strain + push.strain).min(STRAIN_MAX);
    credit(target, push.by, push.kind);
    true
}

/// Records the last push.
pub(super) fn credit(target: &mut Disc, by: Slot, kind: PushKind) {
    target.last_push = Some(LastPush { by, kind, ticks_left: CREDIT_TICKS });
}

/// The speed that a push gives a disc with this strain.
pub(super) fn strained(speed: i32, strain: u16) -> i32 {
    speed * (STRAIN_DOUBLES + i32::from(strain)) / STRAIN_DOUBLES
}

/// The speed that an attacker gives: twice as much with Overcharge.
pub(super) fn attack_speed(attacker: &Disc, speed: i32) -> i32 {
    if attacker.overcharge > 0 { 2 * speed } else { speed }
}

/// Whether attacks of one disc work on the other.
pub(super) fn are_foes(a: &Disc, b: &Disc, teams: bool) -> bool {
    a.slot != b.slot && (!teams || a.team != b.team)
}

/// The attacker's part of a shove, if the button is held and the cooldown is over. True when it shoves.
pub(super) fn begin_shove(from: &mut Disc) -> bool {
    if from.shove_cooldown > 0 || !from.input.buttons.contains(Buttons::SHOVE) {
        return false;
    }
    from.shove_cooldown = SHOVE_COOLDOWN_TICKS;
    from.protection = 0;
    true
}

/// Shoves each foe in the cone of `discs[attacker]`, if the button is held and the cooldown is over.
pub(super) fn shove(discs: &mut [Disc], attacker: usize, teams: bool, events: &mut Vec<Event>) {
    let from = &mut discs[attacker];
    if !begin_shove(from) {
        return;
    }
    let from = from.clone();
    events.push(Event::Shove { slot: from.slot });
    for target in discs.iter_mut().filter(|other| other.is_standing()) {
        let offset = target.position - from.position;
        let reached = offset.length_squared() <= i64::from(SHOVE_REACH) * i64::from(SHOVE_REACH);
        let ahead = Angle::of(offset).since(from.input.aim).unsigned_abs() <= SHOVE_HALF_ANGLE;
        if !are_foes(&from, target, teams) || !reached || !ahead {
            continue;
        }
        let push = Push {
            by: from.slot,
            kind: PushKind::Shove,
            direction: offset,
            speed: attack_speed(&from, SHOVE_SPEED),
            strain: SHOVE_STRAIN,
        };
        if apply(target, push) {
            events.push(Event::ShoveHit { by: from.slot, target: target.slot });
        }
    }
}
