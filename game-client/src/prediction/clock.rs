//! Which tick it is here, so that inputs reach the server just before it needs them.
//!
//! A snapshot that arrives tells how far the server was when it left. The least delayed of the last second give
//! the best guess of how far it is now; the clock runs a *lead* ahead of that. The server tells twice a second how
//! early inputs came, and the lead follows: at once when they were late, slowly when they were too early. It is never
//! larger than the link explains, for a server that drops inputs from far ahead may tell nothing. The clock itself is bent
//! by 5 % at most; only when it is far off it jumps.
//!
//! A line that was stuck gives everything that it held back, in order and stale, and rarely at once: what was known of the
//! server's time before holds until what comes agrees with it, or proves that the server has stood still.
//!
//! Pure: time comes in as an argument, in ticks since any moment.

use std::collections::VecDeque;

use shared::tick::{TICK_RATE_HZ, Tick};

use super::doubt::Doubt;
use super::round_trips::RoundTrips;

/// How early inputs shall arrive, in ticks: the worst of a hundred.
pub(super) const MARGIN_WANTED_TICKS: f64 = 1.0;
/// Earlier than that is wasted delay.
const MARGIN_TOLERATED_TICKS: f64 = 2.0;
/// The clock is bent by no more.
const BEND_MAX: f64 = 0.05;
/// Bend for each tick of error.
const BEND_PER_TICK: f64 = 0.04;
/// Farther off than this, the clock jumps.
const SNAP_TICKS: f64 = 12.0;
/// Snapshots that are remembered for the guess.
const SAMPLES: usize = 30;
/// After a silence of so long, what was known about the server's time is in doubt.
const SILENCE_TICKS: f64 = 15.0;
/// The clock runs on for so long without hearing anything; then it waits.
const RUN_ON_TICKS: f64 = TICK_RATE_HZ as f64 * 0.75;
/// An input may wait here for the next one, which travels with it, and at the server for the tick to begin.
const PACKING_TICKS: f64 = 2.0;
/// For so long one long frame counts as what this machine does.
const FRAME_MEMORY_TICKS: f64 = TICK_RATE_HZ as f64 * 3.0;
/// The lead before anything is known: a tenth of a second.
const LEAD_AT_FIRST_TICKS: f64 = 6.0;
/// No lead is larger: the server takes no input from farther ahead of it than half a second.
const LEAD_MAX_TICKS: f64 = 75.0;
/// When even the worst input comes so early, the line has changed: a quarter of a second.
const FAR_TOO_EARLY_TICKS: f64 = 15.0;
/// Reports that are remembered: ten seconds. A line that loses one packet in a hundred loses a few of ours in that time.
const NEEDS: usize = 20;
/// How much of a wasted tick is given up at each report.
const GIVE_UP: f64 = 0.4;
/// The lead grows by no more at each report: one stall is no reason to play far ahead for seconds.
const GROW_MAX_TICKS: f64 = 4.0;

/// What the clock did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// So many ticks have passed; often none.
    Steps(u32),
    /// It was far off, and is now at this tick.
    Jump(Tick),
}

/// The clock of one round.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The tick that the numbers below count from.
    base: Tick,
    /// Where the clock is, in ticks from `base`. Nothing until the first snapshot.
    at: Option<f64>,
    /// When that was.
    now: f64,
    /// Arrivals: the time, and the server's tick minus the time.
    samples: VecDeque<(f64, f64)>,
    /// After a silence: whether what was known before is true.
    doubt: Option<Doubt>,
    /// The jitter before that silence, which itself is none. It holds meanwhile.
    jitter_known: f64,
    newest: f64,
    lead: f64,
    /// No lead that the link can explain is larger.
    lead_max: f64,
    /// What lead the last reports asked for, to be just in time.
    needs: VecDeque<f64>,
    /// The longest frame lately: inputs leave once a frame.
    frame: f64,
    tuned: bool,
}

impl Clock {
    /// A clock that has heard nothing; `lead` is what the last one had learned.
    #[must_use]
    pub(super) fn new(base: Tick, now: f64, lead: Option<f64>) -> Self {
        Self {
            base,
            at: None,
            now,
            samples: VecDeque::with_capacity(SAMPLES),
            doubt: None,
            jitter_known: 0.0,
            newest: 0.0,
            lead: lead.unwrap_or(LEAD_AT_FIRST_TICKS),
            lead_max: LEAD_MAX_TICKS,
            needs: VecDeque::with_capacity(NEEDS),
            frame: 0.0,
            tuned: lead.is_some(),
        }
    }

    /// The lead over the server's own tick as it is known here, in ticks.
    #[must_use]
    pub(super) fn lead(&self) -> f64 {
        self.lead
    }

    /// Sets the lead; a negative one runs behind, for those who only watch.
    pub(super) fn set_lead(&mut self, lead: f64) {
        self.lead = lead.min(LEAD_MAX_TICKS);
        self.tuned = true;
    }

    /// A snapshot of the server's `tick` came at `at`.
    pub(super) fn heard(&mut self, tick: Tick, at: f64) {
        let tick = f64::from(tick.since(self.base));
        if self.samples.back().is_some_and(|(last, _)| at - last > SILENCE_TICKS) {
            self.begin_to_doubt(at);
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((at, tick - at));
        if let Some(doubt) = self.doubt {
            self.doubt = doubt.after(tick - at, at);
            if self.doubt.is_none() {
                // What was held back was one stall, and is no jitter.
                self.samples.drain(..self.samples.len().saturating_sub(2));
            }
        }
        self.newest = tick;
    }

    fn begin_to_doubt(&mut self, at: f64) {
        self.jitter_known = self.jitter();
        self.doubt = match (self.doubt, self.best_offset()) {
            (Some(doubt), _) => Some(doubt.silenced_again(at)),
            // A server that says one thing between two silences is so slow that the last word is the best guess.
            (None, Some(known)) if self.samples.len() > 1 => Some(Doubt::new(known, at)),
            (None, _) => None,
        };
        self.samples.clear();
    }

    /// How much older the newest snapshot's content is than that of one which took the quickest way of the last ones, in
    /// ticks. How long the quickest takes, stamps of one direction cannot tell: that comes on top.
    #[must_use]
    pub(super) fn age(&self, now: f64) -> f64 {
        self.server_at(now).map_or(0.0, |server| (server - self.newest).max(0.0))
    }

    /// So long pings took: the first guess of the lead until the server has told more, and what bounds it ever after.
    pub(super) fn round_trips(&mut self, trips: &RoundTrips) {
        let (Some(least), Some(most)) = (trips.least(), trips.most()) else { return };
        let slack = MARGIN_TOLERATED_TICKS + PACKING_TICKS;
        // What is lost comes a round trip later.
        self.lead_max = (2.0 * most + self.jitter() + self.frame + slack).min(LEAD_MAX_TICKS);
        if !self.tuned {
            let guess = least + PACKING_TICKS + MARGIN_TOLERATED_TICKS;
            // Before the server has told anything there is nothing to bend: the clock begins where the link says.
            if (guess - self.lead).abs() > 1.0 {
                self.at = None;
            }
            self.lead = guess;
        }
        self.lead = self.lead.min(self.lead_max);
    }

    /// All but 1 % of the inputs came `margin` ticks before their use; negative: after it.
    pub(super) fn margin(&mut self, margin: i16) {
        let (Some(at), Some(server)) = (self.at, self.server_at(self.now)) else { return };
        if self.doubt.is_some() {
            // Measured against a time that may be wrong.
            return;
        }
        let margin = f64::from(margin);
        self.tuned = true;
        if margin > FAR_TOO_EARLY_TICKS {
            // The line has become another one: what the old one needed is worth nothing.
            self.needs.clear();
        } else if self.needs.len() == NEEDS {
            self.needs.pop_front();
        }
        // Reckoned from where the clock is, not from where it should be: it may still be on its way.
        self.needs.push_back(at - server - margin);
        let need = self.need();
        if self.lead < need + MARGIN_WANTED_TICKS {
            let most = (self.lead + GROW_MAX_TICKS).min(self.lead_max);
            self.lead = self.lead.max((need + MARGIN_WANTED_TICKS).min(most));
        } else {
            self.lead += (need + MARGIN_TOLERATED_TICKS - self.lead).min(0.0) * GIVE_UP;
        }
    }

    /// The lead with which the worst input of the last seconds would have come just in time, but for the worst of all:
    /// one stall is no reason to play far ahead, but a line that loses packets stalls again and again. Where inputs are
    /// announced, a large lead costs little, and a late input much.
    fn need(&self) -> f64 {
        let mut needs: Vec<f64> = self.needs.iter().copied().collect();
        needs.sort_by(|a, b| b.total_cmp(a));
        needs.get(1).or(needs.first()).copied().unwrap_or(0.0)
    }

    /// Inputs were sent and the server says nothing of them: none of them found its tick, or even its window.
    pub(super) fn unheard(&mut self, trips: &RoundTrips) {
        self.needs.clear();
        let enough = trips.least().unwrap_or(0.0) + MARGIN_TOLERATED_TICKS + 1.0;
        self.lead += (enough - self.lead).min(0.0) * GIVE_UP;
    }

    /// How late snapshots come: the lateness that all but a twentieth of the last ones had, in ticks.
    #[must_use]
    pub(super) fn jitter(&self) -> f64 {
        if self.doubt.is_some() {
            return self.jitter_known;
        }
        let Some(best) = self.best_offset() else { return 0.0 };
        let mut late: Vec<f64> = self.samples.iter().map(|(_, offset)| best - offset).collect();
        late.sort_by(f64::total_cmp);
        let place = late.len().saturating_sub(1) * 19 / 20;
        late.get(place).copied().unwrap_or(0.0)
    }

    /// The tick that is being played.
    #[must_use]
    pub(super) fn tick(&self) -> Option<Tick> {
        let at = self.at?;
        Some(self.base.plus(whole(at).cast_unsigned()))
    }

    /// How much of the next tick has passed, from 0 to 1.
    #[must_use]
    pub(super) fn fraction(&self) -> f64 {
        self.at.map_or(0.0, |at| at - at.floor())
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: f64) -> Advance {
        let passed = (now - self.now).max(0.0);
        self.now = now;
        let remembered = self.frame * (1.0 - passed / FRAME_MEMORY_TICKS).max(0.0);
        self.frame = passed.min(SNAP_TICKS).max(remembered);
        let Some(server) = self.server_at(now) else { return Advance::Steps(0) };
        // Nothing can be predicted from longer ago.
        let limit = self.newest + self.lead.max(0.0) + RUN_ON_TICKS;
        let target = (server + self.lead).min(limit);
        let Some(at) = self.at else { return self.jump(target) };
        if at + passed > limit && at - target <= SNAP_TICKS {
            // The server is silent.
            return Advance::Steps(0);
        }
        let error = target - (at + passed);
        // In doubt, the next snapshots tell where to.
        let is_far_off = error.abs() > SNAP_TICKS && self.doubt.is_none();
        if is_far_off || passed > SNAP_TICKS {
            return self.jump(target);
        }
        let bend = (error * BEND_PER_TICK).clamp(-BEND_MAX, BEND_MAX);
        let then = at + passed * (1.0 + bend);
        self.at = Some(then);
        Advance::Steps((whole(then) - whole(at)).max(0).unsigned_abs())
    }

    fn jump(&mut self, to: f64) -> Advance {
        let to = to.max(0.0);
        self.at = Some(to);
        Advance::Jump(self.base.plus(whole(to).cast_unsigned()))
    }

    /// How far the server was when it sent what would arrive now without delay.
    fn server_at(&self, now: f64) -> Option<f64> {
        self.best_offset().map(|offset| offset + now)
    }

    fn best_offset(&self) -> Option<f64> {
        let known = self.doubt.iter().map(Doubt::known);
        self.samples.iter().map(|(_, offset)| *offset).chain(known).max_by(f64::total_cmp)
    }
}

fn whole(ticks: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a round is far shorter than 2³¹ ticks")]
    let whole = ticks.floor() as i32;
    whole
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use shared::tick::Tick;

    use super::{Advance, Clock};

    /// A server and a link: plays `ticks`, and returns the margin at the end.
    fn play(clock: &mut Clock, from: u32, ticks: u32, delay: impl Fn(u32) -> f64) -> f64 {
        let (mut margin, mut worst) = (f64::INFINITY, f64::INFINITY);
        for now in from..from + ticks {
            let time = f64::from(now);
            if now.is_multiple_of(2) {
                clock.heard(Tick(now), time + delay(now));
            }
            clock.advance(time);
            let arrives = time + delay(now);
            let ahead = f64::from(clock.tick().map_or(0, |tick| tick.0)) - arrives;
            margin = ahead;
            worst = ahead.min(worst);
            if now.is_multiple_of(30) {
                clock.margin(worst.floor() as i16);
                worst = f64::INFINITY;
            }
        }
        margin
    }

    #[test]
    fn inputs_arrive_just_in_time_at_any_delay() {
        for delay in [0.0, 0.4, 3.0, 9.0] {
            let mut clock = Clock::new(Tick(0), 0.0, None);

            let margin = play(&mut clock, 0, 1_200, |_| delay);

            assert!((0.0..=4.0).contains(&margin), "delay {delay}: margin {margin}");
        }
    }

    #[test]
    fn jitter_widens_the_lead_and_calm_narrows_it() {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let shaky = |now: u32| f64::from(now * 7919 % 5);

        play(&mut clock, 0, 1_200, shaky);
        let wide = clock.lead();
        play(&mut clock, 1_200, 2_400, |_| 0.0);

        assert!(clock.lead() < wide, "{} after {wide}", clock.lead());
    }

    #[test]
    fn it_is_bent_by_a_twentieth_at_most_and_never_runs_backwards() {
        let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
        play(&mut clock, 0, 60, |_| 0.0);
        clock.set_lead(8.0);
        let before = clock.at.expect("it runs");

        for now in 60..80 {
            clock.heard(Tick(now), f64::from(now));
            assert!(matches!(clock.advance(f64::from(now)), Advance::Steps(0..=2)));
        }

        let went = clock.at.expect("it runs") - before;
        assert!(went <= 21.0 * 1.051, "{went}");
    }

    #[test]
    fn far_off_it_jumps() {
        let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
        play(&mut clock, 0, 60, |_| 0.0);

        // The program stood still for a second.
        clock.heard(Tick(120), 120.0);
        let advance = clock.advance(120.0);

        let expected = (120.0 + clock.lead()).floor() as u32;
        assert_eq!(advance, Advance::Jump(Tick(expected)));
    }

    #[test]
    fn it_waits_for_a_server_that_stands_still_and_goes_on_with_it() {
        let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
        play(&mut clock, 0, 60, |_| 0.0);

        (60..300).for_each(|now| {
            clock.advance(f64::from(now));
        });
        assert!(clock.tick().is_some_and(|tick| tick.0 < 60 + 4 + 46), "{:?}", clock.tick());
        let lead = clock.lead();
        // The server goes on where it was: it lost 240 ticks.
        for now in 300..340_u32 {
            clock.heard(Tick(now - 240), f64::from(now));
            clock.advance(f64::from(now));
            if now == 310 {
                // It tells how early inputs are, compared with its own time.
                clock.margin(40);
            }
        }

        let ahead = clock.at.expect("it runs") - f64::from(339 - 240);
        assert!((ahead - lead).abs() < 1.5, "{ahead}, lead {lead}");
        assert!((clock.lead() - lead).abs() < 1e-9, "{} after {lead}", clock.lead());
    }

    /// One tick of the own time must not be longer or shorter than that, but for a jump.
    fn is_bent_a_little(before: f64, after: f64) -> bool {
        (0.95 - 1e-9..=1.05 + 1e-9).contains(&(after - before))
    }

    /// Lets `ticks` pass on a line that is stuck until `free`. What it held back comes in order, so many with each picture.
    /// Tells of the jumps, and whether it ran on evenly but for these.
    fn unstick(
        clock: &mut Clock,
        (from, ticks, free): (u32, u32, u32),
        (delay, a_picture): (u32, usize),
    ) -> (Vec<Advance>, bool) {
        let (mut held, mut jumps, mut is_even) = (VecDeque::new(), Vec::new(), true);
        for now in from..from + ticks {
            if now.is_multiple_of(2) {
                held.push_back((now + delay, Tick(now)));
            }
            let come = held.iter().filter(|(at, _)| now >= free && *at <= now).count();
            for (_, tick) in held.drain(..come.min(a_picture)) {
                clock.heard(tick, f64::from(now));
            }
            let before = clock.at.expect("it runs");
            match clock.advance(f64::from(now)) {
                Advance::Steps(_) => {
                    is_even &= is_bent_a_little(before, clock.at.expect("it runs"));
                }
                jump @ Advance::Jump(_) => jumps.push(jump),
            }
        }
        (jumps, is_even)
    }

    #[test]
    fn a_stall_of_half_a_second_does_not_shake_it() {
        for (delay, a_picture) in [(0, 99), (0, 3), (0, 1), (9, 99), (9, 3), (9, 1)] {
            let about = format!("delay {delay}, {a_picture} a picture");
            let mut clock = Clock::new(Tick(0), 0.0, None);
            play(&mut clock, 0, 1_200, |_| f64::from(delay));
            let lead = clock.lead();

            // For half a second nothing comes and nothing gets through, and then everything.
            let jumps = unstick(&mut clock, (1_200, 120, 1_230 + delay), (delay, a_picture));
            assert_eq!(jumps, (vec![], true), "{about}");
            clock.margin(-27);
            let margin = play(&mut clock, 1_320, 600, |_| f64::from(delay));

            assert!((0.0..=6.0).contains(&margin), "{about}: margin {margin}");
            assert!(clock.lead() < lead + 4.0, "{about}: {} after {lead}", clock.lead());
        }
    }

    #[test]
    fn a_stall_of_two_seconds_costs_one_jump_and_that_is_forward() {
        for (delay, a_picture) in [(0, 99), (0, 3), (9, 99), (9, 3)] {
            let mut clock = Clock::new(Tick(0), 0.0, None);
            play(&mut clock, 0, 1_200, |_| f64::from(delay));
            let before = clock.tick().expect("it runs");

            let (jumps, _) = unstick(&mut clock, (1_200, 240, 1_320 + delay), (delay, a_picture));

            let [Advance::Jump(to)] = jumps[..] else { panic!("{delay}, {a_picture}: {jumps:?}") };
            assert!(to.since(before) > 60, "{delay}, {a_picture}: {jumps:?}");
            let ahead = clock.at.expect("it runs") - f64::from(1_439 - delay);
            assert!((ahead - clock.lead()).abs() < 1.5, "{delay}, {a_picture}: {ahead}");
        }
    }

    #[test]
    fn a_server_that_is_slow_is_followed_and_inputs_are_in_time() {
        for (pace, jumps_max) in [(0.97, 0), (0.9, 20), (0.5, 150)] {
            let mut clock = Clock::new(Tick(0), 0.0, None);
            let (mut told, mut worst, mut jumps, mut late) = (1, f64::INFINITY, 0, 0);
            for now in 0..3_600_u32 {
                let time = f64::from(now);
                let server = (time * pace).floor() as u32;
                if server.is_multiple_of(2) && server != told {
                    clock.heard(Tick(server), time);
                    told = server;
                }
                let is_settled = now > 300;
                let jumped = matches!(clock.advance(time), Advance::Jump(_));
                jumps += u32::from(jumped && is_settled);
                let ahead = f64::from(clock.tick().map_or(0, |tick| tick.0)) - time * pace;
                late += u32::from(ahead < 0.0 && is_settled);
                assert!(ahead <= 30.0 || !is_settled, "pace {pace}: too early at {now}, {ahead}");
                worst = ahead.min(worst);
                if now.is_multiple_of(30) {
                    clock.margin(worst.floor() as i16);
                    worst = f64::INFINITY;
                }
            }

            assert_eq!(late, 0, "pace {pace}");
            assert!(jumps <= jumps_max, "pace {pace}: {jumps} jumps");
        }
    }
}
