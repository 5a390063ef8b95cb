//! What a tick does with the room's sockets: everybody is heard at its beginning and told at its end.

use std::sync::Arc;
use std::time::Instant;

use shared::id::PlayerId;
use shared::protocol::ServerMessage;
use shared::sim::Slot;
use shared::tick::{SNAPSHOT_EVERY_TICKS, TICK_DURATION};

use super::line::Line;
use super::meter::{Meter, Whose};
use super::news::{Audience, News, Sight};
use super::outbox::Outbox;
use super::running::{Room, Spectator, Stage, Told};
use super::seats::{Seat, Seats};
use super::talk::{Opening, Talk};
use super::wire::{READ_BYTES, Wire};
use super::{RoomServices, RoomSpec};
use crate::socket::Closing;

/// Who comes in.
struct Newcomer {
    player: PlayerId,
    /// Nothing for a spectator.
    seat: Option<Slot>,
    team: Option<u8>,
}

/// What every talk begins with.
struct Greeter<'a> {
    spec: &'a RoomSpec,
    outbox: &'a Outbox,
    with: &'a RoomServices,
    /// What the room is called in `/metrics`.
    label: &'a Arc<str>,
    now: Instant,
}

impl Greeter<'_> {
    fn begin(&self, wire: Wire, newcomer: &Newcomer) -> Talk {
        let (spec, with) = (self.spec, self.with);
        let Newcomer { player, seat, team } = *newcomer;
        tracing::debug!(room = %spec.id, %player, seated = seat.is_some(), "connected");
        let welcome =
            ServerMessage::Welcome { room: spec.id, mode: spec.mode, seat, private: spec.private };
        let players = &with.gauges.players;
        let place = seat.map(|slot| players.enter(Arc::clone(self.label), slot));
        let outlet = self.outbox.outlet();
        let sight = seat.filter(|_| spec.mode.is_crowd()).map(Sight::new);
        let opening = Opening {
            welcome,
            meter: Meter::new(Whose { room: spec.id, player, slot: seat }, place, self.now),
            reader: if sight.is_some() { outlet.reader_of_words() } else { outlet.reader() },
            sight,
            is_seated: seat.is_some(),
            ping_period: with.settings.ping,
            held: (with.gauges.room_sockets.enter(), with.presence.enter(player, spec.id, team)),
        };
        Talk::begin(wire, opening, self.now)
    }
}

/// Everybody who is connected, or will be.
fn lines<'a>(
    seats: &'a mut Seats,
    spectators: &'a mut [Spectator],
) -> impl Iterator<Item = &'a mut Line> {
    let seated = seats.iter_mut().filter_map(Seat::line_mut);
    seated.chain(spectators.iter_mut().map(|spectator| &mut *spectator.line))
}

impl Room {
    /// Takes in who has arrived, and what everybody has sent. Says whether somebody waits for an answer.
    pub(super) fn listen(&mut self, now: Instant) -> bool {
        self.beats = self.beats.wrapping_add(1);
        // Of all before the first is read: the processor fetches what it has forgotten of each at the same time.
        let audience = self.audience();
        for seat in self.seats.iter_mut() {
            let is_told = audience.has(Some(seat.slot));
            seat.line_mut().iter_mut().for_each(|line| line.expect(is_told));
        }
        self.spectators.iter_mut().for_each(|spectator| spectator.line.expect(audience.has(None)));
        let mut has_answers = false;
        let scratch = &mut [0; READ_BYTES];
        let with = &self.with;
        let (spec, outbox, label) = (&self.spec, &self.outbox, &self.label);
        let greeter = Greeter { spec, outbox, with, label, now };
        let has_teams = self.spec.mode.has_teams();
        for seat in self.seats.iter_mut() {
            let newcomer = Newcomer {
                player: seat.player.id,
                seat: Some(seat.slot),
                team: has_teams.then_some(seat.team),
            };
            let Some(line) = seat.line_mut() else { continue };
            self.farewells.extend(line.listen(now, scratch, |wire| greeter.begin(wire, &newcomer)));
            has_answers |= line.has_answers();
        }
        for spectator in &mut self.spectators {
            let newcomer = Newcomer { player: spectator.player, seat: None, team: None };
            let line = &mut spectator.line;
            self.farewells.extend(line.listen(now, scratch, |wire| greeter.begin(wire, &newcomer)));
            has_answers |= line.has_answers();
        }
        self.farewells.retain_mut(|farewell| farewell.goes_on(now, scratch));
        has_answers
    }

    /// Who is told how this tick ends.
    fn audience(&self) -> Audience {
        match &self.stage {
            Stage::Round(round) => round.audience(),
            Stage::Parked | Stage::Summary(_) => Audience::Everybody,
        }
    }

    /// Tells everybody what is new, if there is something: mostly every second tick. When nothing is, pings and reports
    /// are looked after at that pace all the same.
    pub(super) fn speak_if_due(&mut self, now: Instant, has_answers: bool) {
        let is_new = self.told.end != self.outbox.end() || self.spec.mode.is_crowd();
        if is_new || has_answers || self.beats.wrapping_sub(self.told.beat) >= SNAPSHOT_EVERY_TICKS
        {
            self.speak(now);
        }
    }

    /// Tells everybody what is new.
    pub(super) fn speak(&mut self, now: Instant) {
        self.told = Told { beat: self.beats, end: self.outbox.end() };
        let bytes_max = self.with.settings.crowd_snapshot_bytes_max;
        let snapshot = match &self.stage {
            Stage::Round(round) => round.snapshot(bytes_max),
            Stage::Parked | Stage::Summary(_) => None,
        };
        let place = self.herald.take_for_all(&mut self.fresh);
        let fresh = (place, self.fresh.as_slice());
        let news = News { end: self.told.end, fresh, beat: self.beats, snapshot };
        // Of all before the first is written, for the same reason.
        let gathered = lines(&mut self.seats, &mut self.spectators);
        self.farewells.extend(gathered.filter_map(|line| line.gather(now, news)));
        let told = lines(&mut self.seats, &mut self.spectators);
        self.farewells.extend(told.filter_map(|line| line.speak(now, news)));
    }

    /// Says goodbye to everybody.
    pub(super) fn dismiss_all(&mut self, closing: Closing, now: Instant) {
        let news = News::until(self.outbox.end(), self.beats);
        for seat in self.seats.iter_mut() {
            self.farewells
                .extend(seat.line_mut().and_then(|line| line.dismiss(closing, now, news)));
        }
        for mut spectator in self.spectators.drain(..) {
            self.farewells.extend(spectator.line.dismiss(closing, now, news));
        }
    }

    /// Waits until everybody has said goodbye too, or had the time for it.
    pub(super) async fn part(&mut self) {
        // A goodbye ends by itself when its time has passed.
        while !self.farewells.is_empty() {
            tokio::time::sleep(TICK_DURATION).await;
            let (now, scratch) = (Instant::now(), &mut [0; READ_BYTES]);
            self.farewells.retain_mut(|farewell| farewell.goes_on(now, scratch));
        }
    }
}
