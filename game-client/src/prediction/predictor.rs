//! The prediction: the whole world, stepped ahead of the server with the inputs that are known.
//!
//! The player's own inputs are known, and so are those of bots, because bots think the same on the client. Other players get
//! the inputs that the server has relayed; after those, and in a crowd, they are assumed to hold their last input. That is
//! mostly right, because discs are heavy and the ice is smooth, and it makes pushes and bumps respond at once. An
//! authoritative snapshot is compared bit for bit with the prediction of its tick. When they differ, or when inputs were
//! relayed since, the ticks after the snapshot are stepped again.

use std::collections::VecDeque;

use shared::protocol::INPUT_REPEAT_TICKS_MAX;
use shared::sim::fixed::Vec2;
use shared::sim::{BotStrength, Command, Event, Input, Slot, World, bot};
use shared::snapshot::Roster;
use shared::snapshot::relay::RelayedInput;
use shared::tick::Tick;

/// Predicted ticks that are kept for comparison, two seconds of them. When full, the oldest is dropped.
const HISTORY_MAX: usize = 120;
/// Relayed inputs that are kept: half a second of fifteen players who change their input with each tick. When full, the oldest
/// is dropped: its tick comes first.
const RELAYED_MAX: usize = 512;

/// What a snapshot changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Correction {
    /// Whether the snapshot was predicted bit for bit. Inputs that were relayed with it may move discs all the same.
    pub(super) exact: bool,
    /// How far each disc moved in the newest predicted world: old minus new position, in sub-units.
    pub(super) moved: Vec<(Slot, Vec2)>,
    /// The events of the ticks that were stepped again, mostly the same as the first time.
    pub(super) events: Vec<(Tick, Event)>,
}

/// The predicted world of one round.
#[derive(Debug, Clone)]
pub(super) struct Predictor {
    seat: Slot,
    /// The bots and their strengths. Their inputs follow from the world.
    bots: Vec<(Slot, BotStrength)>,
    /// The newest snapshot.
    base: World,
    /// The worlds after `base`, one for each tick, the newest last.
    ahead: VecDeque<World>,
    /// The player's inputs, in the order of their ticks. Of those before `base`, the newest is kept: the server replaces a
    /// missing input by the last one for a while.
    inputs: VecDeque<(Tick, Input)>,
    /// The inputs of other players for coming ticks, in the order of their arrival.
    relayed: VecDeque<RelayedInput>,
    /// Whether an input was relayed for a tick that is already stepped.
    is_stale: bool,
}

impl Predictor {
    /// A prediction that starts from a snapshot.
    #[must_use]
    pub(super) fn new(seat: Slot, base: World) -> Self {
        Self {
            seat,
            bots: Vec::new(),
            base,
            ahead: VecDeque::new(),
            inputs: VecDeque::new(),
            relayed: VecDeque::new(),
            is_stale: false,
        }
    }

    /// Takes the bots from a roster, for the coming steps. In a crowd bots are not predicted: they may react to discs that this
    /// client does not know of.
    pub(super) fn set_bots(&mut self, roster: &Roster) {
        if self.base.is_partial() {
            self.bots.clear();
            return;
        }
        let bots = roster.entries.iter().filter_map(|entry| Some((entry.slot, entry.bot?)));
        self.bots = bots.collect();
    }

    /// Takes inputs of other players for coming ticks. They apply from the next step on; ticks that are already stepped are
    /// stepped again with the next snapshot.
    pub(super) fn relay(&mut self, relayed: impl Iterator<Item = RelayedInput>) {
        for input in relayed.filter(|input| input.slot != self.seat) {
            if self.relayed.len() == RELAYED_MAX {
                self.relayed.pop_front();
            }
            self.relayed.push_back(input);
            self.is_stale |= self.world().tick.is_after(input.tick);
        }
    }

    /// The newest predicted world.
    #[must_use]
    pub(super) fn world(&self) -> &World {
        self.ahead.back().unwrap_or(&self.base)
    }

    /// The world of the tick before.
    #[must_use]
    pub(super) fn previous(&self) -> &World {
        let before = self.ahead.len().checked_sub(2).and_then(|index| self.ahead.get(index));
        before.unwrap_or(&self.base)
    }

    /// The player's input of a tick, if there is one.
    #[must_use]
    pub(super) fn input_of(&self, tick: Tick) -> Option<Input> {
        let there = self.inputs.get(self.index_of(tick));
        there.filter(|(then, _)| *then == tick).map(|(_, input)| *input)
    }

    /// The index of the input of a tick, or the index where it would be inserted.
    fn index_of(&self, tick: Tick) -> usize {
        self.inputs.partition_point(|(then, _)| tick.is_after(*then))
    }

    /// Predicts one tick with this input. An earlier input for that tick stands.
    pub(super) fn advance(&mut self, input: Input) -> Vec<(Tick, Event)> {
        let tick = self.world().tick;
        if self.input_of(tick).is_none() {
            self.inputs.insert(self.index_of(tick), (tick, input));
        }
        while self.inputs.len() > HISTORY_MAX {
            self.inputs.pop_front();
        }
        self.step_forward()
    }

    /// Predicts until a tick, without new inputs.
    pub(super) fn skip_to(&mut self, tick: Tick) {
        // The tick of a round that is over does not advance.
        while tick.is_after(self.world().tick) && !self.world().is_over() {
            let ahead = tick.since(self.world().tick).unsigned_abs();
            if usize::try_from(ahead).is_ok_and(|ahead| ahead > HISTORY_MAX) {
                return;
            }
            self.step_forward();
        }
    }

    fn step_forward(&mut self) -> Vec<(Tick, Event)> {
        let mut world = self.world().clone();
        let events = self.step(&mut world);
        self.ahead.push_back(world);
        if self.ahead.len() > HISTORY_MAX {
            self.ahead.pop_front();
        }
        events
    }

    /// Goes back to a tick. Inputs for later ticks stand: the server may have taken them.
    pub(super) fn go_back_to(&mut self, tick: Tick) {
        while self.ahead.back().is_some_and(|world| world.tick.is_after(tick)) {
            self.ahead.pop_back();
        }
    }

    /// Drops the inputs for this tick and later ones: they never reached the server.
    pub(super) fn forget_from(&mut self, tick: Tick) {
        self.inputs.truncate(self.index_of(tick));
        self.go_back_to(tick);
    }

    /// Starts again from a snapshot that is ahead of the prediction: there is nothing to compare.
    pub(super) fn reset(&mut self, snapshot: World, roster: &Roster) {
        self.forget_before(snapshot.tick);
        self.ahead.clear();
        self.base = snapshot;
        self.is_stale = false;
        self.set_bots(roster);
    }

    fn forget_before(&mut self, tick: Tick) {
        while self.inputs.get(1).is_some_and(|(then, _)| !then.is_after(tick)) {
            self.inputs.pop_front();
        }
        self.relayed.retain(|input| !tick.is_after(input.tick));
    }

    /// Takes a snapshot of a tick that was predicted: server reconciliation.
    pub(super) fn reconcile(&mut self, snapshot: &World) -> Correction {
        let now = self.world().tick;
        let predicted = self.ahead.iter().position(|world| world.tick == snapshot.tick);
        self.forget_before(snapshot.tick);
        let exact = predicted.is_some_and(|index| self.ahead[index] == *snapshot);
        let is_stale = core::mem::take(&mut self.is_stale);
        if let (Some(index), true, false) = (predicted, exact, is_stale) {
            self.ahead.drain(..=index);
            self.base = snapshot.clone();
            return Correction { exact, ..Correction::default() };
        }
        let before: Vec<(Slot, Vec2)> =
            self.world().discs.iter().map(|disc| (disc.slot, disc.position)).collect();
        let events = self.step_again(snapshot, now);
        let after = self.world();
        let moved = before.into_iter().filter_map(|(slot, position)| {
            let shift = position - after.disc(slot)?.position;
            (shift != Vec2::ZERO).then_some((slot, shift))
        });
        Correction { exact, moved: moved.collect(), events }
    }

    fn step_again(&mut self, snapshot: &World, until: Tick) -> Vec<(Tick, Event)> {
        self.base = snapshot.clone();
        self.ahead.clear();
        let mut events = Vec::new();
        let mut world = snapshot.clone();
        while until.is_after(world.tick) && !world.is_over() {
            events.extend(self.step(&mut world));
            self.ahead.push_back(world.clone());
        }
        events
    }

    /// The input that the server will apply for the player: the input of the world's tick, or its replacement.
    fn own_input(&self, world: &World) -> Input {
        if let Some(input) = self.input_of(world.tick) {
            return input;
        }
        let held = world.disc(self.seat).map(|disc| disc.input).unwrap_or_default();
        let last =
            self.index_of(world.tick).checked_sub(1).and_then(|index| self.inputs.get(index));
        let missing = last.map_or(0, |(tick, _)| world.tick.since(*tick).unsigned_abs());
        if missing <= INPUT_REPEAT_TICKS_MAX { held.without_actions() } else { held.idle() }
    }

    /// Steps one tick as the server does when no other player changes the input.
    fn step(&self, world: &mut World) -> Vec<(Tick, Event)> {
        let own = self.own_input(world);
        let think = |(slot, strength): &(Slot, BotStrength)| Command::Input {
            slot: *slot,
            input: bot::think(world, *slot, *strength),
        };
        let mut commands: Vec<Command> = self.bots.iter().map(think).collect();
        let is_due = |input: &&RelayedInput| input.tick == world.tick;
        commands.extend(
            self.relayed
                .iter()
                .filter(is_due)
                .map(|relayed| Command::Input { slot: relayed.slot, input: relayed.input }),
        );
        commands.push(Command::Input { slot: self.seat, input: own });
        let events = world.step(&commands);
        if events.is_empty() && world.is_over() {
            // The tick of a round that is over does not advance.
            return Vec::new();
        }
        let tick = world.tick;
        events.into_iter().map(|event| (tick, event)).collect()
    }
}

#[cfg(test)]
mod tests;
