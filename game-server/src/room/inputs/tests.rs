//! Inputs that arrive early, late, twice or not at all.

use shared::protocol::{INPUT_LEAD_TICKS_MAX, INPUT_REPEAT_TICKS_MAX};
use shared::sim::{Angle, Buttons, Input, Thrust};
use shared::tick::Tick;

use super::{INPUT_WINDOW_TICKS, InputBuffer, RELAYED_MAX};

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
    assert_eq!(report.lead_p99(), Some(-2));
    assert_eq!(buffer.report().lead_p99(), None);
}

#[test]
fn changes_are_relayed_once_and_before_their_tick() {
    let mut buffer = InputBuffer::new(Tick(10));
    let (drives, fires) = (pressing(Buttons::NONE), pressing(Buttons::PULSE));
    let looks = Input { aim: Angle::from_steps(99), ..drives };
    let turns = Input { aim: Angle::from_steps(30), ..fires };
    let hardly = Input { aim: Angle::from_steps(33), ..fires };

    buffer.file(Tick(9), &[fires, drives, looks, fires, turns, hardly]);

    let relayed: Vec<_> = buffer.take_relayed().collect();
    assert_eq!(relayed, [(Tick(10), drives), (Tick(12), fires), (Tick(13), turns)]);
    assert_eq!(buffer.take_relayed().count(), 0);
    for tick in 15..40 {
        buffer.file(Tick(tick), &[if tick % 2 == 0 { drives } else { fires }]);
    }
    assert_eq!(buffer.take_relayed().count(), RELAYED_MAX);
}

#[test]
fn the_first_input_for_a_tick_counts_and_a_return_from_a_substitute_is_relayed() {
    let mut buffer = InputBuffer::new(Tick(10));
    let (drives, fires) = (pressing(Buttons::NONE), pressing(Buttons::PULSE));
    buffer.file(Tick(10), &[fires]);
    buffer.file(Tick(10), &[drives]);
    assert_eq!(buffer.take_relayed().collect::<Vec<_>>(), [(Tick(10), fires)]);
    assert_eq!(buffer.take(Tick(10)), fires);

    // The next input is late: the others see the disc without its actions.
    assert_eq!(buffer.take(Tick(11)), drives);
    buffer.file(Tick(12), &[fires]);

    assert_eq!(buffer.take_relayed().collect::<Vec<_>>(), [(Tick(12), fires)]);
}

#[test]
fn a_client_that_runs_far_ahead_learns_how_far() {
    let mut buffer = InputBuffer::new(Tick(10));

    buffer.file(Tick(80), &[pressing(Buttons::DASH); 2]);

    assert_eq!(buffer.take(Tick(10)), Input::default());
    let report = buffer.report();
    assert_eq!((report.received, report.ahead), (0, 2));
    assert_eq!(report.lead_p99(), Some(70));
}

#[test]
fn a_tick_without_input_counts_as_missing_after_the_first_input() {
    let mut buffer = InputBuffer::new(Tick(5));
    assert_eq!(buffer.take(Tick(5)), Input::default());
    buffer.file(Tick(6), &[pressing(Buttons::NONE); 2]);

    (6..11).for_each(|tick| {
        buffer.take(Tick(tick));
    });

    assert_eq!(buffer.report().missing, 3);
    buffer.restart(Tick(0));
    buffer.take(Tick(0));
    assert_eq!(buffer.report().missing, 0, "no input for the new world has arrived yet");
}

#[test]
fn messages_that_arrive_evenly_have_no_jitter() {
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
fn an_input_of_the_last_window_does_not_count_in_this_one() {
    let mut buffer = InputBuffer::new(Tick(0));
    buffer.file(Tick(20), &[pressing(Buttons::PULSE)]);

    assert_eq!(buffer.take(Tick(20 + INPUT_WINDOW_TICKS)), Input::default());
}
