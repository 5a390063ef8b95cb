//! The seat of a player: the world predicted ahead of the server, the inputs on their way, and what corrections do to the
//! picture.

use shared::protocol::{ClientMessage, INPUT_LEAD_TICKS_MAX};
use shared::sim::{Input, Slot, World};
use shared::snapshot::relay::RelayedInput;
use shared::tick::{TICK_RATE_HZ, Tick};

use super::event_dedup::{EventDedup, is_predictable};
use super::events::{MatchEvent, TickEvents};
use super::input_batcher::InputBatcher;
use super::predictor::{Correction, Predictor};
use super::smoothing::SmoothingOffsets;
use super::statistics::Statistics;
use super::stream::MatchStream;

/// Inputs about which the server says nothing for this long never reached it, or came too early. The server reports twice
/// a second.
const UNACKNOWLEDGED_TICKS: f64 = TICK_RATE_HZ as f64;
/// While no snapshot has arrived for longer than this, nothing follows from a missing report.
const SILENCE_TICKS_MAX: f64 = 10.0;

/// A player's part in one round.
#[derive(Debug, Clone)]
pub(super) struct Player {
    slot: Slot,
    /// `None` before the first snapshot.
    predictor: Option<Predictor>,
    offsets: SmoothingOffsets,
    dedup: EventDedup,
    batcher: InputBatcher,
    /// Whether there is a snapshot that the prediction does not start from yet.
    has_snapshot: bool,
    /// Since when inputs are sent without a report about them, in ticks of the client's time.
    unacknowledged_since: Option<f64>,
}

impl Player {
    /// A player before the first snapshot of a round.
    #[must_use]
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            slot,
            predictor: None,
            offsets: SmoothingOffsets::default(),
            dedup: EventDedup::default(),
            batcher: InputBatcher::default(),
            has_snapshot: false,
            unacknowledged_since: None,
        }
    }

    /// The player's slot.
    #[must_use]
    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    /// The prediction. `None` before the first snapshot.
    #[must_use]
    pub(super) fn predictor(&self) -> Option<&Predictor> {
        self.predictor.as_ref()
    }

    /// How far discs are drawn from where they are predicted.
    #[must_use]
    pub(super) fn offsets(&self) -> &SmoothingOffsets {
        &self.offsets
    }

    /// Lets the offsets shrink.
    pub(super) fn decay_offsets(&mut self, seconds: f32) {
        self.offsets.decay(seconds);
    }

    /// Takes the inputs of other players for coming ticks.
    pub(super) fn relay(&mut self, relayed: Vec<RelayedInput>) {
        if let Some(predictor) = &mut self.predictor {
            predictor.relay(relayed.into_iter());
        }
    }

    /// Takes a snapshot that arrived at `at`. The prediction starts from it in the next frame.
    pub(super) fn confirm(
        &mut self,
        stream: &MatchStream,
        confirmed: TickEvents,
        at: f64,
        statistics: &mut Statistics,
        events: &mut Vec<MatchEvent>,
    ) {
        let Some(world) = stream.world() else { return };
        for (tick, event) in confirmed {
            let is_new = self.dedup.confirm(tick, &event);
            statistics.hits.confirm(self.slot, tick, &event);
            events.push(MatchEvent { event, is_new, is_confirmed: true });
        }
        statistics.hits.confirm_until(world.tick);
        statistics.remote.compare(self.slot, world, stream.roster());
        statistics.snapshot_received(at);
        self.has_snapshot = true;
    }

    /// The server has reported about inputs.
    pub(super) fn acknowledge(&mut self) {
        self.unacknowledged_since = None;
    }

    /// Starts the prediction from the newest snapshot. Once a frame, however many snapshots have arrived: after a stall
    /// they arrive all at once, and the ones in between are never shown.
    pub(super) fn reconcile(
        &mut self,
        stream: &MatchStream,
        statistics: &mut Statistics,
        events: &mut Vec<MatchEvent>,
    ) {
        let Some(snapshot) = stream.world() else { return };
        // While the world catches up, the prediction stays where it is.
        if stream.is_catching_up() || !core::mem::take(&mut self.has_snapshot) {
            return;
        }
        let roster = stream.roster();
        match &mut self.predictor {
            Some(predictor) if !snapshot.tick.is_after(predictor.world().tick) => {
                predictor.set_bots(roster);
                let before = predictor.world().clone();
                statistics.ahead.add(before.tick.since(snapshot.tick).unsigned_abs());
                let correction = predictor.reconcile(snapshot);
                self.correct(&before, correction, statistics, events);
            }
            Some(predictor) => {
                // The snapshot is ahead of the prediction: there is nothing to compare.
                drop_unsent(&mut self.batcher, predictor);
                predictor.reset(snapshot.clone(), roster);
                self.dedup.invalidate();
            }
            None => {
                let predictor = Predictor::new(self.slot, snapshot.clone());
                self.predictor.insert(predictor).set_bots(roster);
            }
        }
    }

    fn correct(
        &mut self,
        before: &World,
        correction: Correction,
        statistics: &mut Statistics,
        events: &mut Vec<MatchEvent>,
    ) {
        let nothing_changed = Correction { exact: true, ..Correction::default() };
        if correction != nothing_changed {
            self.dedup.invalidate();
        }
        let own = correction.moved.iter().find(|(slot, _)| *slot == self.slot);
        statistics.record_correction(correction.exact, own.map(|(_, shift)| *shift));
        let after = self.predictor.as_ref().map(Predictor::world);
        after.into_iter().for_each(|world| self.offsets.retain_discs_of(world));
        for (slot, shift) in correction.moved {
            let stance = |world: &World| world.disc(slot).map(|disc| disc.is_standing());
            if stance(before) == after.and_then(stance) {
                self.offsets.add(slot, shift);
            } else {
                self.offsets.clear(slot);
            }
        }
        self.predict_events(correction.events, events);
    }

    fn predict_events(&mut self, predicted: TickEvents, events: &mut Vec<MatchEvent>) {
        for (tick, event) in predicted {
            if is_predictable(&event) && self.dedup.predict(tick, &event) {
                events.push(MatchEvent { event, is_new: true, is_confirmed: false });
            }
        }
    }

    /// Predicts one tick, if there is one before `until`. `read_input` gives the input of a tick.
    pub(super) fn step(
        &mut self,
        until: Tick,
        read_input: &mut impl FnMut(&World) -> Input,
        statistics: &mut Statistics,
        events: &mut Vec<MatchEvent>,
    ) {
        let Some(predictor) = &mut self.predictor else { return };
        let tick = predictor.world().tick;
        if predictor.world().is_over() || !until.is_after(tick) {
            return;
        }
        // Time may have gone back. The first input for a tick stands, on the server too.
        let sent_before = predictor.input_of(tick);
        let input = sent_before.unwrap_or_else(|| read_input(predictor.world()));
        let predicted = predictor.advance(input);
        statistics.remote.present(predictor.world(), &self.offsets);
        self.batcher.push(tick, input, sent_before.is_some());
        let hits = &mut statistics.hits;
        predicted.iter().for_each(|(tick, event)| hits.predict(self.slot, *tick, event));
        self.predict_events(predicted, events);
    }

    /// The inputs to send now.
    pub(super) fn take_messages(&mut self) -> Vec<ClientMessage> {
        self.batcher.take()
    }

    /// Whether the report about inputs is overdue at `now`, so that inputs must arrive too early or not at all.
    /// `round_trip` is the largest of the last ones, `silence` the time since the newest snapshot; all in ticks.
    pub(super) fn lacks_acknowledgement(
        &mut self,
        now: f64,
        round_trip: f64,
        silence: f64,
    ) -> bool {
        let longest = UNACKNOWLEDGED_TICKS + round_trip;
        let since = *self.unacknowledged_since.get_or_insert(now);
        if now - since < longest || silence > SILENCE_TICKS_MAX {
            return false;
        }
        self.unacknowledged_since = Some(now - longest + UNACKNOWLEDGED_TICKS / 2.0);
        true
    }

    /// Brings the prediction to the tick at which the clock was before this frame, after a jump or a stall.
    pub(super) fn keep_up(&mut self, tick: Tick) {
        let Some(predictor) = &mut self.predictor else { return };
        if predictor.world().tick.is_after(tick) {
            // The server refuses inputs from farther ahead. Nearer ones it may have taken, and then they stand.
            predictor.forget_from(tick.plus(INPUT_LEAD_TICKS_MAX).next());
            predictor.go_back_to(tick);
            self.dedup.invalidate();
        } else if predictor.world().tick == tick || predictor.world().is_over() {
            return;
        }
        drop_unsent(&mut self.batcher, predictor);
        predictor.skip_to(tick);
    }
}

/// The world goes on without the inputs that wait to be sent.
fn drop_unsent(batcher: &mut InputBatcher, predictor: &mut Predictor) {
    if let Some(tick) = batcher.clear() {
        predictor.forget_from(tick);
    }
}
