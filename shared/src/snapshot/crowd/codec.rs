//! Pulses and events of a view, in bits.

use super::super::bits::{BitWriter, Coder, DecodeError};
use super::super::keyframe::{self, Layout};
use super::COUNT_ORDER;
use crate::sim::disc::SPEED_MAX;
use crate::sim::{
    Angle, Event, Mode, PickupKind, Pulse, PulseId, PushKind, Slot, Vec2, World, pulse,
};
use crate::tick::{SNAPSHOT_EVERY_TICKS, Tick};

type Coded = Result<(), DecodeError>;

pub(super) const LAYOUT: Layout = Layout::of(Mode::Crowd);
/// No bump has a greater closing speed, in sub-units a tick.
const BUMP_SPEED_MAX: i32 = 2 * SPEED_MAX + 2 * pulse::RECOIL_SPEED;

/// A pulse. Its time left follows from its age, and its velocity mostly from an aim.
pub(super) fn pulse<C: Coder>(c: &mut C, pulse: &mut Pulse, now: Tick) -> Coded {
    pulse_id(c, &mut pulse.id, now)?;
    let age = u16::try_from(now.since(pulse.id.tick)).unwrap_or(pulse::LIFE_TICKS);
    pulse.ticks_left = pulse::LIFE_TICKS.saturating_sub(age);
    if pulse.ticks_left == 0 {
        return Err(DecodeError::Malformed("a pulse that has faded"));
    }
    keyframe::pulse_position(c, &mut pulse.position, LAYOUT)?;
    let aim = aim_of(pulse.velocity);
    let mut aimed = aim.is_some();
    c.flag(&mut aimed)?;
    if aimed {
        let mut steps = u32::from(aim.unwrap_or_default().steps());
        c.bits(&mut steps, Angle::BITS)?;
        let steps = u16::try_from(steps).unwrap_or(0);
        pulse.velocity = Angle::from_steps(steps).vector(pulse::SPEED);
    } else {
        c.vector(&mut pulse.velocity, pulse::SPEED)?;
    }
    c.flag(&mut pulse.overcharged)
}

/// The aim that gives exactly this velocity, if there is one.
fn aim_of(velocity: Vec2) -> Option<Angle> {
    let near = Angle::of(velocity);
    [0, 1, -1]
        .map(|step| near.turned(step))
        .into_iter()
        .find(|aim| aim.vector(pulse::SPEED) == velocity)
}

/// The id of a pulse. Most pulses that are sent are new.
pub(super) fn pulse_id<C: Coder>(c: &mut C, id: &mut PulseId, now: Tick) -> Coded {
    keyframe::slot(c, &mut id.slot, LAYOUT)?;
    let most = i32::try_from(SNAPSHOT_EVERY_TICKS).unwrap_or(i32::MAX);
    let mut age = now.since(id.tick);
    let mut is_new = (1..=most).contains(&age);
    c.flag(&mut is_new)?;
    if is_new {
        c.ranged(&mut age, 1, most)?;
    } else {
        c.ranged(&mut age, 0, i32::from(pulse::LIFE_TICKS))?;
    }
    id.tick = now.minus(age.unsigned_abs());
    Ok(())
}

/// The number of items that follow.
pub(super) fn length(writer: &mut BitWriter, count: usize) {
    let mut count = u32::try_from(count).unwrap_or(0);
    writer.golomb(&mut count, COUNT_ORDER).expect("a writer takes every value");
}

/// The seats that an event is about, when views carry the event. Decoders derive all other events from discs and pulses.
pub(super) fn subjects(event: &Event) -> Option<(Slot, Option<Slot>)> {
    match *event {
        Event::Bump { a, b, .. } => Some((a, Some(b))),
        Event::ShoveHit { by, target } => Some((by, Some(target))),
        Event::KnockOut { slot, credit, .. } => Some((slot, credit.map(|(by, _)| by))),
        Event::PickupTaken { slot, .. } => Some((slot, None)),
        _ => None,
    }
}

/// An event that has [`subjects`]. A reader takes the positions from its own world.
pub(super) fn event<C: Coder>(c: &mut C, event: &mut Event, world: &World) -> Coded {
    let mut kind = match event {
        Event::ShoveHit { .. } => 1,
        Event::KnockOut { .. } => 2,
        Event::PickupTaken { .. } => 3,
        _ => 0,
    };
    c.bits(&mut kind, 2)?;
    if c.is_reading() {
        *event = blank(kind);
    }
    let known = |slot: Slot| world.disc(slot).map(|disc| disc.position);
    let position_of = |slot: Slot| known(slot).unwrap_or_default();
    match event {
        Event::Bump { a, b, speed, at } => {
            keyframe::slot(c, a, LAYOUT)?;
            keyframe::slot(c, b, LAYOUT)?;
            c.ranged(speed, 0, BUMP_SPEED_MAX)?;
            // A disc that the reader does not see was at the same place.
            let of = |one: Slot, other: Slot| known(one).or(known(other)).unwrap_or_default();
            *at = (of(*a, *b) + of(*b, *a)).scale(1, 2);
        }
        Event::ShoveHit { by, target } => {
            keyframe::slot(c, by, LAYOUT)?;
            keyframe::slot(c, target, LAYOUT)?;
        }
        Event::KnockOut { slot, credit, at } => {
            keyframe::slot(c, slot, LAYOUT)?;
            let mut credited = credit.is_some();
            c.flag(&mut credited)?;
            let (mut by, mut kind) = credit.unwrap_or((Slot(0), PushKind::Bump));
            if credited {
                keyframe::slot(c, &mut by, LAYOUT)?;
                keyframe::choice(c, &mut kind, &PushKind::ALL)?;
            }
            *credit = credited.then_some((by, kind));
            *at = position_of(*slot);
        }
        Event::PickupTaken { slot, kind, at } => {
            keyframe::slot(c, slot, LAYOUT)?;
            keyframe::choice(c, kind, &PickupKind::ALL)?;
            *at = position_of(*slot);
        }
        _ => {}
    }
    Ok(())
}

fn blank(kind: u32) -> Event {
    let slot = Slot(0);
    match kind {
        1 => Event::ShoveHit { by: slot, target: slot },
        2 => Event::KnockOut { slot, credit: None, at: Vec2::ZERO },
        3 => Event::PickupTaken { slot, kind: PickupKind::Mend, at: Vec2::ZERO },
        _ => Event::Bump { a: slot, b: slot, speed: 0, at: Vec2::ZERO },
    }
}
