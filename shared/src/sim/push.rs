//! What one push does: velocity, strain and credit. And the shove, which is nothing but pushes.

use super::command::{Buttons, Slot};
use super::disc::{CREDIT_TICKS, Disc, LastPush, SPEED_MAX, STRAIN_MAX};
use super::event::{Event, PushKind};
use super::fixed::{Angle, Vec2, units};

/// How far a shove reaches, from centre to centre, in sub-units.
pub const SHOVE_REACH: i32 = units(100);
/// Half the width of its cone.
pub const SHOVE_HALF_ANGLE: u16 = Angle::TURN / 8;
/// The speed that it gives without strain, sub-units a tick.
pub const SHOVE_SPEED: i32 = units(4);
/// What it adds to the strain, percent.
pub const SHOVE_STRAIN: u16 = 14;
/// From one shove to the next.
pub const SHOVE_COOLDOWN_TICKS: u16 = 150;
/// A push at this strain is twice as strong as one without.
pub const STRAIN_DOUBLES: i32 = 100;

/// One push on its way to a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push {
    pub(super) by: Slot,
    pub(super) kind: PushKind,
    /// Any length.
    pub(super) direction: Vec2,
    /// Sub-units a tick, before strain and mass.
    pub(super) speed: i32,
    /// Percent added.
    pub(super) strain: u16,
}

/// Gives a push to a disc. False when it is protected.
pub(super) fn give(target: &mut Disc, push: Push) -> bool {
    if target.protection > 0 {
        return false;
    }
    let speed = strained(push.speed, target.strain) / target.mass();
    target.velocity = (target.velocity + push.direction.with_length(speed)).clamp_length(SPEED_MAX);
    target.strain = (target.strain + push.strain).min(STRAIN_MAX);
    credit(target, push.by, push.kind);
    true
}

/// Remembers who pushed last.
pub(super) fn credit(target: &mut Disc, by: Slot, kind: PushKind) {
    target.last_push = Some(LastPush { by, kind, ticks_left: CREDIT_TICKS });
}

/// A speed as it is for somebody with that strain.
pub(super) fn strained(speed: i32, strain: u16) -> i32 {
    speed * (STRAIN_DOUBLES + i32::from(strain)) / STRAIN_DOUBLES
}

/// Speed given by an attacker: twice as much with Overcharge.
pub(super) fn attack_speed(attacker: &Disc, speed: i32) -> i32 {
    if attacker.overcharge > 0 { 2 * speed } else { speed }
}

/// Whether two discs may push each other on purpose.
pub(super) fn are_foes(a: &Disc, b: &Disc, teams: bool) -> bool {
    a.slot != b.slot && (!teams || a.team != b.team)
}

/// The attacker's part of a shove, if the button asks for it and the cooldown allows it. True when it shoves.
pub(super) fn begin_shove(from: &mut Disc) -> bool {
    if from.shove_cooldown > 0 || !from.input.buttons.contains(Buttons::SHOVE) {
        return false;
    }
    from.shove_cooldown = SHOVE_COOLDOWN_TICKS;
    from.protection = 0;
    true
}

/// Shoves everyone in the cone of `discs[attacker]` if the button asks for it and the cooldown allows it.
pub(super) fn shove(discs: &mut [Disc], attacker: usize, teams: bool, events: &mut Vec<Event>) {
    let from = &mut discs[attacker];
    if !begin_shove(from) {
        return;
    }
    let from = from.clone();
    events.push(Event::Shove { slot: from.slot });
    for target in discs.iter_mut().filter(|other| other.is_standing()) {
        let way = target.position - from.position;
        let reached = way.length_squared() <= i64::from(SHOVE_REACH) * i64::from(SHOVE_REACH);
        let ahead = Angle::of(way).since(from.input.aim).unsigned_abs() <= SHOVE_HALF_ANGLE;
        if !are_foes(&from, target, teams) || !reached || !ahead {
            continue;
        }
        let push = Push {
            by: from.slot,
            kind: PushKind::Shove,
            direction: way,
            speed: attack_speed(&from, SHOVE_SPEED),
            strain: SHOVE_STRAIN,
        };
        if give(target, push) {
            events.push(Event::ShoveHit { by: from.slot, target: target.slot });
        }
    }
}
