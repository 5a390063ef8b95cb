//! The conversion from world to scene: from whole sub-units to units in floats. Back again, for the directions that a person
//! points at.
//!
//! A unit of the scene is a unit of the world. The scene's y axis points up, the world's down.

use bevy::math::Vec2;
use shared::sim::fixed::{self, SUBUNITS};
use shared::sim::{Angle, Disc, PickupKind, PulseId, Slot, Stance, Thrust, World};
use shared::tick::TICK_RATE_HZ;

/// A position or a vector in the scene.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "coordinates have at most 17 bits")]
pub fn scene_from_world(place: fixed::Vec2) -> Vec2 {
    Vec2::new(place.x as f32, -place.y as f32) / SUBUNITS as f32
}

/// A length, in units.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "lengths have at most 17 bits")]
pub fn length_from_world(length: i32) -> f32 {
    length as f32 / SUBUNITS as f32
}

/// A speed, in units a second.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sixty")]
pub fn speed_from_world(subunits_a_tick: i32) -> f32 {
    length_from_world(subunits_a_tick) * TICK_RATE_HZ as f32
}

/// A direction, in radians counter-clockwise from the right.
#[must_use]
pub fn radians_from_world(angle: Angle) -> f32 {
    -f32::from(angle.steps()) * core::f32::consts::TAU / f32::from(Angle::TURN)
}

/// The direction of a vector. `None` when its length is zero.
#[must_use]
pub fn angle_towards(vector: Vec2) -> Option<Angle> {
    (vector.length_squared() > 1e-6).then(|| Angle::of(world_direction(vector)))
}

/// The thrust along a vector. No thrust when the vector is shorter than the dead zone.
#[must_use]
pub fn thrust_along(vector: Vec2, dead_zone: f32) -> Thrust {
    if vector.length() < dead_zone { Thrust::NONE } else { Thrust::along(world_direction(vector)) }
}

fn world_direction(vector: Vec2) -> fixed::Vec2 {
    const FINE: f32 = 4096.0;
    let vector = vector.normalize_or_zero() * FINE;
    #[expect(clippy::cast_possible_truncation, reason = "at most 4096")]
    fixed::Vec2::new(vector.x as i32, -vector.y as i32)
}

/// Ticks as seconds.
#[must_use]
pub fn seconds(ticks: u16) -> f32 {
    f32::from(ticks) / 60.0
}

/// A disc in the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneDisc {
    /// The slot.
    pub slot: Slot,
    /// 0 or 1 in Teams, otherwise 0.
    pub team: u8,
    /// The centre.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// The aim, in radians.
    pub aim: f32,
    /// The direction of the thrust. Zero without thrust.
    pub thrust: Vec2,
    /// Whether it is on the ice.
    pub standing: bool,
    /// Seconds until it is back. Zero on the ice.
    pub back_in: f32,
    /// The strain. 1 is a hundred percent.
    pub strain: f32,
    /// Seconds of protection left.
    pub protection: f32,
    /// Seconds of Heavy left.
    pub heavy: f32,
    /// Seconds of Overcharge left.
    pub overcharge: f32,
    /// Seconds until the next pulse, shove and dash.
    pub cooldowns: [f32; 3],
    /// Points of this round.
    pub points: i16,
    /// Knock-outs of this round.
    pub knockouts: u16,
    /// Falls of this round.
    pub falls: u16,
}

/// A pulse in the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScenePulse {
    /// The id.
    pub id: PulseId,
    /// The centre.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// Whether it pushes twice as hard.
    pub overcharged: bool,
    /// Seconds since it was fired.
    pub age: f32,
    /// Seconds until it ends.
    pub left: f32,
}

/// A pickup in the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScenePickup {
    /// The kind.
    pub kind: PickupKind,
    /// The centre.
    pub position: Vec2,
}

/// A world between two ticks, in floats.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneWorld {
    /// The discs, in the order of their slots.
    pub discs: Vec<SceneDisc>,
    /// The pulses, the oldest first.
    pub pulses: Vec<ScenePulse>,
    /// The pickups, the oldest first.
    pub pickups: Vec<ScenePickup>,
    /// The radius of the platform.
    pub radius: f32,
    /// The radius of the platform before it shrinks.
    pub radius_whole: f32,
    /// The part of the round that has passed, from 0 to 1.
    pub progress: f32,
    /// Seconds until the round is over.
    pub remaining: f32,
    /// Seconds of the countdown that are left. Zero after it.
    pub countdown: f32,
    /// The points of the two teams. `None` without teams.
    pub team_points: Option<[i16; 2]>,
    /// The leader, if there is one.
    pub leader: Option<Slot>,
    /// Whether the round is over.
    pub over: bool,
    /// Whether it holds only what is near the own disc.
    pub is_partial: bool,
}

impl SceneWorld {
    /// The world `part` of the way from one tick to a later one, from 0 to 1.
    #[must_use]
    pub fn interpolate(earlier: &World, later: &World, part: f32) -> Self {
        Self::interpolate_with(earlier, later, part, |_| [0.0; 2])
    }

    /// Like [`Self::interpolate`], with every disc drawn off its position by the offset of its slot, in units, y down.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn interpolate_with(
        earlier: &World,
        later: &World,
        part: f32,
        offset_of: impl Fn(Slot) -> [f32; 2],
    ) -> Self {
        let span = later.tick.since(earlier.tick).max(0) as f32;
        let back = span * (1.0 - part);
        let discs = later.discs.iter().map(|disc| {
            scene_disc(earlier.disc(disc.slot).unwrap_or(disc), disc, part, offset_of(disc.slot))
        });
        let pulses = later.pulses.iter().map(|pulse| {
            let step = scene_from_world(pulse.velocity);
            let flown = shared::sim::pulse::LIFE_TICKS - pulse.ticks_left;
            // A pulse that was fired between the two worlds starts at the muzzle.
            let back = back.min(f32::from(flown));
            ScenePulse {
                id: pulse.id,
                position: scene_from_world(pulse.position) - step * back,
                velocity: step * TICK_RATE_HZ as f32,
                overcharged: pulse.overcharged,
                age: seconds(flown),
                left: seconds(pulse.ticks_left),
            }
        });
        let pickups = later.pickups.iter().map(|pickup| ScenePickup {
            kind: pickup.kind,
            position: scene_from_world(pickup.position),
        });
        let countdown = if later.is_counting_down() { countdown_left(later) + back } else { 0.0 };
        let radius = |world: &World| length_from_world(world.platform_radius());
        Self {
            discs: discs.collect(),
            pulses: pulses.collect(),
            pickups: pickups.collect(),
            radius: radius(earlier) + (radius(later) - radius(earlier)) * part,
            radius_whole: length_from_world(later.mode.platform_radius()),
            progress: later.elapsed() as f32 / later.round_ticks.max(1) as f32,
            remaining: (later.remaining() as f32 + back) / TICK_RATE_HZ as f32,
            countdown: countdown / TICK_RATE_HZ as f32,
            team_points: later.mode.has_teams().then_some(later.team_points),
            leader: later.leader,
            over: later.is_over(),
            is_partial: later.is_partial(),
        }
    }

    /// Whether the ice is wide: see [`presentation::camera::is_wide`].
    #[must_use]
    pub fn is_wide(&self) -> bool {
        presentation::camera::is_wide(self.radius_whole.into())
    }

    /// The disc of a slot.
    #[must_use]
    pub fn disc(&self, slot: Slot) -> Option<&SceneDisc> {
        let place = self.discs.binary_search_by_key(&slot, |disc| disc.slot).ok()?;
        self.discs.get(place)
    }

    /// The discs, best first, in the order of `shared::sim::scoring::ranking`.
    #[must_use]
    pub fn ranking(&self) -> Vec<&SceneDisc> {
        let mut ranked: Vec<_> = self.discs.iter().collect();
        ranked.sort_by_key(|disc| (core::cmp::Reverse(disc.points), disc.falls, disc.slot));
        ranked
    }
}

#[expect(clippy::cast_precision_loss, reason = "three seconds of ticks")]
fn countdown_left(world: &World) -> f32 {
    let countdown = shared::sim::mode::COUNTDOWN_TICKS.min(world.round_ticks / 8);
    countdown.saturating_sub(world.elapsed()) as f32
}

fn scene_disc(earlier: &Disc, later: &Disc, part: f32, offset: [f32; 2]) -> SceneDisc {
    let to = scene_from_world(later.position);
    let both_standing = earlier.is_standing() && later.is_standing();
    let from = if both_standing { scene_from_world(earlier.position) } else { to };
    let turn = f32::from(later.input.aim.since(earlier.input.aim));
    let turned = turn * (1.0 - part) * core::f32::consts::TAU / f32::from(Angle::TURN);
    let back_in = match later.stance {
        Stance::Standing => 0.0,
        Stance::Out { ticks_left } => seconds(ticks_left),
    };
    let thrust = later.input.thrust.angle().map(radians_from_world).map(Vec2::from_angle);
    SceneDisc {
        slot: later.slot,
        team: later.team,
        position: from.lerp(to, part) + Vec2::new(offset[0], -offset[1]),
        velocity: scene_from_world(later.velocity) * 60.0,
        aim: radians_from_world(later.input.aim) + turned,
        thrust: thrust.unwrap_or_default(),
        standing: later.is_standing(),
        back_in,
        strain: f32::from(later.strain) / 100.0,
        protection: seconds(later.protection),
        heavy: seconds(later.heavy),
        overcharge: seconds(later.overcharge),
        cooldowns: [later.pulse_cooldown, later.shove_cooldown, later.dash_cooldown].map(seconds),
        points: later.points,
        knockouts: later.knockouts,
        falls: later.falls,
    }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::fixed::{self, units};
    use shared::sim::{Angle, Command, Mode, Slot, Thrust, World};

    use super::{SceneWorld, angle_towards, radians_from_world, scene_from_world, thrust_along};

    #[test]
    fn up_is_up() {
        assert_eq!(scene_from_world(fixed::Vec2::new(units(3), units(-2))), Vec2::new(3.0, 2.0));
        let up = angle_towards(Vec2::Y).expect("a direction");
        assert_eq!(Angle::of(fixed::Vec2::new(0, -9)), up);
        assert!(
            (radians_from_world(up).rem_euclid(core::f32::consts::TAU)
                - core::f32::consts::FRAC_PI_2)
                .abs()
                < 0.01
        );
        assert_eq!(thrust_along(Vec2::Y * 0.1, 0.2), Thrust::NONE);
        assert_eq!(thrust_along(Vec2::X, 0.2).code(), 1);
    }

    #[test]
    fn a_disc_is_drawn_between_its_two_places() {
        let mut earlier = World::new(Mode::Duel, 1, 3_600);
        earlier.step(&[Command::Join { slot: Slot(0), team: 0 }]);
        earlier.discs[0].position = fixed::Vec2::new(0, 0);
        let mut later = earlier.clone();
        later.tick = earlier.tick.next();
        later.discs[0].position = fixed::Vec2::new(units(8), 0);

        let scene = SceneWorld::interpolate(&earlier, &later, 0.25);

        assert_eq!(scene.disc(Slot(0)).map(|disc| disc.position), Some(Vec2::new(2.0, 0.0)));
    }
}
