//! Where a bot drives: first away from the edge, then out of the way of pulses, then towards its target.

use super::super::command::Thrust;
use super::super::disc::{Disc, RADIUS};
use super::super::fixed::{Vec2, units};
use super::super::rng::Rng;
use super::super::world::World;
use super::super::{platform, pulse};
use super::drift::drifted;
use super::strength::Skill;

/// Thrust back to the middle of the ice; in the middle, thrust that brakes.
pub(super) fn home(world: &World, me: &Disc, skill: &Skill) -> Thrust {
    let near = platform::holds(world.platform_radius() / 3, drifted(me, skill.foresight_ticks));
    if near {
        Thrust::along(-me.velocity)
    } else {
        Thrust::along(-drifted(me, skill.foresight_ticks))
    }
}

/// Thrust that saves the bot when it is about to slide over the edge. `None` when it is safe.
pub(super) fn escape(world: &World, me: &Disc, skill: &Skill) -> Option<Thrust> {
    let safe = world.platform_radius() - skill.edge_margin.min(world.platform_radius() / 3);
    let ahead = drifted(me, skill.foresight_ticks);
    if platform::holds(safe, ahead) {
        return None;
    }
    // Against the slide as well as to the middle: thrust to the middle alone would let it slide out sideways.
    Some(Thrust::along(-(ahead + me.velocity.scale(skill.foresight_ticks, 1))))
}

/// Thrust to the side when another player's pulse is about to hit. `None` when no pulse is.
pub(super) fn dodge(world: &World, me: &Disc) -> Option<Thrust> {
    const NOTICE_TICKS: i64 = 24;
    let coming = world.pulses.iter().filter(|pulse| pulse.id.slot != me.slot);
    for shot in coming {
        let offset = me.position - shot.position;
        let speed = shot.velocity - me.velocity;
        let squared = speed.length_squared().max(1);
        let ticks = offset.dot(speed) / squared;
        let miss = offset.cross(speed).abs() / i64::from(speed.length().max(1));
        if (0..NOTICE_TICKS).contains(&ticks) && miss < i64::from(RADIUS + pulse::RADIUS + units(6))
        {
            let left = Vec2::new(shot.velocity.y, -shot.velocity.x);
            let aside = if offset.cross(shot.velocity) > 0 { left } else { -left };
            let outwards = aside.dot(me.position) > 0;
            let near_edge = !platform::holds(world.platform_radius() * 3 / 4, me.position);
            return (!(outwards && near_edge)).then(|| Thrust::along(aside));
        }
    }
    None
}

/// The way to a near pickup, else to the inner side of the target, so that pushes go outwards.
pub(super) fn chase(world: &World, me: &Disc, target: &Disc, rng: &mut Rng) -> Vec2 {
    let distance = |position: Vec2| (position - me.position).length();
    let gap = distance(target.position);
    let wanted = world
        .pickups
        .iter()
        .filter(|pickup| platform::holds(world.platform_radius() * 17 / 20, pickup.position))
        .map(|pickup| pickup.position)
        .min_by_key(|position| distance(*position))
        .filter(|position| distance(*position) < gap.max(units(160)));
    let here = drifted(me, 16);
    if let Some(position) = wanted {
        return position - here;
    }
    let meeting = drifted(target, (gap / units(6)).clamp(0, 40));
    let inner = meeting - meeting.with_length(units(70).min(meeting.length()));
    // A little to a random side, so that two bots do not push against each other for ever.
    let side = Vec2::new(-meeting.y, meeting.x).with_length(units(rng.between(-40, 40)));
    inner + side - here
}
