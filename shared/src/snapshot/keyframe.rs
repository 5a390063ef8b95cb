//! A whole world in bits: about 17 bytes for each disc, pulses and pickups included.

use super::bits::{Coder, DecodeError};
use crate::sim::disc::{
    COORDINATE_MAX, CREDIT_TICKS, EFFECT_TICKS, LastPush, POINTS_MAX, PROTECTION_TICKS,
    RESPAWN_TICKS, SPEED_MAX, STRAIN_MAX,
};
use crate::sim::mode::{ROUND_TICKS_MAX, SEATS_MAX};
use crate::sim::movement::DASH_COOLDOWN_TICKS;
use crate::sim::pickup::PICKUPS_MAX;
use crate::sim::pulse::{self, PULSES_MAX};
use crate::sim::push::SHOVE_COOLDOWN_TICKS;
use crate::sim::{
    Angle, Buttons, Disc, Input, Mode, Pickup, PickupKind, Pulse, PulseId, PushKind, Slot, Stance,
    Thrust, Vec2, World,
};
use crate::tick::Tick;

type Coded = Result<(), DecodeError>;

/// Farthest that a pulse can be: the edge of the ice and its whole flight.
const PULSE_COORDINATE_MAX: i32 = COORDINATE_MAX + pulse::SPEED * pulse::LIFE_TICKS as i32;

/// A world, in either direction. What comes out of a reader is a world that can be stepped.
pub(super) fn world<C: Coder>(c: &mut C, world: &mut World) -> Coded {
    choice(c, &mut world.mode, &Mode::ALL)?;
    c.bits(&mut world.tick.0, 32)?;
    // Rounds begin at zero, but for tests near the wrap.
    let mut late = world.began.0 != 0;
    c.flag(&mut late)?;
    if late {
        c.bits(&mut world.began.0, 32)?;
    } else {
        world.began.0 = 0;
    }
    c.bits(&mut world.round_ticks, 18)?;
    if world.round_ticks > ROUND_TICKS_MAX {
        return Err(DecodeError::Malformed("the round is too long"));
    }
    c.wide(&mut world.rng.0)?;
    seats(c, &mut world.discs, world.mode)?;
    world.discs.iter_mut().try_for_each(|each| disc(c, each))?;
    let now = world.tick;
    list(c, &mut world.pulses, PULSES_MAX, || blank_pulse(now), |c, p| pulse(c, p, now))?;
    list(c, &mut world.pickups, PICKUPS_MAX, blank_pickup, pickup)?;
    for points in &mut world.team_points {
        signed(c, points, POINTS_MAX)?;
    }
    let mut leads = world.leader.is_some();
    c.flag(&mut leads)?;
    let mut leader = world.leader.unwrap_or(Slot(0));
    if leads {
        slot(c, &mut leader)?;
    }
    world.leader = leads.then_some(leader);
    Ok(())
}

/// Which seats are taken: a bit for each, the lowest slot first.
fn seats<C: Coder>(c: &mut C, discs: &mut Vec<Disc>, mode: Mode) -> Coded {
    let mut taken = discs.iter().fold(0, |taken, disc| taken | 1 << disc.slot.0);
    c.bits(&mut taken, SEATS_BITS)?;
    if taken >> mode.seats() != 0 {
        return Err(DecodeError::Malformed("no such seat"));
    }
    if c.reads() {
        let slots = (0..).map(Slot).take(mode.seats());
        let slots = slots.filter(|slot| taken >> slot.0 & 1 == 1);
        *discs = slots.map(|slot| Disc::entering(slot, 0)).collect();
    }
    Ok(())
}

fn disc<C: Coder>(c: &mut C, disc: &mut Disc) -> Coded {
    let mut team = disc.team == 1;
    c.flag(&mut team)?;
    disc.team = u8::from(team);
    c.vector(&mut disc.position, COORDINATE_MAX)?;
    stance(c, disc)?;
    input(c, &mut disc.input)?;
    c.timer(&mut disc.strain, STRAIN_MAX)?;
    c.timer(&mut disc.pulse_cooldown, pulse::COOLDOWN_TICKS)?;
    c.timer(&mut disc.shove_cooldown, SHOVE_COOLDOWN_TICKS)?;
    c.timer(&mut disc.dash_cooldown, DASH_COOLDOWN_TICKS)?;
    c.timer(&mut disc.protection, PROTECTION_TICKS)?;
    c.timer(&mut disc.heavy, EFFECT_TICKS)?;
    c.timer(&mut disc.overcharge, EFFECT_TICKS)?;
    last_push(c, &mut disc.last_push)?;
    long_count(c, &mut disc.knockouts, 2)?;
    long_count(c, &mut disc.falls, 2)?;
    points(c, disc)
}

/// Points against what knock-outs alone would give: falls that nobody caused cost few.
fn points<C: Coder>(c: &mut C, disc: &mut Disc) -> Coded {
    let knockouts = i32::from(disc.knockouts);
    let mut short = (knockouts - i32::from(disc.points)).unsigned_abs();
    let mut above = i32::from(disc.points) > knockouts;
    c.golomb(&mut short, 1)?;
    if short != 0 {
        c.flag(&mut above)?;
    }
    let short = i32::try_from(short).unwrap_or(i32::MAX);
    let points = if above { knockouts.saturating_add(short) } else { knockouts - short };
    let known = i16::try_from(points).ok().filter(|points| points.abs() <= POINTS_MAX);
    disc.points = known.ok_or(DecodeError::Malformed("points"))?;
    Ok(())
}

/// Standing with its velocity, or out with its timer.
fn stance<C: Coder>(c: &mut C, disc: &mut Disc) -> Coded {
    let mut standing = disc.is_standing();
    c.flag(&mut standing)?;
    if standing {
        disc.stance = Stance::Standing;
        return c.vector(&mut disc.velocity, VELOCITY_MAX);
    }
    let mut ticks_left = match disc.stance {
        Stance::Standing => 0,
        Stance::Out { ticks_left } => ticks_left,
    };
    c.count(&mut ticks_left, RESPAWN_TICKS)?;
    disc.stance = Stance::Out { ticks_left };
    disc.velocity = Vec2::ZERO;
    Ok(())
}

const SEATS_BITS: u32 = 16;
const _: () = assert!(SEATS_BITS as usize == SEATS_MAX);

/// A recoil may stand on top of the greatest speed until the next step cuts it.
const VELOCITY_MAX: i32 = SPEED_MAX + pulse::RECOIL_SPEED;

pub(super) fn input<C: Coder>(c: &mut C, input: &mut Input) -> Coded {
    thrust(c, &mut input.thrust)?;
    let mut aim = u32::from(input.aim.steps());
    c.bits(&mut aim, Angle::BITS)?;
    input.aim = Angle::from_steps(u16::try_from(aim).unwrap_or(0));
    buttons(c, &mut input.buttons)
}

pub(super) fn thrust<C: Coder>(c: &mut C, thrust: &mut Thrust) -> Coded {
    let mut code = i32::from(thrust.code());
    c.ranged(&mut code, 0, i32::from(Thrust::DIRECTIONS))?;
    let known = u8::try_from(code).ok().and_then(Thrust::from_code);
    *thrust = known.ok_or(DecodeError::Malformed("thrust"))?;
    Ok(())
}

pub(super) fn buttons<C: Coder>(c: &mut C, buttons: &mut Buttons) -> Coded {
    let mut code = u32::from(buttons.code());
    c.bits(&mut code, Buttons::BITS)?;
    *buttons = Buttons::from_code(code.to_le_bytes()[0]);
    Ok(())
}

fn last_push<C: Coder>(c: &mut C, push: &mut Option<LastPush>) -> Coded {
    let mut known = push.is_some();
    c.flag(&mut known)?;
    let mut value = push.unwrap_or(LastPush { by: Slot(0), kind: PushKind::Bump, ticks_left: 1 });
    if known {
        slot(c, &mut value.by)?;
        choice(c, &mut value.kind, &PushKind::ALL)?;
        c.count(&mut value.ticks_left, CREDIT_TICKS)?;
    }
    *push = known.then_some(value);
    Ok(())
}

fn blank_pulse(tick: Tick) -> Pulse {
    let id = PulseId { slot: Slot(0), tick };
    Pulse { id, position: Vec2::ZERO, velocity: Vec2::ZERO, ticks_left: 1, overcharged: false }
}

fn pulse<C: Coder>(c: &mut C, pulse: &mut Pulse, now: Tick) -> Coded {
    slot(c, &mut pulse.id.slot)?;
    let mut age = now.since(pulse.id.tick);
    c.ranged(&mut age, 0, i32::from(pulse::LIFE_TICKS))?;
    pulse.id.tick = now.minus(age.unsigned_abs());
    c.vector(&mut pulse.position, PULSE_COORDINATE_MAX)?;
    c.vector(&mut pulse.velocity, pulse::SPEED)?;
    c.count(&mut pulse.ticks_left, pulse::LIFE_TICKS)?;
    c.flag(&mut pulse.overcharged)
}

fn blank_pickup() -> Pickup {
    Pickup { kind: PickupKind::Mend, position: Vec2::ZERO }
}

fn pickup<C: Coder>(c: &mut C, pickup: &mut Pickup) -> Coded {
    choice(c, &mut pickup.kind, &PickupKind::ALL)?;
    c.vector(&mut pickup.position, COORDINATE_MAX)
}

pub(super) fn slot<C: Coder>(c: &mut C, slot: &mut Slot) -> Coded {
    let mut number = usize::from(slot.0);
    c.length(&mut number, 0, SEATS_MAX - 1)?;
    *slot = Slot(u8::try_from(number).unwrap_or(0));
    Ok(())
}

fn signed<C: Coder>(c: &mut C, value: &mut i16, max: i16) -> Coded {
    let mut number = i32::from(*value);
    c.ranged(&mut number, -i32::from(max), i32::from(max))?;
    *value = i16::try_from(number).unwrap_or(0);
    Ok(())
}

/// Small in a round of three minutes, but never cut.
fn long_count<C: Coder>(c: &mut C, value: &mut u16, order: u32) -> Coded {
    let mut code = u32::from(*value);
    c.golomb(&mut code, order)?;
    *value = u16::try_from(code).map_err(|_overflow| DecodeError::Malformed("a count"))?;
    Ok(())
}

fn choice<C: Coder, T: Copy + PartialEq>(c: &mut C, value: &mut T, all: &[T]) -> Coded {
    let mut place = all.iter().position(|other| other == value).unwrap_or(0);
    c.length(&mut place, 0, all.len() - 1)?;
    *value = all[place];
    Ok(())
}

fn list<C: Coder, T>(
    c: &mut C,
    items: &mut Vec<T>,
    max: usize,
    blank: impl Fn() -> T,
    mut code: impl FnMut(&mut C, &mut T) -> Coded,
) -> Coded {
    let mut count = items.len();
    c.length(&mut count, 0, max)?;
    items.resize_with(count, blank);
    items.iter_mut().try_for_each(|item| code(c, item))
}
