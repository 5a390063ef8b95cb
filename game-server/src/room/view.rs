//! What others see of a room: the answer to `GET /api/rooms/{id}`, its line in the list, its seats on the
//! ladder.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::api::{RoomDetails, RoomPhase, RoomSeat, RoomSummary};
use shared::id::{PlayerId, ReplayId};
use shared::sim::World;
use shared::tick::TICK_RATE_HZ;
use tokio::sync::watch;

use super::round::points_of;
use super::running::{Room, Stage};
use super::seats::{Seat, Seats};
use super::{RoomServices, RoomSpec};
use crate::bus::{Bus, Notice};
use crate::clock::now_ms;
use crate::ladder::Report;
use crate::metrics::Counted;
use crate::recordings::Progress;

/// A room's line in the list changes at most this often; so does the view, when only points changed.
const LISTED_EVERY: Duration = Duration::from_millis(500);
/// The end of a round is told anew when it moved by more than this.
const END_SHIFT_MAX_MS: u64 = 1_500;

/// A room as it was a moment ago.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// For everybody who knows the code.
    pub details: RoomDetails,
    /// Seats that a person could have.
    pub open_seats: usize,
    /// Those for whom a seat is kept.
    pub promised: Vec<PlayerId>,
    /// The mean rating of the people who sit there.
    pub rating: Option<i32>,
    /// The file of the running round.
    pub(crate) recording: Option<(ReplayId, watch::Receiver<Progress>)>,
}

impl RoomView {
    /// Whether this player could sit down now.
    #[must_use]
    pub fn has_seat_for(&self, player: PlayerId) -> bool {
        self.open_seats > 0
            || self.promised.contains(&player)
            || self.details.seated.iter().any(|seat| seat.player == player)
    }
}

/// What was told about a room.
pub(super) struct Listing {
    bus: Arc<dyn Bus>,
    view: watch::Sender<Arc<RoomView>>,
    looked: Instant,
    listed: Option<(Instant, RoomSummary)>,
    ends_at_ms: Option<u64>,
    /// Who the ladder knows to sit here, counted in the gauges.
    seated: BTreeMap<PlayerId, Counted>,
}

impl Listing {
    pub(super) fn new(
        spec: &RoomSpec,
        bus: Arc<dyn Bus>,
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
        let details = RoomDetails { summary, private, seated: Vec::new(), recording: None };
        let open_seats = spec.mode.seats();
        let promised = Vec::new();
        let view = RoomView { details, open_seats, promised, rating: None, recording: None };
        let (sender, receiver) = watch::channel(Arc::new(view));
        let listing = Self {
            bus,
            view: sender,
            looked: Instant::now(),
            listed: None,
            ends_at_ms: None,
            seated: BTreeMap::new(),
        };
        (listing, receiver)
    }

    /// Tells the ladder who came and who went.
    pub(super) fn report_seats(&mut self, spec: &RoomSpec, seats: &Seats, with: &RoomServices) {
        let room = spec.id;
        let sitting: BTreeSet<_> = seats.iter().map(|seat| seat.player.id).collect();
        self.seated.retain(|player, _| {
            let sits = sitting.contains(player);
            if !sits {
                with.ladder.tell(Report::Unseated { room, player: *player });
            }
            sits
        });
        let gauges = &with.gauges;
        for seat in seats.iter() {
            let Entry::Vacant(entry) = self.seated.entry(seat.player.id) else { continue };
            let (public, player, bot) = (!spec.private, seat.player.clone(), seat.is_bot());
            with.ladder.tell(Report::Seated { room, public, player, bot });
            entry.insert(if bot { gauges.bots.enter() } else { gauges.people.enter() });
        }
    }

    fn show(&mut self, view: RoomView, now: Instant, is_private: bool, is_last_chance: bool) {
        let summary = view.details.summary.clone();
        self.view.send_replace(Arc::new(view));
        let is_due = match &self.listed {
            None => true,
            Some((at, listed)) => {
                *listed != summary && (is_last_chance || now >= *at + LISTED_EVERY)
            }
        };
        if is_due && !is_private {
            self.bus.publish(Notice::Room(summary.clone()));
            self.listed = Some((now, summary));
        }
    }

    /// The same end as before, unless the world has fallen behind.
    fn end_of(&mut self, world: Option<&World>) -> Option<u64> {
        let left_ms = u64::from(world?.remaining()) * 1_000 / u64::from(TICK_RATE_HZ);
        let ends_at_ms = now_ms() + left_ms;
        let told = self.ends_at_ms.filter(|told| told.abs_diff(ends_at_ms) <= END_SHIFT_MAX_MS);
        self.ends_at_ms = told.or(Some(ends_at_ms));
        self.ends_at_ms
    }
}

impl Room {
    /// Shows the room as it is: at once when seats or phase changed, else a few times a second.
    pub(super) fn list(&mut self, now: Instant, at_once: bool) {
        if !at_once && now < self.listing.looked + LISTED_EVERY {
            return;
        }
        self.listing.looked = now;
        let view = self.look(now);
        let is_parked = matches!(self.stage, Stage::Parked);
        self.listing.show(view, now, self.spec.private, is_parked);
    }

    fn look(&mut self, now: Instant) -> RoomView {
        let round = match &self.stage {
            Stage::Round(round) => Some(round),
            Stage::Parked | Stage::Summary(_) => None,
        };
        let running = round.filter(|round| round.counts());
        let mut seated: Vec<_> = self.seats.iter().map(|seat| self.seat(seat)).collect();
        seated.sort_by_key(|seat| Reverse(seat.points));
        let leader = seated.first().map(|seat| (seat.name.clone(), seat.points));
        let summary = RoomSummary {
            id: self.spec.id,
            mode: self.spec.mode,
            phase: match &self.stage {
                Stage::Summary(_) => RoomPhase::Summary,
                Stage::Round(round) if round.counts() => RoomPhase::Playing,
                Stage::Round(_) | Stage::Parked => RoomPhase::Waiting,
            },
            round: self.rounds,
            players: count(self.seats.people()),
            bots: count(self.seats.bots()),
            seats: count(self.spec.mode.seats()),
            spectators: count(self.spectators.len()),
            ends_at_ms: self.listing.end_of(running.map(|round| round.world())),
            leader: leader.filter(|_| running.is_some()),
        };
        let replay = running.and_then(|round| round.replay());
        RoomView {
            recording: replay.zip(running.and_then(|round| round.follow())),
            details: RoomDetails { summary, private: self.spec.private, seated, recording: replay },
            open_seats: self.seats.open(now),
            promised: self.seats.promised(now),
            rating: self.seats.rating(),
        }
    }

    fn seat(&self, seat: &Seat) -> RoomSeat {
        let points = match &self.stage {
            Stage::Round(round) => points_of(round.world(), seat.slot),
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
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
