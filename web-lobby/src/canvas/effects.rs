//! Recent events as light: rings, cones, streaks and sparks that fade within moments.
//!
//! An effect stores only the tick of its event, and its look follows from the playhead: slow motion slows it down,
//! and a pause holds it.

mod hit_stop;
mod paint;

pub(super) use paint::{draw_above, draw_below};

use std::collections::VecDeque;

use presentation::palette;
use shared::sim::{Disc, Event, PickupKind, Slot, World};
use shared::tick::Tick;

use super::point::{Point, chance, radians, units};
use hit_stop::HitStop;

/// How many effects are kept. When full, the oldest is dropped.
const EFFECTS_MAX: usize = 160;
/// The longest life of an effect, in ticks.
const LIFE_TICKS_MAX: f64 = 42.0;
/// How far the world may be ahead of the playhead, in ticks.
const LATE_TICKS: f64 = 4.0;
/// How long a squash lasts, in ticks.
const SQUASH_TICKS: f64 = 9.0;
/// How long a shake lasts, in ticks, and how far it first moves the camera, in units.
const SHAKE_TICKS: f64 = 14.0;
const SHAKE_REACH: f64 = 5.0;

/// The effects that can still be seen.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    shown: VecDeque<Effect>,
    stops: VecDeque<HitStop>,
}

#[derive(Debug, Clone, Copy)]
struct Effect {
    /// Ticks since the round began.
    born: f64,
    place: Point,
    /// The direction of a push, in radians.
    angle: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A small flash where a pulse was fired.
    Muzzle,
    /// A disc was hit. `strength` is from 0 to 1.
    Hit { target: Slot, strength: f64 },
    /// A shove, whether it hit or not.
    Cone { reach: f64 },
    /// Streaks behind a disc that dashed.
    Streaks { slot: Slot },
    /// Two discs bumped. `strength` is from 0 to 1.
    Sparks { strength: f64 },
    /// A disc went over the edge.
    Fall { slot: Slot },
    /// A disc respawned.
    Return,
    /// A pickup appeared, or was taken.
    Pickup { kind: PickupKind, taken: bool },
    /// A disc took the lead.
    Lead,
    /// The platform begins to shrink.
    Shrink { radius: f64 },
}

impl Effects {
    /// Drops all effects, because the playhead jumped.
    pub fn clear(&mut self) {
        self.shown.clear();
        self.stops.clear();
    }

    /// Adds the events that led to a world.
    pub fn record(&mut self, world: &World, events: &[(Tick, Event)]) {
        let now = f64::from(world.elapsed());
        for (tick, event) in events {
            let born = f64::from(tick.since(world.began).max(0));
            if now - born > LIFE_TICKS_MAX {
                continue;
            }
            if let Some((place, angle, kind)) = effect_of(world, event) {
                if self.shown.len() == EFFECTS_MAX {
                    self.shown.pop_front();
                }
                self.shown.push_back(Effect { born, place, angle, kind });
            }
            self.stops.extend(hit_stop::hit_stops_of(world, event, born));
        }
        self.stops.retain(|stop| now - stop.born <= hit_stop::LIFE_TICKS + LATE_TICKS);
        let surplus = self.stops.len().saturating_sub(EFFECTS_MAX);
        self.stops.drain(..surplus);
        self.shown.retain(|effect| now - effect.born <= LIFE_TICKS_MAX);
    }

    /// The offset of a disc during its hit stop.
    pub(super) fn hit_stop_offset(&self, slot: Slot, at: f64) -> Point {
        hit_stop::offset(self.stops.iter(), slot, at)
    }

    /// The offset of the camera during a shake.
    pub(super) fn shake(&self, at: f64) -> Point {
        let strength = self.alive(at).filter_map(|(effect, age)| {
            let hard = match effect.kind {
                Kind::Fall { .. } => 1.0,
                Kind::Hit { strength, .. } => strength - 0.5,
                _ => 0.0,
            };
            (age < SHAKE_TICKS && hard > 0.0).then(|| hard * (1.0 - age / SHAKE_TICKS))
        });
        let reach = SHAKE_REACH * strength.fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a playhead is within a round")]
        #[expect(clippy::cast_sign_loss, reason = "a playhead is never before the round")]
        let seed = at as u32;
        Point::new(chance(seed) - 0.5, chance(seed + 7_919) - 0.5).times(reach)
    }

    /// The direction and the amount of a disc's squash. `None` when there is none.
    pub(super) fn squash(&self, slot: Slot, at: f64) -> Option<(f64, f64)> {
        let mut hits = self.alive(at).filter_map(|(effect, age)| match effect.kind {
            Kind::Hit { target, strength } if target == slot && age < SQUASH_TICKS => {
                Some((effect.angle, strength * 0.3 * (1.0 - age / SQUASH_TICKS)))
            }
            _ => None,
        });
        hits.next()
    }

    fn alive(&self, at: f64) -> impl DoubleEndedIterator<Item = (&Effect, f64)> {
        let aged = move |effect| {
            let effect: &Effect = effect;
            (effect, at - effect.born)
        };
        self.shown.iter().map(aged).filter(|(_, age)| (0.0..LIFE_TICKS_MAX).contains(age))
    }
}

fn effect_of(world: &World, event: &Event) -> Option<(Point, f64, Kind)> {
    let disc = |slot: &Slot| world.disc(*slot);
    let place = |disc: &Disc| Point::from_world(disc.position);
    let aim = |disc: &Disc| radians(disc.input.aim);
    Some(match event {
        Event::PulseFired { id } => {
            let from = disc(&id.slot)?;
            (place(from).plus(Point::at(aim(from), 30.0)), aim(from), Kind::Muzzle)
        }
        Event::PulseHit { id, target, at } => {
            let target_disc = disc(target)?;
            let angle = place(target_disc).minus(Point::from_world(*at)).angle();
            let strong = disc(&id.slot).is_some_and(|owner| owner.overcharge > 0);
            let strength = if strong { 0.9 } else { 0.5 };
            (Point::from_world(*at), angle, Kind::Hit { target: *target, strength })
        }
        Event::Shove { slot } => {
            let from = disc(slot)?;
            let reach = units(shared::sim::push::SHOVE_REACH);
            (place(from), aim(from), Kind::Cone { reach })
        }
        Event::ShoveHit { by, target } => {
            let way = place(disc(target)?).minus(place(disc(by)?));
            (place(disc(target)?), way.angle(), Kind::Hit { target: *target, strength: 0.8 })
        }
        Event::Dash { slot } => {
            let from = disc(slot)?;
            (place(from), Point::from_world(from.velocity).angle(), Kind::Streaks { slot: *slot })
        }
        Event::Bump { a, b, speed, at } => {
            let way = place(disc(b)?).minus(place(disc(a)?));
            let strength = (units(*speed) / 10.0).min(1.0);
            (Point::from_world(*at), way.angle(), Kind::Sparks { strength })
        }
        Event::KnockOut { slot, at, .. } => {
            (Point::from_world(*at), Point::from_world(*at).angle(), Kind::Fall { slot: *slot })
        }
        Event::Respawn { slot } => (place(disc(slot)?), 0.0, Kind::Return),
        Event::PickupSpawned { kind, at } => {
            (Point::from_world(*at), 0.0, Kind::Pickup { kind: *kind, taken: false })
        }
        Event::PickupTaken { kind, at, .. } => {
            (Point::from_world(*at), 0.0, Kind::Pickup { kind: *kind, taken: true })
        }
        Event::LeadChange { slot } => (place(disc(slot)?), 0.0, Kind::Lead),
        Event::ShrinkBegins => {
            (Point::default(), 0.0, Kind::Shrink { radius: units(world.platform_radius()) })
        }
        Event::RoundOver => return None,
    })
}

impl Kind {
    /// The life of an effect, in ticks. 15 are the 250 ms of a push, 36 the 600 ms of a fall.
    const fn life_ticks(self) -> f64 {
        match self {
            Self::Muzzle => 8.0,
            Self::Hit { .. } | Self::Cone { .. } => 15.0,
            Self::Streaks { .. } | Self::Sparks { .. } => 13.0,
            Self::Fall { .. } => 36.0,
            Self::Return | Self::Pickup { .. } => 24.0,
            Self::Lead | Self::Shrink { .. } => 40.0,
        }
    }

    /// Whether it is drawn below the discs.
    const fn is_below(self) -> bool {
        matches!(self, Self::Cone { .. } | Self::Streaks { .. } | Self::Return | Self::Fall { .. })
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Muzzle | Self::Cone { .. } | Self::Sparks { .. } | Self::Hit { .. } => {
                palette::WARM.css
            }
            Self::Streaks { slot } | Self::Fall { slot } => palette::hue(slot).body.css,
            Self::Return => palette::GOOD.css,
            Self::Pickup { kind, .. } => palette::pickup(kind).css,
            Self::Lead => palette::CHARGE.css,
            Self::Shrink { .. } => palette::WARM.css,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EFFECTS_MAX, Effects};
    use shared::sim::{Command, Event, Mode, Slot, World};

    fn world_with_a_disc() -> World {
        let mut world = World::new(Mode::Duel, 1, 600);
        for _ in 0..5 {
            world.step(&[Command::Join { slot: Slot(0), team: 0 }]);
        }
        world
    }

    #[test]
    fn old_and_surplus_effects_go() {
        let mut world = world_with_a_disc();
        let mut effects = Effects::default();

        let many = vec![(world.tick, Event::Shove { slot: Slot(0) }); EFFECTS_MAX + 40];
        effects.record(&world, &many);
        assert_eq!(effects.shown.len(), EFFECTS_MAX);

        (0..60).for_each(|_| drop(world.step(&[])));
        effects.record(&world, &[]);
        assert!(effects.shown.is_empty());
    }

    #[test]
    fn a_fall_shakes_for_a_moment() {
        let world = world_with_a_disc();
        let mut effects = Effects::default();
        let at = world.disc(Slot(0)).map(|disc| disc.position).unwrap_or_default();

        effects
            .record(&world, &[(world.tick, Event::KnockOut { slot: Slot(0), credit: None, at })]);

        assert!(effects.shake(6.0).length() > 0.0);
        assert!(effects.shake(30.0).length() < f64::EPSILON);
    }
}
