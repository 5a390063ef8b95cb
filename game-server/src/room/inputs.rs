//! The inputs of one player, tick by tick.
//!
//! Each input is filed under the tick that it is addressed to, and each tick takes its own. The buffer is a
//! window of fixed size: inputs that are late or too far ahead are counted and dropped, so nothing grows.
//! The lead of a dropped input counts all the same: a client that runs too far ahead has to learn of it, or it
//! never comes back.

pub(super) mod lead_histogram;

use core::hint::black_box;

use shared::protocol::{INPUT_LEAD_TICKS_MAX, INPUT_REPEAT_TICKS_MAX};
use shared::sim::{Angle, Buttons, Input};
use shared::tick::Tick;

use lead_histogram::{LEAD_MIN, LeadHistogram, STEPS};

/// How many ticks of input are kept.
pub(super) const INPUT_WINDOW_TICKS: u32 = 64;
/// The most changes relayed to the other players between two snapshots. Further ones are not relayed.
const RELAYED_MAX: usize = 8;
/// While a button is pressed, the aim matters: a turn by more than three degrees is relayed.
const TURN_TOLERATED_STEPS: u16 = Angle::TURN / 120;

const _: () = assert!(INPUT_LEAD_TICKS_MAX < INPUT_WINDOW_TICKS);
const _: () = assert!(INPUT_WINDOW_TICKS == u64::BITS);

/// The inputs of one seat that wait for their ticks.
///
/// A room looks at each buffer sixty times a second, and by then the processor's cache has lost it. So the
/// buffer is small, and its fields lie in the order in which a tick looks at them.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct InputBuffer {
    /// The ticks whose inputs are here: one bit for each, the lowest for the next tick.
    filed: u64,
    /// The tick that is taken next.
    next: Tick,
    held: Input,
    /// The input that the other players know of, relayed or from the world, and the tick that it is for.
    known: Input,
    known_at: Tick,
    /// The lead of the newest message.
    last_lead: Option<i32>,
    /// How unevenly messages arrive, in sixteenths of a tick (RFC 3550, section 6.4.1).
    jitter: u16,
    /// How many of the last ticks in a row had no input.
    missing: u16,
    /// Ticks since the last report.
    taken: u16,
    /// An input for this world has arrived: from now on, ticks without one count as missing.
    has_received: bool,
    /// Changes that arrived before their tick, to be relayed to the other players.
    to_relay: Vec<(Tick, Input)>,
    arrivals: Arrivals,
    /// The filed inputs, each at its tick's number modulo the window.
    inputs: [Input; INPUT_WINDOW_TICKS as usize],
}

/// How inputs arrived since the last report.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Arrivals {
    lead_min: Option<i32>,
    /// Inputs that arrived after their tick.
    pub(super) late: u16,
    /// All inputs, without those too far ahead.
    pub(super) received: u16,
    /// Inputs for a tick too far ahead.
    pub(super) ahead: u16,
    /// Ticks that had no input: a substitute took its place.
    pub(super) missing: u16,
    /// The lead of every input.
    pub(super) leads: LeadHistogram,
}

impl Arrivals {
    fn note(&mut self, lead: i32) {
        self.leads.add(lead);
        self.lead_min = Some(self.lead_min.map_or(lead, |least| least.min(lead)));
    }

    /// The lead in ticks that all but 1 % of the inputs had at least. Beyond the histogram's range, the least.
    pub(super) fn lead_p99(&self) -> Option<i16> {
        let least = self.lead_min?.clamp(i16::MIN.into(), i16::MAX.into());
        let inner = LEAD_MIN + 1..LEAD_MIN + STEPS as i16 - 1;
        self.leads.p99().filter(|p99| inner.contains(p99)).or(i16::try_from(least).ok())
    }
}

impl InputBuffer {
    /// The empty buffer of a player who joins a world whose next step is `next`.
    pub(super) fn new(next: Tick) -> Self {
        Self {
            filed: 0,
            next,
            held: Input::default(),
            missing: 0,
            taken: 0,
            has_received: false,
            known: Input::default(),
            known_at: next,
            to_relay: Vec::new(),
            last_lead: None,
            jitter: 0,
            arrivals: Arrivals::default(),
            inputs: [Input::default(); INPUT_WINDOW_TICKS as usize],
        }
    }

    /// The tick that is taken next.
    pub(super) fn next_tick(&self) -> Tick {
        self.next
    }

    /// Whether the input for [`Self::next_tick`] is here.
    pub(super) fn has_next(&self) -> bool {
        self.filed & 1 != 0
    }

    /// Makes the processor fetch the memory that a tick will look at, beside what [`Self::has_next`] reads.
    pub(super) fn prefetch(&self) {
        black_box((self.arrivals.received, self.inputs[place(self.next)]));
    }

    /// Files inputs under `first` and the ticks after it.
    pub(super) fn file(&mut self, first: Tick, inputs: &[Input]) {
        let lead = first.since(self.next);
        if let Some(last) = self.last_lead.replace(lead) {
            let uneven = lead.abs_diff(last).min(INPUT_WINDOW_TICKS) as u16;
            self.jitter = self.jitter + uneven - (self.jitter + 8) / 16;
        }
        self.has_received = true;
        let mut tick = first;
        for input in inputs {
            self.file_one(tick, *input);
            tick = tick.next();
        }
    }

    fn file_one(&mut self, tick: Tick, input: Input) {
        let lead = tick.since(self.next);
        self.arrivals.note(lead);
        if lead > INPUT_LEAD_TICKS_MAX.cast_signed() {
            self.arrivals.ahead = self.arrivals.ahead.saturating_add(1);
            return;
        }
        self.arrivals.received = self.arrivals.received.saturating_add(1);
        if lead < 0 {
            self.arrivals.late = self.arrivals.late.saturating_add(1);
            return;
        }
        // The first input for a tick counts: it may be relayed already.
        if self.filed >> lead & 1 != 0 {
            return;
        }
        self.filed |= 1 << lead;
        self.inputs[place(tick)] = input;
        let known = self.known;
        let turned = input.aim.since(known.aim).unsigned_abs() > TURN_TOLERATED_STEPS;
        let is_new = (known.thrust, known.buttons) != (input.thrust, input.buttons)
            || (input.buttons != Buttons::NONE && turned);
        // A change that is not relayed is sent with its tick.
        if is_new && self.to_relay.len() < RELAYED_MAX {
            self.to_relay.push((tick, input));
            (self.known, self.known_at) = (input, tick);
        }
    }

    /// Changes that were filed since the last call, each with its tick.
    pub(super) fn take_relayed(&mut self) -> impl Iterator<Item = (Tick, Input)> {
        self.to_relay.drain(..)
    }

    /// The input for `tick`: the one filed under it, or a substitute.
    pub(super) fn take(&mut self, tick: Tick) -> Input {
        self.go_to(tick);
        let is_here = self.has_next();
        self.go_to(tick.next());
        self.taken = self.taken.saturating_add(1);
        if is_here {
            self.held = self.inputs[place(tick)];
            self.missing = 0;
            return self.held;
        }
        self.missing = self.missing.saturating_add(1);
        let more = u16::from(self.has_received);
        self.arrivals.missing = self.arrivals.missing.saturating_add(more);
        let repeats = u32::from(self.missing) <= INPUT_REPEAT_TICKS_MAX;
        let substitute = if repeats { self.held.without_actions() } else { self.held.idle() };
        if !self.known_at.is_after(tick) {
            (self.known, self.known_at) = (substitute, tick);
        }
        substitute
    }

    /// Makes `tick` the one that is taken next. Inputs for earlier ticks are gone.
    fn go_to(&mut self, tick: Tick) {
        let passed = u32::try_from(tick.since(self.next)).unwrap_or(u32::MAX);
        self.filed = self.filed.checked_shr(passed).unwrap_or(0);
        self.next = tick;
    }

    /// Another world begins: inputs for the last one are gone.
    pub(super) fn restart(&mut self, next: Tick) {
        let arrivals = core::mem::take(&mut self.arrivals);
        *self = Self { arrivals, jitter: self.jitter, ..Self::new(next) };
    }

    /// How unevenly messages arrive, in ticks: the mean difference between the leads of two messages in a row.
    pub(super) fn jitter_ticks(&self) -> f64 {
        f64::from(self.jitter) / 16.0
    }

    /// How inputs arrived since the last call. Empty while the world stands still, when no input can be late.
    pub(super) fn report(&mut self) -> Arrivals {
        let arrivals = core::mem::take(&mut self.arrivals);
        if core::mem::take(&mut self.taken) == 0 { Arrivals::default() } else { arrivals }
    }
}

fn place(tick: Tick) -> usize {
    (tick.0 % INPUT_WINDOW_TICKS) as usize
}

#[cfg(test)]
mod tests;
