//! One round: its world, the encoder of its stream, and the points of players who left.
//!
//! **Invariant:** the world changes only in [`Round::step`].

use std::collections::BTreeMap;

use shared::id::{PlayerId, ReplayId, RoomId};
use shared::replay::ReplayHeader;
use shared::sim::{Command, Disc, Event, Mode, Slot, World};
use shared::snapshot::relay::{self, RelayedInput};
use shared::snapshot::{Roster, StreamEncoder};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};

use super::actions::{Action, RoundStart};
use super::activity::Activity;
use super::seat::Seat;
use super::seats::Seats;
use super::standings;
use crate::rating::Standing;
use crate::room::interest::{Audience, CrowdSnapshot, CrowdStream};

/// Random bits in a replay's id, below the time.
const ID_RANDOM_BITS: u32 = 18;
/// A player who sits down in the last quarter is not rated in that round: the result would be luck alone.
const RATED_UNTIL_QUARTERS: u32 = 3;

/// Takes the place of a private room's name, which is the key to it: recordings are public.
const HIDDEN_ROOM: RoomId = RoomId::from_bits(0);

/// A round that runs.
#[derive(Debug)]
pub(in crate::room) struct Round {
    world: World,
    header: ReplayHeader,
    /// The round is recorded.
    counts: bool,
    /// The round changes ratings and totals.
    is_rated: bool,
    encoder: StreamEncoder,
    /// In a crowd, the stream of its players.
    crowd: Option<CrowdStream>,
    /// As it was sent last.
    roster: Roster,
    /// Changes of seats since the last step.
    seat_changes: Vec<Command>,
    /// The commands of the ticks since the last delta.
    unsent: Vec<Vec<Command>>,
    /// The inputs to relay with the next delta. Each seat adds few of them in so short a time.
    relayed: Vec<RelayedInput>,
    /// People who gave up their seats.
    left: Vec<Standing>,
    /// When people sat down, in ticks of the round.
    seated_at: BTreeMap<PlayerId, u32>,
    /// What each has done. Kept for a rated round.
    activity: Activity,
}

/// What a round begins with.
pub(super) struct Plan<'a> {
    pub(super) room: RoomId,
    pub(super) private: bool,
    /// Whether the room's rounds are rated.
    pub(super) is_rated: bool,
    pub(super) mode: Mode,
    /// The seed of the world.
    pub(super) seed: u64,
    /// In milliseconds since 1970, UTC.
    pub(super) started_at_ms: u64,
    /// A random number for the id of its recording.
    pub(super) replay: u64,
    pub(super) round_ticks: u32,
    /// A round that counts is recorded and, where the room's are, rated; a warm-up is neither.
    pub(super) counts: bool,
    pub(super) seats: &'a Seats,
}

impl Round {
    /// Begins a round with every player in a seat.
    pub(super) fn begin(plan: &Plan<'_>) -> (Self, RoundStart) {
        let random = plan.replay >> (u64::BITS - ID_RANDOM_BITS);
        let header = ReplayHeader {
            id: ReplayId::from_bits(plan.started_at_ms << ID_RANDOM_BITS | random),
            room: if plan.private { HIDDEN_ROOM } else { plan.room },
            mode: plan.mode,
            seed: plan.seed,
            round_ticks: plan.round_ticks,
            started_at_ms: plan.started_at_ms,
        };
        let world = World::new(plan.mode, header.seed, plan.round_ticks);
        let mut encoder = StreamEncoder::new();
        let roster = plan.seats.roster();
        let start = RoundStart {
            recorded: plan.counts.then(|| header.clone()),
            roster: encoder.roster(&roster),
            keyframe: encoder.keyframe(&world),
        };
        let people = plan.seats.iter().filter(|seat| !seat.is_bot());
        let round = Self {
            world,
            header,
            counts: plan.counts,
            is_rated: plan.counts && plan.is_rated,
            encoder,
            crowd: plan.mode.is_crowd().then(CrowdStream::default),
            roster,
            seat_changes: plan.seats.joins(),
            unsent: Vec::new(),
            relayed: Vec::new(),
            left: Vec::new(),
            seated_at: people.map(|seat| (seat.player.id, 0)).collect(),
            activity: Activity::default(),
        };
        (round, start)
    }

    pub(in crate::room) fn world(&self) -> &World {
        &self.world
    }

    /// Whether it changes ratings and totals.
    pub(in crate::room) fn is_rated(&self) -> bool {
        self.is_rated
    }

    /// Whether it is recorded.
    pub(in crate::room) fn counts(&self) -> bool {
        self.counts
    }

    /// The id of its recording.
    pub(in crate::room) fn replay(&self) -> Option<ReplayId> {
        self.counts.then_some(self.header.id)
    }

    /// The seats changed: the roster is sent at once, if it is not the same, and the world changes with its next step.
    pub(super) fn reseat(
        &mut self,
        changes: Vec<Command>,
        seats: &Seats,
        actions: &mut Vec<Action>,
    ) {
        self.seat_changes.extend(changes);
        let roster = seats.roster();
        if roster == self.roster {
            return;
        }
        let changes = self.encoder.roster_delta(&self.roster, &roster);
        self.roster = roster;
        let whole = self.encoder.roster(&self.roster);
        actions.push(Action::Roster { changes, whole, elapsed: self.world.elapsed() });
    }

    /// A person sat down.
    pub(super) fn note_seated(&mut self, player: PlayerId) {
        let now = self.world.elapsed();
        self.seated_at.entry(player).or_insert(now);
    }

    /// A person gave up the seat: the points until now count.
    pub(super) fn note_left(&mut self, seat: &Seat) {
        let disc = self.disc_of(seat);
        self.left.push(Standing::of(seat, disc, self.rates(seat)));
    }

    /// One tick: the only place where the world changes. `commands` are the inputs of the players, and `relayed` those
    /// for later ticks; changes of seats come before them.
    pub(super) fn step(
        &mut self,
        commands: Vec<Command>,
        relayed: Vec<RelayedInput>,
        actions: &mut Vec<Action>,
    ) -> Vec<Event> {
        self.relayed.extend(relayed);
        let mut all = commands;
        all.splice(0..0, self.seat_changes.drain(..));
        if self.is_rated {
            self.activity.note(&all, self.world.elapsed());
        }
        let events = self.world.step(&all);
        if let Some(crowd) = &mut self.crowd {
            crowd.add_tick(&all, &events, &self.world);
        }
        self.unsent.push(all);
        let elapsed = self.world.elapsed();
        if elapsed.is_multiple_of(SNAPSHOT_EVERY_TICKS) {
            self.send_delta(actions);
        }
        if elapsed.is_multiple_of(KEYFRAME_EVERY_TICKS) {
            let record = self.encoder.keyframe(&self.world);
            actions.push(Action::Keyframe { record, elapsed });
        }
        events
    }

    /// Sends the last records of the round.
    pub(super) fn finish(&mut self, actions: &mut Vec<Action>) {
        self.send_delta(actions);
        actions.push(Action::EndRound { record: self.encoder.end(&self.world) });
    }

    fn send_delta(&mut self, actions: &mut Vec<Action>) {
        if self.unsent.is_empty() {
            return;
        }
        let record = self.encoder.delta(&self.unsent, &self.world);
        self.unsent.clear();
        let relayed = relay::encode(&self.world, &self.relayed);
        self.relayed.clear();
        actions.push(Action::Delta { record, relayed, elapsed: self.world.elapsed() });
    }

    /// The connections that get a snapshot after the next step.
    pub(super) fn audience(&self) -> Audience {
        Audience::of(self.world.elapsed() + 1, self.crowd.is_some())
    }

    /// In a crowd, the snapshot of the last step.
    pub(super) fn crowd_snapshot(&self, bytes_max: usize) -> Option<CrowdSnapshot<'_>> {
        Some(self.crowd.as_ref()?.snapshot(&self.world, bytes_max))
    }

    /// The result as it stands, best first: with people who left, without bots who left.
    pub(super) fn standings(&self, seats: &Seats) -> Vec<Standing> {
        let seated =
            seats.iter().map(|seat| Standing::of(seat, self.disc_of(seat), self.rates(seat)));
        standings::rank(seated.chain(self.left.iter().cloned()).collect())
    }

    /// The points in a seat, as the lobby shows them.
    pub(in crate::room) fn points_of(&self, slot: Slot) -> i32 {
        self.world.disc(slot).map_or(0, |disc| disc.points.into())
    }

    /// Points of the two teams.
    pub(super) fn team_points(&self) -> [i16; 2] {
        self.world.team_points
    }

    /// The world as the round ended.
    pub(super) fn into_world(self) -> World {
        self.world
    }

    /// A disc that has not entered the world yet has no points.
    fn disc_of(&self, seat: &Seat) -> Option<&Disc> {
        let is_new =
            |change: &Command| matches!(change, Command::Join { slot, .. } if *slot == seat.slot);
        let has_entered = !self.seat_changes.iter().any(is_new);
        self.world.disc(seat.slot).filter(|_| has_entered)
    }

    /// Whether a rated round changes the rating of the player in a seat.
    fn rates(&self, seat: &Seat) -> bool {
        let round_ticks = self.world.round_ticks;
        let since = self.seated_at.get(&seat.player.id).copied().unwrap_or_default();
        seat.is_bot()
            || (since <= round_ticks / 4 * RATED_UNTIL_QUARTERS
                && self.activity.has_played(seat.slot, round_ticks))
    }
}
