//! Which foe a bot attacks, and with which weapon.

use super::super::command::{Buttons, Input};
use super::super::disc::Disc;
use super::super::fixed::{Angle, Vec2, narrow, units};
use super::super::push::{SHOVE_HALF_ANGLE, SHOVE_REACH, are_foes};
use super::super::rng::Rng;
use super::super::world::World;
use super::super::{movement, platform, pulse};
use super::drift::drifted;
use super::strength::Skill;

/// The foe that is most worth an attack: near, strained, close to the edge, not protected.
pub(super) fn target<'w>(world: &'w World, me: &Disc) -> Option<&'w Disc> {
    let teams = world.mode.has_teams();
    let foes = world.discs.iter().filter(|disc| disc.is_standing() && are_foes(me, disc, teams));
    foes.min_by_key(|foe| {
        let distance = (foe.position - me.position).length();
        let strained = units(i32::from(foe.strain));
        let exposed = foe.position.length() / 3;
        let protected = if foe.protection > 30 { units(300) } else { 0 };
        (distance - strained - exposed + protected, foe.slot)
    })
}

/// The aim with which a pulse meets the target, plus the bot's random error.
pub(super) fn aim(me: &Disc, target: &Disc, skill: &Skill, rng: &mut Rng) -> Angle {
    let gap = (target.position - me.position).length();
    let meeting = drifted(target, gap / pulse::SPEED);
    let error = i16::try_from(rng.between(-skill.aim_error, skill.aim_error)).unwrap_or(0);
    Angle::of(meeting - me.position).turned(error)
}

/// The buttons to press.
pub(super) fn buttons(
    world: &World,
    me: &Disc,
    target: &Disc,
    input: &Input,
    in_danger: bool,
    skill: &Skill,
    rng: &mut Rng,
) -> Buttons {
    let mut buttons = Buttons::NONE;
    let takes_chance =
        |rng: &mut Rng, share: u32| rng.below(100) < skill.fire_percent * share / 100;
    if shove_pays(world, me, target, input.aim) && takes_chance(rng, 100) {
        buttons = buttons.with(Buttons::SHOVE);
    }
    let offset = target.position - me.position;
    let in_range = offset.length() < pulse::SPEED * i32::from(pulse::LIFE_TICKS) * 4 / 5;
    // A protected bot holds its fire: an attack would end the protection.
    if in_range && me.protection < 30 && takes_chance(rng, 90) {
        buttons = buttons.with(Buttons::PULSE);
    }
    let dash = if in_danger {
        dash_escapes(world, me, input)
    } else {
        dash_pays(world, me, target, input)
    };
    if dash && takes_chance(rng, 80) {
        buttons = buttons.with(Buttons::DASH);
    }
    buttons
}

fn shove_pays(world: &World, me: &Disc, target: &Disc, aim: Angle) -> bool {
    let offset = target.position - me.position;
    let reached = offset.length() < SHOVE_REACH * 9 / 10;
    let ahead = Angle::of(offset).since(aim).unsigned_abs() < SHOVE_HALF_ANGLE;
    let outwards = offset.dot(target.position) > 0
        || !platform::holds(world.platform_radius() / 2, target.position);
    reached && ahead && outwards && target.protection == 0
}

/// A dash inwards saves the bot when thrust alone no longer does.
fn dash_escapes(world: &World, me: &Disc, input: &Input) -> bool {
    let soon = drifted(me, 14);
    let lost = !platform::holds(world.platform_radius(), soon);
    let inwards = input.thrust.angle().is_some_and(|angle| angle.vector(64).dot(me.position) < 0);
    lost && inwards && me.dash_cooldown == 0
}

/// A dash pays as an attack when the target is close, straight ahead and farther out, and the bot stays on the ice.
fn dash_pays(world: &World, me: &Disc, target: &Disc, input: &Input) -> bool {
    let Some(angle) = input.thrust.angle() else { return false };
    let offset = target.position - me.position;
    let straight = Angle::of(offset).since(angle).unsigned_abs() < Angle::TURN / 24;
    let near = (units(60)..units(190)).contains(&offset.length());
    let outwards = offset.dot(target.position) > 0;
    let after: Vec2 = drifted(me, 30) + angle.vector(movement::DASH_SPEED).scale(20, 1);
    let stays = platform::holds(narrow(i64::from(world.platform_radius()) * 9 / 10), after);
    straight && near && outwards && stays && target.protection == 0
}
