//! A playhead on a stream that is written right now. It stays a little behind the newest snapshot, so that it never
//! runs dry.

use shared::tick::TICK_RATE_HZ;

/// The playhead starts this far behind the newest snapshot and never comes closer, in milliseconds.
const DELAY_MS_MIN: f64 = 120.0;
/// It falls no farther behind than this because of jitter, in milliseconds.
const DELAY_MS_MAX: f64 = 450.0;
/// The delay above the smallest one, as a multiple of the measured jitter.
const DELAY_PER_JITTER: f64 = 3.0;
/// How much faster or slower than time the playhead runs at most, as a share.
const RATE_CHANGE_MAX: f64 = 0.05;
/// An error of this many milliseconds is answered with the largest rate change.
const RATE_ERROR_MS: f64 = 100.0;
/// The playhead jumps when it is farther off than this, in milliseconds: the page was hidden, or the stream stalled.
const JUMP_MS: f64 = 1_200.0;
/// Weight of one arrival in the moving averages.
const WEIGHT: f64 = 0.06;

const TICKS_PER_MS: f64 = TICK_RATE_HZ as f64 / 1_000.0;

/// Measures how unevenly the snapshots of a stream arrive.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ArrivalJitter {
    /// Moving average of (time of arrival − time in the world), in milliseconds. `None` before the first arrival.
    mean: Option<f64>,
    /// Moving average of the distance from that mean, in milliseconds.
    deviation: f64,
}

impl ArrivalJitter {
    /// Records that the stream reached `tick` at `now_ms`, on any clock that counts milliseconds.
    pub fn record(&mut self, tick: u32, now_ms: f64) {
        let offset = now_ms - f64::from(tick) / TICKS_PER_MS;
        let mean = *self.mean.get_or_insert(offset);
        let error = offset - mean;
        self.mean = Some(mean + WEIGHT * error);
        // One stall is one outlier: it must not rule the next seconds.
        self.deviation += WEIGHT * (error.abs().min(DELAY_MS_MAX) - self.deviation);
    }

    /// How far behind the newest snapshot a playhead should be, in milliseconds.
    #[must_use]
    pub fn delay_ms(&self) -> f64 {
        (DELAY_MS_MIN + DELAY_PER_JITTER * self.deviation).min(DELAY_MS_MAX)
    }

    /// The tick that the stream should have reached by now, at its average pace.
    fn newest_at(&self, now_ms: f64) -> Option<f64> {
        self.mean.map(|mean| (now_ms - mean) * TICKS_PER_MS)
    }
}

/// The playhead.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LivePlayhead {
    at: Option<f64>,
}

impl LivePlayhead {
    /// The position, in ticks since the round began. `None` before the first snapshot.
    #[must_use]
    pub fn at(&self) -> Option<f64> {
        self.at
    }

    /// Moves on by the time that passed since the last frame. `first` and `last` are the ticks that can be played.
    /// Returns whether the playhead jumped.
    pub fn advance(
        &mut self,
        jitter: &ArrivalJitter,
        (first, last): (u32, u32),
        now_ms: f64,
        passed_ms: f64,
    ) -> bool {
        let Some(newest) = jitter.newest_at(now_ms) else { return false };
        let delay = jitter.delay_ms() * TICKS_PER_MS;
        let target = (newest - delay).min(f64::from(last));
        let Some(at) = self.at else {
            self.at = Some(target.clamp(f64::from(first), f64::from(last)));
            return true;
        };
        let error_ms = (target - at) / TICKS_PER_MS;
        let (next, jumped) = if error_ms.abs() > JUMP_MS {
            (target, true)
        } else {
            let change = (error_ms / RATE_ERROR_MS).clamp(-1.0, 1.0) * RATE_CHANGE_MAX;
            (at + passed_ms.max(0.0) * TICKS_PER_MS * (1.0 + change), false)
        };
        // It waits for the stream instead of running ahead, and goes back only in a jump.
        let next = if jumped { next } else { next.max(at) };
        self.at = Some(next.clamp(f64::from(first), f64::from(last)));
        jumped
    }

    /// Plays the rest of a stream that has ended, at normal speed.
    pub fn play_out(&mut self, last: u32, passed_ms: f64) {
        if let Some(at) = &mut self.at {
            *at = (*at + passed_ms.max(0.0) * TICKS_PER_MS).min(f64::from(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ArrivalJitter, DELAY_MS_MAX, DELAY_MS_MIN, LivePlayhead, TICKS_PER_MS};

    /// Plays ten seconds with a jitter. Returns the largest step between pictures in ticks, how often the playhead stalled,
    /// and the delay in milliseconds.
    fn play(jitter_ms: impl Fn(u32) -> f64) -> (f64, u32, f64) {
        let (mut jitter, mut playhead) = (ArrivalJitter::default(), LivePlayhead::default());
        let arrivals: Vec<(u32, f64)> = (0..=600)
            .step_by(2)
            .map(|tick| (tick, 5_000.0 + f64::from(tick) / TICKS_PER_MS + jitter_ms(tick)))
            .collect();
        let (mut available, mut next, mut step_max, mut stalled) = (0, 0, 0.0_f64, 0);
        let mut now = 5_000.0;
        while next < arrivals.len() {
            while next < arrivals.len() && arrivals[next].1 <= now {
                available = arrivals[next].0;
                jitter.record(available, now);
                next += 1;
            }
            let before = playhead.at();
            playhead.advance(&jitter, (0, available), now, 16.7);
            if let (Some(before), Some(at)) = (before, playhead.at())
                && now > 7_000.0
            {
                step_max = step_max.max(at - before);
                stalled += u32::from(at - before < 0.5);
            }
            now += 16.7;
        }
        (step_max, stalled, jitter.delay_ms())
    }

    #[test]
    fn an_even_stream_is_played_evenly_and_close_behind() {
        let (step_max, stalled, delay) = play(|_| 0.0);

        assert!(step_max < 1.06 && stalled == 0, "{step_max} {stalled}");
        assert!((DELAY_MS_MIN..DELAY_MS_MIN + 60.0).contains(&delay), "{delay}");
    }

    #[test]
    fn an_uneven_stream_is_played_evenly_farther_behind() {
        let (step_max, stalled, delay) = play(|tick| f64::from(tick * 7_919 % 61));

        assert!(step_max < 1.06 && stalled == 0, "{step_max} {stalled}");
        assert!(delay < DELAY_MS_MAX, "{delay}");
    }

    #[test]
    fn after_a_long_pause_it_jumps_to_now() {
        let (mut jitter, mut playhead) = (ArrivalJitter::default(), LivePlayhead::default());
        jitter.record(0, 0.0);
        playhead.advance(&jitter, (0, 0), 0.0, 16.0);

        for tick in (0..1_200).step_by(2) {
            jitter.record(tick, f64::from(tick) / TICKS_PER_MS);
        }

        assert!(playhead.advance(&jitter, (0, 1_198), 20_000.0, 16.0));
        assert!(playhead.at().is_some_and(|at| at > 1_150.0), "{playhead:?}");
    }
}
