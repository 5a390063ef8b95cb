//! The room as others see it: the answer to `GET /api/rooms/{id}`, and its line in the list of rooms.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::api::{RoomDetails, RoomPhase, RoomSeat, RoomSummary};
use shared::id::{PlayerId, ReplayId};
use shared::sim::World;
use shared::tick::TICK_RATE_HZ;
use tokio::sync::watch;

use super::game::seat::Seat;
use super::game::{Game, Stage};
use super::readers::Readers;
use super::settings::RoomSpec;
use crate::bus::{Bus, Notice};
use crate::clock::Now;
use crate::recordings::Progress;

/// A room's line in the list changes at most this often; so does the view while only points change.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);
/// The end of a round is published again when it moved by more than this.
const END_SHIFT_MAX_MS: u64 = 1_500;

/// A room at a moment.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// What every client sees that may see the room. Whoever answers adds the invitation.
    pub details: RoomDetails,
    /// Seats that a person could take.
    pub open_seats: usize,
    /// Players for whom a seat is reserved.
    pub reserved: Vec<PlayerId>,
    /// The mean rating of the people in the seats. `None` without any.
    pub rating: Option<i32>,
    /// The recording of the running round, and how far its file has come.
    pub(crate) recording: Option<(ReplayId, watch::Receiver<Progress>)>,
}

impl RoomView {
    /// Whether this player could take a seat now.
    #[must_use]
    pub fn has_seat_for(&self, player: PlayerId) -> bool {
        self.open_seats > 0
            || self.reserved.contains(&player)
            || self.details.seated.iter().any(|seat| seat.player == player)
    }
}

/// Publishes a room's view, and its line in the list of rooms.
pub(super) struct ViewPublisher {
    spec: RoomSpec,
    bus: Arc<dyn Bus>,
    readers: Readers,
    view: watch::Sender<Arc<RoomView>>,
    viewed_at: Instant,
    /// The line that was published last, and when.
    listed: Option<(Instant, RoomSummary)>,
    ends_at_ms: Option<u64>,
}

impl ViewPublisher {
    /// A publisher of this room, and the view of it while it is new.
    pub(super) fn new(
        spec: RoomSpec,
        bus: Arc<dyn Bus>,
        readers: Readers,
    ) -> (Self, watch::Receiver<Arc<RoomView>>) {
        let summary = RoomSummary {
            id: spec.id,
            mode: spec.mode,
            phase: RoomPhase::Waiting,
            round: 0,
            players: 0,
            bots: 0,
            seats: count(spec.mode.seats()),
            spectators: 0,
            ends_at_ms: None,
            leader: None,
        };
        let private = spec.private;
        let (seated, rated) = (Vec::new(), spec.is_rated());
        let details =
            RoomDetails { summary, private, invitation: None, rated, seated, recording: None };
        let open_seats = spec.mode.seats();
        let reserved = Vec::new();
        let view = RoomView { details, open_seats, reserved, rating: None, recording: None };
        let (sender, receiver) = watch::channel(Arc::new(view));
        let publisher = Self {
            spec,
            bus,
            readers,
            view: sender,
            viewed_at: Instant::now(),
            listed: None,
            ends_at_ms: None,
        };
        (publisher, receiver)
    }

    /// Whether it is time to publish, even if no seat and no phase has changed.
    pub(super) fn is_due(&self, now: Now) -> bool {
        now.at >= self.viewed_at + PUBLISH_EVERY
    }

    /// Publishes the room as it is.
    pub(super) fn publish(
        &mut self,
        game: &Game,
        progress: Option<watch::Receiver<Progress>>,
        now: Now,
    ) {
        self.viewed_at = now.at;
        let view = self.view_of(game, progress, now);
        let summary = view.details.summary.clone();
        self.view.send_replace(Arc::new(view));
        // A parked room has no ticks: it may not come back to what it leaves out now.
        let is_parked = matches!(game.stage(), Stage::Parked);
        let is_due = self.listed.as_ref().is_none_or(|(at, listed)| {
            *listed != summary && (is_parked || now.at >= *at + PUBLISH_EVERY)
        });
        if is_due && !self.spec.private {
            self.bus.publish(Notice::Room(summary.clone()));
            self.listed = Some((now.at, summary));
        }
    }

    fn view_of(
        &mut self,
        game: &Game,
        progress: Option<watch::Receiver<Progress>>,
        now: Now,
    ) -> RoomView {
        let RoomSpec { id, mode, private, .. } = self.spec;
        let (seats, running) = (game.seats(), game.round().filter(|round| round.counts()));
        let mut seated: Vec<_> = seats.iter().map(|seat| self.seat(game, seat)).collect();
        seated.sort_by_key(|seat| Reverse(seat.points));
        let leader = seated.first().map(|seat| (seat.name.clone(), seat.points));
        let summary = RoomSummary {
            id,
            mode,
            phase: match game.stage() {
                Stage::Summary(_) => RoomPhase::Summary,
                Stage::Round(round) if round.counts() => RoomPhase::Playing,
                Stage::Round(_) | Stage::Parked => RoomPhase::Waiting,
            },
            round: game.rounds(),
            players: count(seats.people()),
            bots: count(seats.bots()),
            seats: count(mode.seats()),
            spectators: count(self.watching(game, now.at)),
            ends_at_ms: self.end_of(running.map(|round| round.world()), now),
            leader: leader.filter(|_| running.is_some()),
        };
        let replay = running.and_then(|round| round.replay());
        RoomView {
            recording: replay.zip(progress),
            details: RoomDetails {
                summary,
                private,
                invitation: None,
                rated: self.spec.is_rated(),
                seated,
                recording: replay,
            },
            open_seats: seats.open(now.at),
            reserved: seats.reserved(now.at),
            rating: seats.rating(),
        }
    }

    /// How many people watch: each counts once, on whatever transports, and players do not count.
    fn watching(&self, game: &Game, now: Instant) -> usize {
        let sockets: BTreeSet<_> = game.spectators().iter().map(|one| one.player).collect();
        let plays = |player| game.seats().iter().any(|seat| seat.player.id == player);
        let known = |player| sockets.contains(&player) || plays(player);
        sockets.len() + self.readers.count_without(known, now)
    }

    fn seat(&self, game: &Game, seat: &Seat) -> RoomSeat {
        let points = match game.stage() {
            Stage::Round(round) => round.points_of(seat.slot),
            Stage::Summary(summary) => summary
                .standings()
                .iter()
                .find(|standing| standing.player.id == seat.player.id)
                .map_or(0, |standing| standing.points),
            Stage::Parked => 0,
        };
        RoomSeat {
            player: seat.player.id,
            name: seat.player.name.clone(),
            bot: seat.is_bot(),
            points,
            team: self.spec.mode.has_teams().then_some(seat.team),
            reconnecting: seat.is_reconnecting(),
        }
    }

    /// The same end as before, unless the world has fallen behind.
    fn end_of(&mut self, world: Option<&World>, now: Now) -> Option<u64> {
        let left_ms = u64::from(world?.remaining()) * 1_000 / u64::from(TICK_RATE_HZ);
        let ends_at_ms = now.unix_ms + left_ms;
        let known = self.ends_at_ms.filter(|known| known.abs_diff(ends_at_ms) <= END_SHIFT_MAX_MS);
        self.ends_at_ms = known.or(Some(ends_at_ms));
        self.ends_at_ms
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
