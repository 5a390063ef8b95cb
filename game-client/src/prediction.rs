//! The match as this client sees it: predicted ahead of the server for a player, interpolated behind it for a spectator.
//!
//! A [`Match`] takes the frames of the match stream and the passing of time. It returns the inputs to send, the events of
//! the round and the moment to draw. It knows no socket and no screen, and reads no clock: times are arguments, in ticks of
//! the client's own time.

mod arrivals;
mod clock;
mod event_dedup;
mod events;
mod hits;
mod input_batcher;
mod interpolation;
mod player;
mod predictor;
mod remote_errors;
mod round_trips;
mod rounds;
mod samples;
mod smoothing;
mod stall_detector;
mod statistics;
mod stream;

use shared::protocol::report::REPORT_EVERY_TICKS;
use shared::protocol::{ClientMessage, PlayReport};
use shared::sim::{Input, Slot, World};
use shared::snapshot::{DecodeError, Roster};
use shared::tick::{TICK_RATE_HZ, Tick};

use clock::{Advance, Clock};
use interpolation::InterpolationBuffer;
use player::Player;
use predictor::Predictor;
use round_trips::RoundTrips;
use smoothing::SmoothingOffsets;
use stream::{MatchStream, Snapshot};

pub use events::MatchEvent;
pub use statistics::{PredictionReport, Statistics};

/// The rounds of one room, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Match {
    stream: MatchStream,
    /// `None` before the first round.
    clock: Option<Clock>,
    seat: Seat,
    round_trips: RoundTrips,
    statistics: Statistics,
    /// The events since they were last taken.
    events: Vec<MatchEvent>,
    /// When the newest snapshot arrived.
    received_at: f64,
    /// When the next report to the server is due. `None` before the first tick.
    report_due: Option<f64>,
}

/// How this client takes part.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one seat")]
enum Seat {
    /// It plays, and predicts the world ahead of the server.
    Player(Player),
    /// It watches, and interpolates between snapshots behind the server.
    Spectator(InterpolationBuffer),
}

impl Default for Seat {
    fn default() -> Self {
        Self::Spectator(InterpolationBuffer::default())
    }
}

impl Seat {
    fn of(slot: Option<Slot>) -> Self {
        slot.map_or_else(Self::default, |slot| Self::Player(Player::new(slot)))
    }
}

/// The moment to draw: between two worlds, with the discs of a player's prediction smoothed.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The earlier world.
    pub earlier: &'a World,
    /// The later world.
    pub later: &'a World,
    /// How much of the way lies behind, from 0 to 1.
    pub part: f32,
    offsets: Option<&'a SmoothingOffsets>,
}

impl Moment<'_> {
    /// How far a disc is drawn from its position, in units, y down.
    #[must_use]
    pub fn offset_of(&self, slot: Slot) -> [f32; 2] {
        self.offsets.map_or([0.0; 2], |offsets| offsets.of(slot))
    }
}

impl Match {
    /// A connection begins: with a seat, or without one for a spectator. The lead that was measured before is kept.
    pub fn welcome(&mut self, seat: Option<Slot>) {
        *self = Self {
            stream: self.stream.reconnected(seat.is_some()),
            clock: self.clock.take(),
            seat: Seat::of(seat),
            report_due: self.report_due,
            ..Self::default()
        };
    }

    /// The slot of the player. `None` for a spectator.
    #[must_use]
    pub fn seat(&self) -> Option<Slot> {
        self.player().map(Player::slot)
    }

    fn player(&self) -> Option<&Player> {
        match &self.seat {
            Seat::Player(player) => Some(player),
            Seat::Spectator(_) => None,
        }
    }

    /// The players and bots by slot.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        self.stream.roster()
    }

    /// The newest authoritative snapshot. `None` before the first keyframe.
    #[must_use]
    pub fn confirmed_world(&self) -> Option<&World> {
        self.stream.world()
    }

    /// The world ahead of the server, with the player's own inputs applied. `None` for a spectator.
    #[must_use]
    pub fn predicted_world(&self) -> Option<&World> {
        self.player()?.predictor().map(Predictor::world)
    }

    /// How often the world differed from the server's since the room was entered. Each time is a bug.
    #[must_use]
    pub fn diverged(&self) -> u32 {
        self.stream.diverged()
    }

    /// The tick at which the client lost sync. `None` while it is in sync.
    #[must_use]
    pub fn desynced_at(&self) -> Option<Tick> {
        self.stream.desynced_at()
    }

    /// How good the prediction of this round is.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The rounds that were seen in this room.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.stream.rounds()
    }

    /// How far the clock runs ahead of the newest snapshot, in ticks. Negative for a spectator.
    #[must_use]
    pub fn lead(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, Clock::lead)
    }

    /// How late snapshots arrive (95th percentile), in ticks.
    #[must_use]
    pub fn jitter(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, Clock::jitter)
    }

    /// The age of the newest snapshot, above the smallest one-way delay seen, in ticks.
    #[must_use]
    pub fn snapshot_age(&self, now: f64) -> f64 {
        self.clock.as_ref().map_or(0.0, |clock| clock.age(now))
    }

    /// The time since the newest snapshot arrived, in ticks.
    #[must_use]
    pub fn silence(&self, now: f64) -> f64 {
        (now - self.received_at).max(0.0)
    }

    /// Takes frames of the match stream that arrived at `at`.
    ///
    /// # Errors
    /// When they cannot be decoded or do not continue the stream. The client is then [desynced](Match::desynced_at) until
    /// the next keyframe; the server sends one on request.
    pub fn receive(&mut self, bytes: &[u8], at: f64) -> Result<(), DecodeError> {
        self.statistics.down_bytes += bytes.len() as u64;
        let received = self.stream.receive(bytes);
        if let Some(tick) = received.round_began_at {
            self.begin_round(tick, at);
        }
        if let Some(snapshot) = received.snapshot? {
            self.receive_snapshot(snapshot, at);
        }
        Ok(())
    }

    fn begin_round(&mut self, tick: Tick, at: f64) {
        // The lead that one round has measured is the best guess for the next.
        let lead = self.clock.as_ref().map(Clock::lead);
        let mut clock = Clock::new(tick, at, lead);
        if lead.is_none() && self.player().is_some() {
            clock.set_round_trips(&self.round_trips);
        }
        self.clock = Some(clock);
        self.seat = Seat::of(self.seat());
        self.statistics = Statistics::default();
    }

    fn receive_snapshot(&mut self, snapshot: Snapshot, at: f64) {
        let Some(world) = self.stream.world() else { return };
        self.received_at = at;
        if let Some(clock) = &mut self.clock
            && !world.is_over()
        {
            clock.receive_snapshot(world.tick, at);
        }
        match &mut self.seat {
            Seat::Player(player) => {
                player.relay(snapshot.relayed);
                let (statistics, events) = (&mut self.statistics, &mut self.events);
                player.confirm(&self.stream, snapshot.events, at, statistics, events);
            }
            Seat::Spectator(buffer) => buffer.push(world.clone(), snapshot.events),
        }
    }

    /// The server reports about inputs: the margin that all but 1 % of them had between arrival and use, in ticks, how many
    /// came late, and how many it received.
    pub fn input_timing(&mut self, margin: i16, late: u16, received: u16) {
        self.statistics.late_inputs += u32::from(late);
        self.statistics.inputs += u32::from(received);
        if let Seat::Player(player) = &mut self.seat {
            player.acknowledge();
        }
        if let Some(clock) = &mut self.clock {
            clock.report_margin(margin);
        }
    }

    /// Takes one round trip, in ticks. Returns the smallest of the last ones, which is the time on the wire.
    pub fn round_trip(&mut self, ticks: f64) -> f64 {
        self.round_trips.add(ticks);
        if let (Some(clock), Seat::Player(_)) = (&mut self.clock, &self.seat) {
            clock.set_round_trips(&self.round_trips);
        }
        self.round_trips.least().unwrap_or(ticks)
    }

    /// Advances to `now`. `read_input` gives the player's input, once for each tick. Returns the messages to send.
    pub fn advance(
        &mut self,
        now: f64,
        mut read_input: impl FnMut(&World) -> Input,
    ) -> Vec<ClientMessage> {
        let silence = self.silence(now);
        let (statistics, events) = (&mut self.statistics, &mut self.events);
        if let Seat::Player(player) = &mut self.seat {
            player.reconcile(&self.stream, statistics, events);
        }
        let Some(clock) = &mut self.clock else { return Vec::new() };
        let player = match &mut self.seat {
            Seat::Player(player) => player,
            Seat::Spectator(buffer) => {
                clock.set_lead(-InterpolationBuffer::delay(clock));
                clock.advance(now);
                let due = clock.tick().map_or_else(Vec::new, |tick| buffer.events_until(tick));
                events.extend(due.into_iter().map(|(_, event)| MatchEvent {
                    event,
                    is_new: true,
                    is_confirmed: true,
                }));
                return Vec::new();
            }
        };
        let advance = clock.advance(now);
        let Some(tick) = clock.tick() else { return Vec::new() };
        let steps = match advance {
            Advance::Steps(steps) => steps,
            Advance::Jump(_) => {
                statistics.jumps += 1;
                0
            }
        };
        player.keep_up(tick.minus(steps));
        (0..steps).for_each(|_| player.step(tick, &mut read_input, statistics, events));
        let mut messages = player.take_messages();
        if !self.stream.ended() {
            statistics.arrivals.age(now, clock.age(now));
        }
        statistics.up_bytes +=
            messages.iter().map(|message| message.encode().len() as u64).sum::<u64>();
        let longest = self.round_trips.most().unwrap_or(0.0);
        if !messages.is_empty() && player.lacks_acknowledgement(now, longest, silence) {
            clock.lower_lead(&self.round_trips);
        }
        messages.extend(self.report(now).map(ClientMessage::Report));
        messages
    }

    /// The report to the server, when it is due.
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

    /// The events since the last call.
    pub fn take_events(&mut self) -> Vec<MatchEvent> {
        core::mem::take(&mut self.events)
    }

    /// The moment to draw. `seconds` is the time since the last call.
    pub fn present(&mut self, seconds: f32) -> Option<Moment<'_>> {
        if let Seat::Player(player) = &mut self.seat {
            player.decay_offsets(seconds);
        }
        let clock = self.clock.as_ref()?;
        match &self.seat {
            Seat::Player(player) => {
                let predictor = player.predictor()?;
                #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
                let part = clock.fraction() as f32;
                let (earlier, later) = (predictor.previous(), predictor.world());
                Some(Moment { earlier, later, part, offsets: Some(player.offsets()) })
            }
            Seat::Spectator(buffer) => {
                let (earlier, later, part) = buffer.around(clock.tick()?, clock.fraction())?;
                Some(Moment { earlier, later, part, offsets: None })
            }
        }
    }
}

/// Seconds as ticks.
#[must_use]
pub fn ticks_from_seconds(seconds: f64) -> f64 {
    seconds * f64::from(TICK_RATE_HZ)
}

#[cfg(test)]
mod tests;
