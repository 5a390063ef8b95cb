//! What one client holds, tick by tick.
//!
//! Inputs are filed under the tick that they are meant for, and each tick takes its own. The buffer is a
//! window of fixed size: what is too late or too far ahead is counted and dropped, so nothing grows. How early it was is
//! remembered all the same: a client that runs too far ahead must hear of it, or it never comes back.

use core::hint::black_box;

use shared::protocol::{INPUT_LEAD_TICKS_MAX, INPUT_REPEAT_TICKS_MAX};
use shared::sim::{Angle, Buttons, Input};
use shared::tick::Tick;

use super::margins::{LATEST, Margins, STEPS};

/// How many ticks of input are kept.
pub(super) const INPUT_WINDOW_TICKS: u32 = 64;
/// Changes that are passed on between two snapshots. When full, the rest is not.
const NEWS_MAX: usize = 8;
/// Who presses something aims with it. A turn by three degrees more than was passed on matters.
const TURN_TOLERATED_STEPS: u16 = Angle::TURN / 120;

const _: () = assert!(INPUT_LEAD_TICKS_MAX < INPUT_WINDOW_TICKS);
const _: () = assert!(INPUT_WINDOW_TICKS == u64::BITS);

/// The inputs of one seat that wait for their ticks.
///
/// A room looks at this sixty times a second for each seat, and its processor has forgotten it meanwhile. So it is small,
/// and lies in the order in which it is looked at.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct InputBuffer {
    /// The ticks whose inputs are here: a bit for each, the lowest for the next.
    filed: u64,
    /// The tick that is taken next.
    next: Tick,
    held: Input,
    /// What the others were told last, in words or by the world itself, and the tick that it is about.
    told: Input,
    told_until: Tick,
    /// The margin of the newest message.
    last_margin: Option<i32>,
    /// How unevenly messages come, in sixteenths of a tick (RFC 3550, section 6.4.1).
    jitter: u16,
    /// The last so many ticks had no input.
    missing: u16,
    /// Ticks since the last report.
    taken: u16,
    /// Something came for this world: from now on what is not there is missing.
    has_heard: bool,
    /// Changes that were filed before their tick came, to be passed on.
    news: Vec<(Tick, Input)>,
    arrivals: Arrivals,
    /// Those that are filed, each at its tick's number modulo the window.
    inputs: [Input; INPUT_WINDOW_TICKS as usize],
}

/// How inputs came since the last report.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Arrivals {
    /// The least margin.
    least: Option<i32>,
    /// Came after their tick.
    pub(super) late: u16,
    /// Came in all, those far ahead left out.
    pub(super) received: u16,
    /// Were meant for a tick too far ahead.
    pub(super) ahead: u16,
    /// Ticks whose input was not there: something stood in for it.
    pub(super) missing: u16,
    /// Ticks between arrival and use; negative when late.
    pub(super) margins: Margins,
}

impl Arrivals {
    fn note(&mut self, margin: i32) {
        self.margins.add(margin);
        self.least = Some(self.least.map_or(margin, |least| least.min(margin)));
    }

    /// The margin that all but 1 % had; when it is beyond what is counted in steps, the least.
    pub(super) fn margin_p99(&self) -> Option<i16> {
        let least = self.least?.clamp(i16::MIN.into(), i16::MAX.into());
        let inner = LATEST + 1..LATEST + STEPS as i16 - 1;
        self.margins.p99().filter(|p99| inner.contains(p99)).or(i16::try_from(least).ok())
    }
}

impl InputBuffer {
    /// An empty buffer of a client that joins a world whose next step is `next`.
    pub(super) fn new(next: Tick) -> Self {
        Self {
            filed: 0,
            next,
            held: Input::default(),
            missing: 0,
            taken: 0,
            has_heard: false,
            told: Input::default(),
            told_until: next,
            news: Vec::new(),
            last_margin: None,
            jitter: 0,
            arrivals: Arrivals::default(),
            inputs: [Input::default(); INPUT_WINDOW_TICKS as usize],
        }
    }

    /// The tick that is taken next.
    pub(super) fn next_tick(&self) -> Tick {
        self.next
    }

    /// Whether the tick that is taken next has its input.
    pub(super) fn has_next(&self) -> bool {
        self.filed & 1 != 0
    }

    /// Makes the processor fetch what a tick will look at, beside what [`Self::has_next`] does.
    pub(super) fn fetch(&self) {
        black_box((self.arrivals.received, self.inputs[place(self.next)]));
    }

    /// Files the inputs of `first` and the ticks after it.
    pub(super) fn file(&mut self, first: Tick, inputs: &[Input]) {
        let margin = first.since(self.next);
        if let Some(last) = self.last_margin.replace(margin) {
            let uneven = margin.abs_diff(last).min(INPUT_WINDOW_TICKS) as u16;
            self.jitter = self.jitter + uneven - (self.jitter + 8) / 16;
        }
        self.has_heard = true;
        let mut tick = first;
        for input in inputs {
            self.file_one(tick, *input);
            tick = tick.next();
        }
    }

    fn file_one(&mut self, tick: Tick, input: Input) {
        let margin = tick.since(self.next);
        self.arrivals.note(margin);
        if margin > INPUT_LEAD_TICKS_MAX.cast_signed() {
            self.arrivals.ahead = self.arrivals.ahead.saturating_add(1);
            return;
        }
        self.arrivals.received = self.arrivals.received.saturating_add(1);
        if margin < 0 {
            self.arrivals.late = self.arrivals.late.saturating_add(1);
            return;
        }
        // What was said stands: others may know of it already.
        if self.filed >> margin & 1 != 0 {
            return;
        }
        self.filed |= 1 << margin;
        self.inputs[place(tick)] = input;
        let told = self.told;
        let turned = input.aim.since(told.aim).unsigned_abs() > TURN_TOLERATED_STEPS;
        let is_new = (told.thrust, told.buttons) != (input.thrust, input.buttons)
            || (input.buttons != Buttons::NONE && turned);
        // Nobody misses what is not passed on: it is told with its tick.
        if is_new && self.news.len() < NEWS_MAX {
            self.news.push((tick, input));
            (self.told, self.told_until) = (input, tick);
        }
    }

    /// Changes that were filed since the last call, and when they will count.
    pub(super) fn take_news(&mut self) -> impl Iterator<Item = (Tick, Input)> {
        self.news.drain(..)
    }

    /// What is held during `tick`: what was filed under it, or what stands in for it.
    pub(super) fn take(&mut self, tick: Tick) -> Input {
        self.go_to(tick);
        let is_there = self.has_next();
        self.go_to(tick.next());
        self.taken = self.taken.saturating_add(1);
        if is_there {
            self.held = self.inputs[place(tick)];
            self.missing = 0;
            return self.held;
        }
        self.missing = self.missing.saturating_add(1);
        let more = u16::from(self.has_heard);
        self.arrivals.missing = self.arrivals.missing.saturating_add(more);
        let repeats = u32::from(self.missing) <= INPUT_REPEAT_TICKS_MAX;
        let stands_in = if repeats { self.held.without_actions() } else { self.held.idle() };
        if !self.told_until.is_after(tick) {
            (self.told, self.told_until) = (stands_in, tick);
        }
        stands_in
    }

    /// Makes this the tick that is taken next. What was filed for those before it is gone.
    fn go_to(&mut self, tick: Tick) {
        let passed = u32::try_from(tick.since(self.next)).unwrap_or(u32::MAX);
        self.filed = self.filed.checked_shr(passed).unwrap_or(0);
        self.next = tick;
    }

    /// Another world begins: what was meant for the last one is gone.
    pub(super) fn restart(&mut self, next: Tick) {
        let arrivals = core::mem::take(&mut self.arrivals);
        *self = Self { arrivals, jitter: self.jitter, ..Self::new(next) };
    }

    /// How unevenly messages come, in ticks: the mean of how much earlier or later each is than the one before.
    pub(super) fn jitter_ticks(&self) -> f64 {
        f64::from(self.jitter) / 16.0
    }

    /// How inputs came since the last call. Nothing while the world stands still: there is nothing to be late for.
    pub(super) fn report(&mut self) -> Arrivals {
        let arrivals = core::mem::take(&mut self.arrivals);
        if core::mem::take(&mut self.taken) == 0 { Arrivals::default() } else { arrivals }
    }
}

fn place(tick: Tick) -> usize {
    (tick.0 % INPUT_WINDOW_TICKS) as usize
}

#[cfg(test)]
mod tests {
    use shared::protocol::{INPUT_LEAD_TICKS_MAX, INPUT_REPEAT_TICKS_MAX};
    use shared::sim::{Angle, Buttons, Input, Thrust};
    use shared::tick::Tick;

    use super::InputBuffer;

    fn pressing(buttons: Buttons) -> Input {
        Input { thrust: Thrust::towards(Angle::default()), buttons, ..Input::default() }
    }

    #[test]
    fn each_tick_takes_its_own_input() {
        let mut buffer = InputBuffer::new(Tick(u32::MAX));
        let inputs = [pressing(Buttons::PULSE), pressing(Buttons::DASH), pressing(Buttons::SHOVE)];

        buffer.file(Tick(u32::MAX), &inputs);

        assert_eq!(buffer.take(Tick(u32::MAX)), inputs[0]);
        assert_eq!(buffer.take(Tick(0)), inputs[1]);
        assert_eq!(buffer.take(Tick(1)), inputs[2]);
    }

    #[test]
    fn a_missing_input_repeats_without_actions_and_then_idles() {
        let mut buffer = InputBuffer::new(Tick(5));
        let held = pressing(Buttons::PULSE);
        buffer.file(Tick(5), &[held]);
        assert_eq!(buffer.take(Tick(5)), held);

        for tick in 6..6 + INPUT_REPEAT_TICKS_MAX {
            assert_eq!(buffer.take(Tick(tick)), held.without_actions());
        }
        assert_eq!(buffer.take(Tick(6 + INPUT_REPEAT_TICKS_MAX)), held.idle());
    }

    #[test]
    fn late_and_far_ahead_are_dropped_and_counted() {
        let mut buffer = InputBuffer::new(Tick(10));

        buffer.file(Tick(8), &[pressing(Buttons::PULSE); 3]);
        buffer.file(Tick(11 + INPUT_LEAD_TICKS_MAX), &[pressing(Buttons::DASH)]);

        assert_eq!(buffer.take(Tick(10)), pressing(Buttons::PULSE));
        let report = buffer.report();
        assert_eq!((report.late, report.received, report.ahead), (2, 3, 1));
        assert_eq!(report.margin_p99(), Some(-2));
        assert_eq!(buffer.report().margin_p99(), None);
    }

    #[test]
    fn changes_are_passed_on_once_and_before_their_tick() {
        let mut buffer = InputBuffer::new(Tick(10));
        let (drives, fires) = (pressing(Buttons::NONE), pressing(Buttons::PULSE));
        let looks = Input { aim: Angle::from_steps(99), ..drives };
        let turns = Input { aim: Angle::from_steps(30), ..fires };
        let hardly = Input { aim: Angle::from_steps(33), ..fires };

        buffer.file(Tick(9), &[fires, drives, looks, fires, turns, hardly]);

        let news: Vec<_> = buffer.take_news().collect();
        assert_eq!(news, [(Tick(10), drives), (Tick(12), fires), (Tick(13), turns)]);
        assert_eq!(buffer.take_news().count(), 0);
        for tick in 15..40 {
            buffer.file(Tick(tick), &[if tick % 2 == 0 { drives } else { fires }]);
        }
        assert_eq!(buffer.take_news().count(), super::NEWS_MAX);
    }

    #[test]
    fn what_was_said_of_a_tick_stands_and_what_stood_in_is_taken_back_aloud() {
        let mut buffer = InputBuffer::new(Tick(10));
        let (drives, fires) = (pressing(Buttons::NONE), pressing(Buttons::PULSE));
        buffer.file(Tick(10), &[fires]);
        buffer.file(Tick(10), &[drives]);
        assert_eq!(buffer.take_news().collect::<Vec<_>>(), [(Tick(10), fires)]);
        assert_eq!(buffer.take(Tick(10)), fires);

        // The next one is late: everybody sees the disc without its actions.
        assert_eq!(buffer.take(Tick(11)), drives);
        buffer.file(Tick(12), &[fires]);

        assert_eq!(buffer.take_news().collect::<Vec<_>>(), [(Tick(12), fires)]);
    }

    #[test]
    fn a_client_that_runs_far_ahead_hears_how_far() {
        let mut buffer = InputBuffer::new(Tick(10));

        buffer.file(Tick(80), &[pressing(Buttons::DASH); 2]);

        assert_eq!(buffer.take(Tick(10)), Input::default());
        let report = buffer.report();
        assert_eq!((report.received, report.ahead), (0, 2));
        assert_eq!(report.margin_p99(), Some(70));
    }

    #[test]
    fn what_is_not_there_is_missing_once_something_was() {
        let mut buffer = InputBuffer::new(Tick(5));
        assert_eq!(buffer.take(Tick(5)), Input::default());
        buffer.file(Tick(6), &[pressing(Buttons::NONE); 2]);

        (6..11).for_each(|tick| {
            buffer.take(Tick(tick));
        });

        assert_eq!(buffer.report().missing, 3);
        buffer.restart(Tick(0));
        buffer.take(Tick(0));
        assert_eq!(buffer.report().missing, 0, "another world, of which it knows nothing yet");
    }

    #[test]
    fn messages_that_come_evenly_have_no_jitter() {
        let mut buffer = InputBuffer::new(Tick(0));
        let mut send = |late: &dyn Fn(u32) -> u32| {
            for message in 0..400 {
                buffer.take(buffer.next_tick());
                buffer.take(buffer.next_tick());
                let first = buffer.next_tick().plus(6).minus(late(message));
                buffer.file(first, &[pressing(Buttons::NONE); 2]);
            }
            buffer.jitter_ticks()
        };

        assert!(send(&|_| 0) < 0.5);
        let shaky = send(&|message| message % 2 * 3);
        assert!((2.5..3.5).contains(&shaky), "{shaky}");
    }

    #[test]
    fn an_input_of_the_last_window_is_not_taken_for_this_one() {
        let mut buffer = InputBuffer::new(Tick(0));
        buffer.file(Tick(20), &[pressing(Buttons::PULSE)]);

        assert_eq!(buffer.take(Tick(20 + super::INPUT_WINDOW_TICKS)), Input::default());
    }
}
