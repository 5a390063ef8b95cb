//! Inputs on their way to the server: how many travel together.
//!
//! What is pressed anew is news for everybody and leaves at once; what is held can wait for the next input. Packs end where
//! the server tells how a tick ended, for then it listens: the input of the tick after that begins the next one.

use shared::protocol::{ClientMessage, INPUTS_PER_MESSAGE_MAX};
use shared::sim::Input;
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};

/// Inputs that were held and not sent yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Outgoing {
    inputs: Vec<Input>,
    /// The tick of the first.
    first: Tick,
    /// What was held in the last tick.
    last: Input,
    /// It cannot wait for the next input.
    is_due: bool,
}

impl Outgoing {
    /// This is held during `tick`, the one after the last.
    pub(super) fn push(&mut self, tick: Tick, input: Input) {
        if self.inputs.is_empty() {
            self.first = tick;
        }
        let is_news = (self.last.thrust, self.last.buttons) != (input.thrust, input.buttons);
        // As often as snapshots come. A round begins with tick 0.
        let is_packed = tick.next().0.is_multiple_of(SNAPSHOT_EVERY_TICKS);
        self.is_due |= is_news || is_packed;
        self.last = input;
        self.inputs.push(input);
    }

    /// What is to be sent now. Once for each picture: all ticks of a long one travel together.
    pub(super) fn take(&mut self) -> Vec<ClientMessage> {
        if !core::mem::take(&mut self.is_due) {
            return Vec::new();
        }
        let mut first = self.first;
        let inputs = core::mem::take(&mut self.inputs);
        let message = |inputs: &[Input]| {
            let message = ClientMessage::Inputs { first, inputs: inputs.iter().copied().collect() };
            first = first.plus(u32::try_from(inputs.len()).unwrap_or(0));
            message
        };
        inputs.chunks(INPUTS_PER_MESSAGE_MAX).map(message).collect()
    }

    /// Time has jumped: what waits is meant for ticks that are gone.
    pub(super) fn clear(&mut self) {
        self.inputs.clear();
        self.is_due = false;
    }
}

#[cfg(test)]
mod tests {
    use shared::protocol::ClientMessage;
    use shared::sim::{Angle, Input, Thrust};
    use shared::tick::Tick;

    use super::Outgoing;

    /// Plays so many ticks a picture, and tells of each message its first tick and its length.
    fn sent(pictures: &[u32], press_at: u32) -> Vec<(u32, usize)> {
        let (mut outgoing, mut tick, mut sent) = (Outgoing::default(), 10, Vec::new());
        for ticks in pictures {
            for _ in 0..*ticks {
                let thrust = Thrust::towards(Angle::default());
                let thrust = if tick >= press_at { thrust } else { Thrust::NONE };
                outgoing.push(Tick(tick), Input { thrust, ..Input::default() });
                tick += 1;
            }
            sent.extend(outgoing.take().into_iter().map(|message| match message {
                ClientMessage::Inputs { first, inputs } => (first.0, inputs.len()),
                other => panic!("{other:?}"),
            }));
        }
        sent
    }

    #[test]
    fn held_keys_travel_in_pairs_and_new_ones_at_once() {
        assert_eq!(sent(&[1; 6], 99), [(10, 2), (12, 2), (14, 2)]);
        assert_eq!(sent(&[1; 6], 12), [(10, 2), (12, 1), (13, 1), (14, 2)]);
        assert_eq!(sent(&[1; 6], 13), [(10, 2), (12, 2), (14, 2)]);
    }

    #[test]
    fn all_ticks_of_a_picture_leave_with_it() {
        assert_eq!(sent(&[2, 2, 2], 12), [(10, 2), (12, 2), (14, 2)]);
        assert_eq!(sent(&[3, 12], 99), [(10, 3), (13, 8), (21, 4)]);
        assert_eq!(sent(&[0, 1, 0, 1], 99), [(10, 2)]);
    }
}
