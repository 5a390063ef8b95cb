//! One round of a room: its world, its stream, its tape, and the points of those who left.
//!
//! **Invariant:** the world changes only in [`Round::step`], which never waits.

use std::collections::BTreeMap;

use shared::id::{PlayerId, ReplayId, RoomId};
use shared::replay::{ReplayHeader, ReplayWriter};
use shared::sim::{Command, Disc, Event, Mode, Slot, World};
use shared::snapshot::relay::{self, RelayedInput};
use shared::snapshot::{Roster, StreamEncoder};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};
use tokio::sync::watch;

use super::news::{Audience, Snapshot, Telling};
use super::outbox::Outbox;
use super::seats::{Seat, Seats};
use super::standings;
use crate::clock::now_ms;
use crate::ladder::Standing;
use crate::recordings::{Progress, Recordings, Tape};

/// Bits of chance in a replay's id, below the time.
const ID_CHANCE_BITS: u32 = 18;
/// Who sits down in the last quarter is not rated in that round: it would be luck alone.
const RATED_UNTIL_QUARTERS: u32 = 3;

/// In place of a private room's name, which is the key to it: recordings are for everybody.
const HIDDEN_ROOM: RoomId = RoomId::from_bits(0);

/// A world that runs.
#[derive(Debug)]
pub(super) struct Round {
    world: World,
    header: ReplayHeader,
    encoder: StreamEncoder,
    /// Of a crowd, for its players.
    crowd: Option<Telling>,
    /// As it was told last.
    roster: Roster,
    /// Seats that changed since the last step.
    seat_changes: Vec<Command>,
    /// The commands of the ticks since the last delta.
    unsent: Vec<Vec<Command>>,
    /// What people have said that they will hold, since the last delta. Each says little in so short a time.
    announced: Vec<RelayedInput>,
    /// Nothing when the round does not count.
    tape: Option<Tape>,
    follow: Option<watch::Receiver<Progress>>,
    /// People who gave up their seats.
    left: Vec<Standing>,
    /// When people sat down, in ticks of the round.
    seated_at: BTreeMap<PlayerId, u32>,
}

/// What a round needs to begin.
pub(super) struct Plan<'a> {
    pub(super) room: RoomId,
    pub(super) private: bool,
    pub(super) mode: Mode,
    /// Of the world.
    pub(super) seed: u64,
    pub(super) round_ticks: u32,
    /// A round that counts is recorded and rated; a warm-up is neither.
    pub(super) counts: bool,
    pub(super) seats: &'a Seats,
    pub(super) outbox: &'a Outbox,
    pub(super) recordings: &'a Recordings,
}

impl Round {
    /// Begins a round with everybody who sits.
    pub(super) fn begin(plan: &Plan<'_>) -> Self {
        let started_at_ms = now_ms();
        let chance = rand::random::<u64>() >> (u64::BITS - ID_CHANCE_BITS);
        let header = ReplayHeader {
            id: ReplayId::from_bits(started_at_ms << ID_CHANCE_BITS | chance),
            room: if plan.private { HIDDEN_ROOM } else { plan.room },
            mode: plan.mode,
            seed: plan.seed,
            round_ticks: plan.round_ticks,
            started_at_ms,
        };
        let world = World::new(plan.mode, header.seed, plan.round_ticks);
        let mut encoder = StreamEncoder::new();
        let told = plan.seats.roster();
        let roster = encoder.roster(&told);
        let keyframe = encoder.keyframe(&world);
        let (tape, follow) = plan.counts.then(|| plan.recordings.begin(&header)).unzip();
        if let Some(tape) = &tape {
            tape.record(&roster, 0);
            tape.record(&keyframe, 0);
        }
        let preamble = if plan.counts { ReplayWriter::new(&header).1 } else { Vec::new() };
        plan.outbox.begin(preamble, &roster, &keyframe);
        let people = plan.seats.iter().filter(|seat| !seat.is_bot());
        Self {
            world,
            header,
            encoder,
            crowd: plan.mode.is_crowd().then(Telling::default),
            roster: told,
            seat_changes: plan.seats.joins(),
            unsent: Vec::new(),
            announced: Vec::new(),
            tape,
            follow,
            left: Vec::new(),
            seated_at: people.map(|seat| (seat.player.id, 0)).collect(),
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Whether it is recorded and rated.
    pub(super) fn counts(&self) -> bool {
        self.tape.is_some()
    }

    pub(super) fn replay(&self) -> Option<ReplayId> {
        self.counts().then_some(self.header.id)
    }

    /// How far its file has come.
    pub(super) fn follow(&self) -> Option<watch::Receiver<Progress>> {
        self.follow.clone()
    }

    /// The seats changed: everybody is told at once, the world with its next step. Says nothing twice.
    pub(super) fn reseat(&mut self, changes: Vec<Command>, seats: &Seats, outbox: &Outbox) {
        self.seat_changes.extend(changes);
        let roster = seats.roster();
        if roster == self.roster {
            return;
        }
        let news = self.encoder.roster_delta(&self.roster, &roster);
        self.roster = roster;
        outbox.roster(&news, &self.encoder.roster(&self.roster));
        if let Some(tape) = &self.tape {
            tape.record(&news, self.world.elapsed());
        }
    }

    /// A person sat down.
    pub(super) fn note_seated(&mut self, player: PlayerId) {
        let now = self.world.elapsed();
        self.seated_at.entry(player).or_insert(now);
    }

    /// A person gave up the seat: what was reached until now counts.
    pub(super) fn note_left(&mut self, seat: &Seat) {
        let disc = self.disc_of(seat);
        self.left.push(Standing::of(seat, disc, self.is_rated(seat)));
    }

    /// What people have said that they will hold goes with the next delta, to who is connected.
    pub(super) fn announce(&mut self, announced: Vec<RelayedInput>) {
        self.announced.extend(announced);
    }

    /// One tick: the only place where the world changes. `commands` are what players hold; the changes of
    /// seats come before them.
    pub(super) fn step(&mut self, commands: Vec<Command>, outbox: &Outbox) -> Vec<Event> {
        let mut all = commands;
        all.splice(0..0, self.seat_changes.drain(..));
        let events = self.world.step(&all);
        if let Some(crowd) = &mut self.crowd {
            crowd.note(&all, &events, &self.world);
        }
        self.unsent.push(all);
        if let Some(tape) = self.tape.as_ref().filter(|_| !events.is_empty()) {
            tape.events(self.world.tick, &events);
        }
        self.send(outbox);
        events
    }

    /// The last record. After it, nothing of this round follows.
    pub(super) fn stop(&mut self, outbox: &Outbox) {
        self.send_delta(outbox);
        outbox.finish(&self.encoder.end(&self.world));
    }

    /// Who is told how the next step ends.
    pub(super) fn audience(&self) -> Audience {
        Audience::of(self.world.elapsed() + 1, self.crowd.is_some())
    }

    fn send(&mut self, outbox: &Outbox) {
        let elapsed = self.world.elapsed();
        if elapsed.is_multiple_of(SNAPSHOT_EVERY_TICKS) {
            self.send_delta(outbox);
        }
        if elapsed.is_multiple_of(KEYFRAME_EVERY_TICKS) {
            let keyframe = self.encoder.keyframe(&self.world);
            outbox.keyframe(&keyframe);
            if let Some(tape) = &self.tape {
                tape.record(&keyframe, elapsed);
            }
        }
    }

    fn send_delta(&mut self, outbox: &Outbox) {
        if self.unsent.is_empty() {
            return;
        }
        let delta = self.encoder.delta(&self.unsent, &self.world);
        self.unsent.clear();
        outbox.record(&delta, &relay::encode(&self.world, &self.announced));
        self.announced.clear();
        if let Some(tape) = &self.tape {
            tape.record(&delta, self.world.elapsed());
        }
    }

    /// What this tick tells the players of a crowd.
    pub(super) fn snapshot(&self, bytes_max: usize) -> Option<Snapshot<'_>> {
        Some(self.crowd.as_ref()?.snapshot(&self.world, bytes_max))
    }

    /// The result as it stands, best first: people who left included, bots who left not.
    pub(super) fn standings(&self, seats: &Seats) -> Vec<Standing> {
        let seated =
            seats.iter().map(|seat| Standing::of(seat, self.disc_of(seat), self.is_rated(seat)));
        standings::rank(seated.chain(self.left.iter().cloned()).collect())
    }

    /// Points of the two teams.
    pub(super) fn team_points(&self) -> [i16; 2] {
        self.world.team_points
    }

    /// Hands the tape and the world over when the round is done with.
    pub(super) fn into_parts(self) -> (Option<Tape>, World) {
        (self.tape, self.world)
    }

    /// A disc that has not entered yet has no points.
    fn disc_of(&self, seat: &Seat) -> Option<&Disc> {
        let is_new =
            |change: &Command| matches!(change, Command::Join { slot, .. } if *slot == seat.slot);
        let entered = !self.seat_changes.iter().any(is_new);
        self.world.disc(seat.slot).filter(|_| entered)
    }

    fn is_rated(&self, seat: &Seat) -> bool {
        let since = self.seated_at.get(&seat.player.id).copied().unwrap_or_default();
        seat.is_bot() || since <= self.world.round_ticks / 4 * RATED_UNTIL_QUARTERS
    }
}

/// The slot's points on the screen of the lobby.
pub(super) fn points_of(world: &World, slot: Slot) -> i32 {
    world.disc(slot).map_or(0, |disc| disc.points.into())
}
