//! How one disc changed in the ticks of a snapshot, in bits, against what it would have done alone.

use super::super::bits::{Coder, DecodeError};
use super::super::{delta, keyframe};
use crate::sim::alone::{self, Deeds, Surroundings};
use crate::sim::disc::{
    CROWD_COORDINATE_MAX, EFFECT_TICKS, POINTS_MAX, PROTECTION_TICKS, STRAIN_MAX,
};
use crate::sim::movement::DASH_COOLDOWN_TICKS;
use crate::sim::push::SHOVE_COOLDOWN_TICKS;
use crate::sim::{Disc, Input, pulse};

type Coded = Result<(), DecodeError>;

/// Orders of the codes for corrections: places are off by a few units after a bump, velocities by a part of one.
const PLACE_ORDER: u32 = 7;
const VELOCITY_ORDER: u32 = 7;
const STRAIN_ORDER: u32 = 3;
const SCORE_ORDER: u32 = 1;

/// Whether a correction fits into a change. What does not is told whole: a disc that came back elsewhere, say.
pub(super) fn fits(disc: &Disc, to: &Disc) -> bool {
    let way = to.position - disc.position;
    let is_small = |part: i32| i16::try_from(part).is_ok();
    disc.stance == to.stance && is_small(way.x) && is_small(way.y)
}

/// Lets a disc go through some ticks alone, with these keys. Says what it did.
pub(super) fn go_alone(disc: &mut Disc, keys: &[Input], around: &[Surroundings]) -> Deeds {
    let mut deeds = Deeds::default();
    for (keys, around) in keys.iter().zip(around) {
        disc.input = *keys;
        let now = alone::step(disc, *around);
        deeds.dashed |= now.dashed;
        deeds.shoved |= now.shoved;
    }
    deeds
}

/// The keys of some ticks, against those that were held before.
pub(super) fn keys<C: Coder>(c: &mut C, held: Input, keys: &mut [Input]) -> Coded {
    let mut held = held;
    for keys in keys {
        let mut changed = *keys != held;
        c.flag(&mut changed)?;
        if c.reads() {
            // What is not said of a changed input is as it was a tick ago, not as it was before all of them.
            *keys = held;
        }
        if changed {
            delta::input(c, &held, keys)?;
        }
        held = *keys;
    }
    Ok(())
}

/// What is left between `disc`, which went alone, and what it is. A reader changes `disc`; a writer takes `to`.
pub(super) fn correction<C: Coder>(c: &mut C, disc: &mut Disc, to: &Disc) -> Coded {
    let mut moved = (disc.position, disc.velocity) != (to.position, to.velocity);
    c.flag(&mut moved)?;
    if moved {
        let limit = CROWD_COORDINATE_MAX;
        correct(c, &mut disc.position.x, to.position.x, limit, PLACE_ORDER)?;
        correct(c, &mut disc.position.y, to.position.y, limit, PLACE_ORDER)?;
        let limit = keyframe::VELOCITY_MAX;
        correct(c, &mut disc.velocity.x, to.velocity.x, limit, VELOCITY_ORDER)?;
        correct(c, &mut disc.velocity.y, to.velocity.y, limit, VELOCITY_ORDER)?;
    }
    let mut altered = state_of(disc) != state_of(to);
    c.flag(&mut altered)?;
    if altered {
        let mut strain = i32::from(disc.strain);
        correct(c, &mut strain, to.strain.into(), STRAIN_MAX.into(), STRAIN_ORDER)?;
        disc.strain =
            u16::try_from(strain).map_err(|_negative| DecodeError::Malformed("strain"))?;
        timers(c, disc, to)?;
    }
    let mut scored = score_of(disc) != score_of(to);
    c.flag(&mut scored)?;
    if scored {
        count(c, &mut disc.knockouts, to.knockouts)?;
        count(c, &mut disc.falls, to.falls)?;
        let mut points = i32::from(disc.points);
        correct(c, &mut points, to.points.into(), POINTS_MAX.into(), SCORE_ORDER)?;
        disc.points = i16::try_from(points).unwrap_or(POINTS_MAX);
    }
    Ok(())
}

fn correct<C: Coder>(c: &mut C, value: &mut i32, to: i32, limit: i32, order: u32) -> Coded {
    let mut by = i16::try_from(to - *value).unwrap_or(0);
    c.small(&mut by, order)?;
    *value += i32::from(by);
    if value.abs() > limit {
        return Err(DecodeError::Malformed("a correction leads too far"));
    }
    Ok(())
}

/// Timers that stand otherwise than they would: most of these are not.
fn timers<C: Coder>(c: &mut C, disc: &mut Disc, to: &Disc) -> Coded {
    let of = |disc: &Disc| timers_of(disc);
    let mut differ = of(disc) != of(to);
    c.flag(&mut differ)?;
    if !differ {
        return Ok(());
    }
    let mut values = if c.reads() { of(disc) } else { of(to) };
    let limits = [
        pulse::COOLDOWN_TICKS,
        SHOVE_COOLDOWN_TICKS,
        DASH_COOLDOWN_TICKS,
        PROTECTION_TICKS,
        EFFECT_TICKS,
        EFFECT_TICKS,
    ];
    for (value, limit) in values.iter_mut().zip(limits) {
        c.timer(value, limit)?;
    }
    [
        disc.pulse_cooldown,
        disc.shove_cooldown,
        disc.dash_cooldown,
        disc.protection,
        disc.heavy,
        disc.overcharge,
    ] = values;
    Ok(())
}

fn count<C: Coder>(c: &mut C, value: &mut u16, to: u16) -> Coded {
    let mut more = u32::from(to.wrapping_sub(*value));
    c.golomb(&mut more, SCORE_ORDER)?;
    let more = u16::try_from(more).map_err(|_overflow| DecodeError::Malformed("a count"))?;
    *value = value.wrapping_add(more);
    Ok(())
}

fn state_of(disc: &Disc) -> (u16, [u16; 6]) {
    (disc.strain, timers_of(disc))
}

fn timers_of(disc: &Disc) -> [u16; 6] {
    [
        disc.pulse_cooldown,
        disc.shove_cooldown,
        disc.dash_cooldown,
        disc.protection,
        disc.heavy,
        disc.overcharge,
    ]
}

fn score_of(disc: &Disc) -> (i16, u16, u16) {
    (disc.points, disc.knockouts, disc.falls)
}
