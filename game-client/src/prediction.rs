//! The round as it is seen here: decoded from the stream, predicted for who plays, delayed for who watches.
//!
//! A [`Match`] takes the server's messages and the passing of time, and gives inputs to send, things that happened, and
//! the moment to draw. It knows neither sockets nor the screen.
//!
//! **Invariant:** the decoder's world is what the server said; nothing here changes it.

mod clock;
mod doubt;
mod echo;
mod flow;
mod follower;
mod hits;
mod outgoing;
mod predictor;
mod round_trips;
mod rounds;
mod samples;
mod shown;
mod smoothing;
mod statistics;

use shared::protocol::report::REPORT_EVERY_TICKS;
use shared::protocol::{ClientMessage, INPUT_LEAD_TICKS_MAX, PlayReport};
use shared::sim::{Event, Input, Slot, World};
use shared::snapshot::{Applied, DecodeError, Roster, StreamDecoder, records, relay};
use shared::tick::{TICK_RATE_HZ, Tick};

use crate::space::Drawn;
use clock::{Advance, Clock};
use echo::{Echoes, may_be_foretold};
use follower::Follower;
use outgoing::Outgoing;
use predictor::{Correction, Predictor};
use round_trips::RoundTrips;
use rounds::{is_another_round, is_same_round_again};

pub use smoothing::Offsets;
pub use statistics::{PredictionReport, Statistics};

/// Inputs of which the server says nothing for so long never reached it, or too early. It reports twice a second.
const UNHEARD_TICKS: f64 = TICK_RATE_HZ as f64;
/// While the line is silent for longer than that, nothing can be concluded.
const FRESH_TICKS: f64 = 10.0;

/// Something that happened in the round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    /// What.
    pub event: Event,
    /// To be seen and heard: not yet shown.
    pub show: bool,
    /// The server has said so: it counts.
    pub settled: bool,
}

/// One room's rounds, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Match {
    seat: Option<Slot>,
    decoder: StreamDecoder,
    /// Before this connection.
    diverged_before: u32,
    clock: Option<Clock>,
    predictor: Option<Predictor>,
    follower: Follower,
    offsets: Offsets,
    echoes: Echoes,
    statistics: Statistics,
    outgoing: Outgoing,
    happenings: Vec<Happening>,
    ended: bool,
    rounds: u32,
    /// When the newest snapshot came, in ticks of the own time.
    heard_at: f64,
    /// The server's word has moved on, and the prediction does not start from it yet.
    is_unsettled: bool,
    round_trips: RoundTrips,
    /// Since when inputs are sent without a word about them, in ticks of the own time.
    unheard_since: Option<f64>,
    /// The own world's tick when the stream led elsewhere or could not be followed. A keyframe ends it.
    astray: Option<Tick>,
    /// A keyframe went back in time to heal that: until this tick everything was told before.
    told_until: Option<Tick>,
    /// When the next report to the server is due, in ticks of the own time.
    report_due: Option<f64>,
}

impl Match {
    /// In a seat, or without one to watch. What was learned about the link is kept.
    pub fn welcome(&mut self, seat: Option<Slot>) {
        let (rounds, diverged_before) = (self.rounds, self.diverged());
        let (clock, report_due) = (self.clock.take(), self.report_due);
        let decoder = seat.map_or_else(StreamDecoder::new, |_| StreamDecoder::for_player());
        let blank = Self { decoder, ..Self::default() };
        *self = Self { seat, clock, rounds, diverged_before, report_due, ..blank };
        self.ended = true;
    }

    /// The own seat.
    #[must_use]
    pub fn seat(&self) -> Option<Slot> {
        self.seat
    }

    /// Who sits where.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        self.decoder.roster()
    }

    /// The world as the server last said.
    #[must_use]
    pub fn settled_world(&self) -> Option<&World> {
        self.decoder.world()
    }

    /// The world ahead of the server, in which the own inputs are already at work.
    #[must_use]
    pub fn predicted_world(&self) -> Option<&World> {
        self.predictor.as_ref().map(Predictor::world)
    }

    /// How often the stream led elsewhere than the server, since the room was entered. Zero, or somebody has a bug.
    #[must_use]
    pub fn diverged(&self) -> u32 {
        self.diverged_before + self.decoder.diverged()
    }

    /// The own world's tick when the thread was lost, until there is a keyframe.
    #[must_use]
    pub fn astray(&self) -> Option<Tick> {
        self.astray
    }

    /// How well this round was predicted.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Rounds seen in this room.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// How far ahead of the newest snapshot the clock runs, in ticks.
    #[must_use]
    pub fn lead(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, Clock::lead)
    }

    /// How late snapshots come, in ticks.
    #[must_use]
    pub fn jitter(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, Clock::jitter)
    }

    /// How old what the newest snapshot tells is, beyond the quickest way here, in ticks.
    #[must_use]
    pub fn snapshot_age(&self, now: f64) -> f64 {
        self.clock.as_ref().map_or(0.0, |clock| clock.age(now))
    }

    /// Ticks since the newest snapshot came.
    #[must_use]
    pub fn silence(&self, now: f64) -> f64 {
        (now - self.heard_at).max(0.0)
    }

    /// Takes frames of the stream that came at `at`, in ticks of the own time.
    ///
    /// # Errors
    /// When they cannot be read or do not follow. The next keyframe goes on; the server gives one to who is
    /// [astray](Match::astray).
    pub fn frames(&mut self, bytes: &[u8], at: f64) -> Result<(), DecodeError> {
        let diverged = self.decoder.diverged();
        let followed = self.follow(bytes, at);
        if followed.is_err() || self.decoder.diverged() != diverged {
            self.astray = Some(self.decoder.world().map_or(Tick(0), |world| world.tick));
        }
        followed
    }

    fn follow(&mut self, bytes: &[u8], at: f64) -> Result<(), DecodeError> {
        let (mut events, mut announced) = (Vec::new(), Vec::new());
        let mut moved = false;
        self.statistics.down_bytes += bytes.len() as u64;
        for frame in records(bytes) {
            let before = self.decoder.world().map(|world| (world.tick, world.round_ticks));
            let frame = frame?;
            match self.decoder.apply(frame)? {
                Applied::Keyframe => {
                    moved = true;
                    let world = self.decoder.world();
                    let now = world.map(|world| (world.tick, world.round_ticks));
                    let astray = self.astray.take();
                    if !self.ended && astray.is_some() && is_same_round_again(before, now) {
                        self.told_until = before.map(|(tick, _)| tick);
                    } else if self.ended || is_another_round(before, now) {
                        events.clear();
                        self.begin_round(at);
                    }
                }
                Applied::Delta(more) => {
                    moved = true;
                    events.extend(more);
                }
                Applied::Roster => {}
                Applied::RelayedInputs => {
                    let world = self.decoder.world().ok_or(DecodeError::Gap)?;
                    announced.extend(relay::decode(frame, world)?);
                }
                Applied::End => self.ended = true,
            }
        }
        if moved && self.has_caught_up(&mut events) {
            if let Some(predictor) = &mut self.predictor {
                predictor.hear(announced.into_iter());
            }
            self.moved_on(events, at);
        }
        Ok(())
    }

    /// Whether the world is at least where it was before a keyframe went back. What was told before is not told again.
    fn has_caught_up(&mut self, events: &mut Vec<(Tick, Event)>) -> bool {
        let Some(until) = self.told_until else { return true };
        events.retain(|(tick, _)| tick.is_after(until));
        if self.decoder.world().is_none_or(|world| until.is_after(world.tick)) {
            return false;
        }
        self.told_until = None;
        true
    }

    /// Ticks between arrival and use that all but 1 % of the inputs had, and how many came late.
    pub fn timing(&mut self, margin: i16, late: u16, received: u16) {
        self.statistics.late_inputs += u32::from(late);
        self.statistics.inputs += u32::from(received);
        self.unheard_since = None;
        if let Some(clock) = &mut self.clock {
            clock.margin(margin);
        }
    }

    /// One round trip, in ticks. Tells the quickest of the last ones, which is what the link takes.
    pub fn round_trip(&mut self, ticks: f64) -> f64 {
        self.round_trips.add(ticks);
        if let (Some(clock), Some(_)) = (&mut self.clock, self.seat) {
            clock.round_trips(&self.round_trips);
        }
        self.round_trips.least().unwrap_or(ticks)
    }

    /// Starts the prediction from the newest word. Once for each picture, however many snapshots came since the last one:
    /// after a stall they come all at once, and nobody sees what lies between them.
    fn settle(&mut self) {
        let (Some(seat), Some(word)) = (self.seat, self.decoder.world()) else { return };
        // A keyframe that heals goes back in time: what follows it brings the world to where it was.
        if self.told_until.is_some() || !core::mem::take(&mut self.is_unsettled) {
            return;
        }
        let roster = self.decoder.roster();
        match &mut self.predictor {
            Some(predictor) if !word.tick.is_after(predictor.world().tick) => {
                predictor.know(roster);
                let before = predictor.world().clone();
                self.statistics.ahead.add(before.tick.since(word.tick).unsigned_abs());
                let correction = predictor.reconcile(word);
                self.correct(seat, &before, correction);
            }
            // Ahead of the prediction: nothing to compare.
            Some(predictor) => {
                forget_unsent(&mut self.outgoing, predictor);
                predictor.begin_again(word.clone(), roster);
                self.echoes.doubt();
            }
            None => self.predictor.insert(Predictor::new(seat, word.clone())).know(roster),
        }
    }

    /// Lets time pass until `now`, in ticks of the own time. `held` says what is held in a world, once for each tick.
    /// Returns what is to be sent.
    pub fn run(&mut self, now: f64, mut held: impl FnMut(&World) -> Input) -> Vec<ClientMessage> {
        self.settle();
        let Some(clock) = &mut self.clock else { return Vec::new() };
        if self.seat.is_none() {
            clock.set_lead(-Follower::delay(clock));
        }
        let advance = clock.advance(now);
        let Some(tick) = clock.tick() else { return Vec::new() };
        if self.seat.is_none() {
            for (_, event) in self.follower.events_until(tick) {
                self.happenings.push(Happening { event, show: true, settled: true });
            }
            return Vec::new();
        }
        let steps = match advance {
            Advance::Steps(steps) => steps,
            Advance::Jump(_) => {
                self.statistics.jumps += 1;
                0
            }
        };
        self.keep_up(tick.minus(steps));
        (0..steps).for_each(|_| self.step(tick, &mut held));
        let mut messages = self.outgoing.take();
        if !self.ended {
            self.statistics.flow.age(now, self.snapshot_age(now));
        }
        self.statistics.up_bytes +=
            messages.iter().map(|message| message.encode().len() as u64).sum::<u64>();
        if !messages.is_empty() {
            self.mind_silence(now);
        }
        messages.extend(self.report(now).map(ClientMessage::Report));
        messages
    }

    /// What only this end knows, when it is time to tell.
    fn report(&mut self, now: f64) -> Option<PlayReport> {
        let every = f64::from(REPORT_EVERY_TICKS);
        let due = *self.report_due.get_or_insert(now + every);
        if now < due || self.statistics.compared == 0 {
            return None;
        }
        self.report_due = Some(now + every);
        let round_trip = self.round_trips.least().unwrap_or(0.0);
        Some(self.statistics.play_report(round_trip, self.jitter(), self.lead()))
    }

    /// What has happened since the last call.
    pub fn take_happenings(&mut self) -> Vec<Happening> {
        core::mem::take(&mut self.happenings)
    }

    /// The moment to draw. `seconds` is the time since the last call.
    pub fn draw(&mut self, seconds: f32) -> Option<Drawn> {
        self.offsets.decay(seconds);
        let clock = self.clock.as_ref()?;
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
        let part = clock.fraction() as f32;
        if self.seat.is_some() {
            let predictor = self.predictor.as_ref()?;
            let (earlier, later) = (predictor.previous(), predictor.world());
            return Some(Drawn::between(earlier, later, part, &self.offsets));
        }
        let (earlier, later, part) = self.follower.around(clock.tick()?, clock.fraction())?;
        Some(Drawn::between(earlier, later, part, &self.offsets))
    }

    fn begin_round(&mut self, at: f64) {
        let tick = self.decoder.world().map_or(Tick(0), |world| world.tick);
        // What one round taught about the link is good for the next.
        let lead = self.clock.as_ref().map(Clock::lead);
        let mut clock = Clock::new(tick, at, lead);
        if lead.is_none() && self.seat.is_some() {
            clock.round_trips(&self.round_trips);
        }
        self.clock = Some(clock);
        self.unheard_since = None;
        (self.astray, self.told_until) = (None, None);
        (self.predictor, self.is_unsettled) = (None, false);
        self.follower.clear();
        self.offsets = Offsets::default();
        self.echoes.clear();
        self.statistics = Statistics::default();
        self.outgoing = Outgoing::default();
        self.ended = false;
        self.rounds += 1;
    }

    /// The server's word has moved on to a newer tick.
    fn moved_on(&mut self, events: Vec<(Tick, Event)>, at: f64) {
        let Some(word) = self.decoder.world() else { return };
        self.heard_at = at;
        if let Some(clock) = &mut self.clock
            && !word.is_over()
        {
            clock.heard(word.tick, at);
        }
        let Some(seat) = self.seat else {
            self.follower.push(word.clone(), events);
            return;
        };
        for (tick, event) in events {
            let show = self.echoes.settle(tick, &event);
            self.statistics.hits.settled(seat, tick, &event);
            self.happenings.push(Happening { event, show, settled: true });
        }
        self.statistics.hits.settled_until(word.tick);
        self.statistics.shown.compare(seat, word, self.decoder.roster());
        self.statistics.heard(at);
        self.is_unsettled = true;
    }

    fn correct(&mut self, seat: Slot, before: &World, correction: Correction) {
        let nothing_new = Correction { exact: true, ..Correction::default() };
        if correction != nothing_new {
            self.echoes.doubt();
        }
        let own = correction.moved.iter().find(|(slot, _)| *slot == seat);
        self.statistics.record(correction.exact, own.map(|(_, way)| *way));
        let after = self.predictor.as_ref().map(Predictor::world);
        after.into_iter().for_each(|world| self.offsets.keep_those_in(world));
        for (slot, way) in correction.moved {
            let stance = |world: &World| world.disc(slot).map(|disc| disc.is_standing());
            if stance(before) == after.and_then(stance) {
                self.offsets.add(slot, way);
            } else {
                self.offsets.clear(slot);
            }
        }
        self.foretell(correction.events);
    }

    fn foretell(&mut self, events: Vec<(Tick, Event)>) {
        for (tick, event) in events {
            if may_be_foretold(&event) && self.echoes.foretell(tick, &event) {
                self.happenings.push(Happening { event, show: true, settled: false });
            }
        }
    }

    fn step(&mut self, until: Tick, held: &mut impl FnMut(&World) -> Input) {
        let Some(predictor) = &mut self.predictor else { return };
        let tick = predictor.world().tick;
        if predictor.world().is_over() || !until.is_after(tick) {
            return;
        }
        // Time may have gone back. What was said of a tick stands, at the server too.
        let said = predictor.pressed(tick);
        let input = said.unwrap_or_else(|| held(predictor.world()));
        let events = predictor.advance(input);
        self.statistics.shown.show(predictor.world(), &self.offsets);
        self.outgoing.push(tick, input, said.is_some());
        if let Some(seat) = self.seat {
            let hits = &mut self.statistics.hits;
            events.iter().for_each(|(tick, event)| hits.foretold(seat, *tick, event));
        }
        self.foretell(events);
    }

    /// Inputs leave at `now`. When nothing is said of any for long, the clock runs too far ahead.
    fn mind_silence(&mut self, now: f64) {
        let patience = UNHEARD_TICKS + self.round_trips.most().unwrap_or(0.0);
        let since = *self.unheard_since.get_or_insert(now);
        if now - since < patience || self.silence(now) > FRESH_TICKS {
            return;
        }
        self.unheard_since = Some(now - patience + UNHEARD_TICKS / 2.0);
        if let Some(clock) = &mut self.clock {
            clock.unheard(&self.round_trips);
        }
    }

    /// Brings the prediction to where the clock was before this picture, after a jump or a stall.
    fn keep_up(&mut self, tick: Tick) {
        let Some(predictor) = &mut self.predictor else { return };
        if predictor.world().tick.is_after(tick) {
            // The server took none from so far ahead. What is nearer it may hold, and holds to.
            predictor.forget_from(tick.plus(INPUT_LEAD_TICKS_MAX).next());
            predictor.go_back_to(tick);
            self.echoes.doubt();
        } else if predictor.world().tick == tick || predictor.world().is_over() {
            return;
        }
        forget_unsent(&mut self.outgoing, predictor);
        predictor.skip_to(tick);
    }
}

/// The world goes on without the inputs that wait to be sent.
fn forget_unsent(outgoing: &mut Outgoing, predictor: &mut Predictor) {
    if let Some(tick) = outgoing.clear() {
        predictor.forget_from(tick);
    }
}

/// The own time, in ticks, of a moment on the monotonic clock.
#[must_use]
pub fn ticks_of(seconds: f64) -> f64 {
    seconds * f64::from(TICK_RATE_HZ)
}

#[cfg(test)]
mod tests;
