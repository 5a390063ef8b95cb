//! The pulses in the air.

use std::collections::HashMap;

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, Update};
use shared::sim::PulseId;

use super::painter::{Layer, Painter};
use super::palette;
use crate::frame::{Phase, RenderState};
use crate::settings::Settings;
use crate::world_to_scene::ScenePulse;

/// Radius of a pulse, in units.
const RADIUS: f32 = 8.0;
/// A pulse fades out in its last seconds.
const FADE_SECONDS: f32 = 0.12;
/// The time in which a visual offset halves.
const CATCH_UP_SECONDS: f32 = 0.045;
/// A pulse that is older than this in its first frame was fired by another player, a moment ago.
const LATE_SECONDS: f32 = 0.03;
/// A pulse of a crowd that is older than this in its first frame was fired out of sight.
const FLEW_IN_SECONDS: f32 = 0.25;

/// A pulse that disappeared and one of the same slot that was fired within this time of it are the same: a correction moved
/// the pulse to another tick. No disc fires twice within that time.
const SAME_WITHIN_TICKS: u32 = 12;
/// A pulse farther than this from where the other one was drawn looks like a different one, in units. A pulse flies as far in
/// that time.
const SAME_WITHIN: f32 = 150.0;

const _: () = assert!(SAME_WITHIN_TICKS < shared::sim::pulse::COOLDOWN_TICKS as u32);

/// The visual offset of each pulse: a pulse that appears late is drawn behind its position, so that it leaves its owner's
/// disc.
#[derive(Debug, Default, Resource)]
struct PulseOffsets {
    of: HashMap<PulseId, Flight>,
    generation: u32,
}

/// A pulse as it was drawn in the last frame.
#[derive(Debug, Clone, Copy)]
struct Flight {
    /// From its position to where it was drawn.
    offset: Vec2,
    position: Vec2,
    velocity: Vec2,
}

impl PulseOffsets {
    /// Follows the pulses of a frame, `seconds` after the last one. `entering`: another world is shown.
    fn follow(&mut self, pulses: &[ScenePulse], is_partial: bool, entering: bool, seconds: f32) {
        let mut before = core::mem::take(&mut self.of);
        if entering {
            before.clear();
        }
        let left = 0.5_f32.powf(seconds / CATCH_UP_SECONDS);
        let known: Vec<_> = pulses.iter().map(|pulse| before.remove(&pulse.id)).collect();
        for (pulse, known) in pulses.iter().zip(known) {
            // In a crowd an older one was fired out of sight.
            let flew_in = is_partial && pulse.age > FLEW_IN_SECONDS;
            let is_late = pulse.age > LATE_SECONDS && !entering && !flew_in;
            let from_muzzle = if is_late { -pulse.velocity * pulse.age } else { Vec2::ZERO };
            let offset = match known {
                Some(flight) => flight.offset * left,
                // The pulses that are left have disappeared. One of them may continue as this one.
                None => continued(&before, pulse, seconds).unwrap_or(from_muzzle),
            };
            let position = pulse.position + offset;
            self.of.insert(pulse.id, Flight { offset, position, velocity: pulse.velocity });
        }
    }
}

/// Draws the pulses.
#[derive(Debug)]
pub(super) struct PulsesPlugin;

impl Plugin for PulsesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<PulseOffsets>().add_systems(Update, paint.in_set(Phase::Draw));
    }
}

fn paint(
    render: Res<RenderState>,
    settings: Res<Settings>,
    mut offsets: ResMut<PulseOffsets>,
    mut painter: ResMut<Painter>,
) {
    let Some(scene) = &render.scene else { return };
    let entering = offsets.generation != render.generation;
    offsets.generation = render.generation;
    offsets.follow(&scene.pulses, scene.is_partial, entering, render.seconds);
    for pulse in &scene.pulses {
        let Some(Flight { position, .. }) = offsets.of.get(&pulse.id).copied() else { continue };
        let strength = (pulse.left / FADE_SECONDS).clamp(0.0, 1.0);
        let (body, _) = palette::hue(pulse.id.slot, settings.palette);
        let warm = if pulse.overcharged { palette::CHARGE } else { palette::WARM };
        let size = RADIUS * if pulse.overcharged { 1.45 } else { 1.0 };
        let back = -pulse.velocity.normalize_or_zero();

        painter.shade(
            Layer::Ground,
            position + Vec2::new(1.0, -6.0),
            size * 1.5,
            palette::SHADOW.with_alpha(0.35 * strength),
        );
        painter.shade(Layer::Above, position, size * 2.6, warm.with_alpha(0.5 * strength));
        painter.streak(
            Layer::Above,
            position + back * (size * 6.5).min(pulse.age * 760.0),
            position,
            size * 1.7,
            (warm.with_alpha(0.85 * strength), warm.with_alpha(0.0)),
        );
        painter.ring(Layer::Above, position, size * 1.25, 2.5, body.with_alpha(strength));
        let white = Color::WHITE.with_alpha(strength);
        painter.disc(Layer::Above, position, size * 0.95, white, warm.with_alpha(strength));
    }
}

/// The offset of a new pulse that continues where a pulse that disappeared was drawn.
fn continued(gone: &HashMap<PulseId, Flight>, pulse: &ScenePulse, seconds: f32) -> Option<Vec2> {
    let is_same = |id: &PulseId| {
        let apart = id.tick.since(pulse.id.tick).unsigned_abs();
        id.slot == pulse.id.slot && apart <= SAME_WITHIN_TICKS
    };
    let (_, flight) = gone.iter().find(|(id, _)| is_same(id))?;
    let offset = flight.position + flight.velocity * seconds - pulse.position;
    (offset.length() <= SAME_WITHIN).then_some(offset)
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::{PulseId, Slot};
    use shared::tick::Tick;

    use super::{PulseOffsets, ScenePulse};

    /// The length of a frame in seconds, and the speed of a pulse in units a second.
    const FRAME: f32 = 1.0 / 60.0;
    const SPEED: f32 = 720.0;

    /// A pulse that was fired from the centre in one tick, as it flies in another.
    fn shot(slot: u16, fired: u32, now: u32) -> ScenePulse {
        let age = f32::from(u16::try_from(now - fired).expect("a short flight")) * FRAME;
        let velocity = Vec2::new(SPEED, 0.0);
        let id = PulseId { slot: Slot(slot), tick: Tick(fired) };
        let position = velocity * age;
        ScenePulse { id, position, velocity, overcharged: false, age, left: 0.5 }
    }

    fn presented(offsets: &PulseOffsets, pulse: &ScenePulse) -> f32 {
        offsets.of[&pulse.id].position.x
    }

    /// Draws one pulse and then the other. Returns where the first was drawn and where the second is.
    fn one_after_the_other(first: ScenePulse, second: ScenePulse) -> (f32, f32) {
        let mut offsets = PulseOffsets::default();
        offsets.follow(&[first], false, true, FRAME);
        let before = presented(&offsets, &first);
        offsets.follow(&[second], false, false, FRAME);
        (before, presented(&offsets, &second))
    }

    #[test]
    fn a_pulse_that_a_correction_moves_continues_where_it_was_drawn() {
        let (before, now) = one_after_the_other(shot(1, 100, 110), shot(1, 103, 111));

        assert!((now - before - SPEED * FRAME).abs() < 0.01, "{before}, then {now}");
    }

    #[test]
    fn its_offset_vanishes() {
        let mut offsets = PulseOffsets::default();
        offsets.follow(&[shot(1, 100, 110)], false, true, FRAME);

        for now in 111..141 {
            offsets.follow(&[shot(1, 103, now)], false, false, FRAME);
        }

        let last = shot(1, 103, 140);
        assert!((presented(&offsets, &last) - last.position.x).abs() < 0.1);
        assert_eq!(offsets.of.len(), 1);
    }

    #[test]
    fn another_pulse_leaves_the_muzzle() {
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
    fn a_pulse_that_is_still_there_continues_in_no_other() {
        let mut offsets = PulseOffsets::default();
        offsets.follow(&[shot(1, 100, 110)], false, true, FRAME);

        let both = [shot(1, 100, 111), shot(1, 103, 111)];
        offsets.follow(&both, false, false, FRAME);

        assert!(presented(&offsets, &both[1]).abs() < 0.01, "the first is still there");
    }
}
