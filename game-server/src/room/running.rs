//! The room's task: its beat, and what each tick does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::id::PlayerId;
use shared::sim::{Command, Event, World, bot};
use shared::snapshot::relay::RelayedInput;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;

use super::ending::Summary;
use super::farewell::Farewell;
use super::line::{Line, Parting};
use super::outbox::{Outbox, Reader};
use super::round::{Plan, Round};
use super::seats::{Occupant, SEAT_KEPT, Seat, Seats};
use super::seeds::RoomSeeds;
use super::view::{Listing, RoomView};
use super::{Request, RoomServices, RoomSpec};
use crate::ladder::{Report, Tally};
use crate::metrics::Counted;
use crate::socket::Closing;
use shared::protocol::close;

/// A room with nobody in it closes after so long.
const EMPTY_MAX: Duration = Duration::from_secs(60);
/// A room that stays open looks around so often while it waits.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

const RESTART: Closing = (close::RESTART, "the server restarts");
const ENDED: Closing = (close::ROOM_ENDED, "the room has ended");
const DESERTED: Closing = (close::ROOM_ENDED, "nobody was there for a minute");

/// A room and everything in it.
pub(super) struct Room {
    pub(super) spec: RoomSpec,
    pub(super) with: RoomServices,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) outbox: Outbox,
    /// Reads the outbox as who is in step does, and what it has just read: all of those are sent the same.
    pub(super) herald: Reader,
    pub(super) fresh: Vec<Bytes>,
    pub(super) seats: Seats,
    pub(super) spectators: Vec<Spectator>,
    /// Each ends by itself, so there are never more than connections were.
    pub(super) farewells: Vec<Farewell>,
    pub(super) stage: Stage,
    /// Ticks that everybody was heard in, modulo 2³².
    pub(super) beats: u32,
    /// What everybody was told when they were last told something.
    pub(super) told: Told,
    /// Rounds begun that count.
    pub(super) rounds: u32,
    seeds: RoomSeeds,
    /// Nobody is there since then.
    pub(super) empty_since: Option<Instant>,
    pub(super) listing: Listing,
    /// What it is called in `/metrics`.
    pub(super) label: Arc<str>,
    _counted: Counted,
}

/// What the room does.
pub(super) enum Stage {
    /// Nothing: nobody is there.
    Parked,
    /// A world runs.
    Round(Box<Round>),
    /// A result is shown.
    Summary(Box<Summary>),
}

/// When everybody was told, and up to where.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) beat: u32,
    pub(super) end: u64,
}

/// Somebody who watches.
pub(super) struct Spectator {
    pub(super) player: PlayerId,
    pub(super) line: Box<Line>,
}

impl Room {
    pub(super) fn new(
        spec: RoomSpec,
        with: RoomServices,
        outbox: Outbox,
        requests: mpsc::Receiver<Request>,
    ) -> (Self, watch::Receiver<Arc<RoomView>>) {
        let (listing, view) = Listing::new(&spec, with.bus.clone());
        let room = Self {
            spec,
            requests,
            herald: outbox.outlet().reader(),
            fresh: Vec::new(),
            outbox,
            seats: Seats::new(spec.mode, spec.company),
            spectators: Vec::new(),
            farewells: Vec::new(),
            stage: Stage::Parked,
            beats: 0,
            told: Told::default(),
            rounds: 0,
            seeds: with.seeds.of_a_room(),
            empty_since: Some(Instant::now()),
            listing,
            label: with.gauges.players.room_label(spec.id, spec.private),
            _counted: with.gauges.rooms.enter(),
            with,
        };
        (room, view)
    }

    pub(super) async fn run(mut self) {
        tracing::info!(room = %self.spec.id, mode = self.spec.mode.title(), private = self.spec.private, "room opened");
        let phase = self.with.metronome.phase();
        let mut beat = None;
        self.change_seats(Instant::now());

        let closing = loop {
            let closing = if self.is_parked() {
                beat = None;
                self.wait().await
            } else {
                let due = beat.get_or_insert_with(|| self.with.metronome.beat(phase)).tick().await;
                self.play(due)
            };
            if let Some(closing) = closing {
                break closing;
            }
        };
        self.close(closing).await;
    }

    /// Waits until somebody comes. Says why nobody will.
    async fn wait(&mut self) -> Option<Closing> {
        let closes_at = self.closes_at().unwrap_or_else(|| Instant::now() + FAR);
        let tasks = self.with.tasks.clone();
        tokio::select! {
            () = tasks.stopping() => Some(RESTART),
            request = self.requests.recv() => match request {
                Some(request) => {
                    self.answer(request, Instant::now());
                    None
                }
                None => Some(ENDED),
            },
            () = sleep_until(closes_at.into()) => self.closes_at().map(|_| DESERTED),
        }
    }

    /// A tick, and an answer to everybody who has asked since the last one: nothing but the beat wakes a room that plays.
    /// Says why it ends, if it does.
    fn play(&mut self, due: Instant) -> Option<Closing> {
        let now = Instant::now();
        let ticks = &self.with.gauges.ticks;
        ticks.late.record(now.saturating_duration_since(due));
        self.tick(now);
        self.with.gauges.ticks.took.record(now.elapsed());
        // So many fit into the channel. Who asks meanwhile is answered with the next tick.
        for _ in 0..self.requests.max_capacity() {
            match self.requests.try_recv() {
                Ok(request) => self.answer(request, now),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Some(ENDED),
            }
        }
        if self.with.tasks.is_stopping() {
            return Some(RESTART);
        }
        self.closes_at().filter(|at| now >= *at).map(|_| DESERTED)
    }

    /// The one place where the world changes.
    fn tick(&mut self, now: Instant) {
        let has_answers = self.listen(now);
        self.notice_partings(now);
        match &mut self.stage {
            Stage::Parked => {}
            Stage::Round(round) => {
                let (commands, announced) = heard(round.world(), &mut self.seats);
                round.announce(announced);
                let events = round.step(commands, &self.outbox);
                let is_over = round.world().is_over();
                self.report(&events);
                if is_over {
                    // A crowd's last snapshot is in no outbox.
                    self.speak(now);
                    self.end_round(now);
                }
            }
            Stage::Summary(_) => self.watch_summary(now),
        }
        self.list(now, false);
        self.speak_if_due(now, has_answers);
    }

    fn is_parked(&self) -> bool {
        matches!(self.stage, Stage::Parked)
            && self.spectators.is_empty()
            && self.farewells.is_empty()
            && self.seats.people() == 0
    }

    /// When nobody was there for too long. Nothing while somebody is.
    fn closes_at(&self) -> Option<Instant> {
        self.empty_since.filter(|_| !self.spec.always).map(|since| since + EMPTY_MAX)
    }

    /// Begins a round, if somebody is there to play it.
    pub(super) fn begin_round(&mut self, now: Instant) {
        if self.seats.people() == 0 && !self.spec.always {
            self.stage = Stage::Parked;
            self.list(now, true);
            return;
        }
        self.seats.settle_bots(true, now);
        let counts = self.can_count();
        self.rounds += u32::from(counts);
        let round = Round::begin(&Plan {
            room: self.spec.id,
            private: self.spec.private,
            mode: self.spec.mode,
            seed: self.seeds.of_a_round(),
            round_ticks: self.with.settings.round_ticks,
            counts,
            seats: &self.seats,
            outbox: &self.outbox,
            recordings: &self.with.recordings,
        });
        self.seats
            .iter_mut()
            .filter_map(Seat::line_mut)
            .for_each(|l| l.restart(round.world().tick));
        let (people, bots) = (self.seats.people(), self.seats.bots());
        if counts {
            tracing::info!(room = %self.spec.id, round = self.rounds, people, bots, "round begins");
        }
        self.stage = Stage::Round(Box::new(round));
        self.listing.report_seats(&self.spec, &self.seats, &self.with);
        self.list(now, true);
    }

    /// One alone warms up; two make a round. Practice is for one alone.
    pub(super) fn can_count(&self) -> bool {
        let alone_is_enough = !self.spec.mode.is_rated();
        self.seats.len() >= 2 || (alone_is_enough && self.seats.len() == 1)
    }

    /// Connections that are gone, and seats that nobody came back to.
    fn notice_partings(&mut self, now: Instant) {
        self.spectators.retain(|spectator| spectator.line.parting().is_none());
        let mut left = Vec::new();
        let mut changed = false;
        for seat in self.seats.iter_mut() {
            let Occupant::Person { line, lost, .. } = &mut seat.occupant else { continue };
            match (line.parting(), *lost) {
                (None, _) => {}
                (Some(Parting::Left), _) => left.push(seat.slot),
                (Some(Parting::Lost), None) => {
                    *lost = Some(now);
                    changed = true;
                }
                (Some(Parting::Lost), Some(since)) if now >= since + SEAT_KEPT => {
                    left.push(seat.slot);
                }
                (Some(Parting::Lost), Some(_)) => {}
            }
        }
        for slot in &left {
            self.unseat(*slot);
        }
        if changed || !left.is_empty() {
            self.change_seats(now);
        }
        self.notice_emptiness(now);
    }

    /// Somebody who waits to come back still counts as being there; so does who watches.
    pub(super) fn notice_emptiness(&mut self, now: Instant) {
        let is_empty = self.seats.people() == 0 && self.spectators.is_empty();
        match (is_empty, self.empty_since) {
            (true, None) => self.empty_since = Some(now),
            (false, Some(_)) => self.empty_since = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Tells the ladder what counts.
    fn report(&self, events: &[Event]) {
        let Stage::Round(round) = &self.stage else { return };
        if !round.counts() || !self.spec.mode.is_rated() {
            return;
        }
        let player = |slot| self.seats.iter().find(|seat| seat.slot == slot).map(|s| s.player.id);
        let tell = |slot, tally| {
            if let Some(player) = player(slot) {
                self.with.ladder.tell(Report::Scored { room: self.spec.id, player, tally });
            }
        };
        for event in events {
            let Event::KnockOut { slot, credit, .. } = event else { continue };
            match credit {
                Some((by, _)) => {
                    tell(*by, Tally { points: 1, knockouts: 1, falls: 0 });
                    tell(*slot, Tally { points: 0, knockouts: 0, falls: 1 });
                }
                None => tell(*slot, Tally { points: -1, knockouts: 0, falls: 1 }),
            }
        }
    }
}

/// What everybody holds during the coming tick, where it is not what the discs hold already, and what people have said
/// that they will hold. Who is alone among bots has nobody to tell, and a crowd is told of what it sees.
fn heard(world: &World, seats: &mut Seats) -> (Vec<Command>, Vec<RelayedInput>) {
    let has_company = seats.people() > 1 && !world.mode.is_crowd();
    let (mut commands, mut announced) = (Vec::with_capacity(seats.len()), Vec::new());
    // Both are in the order of the slots.
    let mut discs = world.discs.iter().peekable();
    for seat in seats.iter_mut() {
        let slot = seat.slot;
        let input = match &mut seat.occupant {
            Occupant::Bot(strength) => bot::think(world, slot, *strength),
            Occupant::Person { line, .. } => {
                let news = line.announced().filter(|_| has_company);
                announced.extend(news.map(|(tick, input)| RelayedInput { slot, tick, input }));
                line.hear(world.tick)
            }
        };
        while discs.next_if(|disc| disc.slot < slot).is_some() {}
        let held = discs.next_if(|disc| disc.slot == slot).map(|disc| disc.input);
        if input != held.unwrap_or_default() {
            commands.push(Command::Input { slot, input });
        }
    }
    (commands, announced)
}
