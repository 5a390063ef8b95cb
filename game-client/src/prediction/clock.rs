//! The client's clock: the tick that is predicted now, so that inputs reach the server just before it needs them.
//!
//! A snapshot tells which tick the server had when it left. The least delayed snapshots of the last second give the best
//! estimate of the server's tick now, and the clock runs a *lead* ahead of it. Twice a second the server reports the margin
//! between the arrival and the use of inputs, and the lead follows: at once when inputs were late, slowly when they were too
//! early. The lead is bounded by what the round trips explain, because a server that drops inputs from far ahead may report
//! nothing. The clock's speed changes by 5 % at most; only when it is far off it jumps.
//!
//! A stalled connection delivers what it held back in order and late, and rarely at once. The estimate before the stall is
//! used until the snapshots agree with it, or show that the server itself stood still.
//!
//! Times are arguments, in ticks since any moment. An *offset* is the server's tick minus the client's time at which the
//! snapshot of that tick arrived.

use std::collections::VecDeque;

use shared::tick::{TICK_RATE_HZ, Tick};

use super::round_trips::RoundTrips;
use super::stall_detector::StallDetector;

/// The margin that 99 of 100 inputs should have.
const MARGIN_WANTED_TICKS: f64 = 1.0;
/// A larger margin is unnecessary delay.
const MARGIN_TOLERATED_TICKS: f64 = 2.0;
/// The clock runs faster or slower by at most this part.
const SPEED_CHANGE_MAX: f64 = 0.05;
/// The change of speed for each tick that the clock is off.
const SPEED_CHANGE_PER_TICK: f64 = 0.04;
/// A clock that is farther off jumps.
const JUMP_TICKS: f64 = 12.0;
/// Snapshots that the estimate is made from, a second of them. When full, the oldest is dropped.
const SAMPLES: usize = 30;
/// After a longer silence the offsets may have changed.
const SILENCE_TICKS: f64 = 15.0;
/// Without a snapshot the clock runs on for this long, and then waits.
const RUN_ON_TICKS: f64 = TICK_RATE_HZ as f64 * 0.75;
/// The time that an input may wait for the next one of its batch, and on the server for a tick to begin.
const BATCHING_TICKS: f64 = 2.0;
/// A long frame counts for this long, and less and less: it may come again.
const FRAME_MEMORY_TICKS: f64 = TICK_RATE_HZ as f64 * 3.0;
/// The lead before anything is measured: a tenth of a second.
const LEAD_INITIAL_TICKS: f64 = 6.0;
/// The largest lead. The server takes inputs from at most half a second ahead of it.
const LEAD_MAX_TICKS: f64 = 75.0;
/// When even the worst margin is larger than this, a quarter of a second, the link has changed.
const FAR_TOO_EARLY_TICKS: f64 = 15.0;
/// Reports about margins that are kept, ten seconds of them. A link that loses one packet in a hundred loses a few inputs in
/// that time. When full, the oldest is dropped.
const REPORTS: usize = 20;
/// The part of the unnecessary lead that each report removes.
const SHRINK: f64 = 0.4;
/// A report raises the lead by at most this much: one stall is no reason to play far ahead for seconds.
const GROW_MAX_TICKS: f64 = 4.0;

/// How the clock advanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// This many ticks have passed, often none.
    Steps(u32),
    /// It was far off and has jumped to this tick.
    Jump(Tick),
}

/// The clock of one round.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The tick that the numbers below count from.
    base: Tick,
    /// The clock, in ticks from `base`. `None` before the first snapshot.
    at: Option<f64>,
    /// The time at which it was there.
    now: f64,
    /// The newest snapshots: arrival and offset.
    samples: VecDeque<(f64, f64)>,
    /// Set after a silence, until its cause is known.
    stall: Option<StallDetector>,
    /// The jitter before that silence. It is used meanwhile, because a silence is no jitter.
    jitter_before_stall: f64,
    /// The tick of the newest snapshot, from `base`.
    newest: f64,
    lead: f64,
    /// The largest lead that the round trips explain.
    lead_max: f64,
    /// The leads with which the inputs of the last reports would have had a margin of zero.
    needs: VecDeque<f64>,
    /// The longest of the last frames, in ticks. Inputs leave once a frame.
    frame: f64,
    /// Whether the lead was measured.
    is_tuned: bool,
}

impl Clock {
    /// A clock before the first snapshot. `lead` is the lead that the clock of the last round measured.
    #[must_use]
    pub(super) fn new(base: Tick, now: f64, lead: Option<f64>) -> Self {
        Self {
            base,
            at: None,
            now,
            samples: VecDeque::with_capacity(SAMPLES),
            stall: None,
            jitter_before_stall: 0.0,
            newest: 0.0,
            lead: lead.unwrap_or(LEAD_INITIAL_TICKS),
            lead_max: LEAD_MAX_TICKS,
            needs: VecDeque::with_capacity(REPORTS),
            frame: 0.0,
            is_tuned: lead.is_some(),
        }
    }

    /// How far the clock runs ahead of the estimate of the server's tick, in ticks.
    #[must_use]
    pub(super) fn lead(&self) -> f64 {
        self.lead
    }

    /// Sets the lead. A negative lead runs behind the server, for spectators.
    pub(super) fn set_lead(&mut self, lead: f64) {
        self.lead = lead.min(LEAD_MAX_TICKS);
        self.is_tuned = true;
    }

    /// A snapshot of `tick` arrived at `at`.
    pub(super) fn receive_snapshot(&mut self, tick: Tick, at: f64) {
        let tick = f64::from(tick.since(self.base));
        if self.samples.back().is_some_and(|(last, _)| at - last > SILENCE_TICKS) {
            self.silence_ended(at);
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((at, tick - at));
        if let Some(stall) = self.stall {
            self.stall = stall.after(tick - at, at);
            if self.stall.is_none() {
                // The snapshots that were held back are one stall, and no jitter.
                self.samples.drain(..self.samples.len().saturating_sub(2));
            }
        }
        self.newest = tick;
    }

    fn silence_ended(&mut self, at: f64) {
        self.jitter_before_stall = self.jitter();
        self.stall = match (self.stall, self.largest_offset()) {
            (Some(stall), _) => Some(stall.after_another_silence(at)),
            // A server that sends one snapshot between two silences is so slow that the newest one is the best estimate.
            (None, Some(known)) if self.samples.len() > 1 => Some(StallDetector::new(known, at)),
            (None, _) => None,
        };
        self.samples.clear();
    }

    /// The age of the newest snapshot, above the smallest one-way delay of the last ones, in ticks. Timestamps of one direction
    /// cannot tell that delay itself.
    #[must_use]
    pub(super) fn age(&self, now: f64) -> f64 {
        self.server_at(now).map_or(0.0, |server| (server - self.newest).max(0.0))
    }

    /// Takes the last round trips: the first estimate of the lead until the server reports margins, and the bound of the lead.
    pub(super) fn set_round_trips(&mut self, trips: &RoundTrips) {
        let (Some(least), Some(most)) = (trips.least(), trips.most()) else { return };
        let slack = MARGIN_TOLERATED_TICKS + BATCHING_TICKS;
        // A lost packet arrives a round trip later.
        self.lead_max = (2.0 * most + self.jitter() + self.frame + slack).min(LEAD_MAX_TICKS);
        if !self.is_tuned {
            let guess = least + BATCHING_TICKS + MARGIN_TOLERATED_TICKS;
            // Before the first report nothing depends on the clock: it may start where the round trips say.
            if (guess - self.lead).abs() > 1.0 {
                self.at = None;
            }
            self.lead = guess;
        }
        self.lead = self.lead.min(self.lead_max);
    }

    /// The server reports that all but 1 % of the inputs arrived `margin` ticks before their use. Negative: after it.
    pub(super) fn report_margin(&mut self, margin: i16) {
        let (Some(at), Some(server)) = (self.at, self.server_at(self.now)) else { return };
        if self.stall.is_some() {
            // The estimate that it would be compared with may be wrong.
            return;
        }
        let margin = f64::from(margin);
        self.is_tuned = true;
        if margin > FAR_TOO_EARLY_TICKS {
            // The link has changed: earlier reports do not apply.
            self.needs.clear();
        } else if self.needs.len() == REPORTS {
            self.needs.pop_front();
        }
        // From where the clock is, not from where it should be: it may still be on its way there.
        self.needs.push_back(at - server - margin);
        let need = self.need();
        if self.lead < need + MARGIN_WANTED_TICKS {
            let most = (self.lead + GROW_MAX_TICKS).min(self.lead_max);
            self.lead = self.lead.max((need + MARGIN_WANTED_TICKS).min(most));
        } else {
            self.lead += (need + MARGIN_TOLERATED_TICKS - self.lead).min(0.0) * SHRINK;
        }
    }

    /// The lead with which the inputs of all the last reports but the worst would have arrived in time. One stall is no reason
    /// to play far ahead, but a link that loses packets stalls again and again. A large lead costs little where the server
    /// relays inputs, and a late input costs much.
    fn need(&self) -> f64 {
        let mut needs: Vec<f64> = self.needs.iter().copied().collect();
        needs.sort_by(|a, b| b.total_cmp(a));
        needs.get(1).or(needs.first()).copied().unwrap_or(0.0)
    }

    /// The server reports nothing about inputs that were sent: they arrive from too far ahead. The lead shrinks towards what
    /// the round trips explain.
    pub(super) fn lower_lead(&mut self, trips: &RoundTrips) {
        self.needs.clear();
        let enough = trips.least().unwrap_or(0.0) + MARGIN_TOLERATED_TICKS + 1.0;
        self.lead += (enough - self.lead).min(0.0) * SHRINK;
    }

    /// How late snapshots arrive: the 95th percentile of the last ones, in ticks.
    #[must_use]
    pub(super) fn jitter(&self) -> f64 {
        if self.stall.is_some() {
            return self.jitter_before_stall;
        }
        let Some(best) = self.largest_offset() else { return 0.0 };
        let mut late: Vec<f64> = self.samples.iter().map(|(_, offset)| best - offset).collect();
        late.sort_by(f64::total_cmp);
        let index = late.len().saturating_sub(1) * 19 / 20;
        late.get(index).copied().unwrap_or(0.0)
    }

    /// The tick that is being played. `None` before the first snapshot.
    #[must_use]
    pub(super) fn tick(&self) -> Option<Tick> {
        let at = self.at?;
        Some(self.base.plus(whole(at).cast_unsigned()))
    }

    /// The part of the next tick that has passed, from 0 to 1.
    #[must_use]
    pub(super) fn fraction(&self) -> f64 {
        self.at.map_or(0.0, |at| at - at.floor())
    }

    /// Advances to `now`.
    pub(super) fn advance(&mut self, now: f64) -> Advance {
        let passed = (now - self.now).max(0.0);
        self.now = now;
        let remembered = self.frame * (1.0 - passed / FRAME_MEMORY_TICKS).max(0.0);
        self.frame = passed.min(JUMP_TICKS).max(remembered);
        let Some(server) = self.server_at(now) else { return Advance::Steps(0) };
        // A snapshot that is older is no basis for a prediction.
        let limit = self.newest + self.lead.max(0.0) + RUN_ON_TICKS;
        let target = (server + self.lead).min(limit);
        let Some(at) = self.at else { return self.jump(target) };
        if at + passed > limit && at - target <= JUMP_TICKS {
            // No snapshot arrives: the clock waits.
            return Advance::Steps(0);
        }
        let error = target - (at + passed);
        // After a silence, the next snapshots decide where to jump.
        let is_far_off = error.abs() > JUMP_TICKS && self.stall.is_none();
        if is_far_off || passed > JUMP_TICKS {
            return self.jump(target);
        }
        let change = (error * SPEED_CHANGE_PER_TICK).clamp(-SPEED_CHANGE_MAX, SPEED_CHANGE_MAX);
        let then = at + passed * (1.0 + change);
        self.at = Some(then);
        Advance::Steps((whole(then) - whole(at)).max(0).unsigned_abs())
    }

    fn jump(&mut self, to: f64) -> Advance {
        let to = to.max(0.0);
        self.at = Some(to);
        Advance::Jump(self.base.plus(whole(to).cast_unsigned()))
    }

    /// The tick of a snapshot that would arrive now with the smallest delay.
    fn server_at(&self, now: f64) -> Option<f64> {
        self.largest_offset().map(|offset| offset + now)
    }

    fn largest_offset(&self) -> Option<f64> {
        let baseline = self.stall.iter().map(StallDetector::baseline);
        self.samples.iter().map(|(_, offset)| *offset).chain(baseline).max_by(f64::total_cmp)
    }
}

fn whole(ticks: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a round is far shorter than 2³¹ ticks")]
    let whole = ticks.floor() as i32;
    whole
}

#[cfg(test)]
mod tests;
