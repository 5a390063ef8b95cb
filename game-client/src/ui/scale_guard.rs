//! Takes back a scale of text and panels that hides its own switch.

use bevy::prelude::Resource;

/// A scale whose switch was not in sight is taken back after this time.
const TAKEN_BACK_AFTER_SECONDS: f32 = 10.0;
/// A scale whose switch was in sight for this long stays.
const SEEN_SECONDS: f32 = 1.0;

/// The scale that was chosen last, until it is certain that it can be changed again.
#[derive(Debug, Clone, Default, Resource)]
pub struct ScaleGuard {
    trial: Option<Trial>,
    /// Whether a scale was taken back.
    pub took_back: bool,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    before: f32,
    left_seconds: f32,
    seen_seconds: f32,
    /// Whether the switch was drawn in this frame, and whether in sight.
    drawn: bool,
    seen: bool,
}

impl ScaleGuard {
    /// Another scale was chosen. `before` is the one that is in use.
    pub fn chosen(&mut self, before: f32) {
        let before = self.trial.map_or(before, |trial| trial.before);
        self.took_back = false;
        self.trial = Some(Trial {
            before,
            left_seconds: TAKEN_BACK_AFTER_SECONDS,
            seen_seconds: 0.0,
            drawn: true,
            seen: false,
        });
    }

    /// The switch is drawn in this frame, and whether it is wholly in sight.
    pub fn drawn(&mut self, in_sight: bool) {
        if let Some(trial) = &mut self.trial {
            (trial.drawn, trial.seen) = (true, in_sight);
        }
    }

    /// Whether a scale is on trial.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// Time passes. Returns the scale to return to, when the new one hides its switch. A person who closes the settings
    /// has found the way out of them, so the scale stays.
    pub fn advance(&mut self, seconds: f32) -> Option<f32> {
        let trial = self.trial.as_mut()?;
        trial.left_seconds -= seconds;
        trial.seen_seconds = if trial.seen { trial.seen_seconds + seconds } else { 0.0 };
        let stays = !trial.drawn || trial.seen_seconds >= SEEN_SECONDS;
        let is_over = trial.left_seconds <= 0.0;
        (trial.drawn, trial.seen) = (false, false);
        if stays || is_over {
            let before = trial.before;
            self.trial = None;
            self.took_back = !stays;
            return (!stays).then_some(before);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::ScaleGuard;

    /// Frames of a tenth of a second. Returns the scale that is restored, and after how many frames.
    fn run(frames: u32, drawn: impl Fn(u32) -> Option<bool>) -> Option<(f32, u32)> {
        let mut guard = ScaleGuard::default();
        guard.chosen(1.0);
        (0..frames).find_map(|frame| {
            if let Some(in_sight) = drawn(frame) {
                guard.drawn(in_sight);
            }
            Some((guard.advance(0.1)?, frame))
        })
    }

    #[test]
    fn a_scale_that_hides_its_switch_is_taken_back_after_ten_seconds() {
        let (scale, frame) = run(1_000, |_| Some(false)).expect("it is taken back");

        assert_eq!(scale, 1.0);
        assert!((98..=101).contains(&frame), "after {frame} frames");
    }

    #[test]
    fn a_scale_stays_whose_switch_is_in_sight_or_whose_panel_was_closed() {
        assert_eq!(run(1_000, |frame| Some(frame > 40)), None);
        assert_eq!(run(1_000, |frame| (frame < 5).then_some(false)), None);
    }

    #[test]
    fn after_several_choices_the_first_scale_returns() {
        let mut guard = ScaleGuard::default();
        guard.chosen(1.0);
        guard.chosen(1.25);
        guard.drawn(false);

        assert_eq!(guard.advance(60.0), Some(1.0));
        assert!(guard.took_back && !guard.is_on_trial());
    }
}
