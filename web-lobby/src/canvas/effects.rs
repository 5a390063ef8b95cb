//! What just happened, as light: rings, cones, streaks and sparks that fade within moments.
//!
//! An effect knows when it was born and nothing else about time, so how it looks follows from the needle: slow
//! motion slows it down, and a pause holds it.

mod paint;
mod stop;

pub(super) use paint::{draw_above, draw_below};

use std::collections::VecDeque;

use presentation::palette;
use shared::sim::{Disc, Event, PickupKind, Slot, World};
use shared::tick::Tick;

use super::place::{Place, chance, radians, units};
use stop::Stop;

/// At most so many are kept; when there are more, the oldest goes.
const EFFECTS_MAX: usize = 160;
/// The longest that any effect lasts, in ticks.
const LIFE_TICKS_MAX: f64 = 42.0;
/// The world is at most so many ticks ahead of the needle.
const LATE_TICKS: f64 = 4.0;
/// A squash lasts so long, in ticks.
const SQUASH_TICKS: f64 = 9.0;
/// A shake lasts so long, in ticks, and moves the eye so far at first, in units.
const SHAKE_TICKS: f64 = 14.0;
const SHAKE_REACH: f64 = 5.0;

/// The effects that may still be seen.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    shown: VecDeque<Effect>,
    stops: VecDeque<Stop>,
}

#[derive(Debug, Clone, Copy)]
struct Effect {
    /// Ticks since the round began.
    born: f64,
    place: Place,
    /// Radians: where a push went.
    angle: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A small flash where a pulse left.
    Muzzle,
    /// Somebody was hit so hard, from 0 to 1.
    Hit { target: Slot, strength: f64 },
    /// A shove, caught or not.
    Cone { reach: f64 },
    /// Streaks behind somebody who dashed.
    Streaks { slot: Slot },
    /// Two discs touched so hard, from 0 to 1.
    Sparks { strength: f64 },
    /// The place where the edge was crossed.
    Fall { slot: Slot },
    /// Somebody is back.
    Return,
    /// A pickup came, or was taken.
    Pickup { kind: PickupKind, taken: bool },
    /// Somebody took the lead.
    Lead,
    /// The platform begins to shrink.
    Shrink { radius: f64 },
}

impl Effects {
    /// Nothing is to be seen any more: the needle jumped.
    pub fn clear(&mut self) {
        self.shown.clear();
        self.stops.clear();
    }

    /// Takes what happened on the way to a world.
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
            self.stops.extend(stop::stops_of(world, event, born));
        }
        self.stops.retain(|stop| now - stop.born <= stop::LIFE_TICKS + LATE_TICKS);
        let surplus = self.stops.len().saturating_sub(EFFECTS_MAX);
        self.stops.drain(..surplus);
        self.shown.retain(|effect| now - effect.born <= LIFE_TICKS_MAX);
    }

    /// How far from its place a disc is drawn, because a hard hit stopped it.
    pub(super) fn hold(&self, slot: Slot, at: f64) -> Place {
        stop::offset(self.stops.iter(), slot, at)
    }

    /// How far the eye is shaken.
    pub(super) fn shake(&self, at: f64) -> Place {
        let strength = self.alive(at).filter_map(|(effect, age)| {
            let hard = match effect.kind {
                Kind::Fall { .. } => 1.0,
                Kind::Hit { strength, .. } => strength - 0.5,
                _ => 0.0,
            };
            (age < SHAKE_TICKS && hard > 0.0).then(|| hard * (1.0 - age / SHAKE_TICKS))
        });
        let reach = SHAKE_REACH * strength.fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a needle is within a round")]
        #[expect(clippy::cast_sign_loss, reason = "a needle is never before the round")]
        let seed = at as u32;
        Place::new(chance(seed) - 0.5, chance(seed + 7_919) - 0.5).times(reach)
    }

    /// The direction and the amount by which a disc is squashed.
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

fn effect_of(world: &World, event: &Event) -> Option<(Place, f64, Kind)> {
    let disc = |slot: &Slot| world.disc(*slot);
    let place = |disc: &Disc| Place::of(disc.position);
    let aim = |disc: &Disc| radians(disc.input.aim);
    Some(match event {
        Event::PulseFired { id } => {
            let from = disc(&id.slot)?;
            (place(from).plus(Place::at(aim(from), 30.0)), aim(from), Kind::Muzzle)
        }
        Event::PulseHit { id, target, at } => {
            let target_disc = disc(target)?;
            let angle = place(target_disc).minus(Place::of(*at)).angle();
            let strong = disc(&id.slot).is_some_and(|owner| owner.overcharge > 0);
            let strength = if strong { 0.9 } else { 0.5 };
            (Place::of(*at), angle, Kind::Hit { target: *target, strength })
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
            (place(from), Place::of(from.velocity).angle(), Kind::Streaks { slot: *slot })
        }
        Event::Bump { a, b, speed, at } => {
            let way = place(disc(b)?).minus(place(disc(a)?));
            let strength = (units(*speed) / 10.0).min(1.0);
            (Place::of(*at), way.angle(), Kind::Sparks { strength })
        }
        Event::KnockOut { slot, at, .. } => {
            (Place::of(*at), Place::of(*at).angle(), Kind::Fall { slot: *slot })
        }
        Event::Respawn { slot } => (place(disc(slot)?), 0.0, Kind::Return),
        Event::PickupSpawned { kind, at } => {
            (Place::of(*at), 0.0, Kind::Pickup { kind: *kind, taken: false })
        }
        Event::PickupTaken { kind, at, .. } => {
            (Place::of(*at), 0.0, Kind::Pickup { kind: *kind, taken: true })
        }
        Event::LeadChange { slot } => (place(disc(slot)?), 0.0, Kind::Lead),
        Event::ShrinkBegins => {
            (Place::default(), 0.0, Kind::Shrink { radius: units(world.platform_radius()) })
        }
        Event::RoundOver => return None,
    })
}

impl Kind {
    /// How long it lasts, in ticks. 15 are the 250 ms of a push, 36 the 600 ms of a fall.
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

    /// Whether discs stand on it rather than under it.
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
