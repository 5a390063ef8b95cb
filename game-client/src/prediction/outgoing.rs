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
    /// The first of those that wait which never left.
    fresh: Option<Tick>,
}

impl Outgoing {
    /// This is held during `tick`. `again`: it left once before, for time went back; the server may have refused it then,
    /// as too far ahead, and holds to the first word otherwise.
    pub(super) fn push(&mut self, tick: Tick, input: Input, again: bool) {
        let waiting = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
        if self.first.plus(waiting) != tick {
            // The world went on without the own inputs: what waits has missed its tick.
            self.clear();
            self.first = tick;
        }
        if !again {
            self.fresh.get_or_insert(tick);
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
        self.fresh = None;
        let mut first = self.first;
        let inputs = core::mem::take(&mut self.inputs);
        let message = |inputs: &[Input]| {
            let message = ClientMessage::Inputs { first, inputs: inputs.iter().copied().collect() };
            first = first.plus(u32::try_from(inputs.len()).unwrap_or(0));
            message
        };
        inputs.chunks(INPUTS_PER_MESSAGE_MAX).map(message).collect()
    }

    /// Time has jumped: what waits is meant for ticks that are gone. Tells the first that never left.
    pub(super) fn clear(&mut self) -> Option<Tick> {
        self.inputs.clear();
        self.is_due = false;
        self.fresh.take()
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
                outgoing.push(Tick(tick), Input { thrust, ..Input::default() }, false);
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

    #[test]
    fn what_never_left_is_told_and_what_leaves_again_is_not() {
        let mut outgoing = Outgoing::default();
        let input = Input::default();
        assert_eq!(outgoing.clear(), None);

        outgoing.push(Tick(10), input, false);
        assert_eq!(outgoing.clear(), Some(Tick(10)));
        assert_eq!((outgoing.clear(), outgoing.take().len()), (None, 0));

        outgoing.push(Tick(12), input, true);
        assert_eq!(outgoing.clear(), None);
        (20..22).for_each(|tick| outgoing.push(Tick(tick), input, false));
        assert_eq!(outgoing.take().len(), 1);
        assert_eq!(outgoing.clear(), None);
    }

    #[test]
    fn each_input_leaves_for_its_own_tick_though_some_were_skipped() {
        let mut outgoing = Outgoing::default();
        let aims_at = |tick: u16| Input { aim: Angle::from_steps(tick), ..Input::default() };

        outgoing.push(Tick(10), aims_at(10), false);
        (18..20_u16).for_each(|tick| outgoing.push(Tick(tick.into()), aims_at(tick), false));

        let inputs = [18, 19].map(aims_at).into_iter().collect();
        assert_eq!(outgoing.take(), [ClientMessage::Inputs { first: Tick(18), inputs }]);
    }
}
