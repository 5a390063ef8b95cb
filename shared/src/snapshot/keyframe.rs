//! A whole world in bits: about 17 bytes for each disc, pulses and pickups included, and more in a crowd, whose numbers
//! are wider.

use super::bits::{Coder, DecodeError};
use crate::sim::disc::{
    COORDINATE_MAX, CREDIT_TICKS, CROWD_COORDINATE_MAX, EFFECT_TICKS, LastPush, POINTS_MAX,
    PROTECTION_TICKS, RESPAWN_TICKS, SPEED_MAX, STRAIN_MAX,
};
use crate::sim::mode::{CROWD_SEATS, ROUND_TICKS_MAX, SEATS_MAX};
use crate::sim::movement::DASH_COOLDOWN_TICKS;
use crate::sim::pulse;
use crate::sim::push::SHOVE_COOLDOWN_TICKS;
use crate::sim::{
    Angle, Buttons, Disc, Input, Mode, Pickup, PickupKind, Pulse, PulseId, PushKind, Slot, Stance,
    Thrust, Vec2, World,
};
use crate::tick::Tick;

type Coded = Result<(), DecodeError>;

/// The ranges of the numbers in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    seats: usize,
    coordinate_max: i32,
}

impl Layout {
    pub(super) const fn of(mode: Mode) -> Self {
        if mode.is_crowd() {
            Self { seats: CROWD_SEATS, coordinate_max: CROWD_COORDINATE_MAX }
        } else {
            Self { seats: SEATS_MAX, coordinate_max: COORDINATE_MAX }
        }
    }

    pub(super) const fn seats(self) -> usize {
        self.seats
    }

    /// The greatest coordinate of a pulse: that of a disc, plus its whole flight.
    const fn pulse_coordinate_max(self) -> i32 {
        self.coordinate_max + pulse::SPEED * pulse::LIFE_TICKS as i32
    }
}

/// Codes a world of a known layout. Any world that a reader accepts can be stepped.
pub(super) fn world<C: Coder>(c: &mut C, world: &mut World, layout: Layout) -> Coded {
    if layout == Layout::of(Mode::Crowd) {
        world.mode = Mode::Crowd;
    } else {
        choice(c, &mut world.mode, &Mode::ALL[..4])?;
    }
    c.bits(&mut world.tick.0, 32)?;
    // Rounds begin at tick 0, except in tests near the wrap.
    let mut late = world.began.0 != 0;
    c.flag(&mut late)?;
    if late {
        c.bits(&mut world.began.0, 32)?;
    } else {
        world.began.0 = 0;
    }
    round_ticks(c, &mut world.round_ticks)?;
    c.u64(&mut world.rng.0)?;
    seats(c, &mut world.discs, world.mode)?;
    world.discs.iter_mut().try_for_each(|each| disc(c, each, layout))?;
    let (now, mode) = (world.tick, world.mode);
    let blank = || blank_pulse(now);
    list(c, &mut world.pulses, mode.pulses_max(), blank, |c, p| pulse(c, p, now, layout))?;
    list(c, &mut world.pickups, mode.pickups_max(), blank_pickup, |c, p| pickup(c, p, layout))?;
    for points in &mut world.team_points {
        signed(c, points, POINTS_MAX)?;
    }
    let mut leads = world.leader.is_some();
    c.flag(&mut leads)?;
    let mut leader = world.leader.unwrap_or(Slot(0));
    if leads {
        slot(c, &mut leader, layout)?;
    }
    world.leader = leads.then_some(leader);
    Ok(())
}

pub(super) fn round_ticks<C: Coder>(c: &mut C, ticks: &mut u32) -> Coded {
    c.bits(ticks, 18)?;
    if *ticks > ROUND_TICKS_MAX {
        return Err(DecodeError::Malformed("the round is too long"));
    }
    Ok(())
}

/// Codes which seats are taken: a bit for each, the lowest slot first.
fn seats<C: Coder>(c: &mut C, discs: &mut Vec<Disc>, mode: Mode) -> Coded {
    let layout = Layout::of(mode);
    let mut known = core::mem::take(discs).into_iter().peekable();
    for slot in (0..).map(Slot).take(layout.seats) {
        let disc = known.next_if(|disc| disc.slot == slot);
        let mut taken = disc.is_some();
        c.flag(&mut taken)?;
        if taken && usize::from(slot.0) >= mode.seats() {
            return Err(DecodeError::Malformed("no such seat"));
        }
        discs.extend(disc.or_else(|| taken.then(|| Disc::entering(slot, 0))));
    }
    Ok(())
}

pub(super) fn disc<C: Coder>(c: &mut C, disc: &mut Disc, layout: Layout) -> Coded {
    let mut team = disc.team == 1;
    c.flag(&mut team)?;
    disc.team = u8::from(team);
    c.vector(&mut disc.position, layout.coordinate_max)?;
    stance(c, disc)?;
    input(c, &mut disc.input)?;
    c.timer(&mut disc.strain, STRAIN_MAX)?;
    c.timer(&mut disc.pulse_cooldown, pulse::COOLDOWN_TICKS)?;
    c.timer(&mut disc.shove_cooldown, SHOVE_COOLDOWN_TICKS)?;
    c.timer(&mut disc.dash_cooldown, DASH_COOLDOWN_TICKS)?;
    c.timer(&mut disc.protection, PROTECTION_TICKS)?;
    c.timer(&mut disc.heavy, EFFECT_TICKS)?;
    c.timer(&mut disc.overcharge, EFFECT_TICKS)?;
    last_push(c, &mut disc.last_push, layout)?;
    long_count(c, &mut disc.knockouts, 2)?;
    long_count(c, &mut disc.falls, 2)?;
    points(c, disc)
}

/// Codes the points as a difference from the knock-outs, which is small: only falls without a credit cost points.
pub(super) fn points<C: Coder>(c: &mut C, disc: &mut Disc) -> Coded {
    let knockouts = i32::from(disc.knockouts);
    let mut short = (knockouts - i32::from(disc.points)).unsigned_abs();
    let mut above = i32::from(disc.points) > knockouts;
    c.golomb(&mut short, 1)?;
    if short != 0 {
        c.flag(&mut above)?;
    }
    let short = i32::try_from(short).unwrap_or(i32::MAX);
    let points = if above { knockouts.saturating_add(short) } else { knockouts - short };
    let known =
        i16::try_from(points).ok().filter(|points| (-POINTS_MAX..=POINTS_MAX).contains(points));
    disc.points = known.ok_or(DecodeError::Malformed("points"))?;
    Ok(())
}

/// Codes a standing disc with its velocity, or one that is out with its timer.
pub(super) fn stance<C: Coder>(c: &mut C, disc: &mut Disc) -> Coded {
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

/// The greatest coordinate of a velocity: a recoil may exceed [`SPEED_MAX`] until the next step limits it.
pub(super) const VELOCITY_MAX: i32 = SPEED_MAX + pulse::RECOIL_SPEED;

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

fn last_push<C: Coder>(c: &mut C, push: &mut Option<LastPush>, layout: Layout) -> Coded {
    let mut known = push.is_some();
    c.flag(&mut known)?;
    let mut value = push.unwrap_or(LastPush { by: Slot(0), kind: PushKind::Bump, ticks_left: 1 });
    if known {
        slot(c, &mut value.by, layout)?;
        choice(c, &mut value.kind, &PushKind::ALL)?;
        c.count(&mut value.ticks_left, CREDIT_TICKS)?;
    }
    *push = known.then_some(value);
    Ok(())
}

pub(super) fn blank_pulse(tick: Tick) -> Pulse {
    let id = PulseId { slot: Slot(0), tick };
    Pulse { id, position: Vec2::ZERO, velocity: Vec2::ZERO, ticks_left: 1, overcharged: false }
}

pub(super) fn pulse<C: Coder>(c: &mut C, pulse: &mut Pulse, now: Tick, layout: Layout) -> Coded {
    pulse_id(c, &mut pulse.id, now, layout)?;
    pulse_position(c, &mut pulse.position, layout)?;
    c.vector(&mut pulse.velocity, pulse::SPEED)?;
    c.count(&mut pulse.ticks_left, pulse::LIFE_TICKS)?;
    c.flag(&mut pulse.overcharged)
}

pub(super) fn pulse_position<C: Coder>(c: &mut C, position: &mut Vec2, layout: Layout) -> Coded {
    c.vector(position, layout.pulse_coordinate_max())
}

fn pulse_id<C: Coder>(c: &mut C, id: &mut PulseId, now: Tick, layout: Layout) -> Coded {
    slot(c, &mut id.slot, layout)?;
    let mut age = now.since(id.tick);
    c.ranged(&mut age, 0, i32::from(pulse::LIFE_TICKS))?;
    id.tick = now.minus(age.unsigned_abs());
    Ok(())
}

pub(super) fn blank_pickup() -> Pickup {
    Pickup { kind: PickupKind::Mend, position: Vec2::ZERO }
}

pub(super) fn pickup<C: Coder>(c: &mut C, pickup: &mut Pickup, layout: Layout) -> Coded {
    choice(c, &mut pickup.kind, &PickupKind::ALL)?;
    c.vector(&mut pickup.position, layout.coordinate_max)
}

pub(super) fn slot<C: Coder>(c: &mut C, slot: &mut Slot, layout: Layout) -> Coded {
    let mut number = usize::from(slot.0);
    c.length(&mut number, 0, layout.seats - 1)?;
    *slot = Slot(u16::try_from(number).unwrap_or(0));
    Ok(())
}

fn signed<C: Coder>(c: &mut C, value: &mut i16, max: i16) -> Coded {
    let mut number = i32::from(*value);
    c.ranged(&mut number, -i32::from(max), i32::from(max))?;
    *value = i16::try_from(number).unwrap_or(0);
    Ok(())
}

/// Codes a count that is small in a round of three minutes and may be large in longer ones.
pub(super) fn long_count<C: Coder>(c: &mut C, value: &mut u16, order: u32) -> Coded {
    let mut code = u32::from(*value);
    c.golomb(&mut code, order)?;
    *value = u16::try_from(code).map_err(|_overflow| DecodeError::Malformed("a count"))?;
    Ok(())
}

/// Codes one of a few values by its index.
pub(super) fn choice<C: Coder, T: Copy + PartialEq>(c: &mut C, value: &mut T, all: &[T]) -> Coded {
    let mut index = all.iter().position(|other| other == value).unwrap_or(0);
    c.length(&mut index, 0, all.len() - 1)?;
    *value = all[index];
    Ok(())
}

/// Codes a list with at most `max` items. A reader fills it up with `blank` items before it reads them.
pub(super) fn list<C: Coder, T>(
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
