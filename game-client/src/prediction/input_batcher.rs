//! Batches inputs into messages.
//!
//! An input that presses or releases something leaves at once, because the server relays it to other players. Other inputs
//! wait for the next one. A batch ends with the tick of a snapshot: the server reads its sockets then.

use shared::protocol::{ClientMessage, INPUTS_PER_MESSAGE_MAX};
use shared::sim::Input;
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};

/// The inputs that were not sent yet.
#[derive(Debug, Clone, Default)]
pub(super) struct InputBatcher {
    inputs: Vec<Input>,
    /// The tick of the first input.
    first: Tick,
    /// The input of the last tick.
    last: Input,
    /// Whether the batch leaves now.
    is_due: bool,
    /// The tick of the first waiting input that was never sent before.
    first_unsent: Option<Tick>,
}

impl InputBatcher {
    /// Adds the input of a tick. `was_sent`: it was sent before, and then the clock went back. The server may have refused
    /// it as too far ahead; otherwise the first one stands.
    pub(super) fn push(&mut self, tick: Tick, input: Input, was_sent: bool) {
        let waiting = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
        if self.first.plus(waiting) != tick {
            // The world went on without these inputs: they have missed their ticks.
            self.clear();
            self.first = tick;
        }
        if !was_sent {
            self.first_unsent.get_or_insert(tick);
        }
        let has_changed = (self.last.thrust, self.last.buttons) != (input.thrust, input.buttons);
        // A round begins with tick 0, and so do its snapshots.
        let is_full = tick.next().0.is_multiple_of(SNAPSHOT_EVERY_TICKS);
        self.is_due |= has_changed || is_full;
        self.last = input;
        self.inputs.push(input);
    }

    /// The messages to send now. Called once a frame, so all ticks of a long frame leave together.
    pub(super) fn take(&mut self) -> Vec<ClientMessage> {
        if !core::mem::take(&mut self.is_due) {
            return Vec::new();
        }
        self.first_unsent = None;
        let mut first = self.first;
        let inputs = core::mem::take(&mut self.inputs);
        let message = |inputs: &[Input]| {
            let message = ClientMessage::Inputs { first, inputs: inputs.iter().copied().collect() };
            first = first.plus(u32::try_from(inputs.len()).unwrap_or(0));
            message
        };
        inputs.chunks(INPUTS_PER_MESSAGE_MAX).map(message).collect()
    }

    /// Drops the waiting inputs: the clock has jumped, and their ticks are gone. Returns the tick of the first that was
    /// never sent.
    pub(super) fn clear(&mut self) -> Option<Tick> {
        self.inputs.clear();
        self.is_due = false;
        self.first_unsent.take()
    }
}

#[cfg(test)]
mod tests {
    use shared::protocol::ClientMessage;
    use shared::sim::{Angle, Input, Thrust};
    use shared::tick::Tick;

    use super::InputBatcher;

    /// Plays frames, each with a number of ticks. Returns the first tick and the length of each message.
    fn sent(frames: &[u32], press_at: u32) -> Vec<(u32, usize)> {
        let (mut batcher, mut tick, mut sent) = (InputBatcher::default(), 10, Vec::new());
        for ticks in frames {
            for _ in 0..*ticks {
                let thrust = Thrust::towards(Angle::default());
                let thrust = if tick >= press_at { thrust } else { Thrust::NONE };
                batcher.push(Tick(tick), Input { thrust, ..Input::default() }, false);
                tick += 1;
            }
            sent.extend(batcher.take().into_iter().map(|message| match message {
                ClientMessage::Inputs { first, inputs } => (first.0, inputs.len()),
                other => panic!("{other:?}"),
            }));
        }
        sent
    }

    #[test]
    fn held_keys_leave_in_pairs_and_new_ones_at_once() {
        assert_eq!(sent(&[1; 6], 99), [(10, 2), (12, 2), (14, 2)]);
        assert_eq!(sent(&[1; 6], 12), [(10, 2), (12, 1), (13, 1), (14, 2)]);
        assert_eq!(sent(&[1; 6], 13), [(10, 2), (12, 2), (14, 2)]);
    }

    #[test]
    fn all_ticks_of_a_frame_leave_together() {
        assert_eq!(sent(&[2, 2, 2], 12), [(10, 2), (12, 2), (14, 2)]);
        assert_eq!(sent(&[3, 12], 99), [(10, 3), (13, 8), (21, 4)]);
        assert_eq!(sent(&[0, 1, 0, 1], 99), [(10, 2)]);
    }

    #[test]
    fn dropped_inputs_are_reported_unless_they_were_sent_before() {
        let mut batcher = InputBatcher::default();
        let input = Input::default();
        assert_eq!(batcher.clear(), None);

        batcher.push(Tick(10), input, false);
        assert_eq!(batcher.clear(), Some(Tick(10)));
        assert_eq!((batcher.clear(), batcher.take().len()), (None, 0));

        batcher.push(Tick(12), input, true);
        assert_eq!(batcher.clear(), None);
        (20..22).for_each(|tick| batcher.push(Tick(tick), input, false));
        assert_eq!(batcher.take().len(), 1);
        assert_eq!(batcher.clear(), None);
    }

    #[test]
    fn an_input_keeps_its_tick_when_ticks_were_skipped() {
        let mut batcher = InputBatcher::default();
        let aims_at = |tick: u16| Input { aim: Angle::from_steps(tick), ..Input::default() };

        batcher.push(Tick(10), aims_at(10), false);
        (18..20_u16).for_each(|tick| batcher.push(Tick(tick.into()), aims_at(tick), false));

        let inputs = [18, 19].map(aims_at).into_iter().collect();
        assert_eq!(batcher.take(), [ClientMessage::Inputs { first: Tick(18), inputs }]);
    }
}
