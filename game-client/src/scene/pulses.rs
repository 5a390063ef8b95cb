//! Shots in the air.

use std::collections::HashMap;

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Update};
use shared::sim::PulseId;

use super::painter::{Layer, Painter};
use super::{Phase, Stage, palette};
use crate::settings::Settings;
use crate::space::DrawnPulse;

/// Radius of a pulse, in units.
const RADIUS: f32 = 8.0;
/// A pulse fades within the last so many seconds.
const FADE_SECONDS: f32 = 0.12;
/// Half of a late appearance is caught up after so many seconds.
const CATCH_UP_SECONDS: f32 = 0.045;
/// A pulse that is older when it is first seen was fired by somebody else, a moment ago.
const LATE_SECONDS: f32 = 0.03;
/// A pulse of a crowd that is still older when it is first seen was fired out of sight.
const FLEW_IN_SECONDS: f32 = 0.25;

/// A pulse that is gone and one of the same seat that was fired so few ticks before or after it are one shot: the server
/// says that it was fired in another tick than here. Nobody fires twice within that time.
const SAME_WITHIN_TICKS: u32 = 12;
/// Farther from where the one was drawn, in units, the other is no longer the same to the eye: it flies as far in that time.
const SAME_WITHIN: f32 = 150.0;

const _: () = assert!(SAME_WITHIN_TICKS < shared::sim::pulse::COOLDOWN_TICKS as u32);

/// How far each pulse is drawn behind where it is: it leaves its owner's disc, not the empty ice in front of it.
#[derive(Debug, Default, Resource)]
struct Behind {
    of: HashMap<PulseId, Flight>,
    act: u32,
}

/// A pulse as it was drawn last.
#[derive(Debug, Clone, Copy)]
struct Flight {
    /// From where it was to where it was drawn.
    offset: Vec2,
    place: Vec2,
    velocity: Vec2,
}

impl Behind {
    /// Another picture, so many seconds after the last one.
    fn follow(&mut self, pulses: &[DrawnPulse], is_partial: bool, entering: bool, seconds: f32) {
        let mut before = core::mem::take(&mut self.of);
        if entering {
            before.clear();
        }
        let left = 0.5_f32.powf(seconds / CATCH_UP_SECONDS);
        let known: Vec<_> = pulses.iter().map(|pulse| before.remove(&pulse.id)).collect();
        for (pulse, known) in pulses.iter().zip(known) {
            // In a crowd an older one flew in from where nothing is seen.
            let flew_in = is_partial && pulse.age > FLEW_IN_SECONDS;
            let is_late = pulse.age > LATE_SECONDS && !entering && !flew_in;
            let from_muzzle = if is_late { -pulse.velocity * pulse.age } else { Vec2::ZERO };
            let offset = match known {
                Some(flight) => flight.offset * left,
                // Those that are left are gone: one of them may go on under this name.
                None => carried_on(&before, pulse, seconds).unwrap_or(from_muzzle),
            };
            let place = pulse.position + offset;
            self.of.insert(pulse.id, Flight { offset, place, velocity: pulse.velocity });
        }
    }
}

/// Draws the pulses.
#[derive(Debug)]
pub(super) struct PulsesPlugin;

impl Plugin for PulsesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Behind>().add_systems(Update, paint.in_set(Phase::Paint));
    }
}

fn paint(
    stage: Res<Stage>,
    settings: Res<Settings>,
    mut behind: ResMut<Behind>,
    mut painter: ResMut<Painter>,
) {
    let Some(drawn) = &stage.drawn else { return };
    let entering = behind.act != stage.act;
    behind.act = stage.act;
    behind.follow(&drawn.pulses, drawn.is_partial, entering, stage.seconds);
    for pulse in &drawn.pulses {
        let Some(Flight { place, .. }) = behind.of.get(&pulse.id).copied() else { continue };
        let strength = (pulse.left / FADE_SECONDS).clamp(0.0, 1.0);
        let (body, _) = palette::hue(pulse.id.slot, settings.palette);
        let warm = if pulse.overcharged { palette::CHARGE } else { palette::WARM };
        let size = RADIUS * if pulse.overcharged { 1.45 } else { 1.0 };
        let back = -pulse.velocity.normalize_or_zero();

        painter.shade(
            Layer::Ground,
            place + Vec2::new(1.0, -6.0),
            size * 1.5,
            palette::SHADOW.with_alpha(0.35 * strength),
        );
        painter.shade(Layer::Above, place, size * 2.6, warm.with_alpha(0.5 * strength));
        painter.streak(
            Layer::Above,
            place + back * (size * 6.5).min(pulse.age * 760.0),
            place,
            size * 1.7,
            (warm.with_alpha(0.85 * strength), warm.with_alpha(0.0)),
        );
        painter.ring(Layer::Above, place, size * 1.25, 2.5, body.with_alpha(strength));
        let white = Color::WHITE.with_alpha(strength);
        painter.disc(Layer::Above, place, size * 0.95, white, warm.with_alpha(strength));
    }
}

/// How far from its place a new pulse is drawn that goes on where one was drawn that is gone.
fn carried_on(gone: &HashMap<PulseId, Flight>, pulse: &DrawnPulse, seconds: f32) -> Option<Vec2> {
    let is_same = |id: &PulseId| {
        let apart = id.tick.since(pulse.id.tick).unsigned_abs();
        id.slot == pulse.id.slot && apart <= SAME_WITHIN_TICKS
    };
    let (_, flight) = gone.iter().find(|(id, _)| is_same(id))?;
    let offset = flight.place + flight.velocity * seconds - pulse.position;
    (offset.length() <= SAME_WITHIN).then_some(offset)
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::{PulseId, Slot};
    use shared::tick::Tick;

    use super::{Behind, DrawnPulse};

    /// A picture, and a pulse's speed in units a second.
    const FRAME: f32 = 1.0 / 60.0;
    const SPEED: f32 = 720.0;

    /// A shot of a seat that was fired from the middle, as it flies in a tick.
    fn shot(slot: u16, fired: u32, now: u32) -> DrawnPulse {
        let age = f32::from(u16::try_from(now - fired).expect("a short flight")) * FRAME;
        let velocity = Vec2::new(SPEED, 0.0);
        let id = PulseId { slot: Slot(slot), tick: Tick(fired) };
        let position = velocity * age;
        DrawnPulse { id, position, velocity, overcharged: false, age, left: 0.5 }
    }

    fn drawn(behind: &Behind, pulse: &DrawnPulse) -> f32 {
        behind.of[&pulse.id].place.x
    }

    /// Both are drawn one after the other. Where the first was drawn, and where the second is.
    fn one_after_the_other(first: DrawnPulse, second: DrawnPulse) -> (f32, f32) {
        let mut behind = Behind::default();
        behind.follow(&[first], false, true, FRAME);
        let before = drawn(&behind, &first);
        behind.follow(&[second], false, false, FRAME);
        (before, drawn(&behind, &second))
    }

    #[test]
    fn a_shot_that_was_fired_in_another_tick_flies_on_from_where_it_was_drawn() {
        let (before, now) = one_after_the_other(shot(1, 100, 110), shot(1, 103, 111));

        assert!((now - before - SPEED * FRAME).abs() < 0.01, "{before}, then {now}");
    }

    #[test]
    fn and_comes_to_where_it_is() {
        let mut behind = Behind::default();
        behind.follow(&[shot(1, 100, 110)], false, true, FRAME);

        for now in 111..141 {
            behind.follow(&[shot(1, 103, now)], false, false, FRAME);
        }

        let last = shot(1, 103, 140);
        assert!((drawn(&behind, &last) - last.position.x).abs() < 0.1);
        assert_eq!(behind.of.len(), 1);
    }

    #[test]
    fn another_shot_leaves_the_muzzle() {
        let others = [shot(2, 103, 111), shot(1, 87, 111)];
        for other in others {
            let (_, now) = one_after_the_other(shot(1, 100, 110), other);

            assert!(now.abs() < 0.01, "{other:?} is drawn at {now}");
        }
        let mut far = shot(1, 103, 111);
        far.position.y = 400.0;
        assert!(one_after_the_other(shot(1, 100, 110), far).1.abs() < 0.01);
    }

    #[test]
    fn a_shot_goes_on_in_one_other_alone() {
        let mut behind = Behind::default();
        behind.follow(&[shot(1, 100, 110)], false, true, FRAME);

        let both = [shot(1, 100, 111), shot(1, 103, 111)];
        behind.follow(&both, false, false, FRAME);

        assert!(drawn(&behind, &both[1]).abs() < 0.01, "the first is still there");
    }
}
