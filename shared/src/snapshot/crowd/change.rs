//! The change of one disc over the ticks of a snapshot, in bits, against dead reckoning.

use super::super::bits::{Coder, DecodeError};
use super::super::{delta, keyframe};
use crate::sim::dead_reckoning::{self, Actions, Environment};
use crate::sim::disc::{
    CROWD_COORDINATE_MAX, EFFECT_TICKS, POINTS_MAX, PROTECTION_TICKS, STRAIN_MAX,
};
use crate::sim::movement::DASH_COOLDOWN_TICKS;
use crate::sim::push::SHOVE_COOLDOWN_TICKS;
use crate::sim::{Disc, Input, pulse};

type Coded = Result<(), DecodeError>;

/// Orders of the Exponential-Golomb codes for corrections: after a bump a position is off by a few units, a velocity by a
/// fraction of one.
const PLACE_ORDER: u32 = 7;
const VELOCITY_ORDER: u32 = 7;
const STRAIN_ORDER: u32 = 3;
const SCORE_ORDER: u32 = 1;

/// Whether a correction can express the difference. A disc whose difference it cannot express, such as one that
/// respawned, is sent in full.
pub(super) fn fits(disc: &Disc, to: &Disc) -> bool {
    let offset = to.position - disc.position;
    let is_small = |part: i32| i16::try_from(part).is_ok();
    disc.stance == to.stance && is_small(offset.x) && is_small(offset.y)
}

/// Moves a disc by dead reckoning, one tick for each input. Returns the actions that it took.
pub(super) fn predict(disc: &mut Disc, inputs: &[Input], environments: &[Environment]) -> Actions {
    let mut actions = Actions::default();
    for (input, environment) in inputs.iter().zip(environments) {
        disc.input = *input;
        let now = dead_reckoning::step_disc(disc, *environment);
        actions.dashed |= now.dashed;
        actions.shoved |= now.shoved;
    }
    actions
}

/// The input of each tick, against the one of the tick before; the first against `held`.
pub(super) fn inputs<C: Coder>(c: &mut C, held: Input, inputs: &mut [Input]) -> Coded {
    let mut held = held;
    for input in inputs {
        let mut changed = *input != held;
        c.flag(&mut changed)?;
        if c.is_reading() {
            // The parts of an input that did not change are those of the tick before.
            *input = held;
        }
        if changed {
            delta::input(c, &held, input)?;
        }
        held = *input;
    }
    Ok(())
}

/// The difference between the predicted `disc` and the true one. A reader corrects `disc`; a writer compares it with
/// `to`.
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
    c.signed_golomb(&mut by, order)?;
    *value += i32::from(by);
    if value.abs() > limit {
        return Err(DecodeError::Malformed("a correction leads too far"));
    }
    Ok(())
}

/// The timers, when dead reckoning got one of them wrong: that is rare.
fn timers<C: Coder>(c: &mut C, disc: &mut Disc, to: &Disc) -> Coded {
    let of = |disc: &Disc| timers_of(disc);
    let mut differ = of(disc) != of(to);
    c.flag(&mut differ)?;
    if !differ {
        return Ok(());
    }
    let mut values = if c.is_reading() { of(disc) } else { of(to) };
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
