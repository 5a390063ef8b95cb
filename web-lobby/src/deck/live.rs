//! A needle that follows a stream which is made right now: a little behind it, so that it never runs dry.

use shared::tick::TICK_RATE_HZ;

/// The needle stays at least, and starts, so far behind the newest frame, in milliseconds.
const DELAY_MS_MIN: f64 = 120.0;
/// However restless the line is, not farther than this, in milliseconds.
const DELAY_MS_MAX: f64 = 450.0;
/// The delay is so many times the measured jitter and the least one.
const JITTERS: f64 = 3.0;
/// The needle runs at most so much faster or slower than time.
const RATE_CHANGE_MAX: f64 = 0.05;
/// An error of so many milliseconds is answered with all of that change.
const RATE_ERROR_MS: f64 = 100.0;
/// Farther off than this, in milliseconds, the needle jumps: the page was hidden, or the stream stood still.
const JUMP_MS: f64 = 1_200.0;
/// How much one arrival counts in the mean.
const WEIGHT: f64 = 0.06;

const TICKS_PER_MS: f64 = TICK_RATE_HZ as f64 / 1_000.0;

/// How unevenly frames arrive.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Jitter {
    /// Mean of (time of arrival − time of the world), and the mean distance from it, in milliseconds.
    mean: Option<f64>,
    deviation: f64,
}

impl Jitter {
    /// Notes that the stream reached a tick at a time.
    pub fn arrived(&mut self, tick: u32, now_ms: f64) {
        let offset = now_ms - f64::from(tick) / TICKS_PER_MS;
        let mean = *self.mean.get_or_insert(offset);
        let error = offset - mean;
        self.mean = Some(mean + WEIGHT * error);
        // One stall is one outlier: it must not rule the next seconds.
        self.deviation += WEIGHT * (error.abs().min(DELAY_MS_MAX) - self.deviation);
    }

    /// How far behind the newest frame a needle does well to be, in milliseconds.
    pub fn delay_ms(&self) -> f64 {
        (DELAY_MS_MIN + JITTERS * self.deviation).min(DELAY_MS_MAX)
    }

    /// How far the stream has come by now, by what is known of its pace, in ticks.
    fn newest_at(&self, now_ms: f64) -> Option<f64> {
        self.mean.map(|mean| (now_ms - mean) * TICKS_PER_MS)
    }
}

/// The needle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LiveNeedle {
    at: Option<f64>,
}

impl LiveNeedle {
    /// Where it is, in ticks since the round began. Nothing before the first frame.
    pub fn at(&self) -> Option<f64> {
        self.at
    }

    /// Lets time pass. `first` and `available` are the ticks that can be played. True when it jumped.
    pub fn pass(
        &mut self,
        jitter: &Jitter,
        (first, available): (u32, u32),
        now_ms: f64,
        passed_ms: f64,
    ) -> bool {
        let Some(newest) = jitter.newest_at(now_ms) else { return false };
        let delay = jitter.delay_ms() * TICKS_PER_MS;
        let target = (newest - delay).min(f64::from(available));
        let Some(at) = self.at else {
            self.at = Some(target.clamp(f64::from(first), f64::from(available)));
            return true;
        };
        let error_ms = (target - at) / TICKS_PER_MS;
        let (next, jumped) = if error_ms.abs() > JUMP_MS {
            (target, true)
        } else {
            let change = (error_ms / RATE_ERROR_MS).clamp(-1.0, 1.0) * RATE_CHANGE_MAX;
            (at + passed_ms.max(0.0) * TICKS_PER_MS * (1.0 + change), false)
        };
        // It waits for the stream rather than run ahead of it, and never runs backwards on its own.
        let next = if jumped { next } else { next.max(at) };
        self.at = Some(next.clamp(f64::from(first), f64::from(available)));
        jumped
    }

    /// Plays what is left of an ended stream, at the pace of time.
    pub fn run_out(&mut self, available: u32, passed_ms: f64) {
        if let Some(at) = &mut self.at {
            *at = (*at + passed_ms.max(0.0) * TICKS_PER_MS).min(f64::from(available));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DELAY_MS_MAX, DELAY_MS_MIN, Jitter, LiveNeedle, TICKS_PER_MS};

    /// Plays ten seconds with a jitter and tells the largest step between pictures in ticks, and how often it starved.
    fn play(jitter_ms: impl Fn(u32) -> f64) -> (f64, u32, f64) {
        let (mut jitter, mut needle) = (Jitter::default(), LiveNeedle::default());
        let arrivals: Vec<(u32, f64)> = (0..=600)
            .step_by(2)
            .map(|tick| (tick, 5_000.0 + f64::from(tick) / TICKS_PER_MS + jitter_ms(tick)))
            .collect();
        let (mut available, mut next, mut step_max, mut starved) = (0, 0, 0.0_f64, 0);
        let mut now = 5_000.0;
        while next < arrivals.len() {
            while next < arrivals.len() && arrivals[next].1 <= now {
                available = arrivals[next].0;
                jitter.arrived(available, now);
                next += 1;
            }
            let before = needle.at();
            needle.pass(&jitter, (0, available), now, 16.7);
            if let (Some(before), Some(at)) = (before, needle.at())
                && now > 7_000.0
            {
                step_max = step_max.max(at - before);
                starved += u32::from(at - before < 0.5);
            }
            now += 16.7;
        }
        (step_max, starved, jitter.delay_ms())
    }

    #[test]
    fn an_even_stream_is_played_evenly_and_close_behind() {
        let (step_max, starved, delay) = play(|_| 0.0);

        assert!(step_max < 1.06 && starved == 0, "{step_max} {starved}");
        assert!((DELAY_MS_MIN..DELAY_MS_MIN + 60.0).contains(&delay), "{delay}");
    }

    #[test]
    fn an_uneven_stream_is_played_evenly_farther_behind() {
        let (step_max, starved, delay) = play(|tick| f64::from(tick * 7_919 % 61));

        assert!(step_max < 1.06 && starved == 0, "{step_max} {starved}");
        assert!(delay < DELAY_MS_MAX, "{delay}");
    }

    #[test]
    fn after_a_long_pause_it_jumps_to_now() {
        let (mut jitter, mut needle) = (Jitter::default(), LiveNeedle::default());
        jitter.arrived(0, 0.0);
        needle.pass(&jitter, (0, 0), 0.0, 16.0);

        for tick in (0..1_200).step_by(2) {
            jitter.arrived(tick, f64::from(tick) / TICKS_PER_MS);
        }

        assert!(needle.pass(&jitter, (0, 1_198), 20_000.0, 16.0));
        assert!(needle.at().is_some_and(|at| at > 1_150.0), "{needle:?}");
    }
}
