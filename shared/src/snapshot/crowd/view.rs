//! The state of one player of a crowd as its client knows it, and the next view for it.

use super::super::bits::{BitWriter, Coder as _};
use super::super::header::header;
use super::super::keyframe::{self, blank_pickup};
use super::super::record::record;
use super::super::{FORMAT_BITS, FrameKind};
use super::bitset::BitSet;
use super::candidates::{Candidates, KnownDisc};
use super::check::Check;
use super::codec::{self, LAYOUT};
use super::encode::{CrowdEncoder, pulse_key};
use super::events;
use super::span::BitSpan;
use super::{FORMAT, INTEREST_ENTER, INTEREST_LEAVE, is_within};
use crate::sim::{Pickup, Pulse, PulseId, Slot, Vec2, World};
use crate::tick::Tick;

const WRITES: &str = "a writer takes every value";
/// New pulses take at most this fraction (one third) of the free bits, so that many pulses do not displace the discs.
const PULSES_SHARE: usize = 3;
/// Knock-outs in sight take at most this fraction (one eighth) of the bits left, before the discs. They are rare, and an
/// event that had no room is never sent later.
const KNOCK_OUTS_SHARE: usize = 8;
/// The capacity of a new frame, in bytes: most frames are no longer.
const USUAL_BYTES_MAX: usize = 512;
/// The most bits that a pulse which ended takes.
const ENDED_BITS: usize = 28;
/// The most bits that a pickup takes.
const PICKUP_BITS: usize = 40;

/// The interest set of one player, and what its client knows of it.
#[derive(Debug, Clone, Default)]
pub struct ClientView {
    /// The tick of the last view. `None` before the first: the next view begins anew.
    sent_until: Option<Tick>,
    /// By slot.
    known: Vec<KnownDisc>,
    /// The slots of `known`: each event of the crowd is looked up here.
    seen: BitSet,
    /// In the order of [`pulse_key`].
    pulses: Vec<PulseId>,
    pickups: Vec<Pickup>,
    leader: Option<Slot>,
}

impl ClientView {
    /// The view of a client that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest snapshot for the player in `you`, as one record of at most about `bytes_max` bytes. Discs and pulses that
    /// do not fit follow in later views.
    #[must_use]
    pub fn encode(
        &mut self,
        crowd: &CrowdEncoder,
        world: &World,
        you: Slot,
        bytes_max: usize,
    ) -> Vec<u8> {
        let mut writer = BitWriter::with_capacity(bytes_max.min(USUAL_BYTES_MAX));
        self.begin(&mut writer, crowd, world, you);
        let centre = world.disc(you).map(|disc| disc.position).unwrap_or_default();
        let mut candidates = Candidates::new(you, centre, &self.known, crowd);
        let ended = self.end_pulses(crowd, world);
        let pickups_change = self.update_pickups(world, centre);
        let (own_events, knock_outs) = events::reserved(&crowd.events, you, |slot| self.sees(slot));

        let fixed_bits = [
            writer.len(),
            crowd.hashes.as_ref().map_or(0, |_| Check::BITS + self.known.len()),
            candidates.fixed_bits(),
            ended.len() * ENDED_BITS,
            if pickups_change { self.pickups.len() * PICKUP_BITS } else { 0 },
            own_events,
        ];
        let fixed_bits = fixed_bits.into_iter().sum();
        let mut room = bytes_max.saturating_mul(8).saturating_sub(fixed_bits);
        let pulses = self.new_pulses(crowd, world, centre, room / PULSES_SHARE);
        room = room.saturating_sub(pulses.iter().map(|(_, bits)| bits.len()).sum());
        let knock_outs = knock_outs.min(room / KNOCK_OUTS_SHARE);
        room -= knock_outs;
        candidates.select(crowd, &mut room);
        room += knock_outs;
        self.learn(&candidates, &pulses);

        let mut check = self.check(crowd, &candidates);
        Check::code(&mut writer, &mut check).expect(WRITES);
        candidates.write(&mut writer, crowd, check.is_some_and(|check| check.has_stale));
        codec::length(&mut writer, pulses.len());
        pulses.iter().for_each(|(_, bits)| crowd.copy(*bits, &mut writer));
        write_ended(&mut writer, crowd, world, &ended);
        let events = events::select(&crowd.events, you, |slot| self.sees(slot), room);
        codec::length(&mut writer, events.len());
        events.into_iter().for_each(|bits| crowd.copy(bits, &mut writer));
        self.write_pickups(&mut writer, world, pickups_change);
        self.sent_until = Some(world.tick);
        record(&writer.finish())
    }

    /// Whether the client knows the disc of a seat exactly since the last view. It does not when the disc is outside the
    /// interest area or had no room; the client then moves a known disc on by dead reckoning.
    #[must_use]
    pub fn is_exact(&self, slot: Slot) -> bool {
        let index = self.known.binary_search_by_key(&slot, |known| known.slot);
        index.is_ok_and(|index| self.known[index].is_exact())
    }

    fn begin(&mut self, writer: &mut BitWriter, crowd: &CrowdEncoder, world: &World, you: Slot) {
        let mut begins = self.sent_until != Some(crowd.base);
        writer.bits(&mut FrameKind::View.code(), FrameKind::BITS).expect(WRITES);
        writer.flag(&mut begins).expect(WRITES);
        if begins {
            *self = Self::default();
            writer.bits(&mut { FORMAT }, FORMAT_BITS).expect(WRITES);
            writer.bits(&mut world.tick.0.clone(), 32).expect(WRITES);
            writer.bits(&mut world.began.0.clone(), 32).expect(WRITES);
            keyframe::round_ticks(writer, &mut world.round_ticks.clone()).expect(WRITES);
            keyframe::slot(writer, &mut you.clone(), LAYOUT).expect(WRITES);
        } else {
            let mut count = world.tick.since(crowd.base).unsigned_abs();
            header(writer, &mut crowd.base.0.clone(), &mut count).expect(WRITES);
        }
        let mut leader_changes = self.leader != world.leader;
        writer.flag(&mut leader_changes).expect(WRITES);
        if leader_changes {
            self.leader = world.leader;
            writer.flag(&mut world.leader.is_some()).expect(WRITES);
            if let Some(mut leader) = world.leader {
                keyframe::slot(writer, &mut leader, LAYOUT).expect(WRITES);
            }
        }
    }

    /// The check of all that the client knows exactly after this view, when one is due.
    fn check(&self, crowd: &CrowdEncoder, candidates: &Candidates) -> Option<Check> {
        let hashes = crowd.hashes.as_ref()?;
        let pulses = self.pulses.iter().filter_map(|id| crowd.index_of_pulse(*id));
        let sum = hashes.sum(candidates.exact(), pulses, &self.pickups);
        Some(Check { sum, has_stale: candidates.has_stale() })
    }

    /// Forgets pulses that are gone. Returns those that ended before they faded, which the view reports.
    fn end_pulses(&mut self, crowd: &CrowdEncoder, world: &World) -> Vec<PulseId> {
        let life = i32::from(crate::sim::pulse::LIFE_TICKS);
        let mut ended = Vec::new();
        self.pulses.retain(|id| {
            let is_alive = crowd.index_of_pulse(*id).is_some();
            if !is_alive && world.tick.since(id.tick) < life {
                ended.push(*id);
            }
            is_alive
        });
        ended
    }

    /// Pulses in sight that the client does not know, the nearest first, as many as fit into `room` bits.
    fn new_pulses(
        &self,
        crowd: &CrowdEncoder,
        world: &World,
        centre: Vec2,
        mut room: usize,
    ) -> Vec<(PulseId, BitSpan)> {
        let Some(grid) = &crowd.pulses_grid else { return Vec::new() };
        let is_new = |pulse: &Pulse| {
            is_within(pulse.position, centre, INTEREST_ENTER)
                && self
                    .pulses
                    .binary_search_by_key(&pulse_key(pulse.id), |id| pulse_key(*id))
                    .is_err()
        };
        let mut new = Vec::new();
        grid.near(centre, INTEREST_ENTER).for_each(|index| {
            if is_new(&world.pulses[index]) {
                new.push(index);
            }
        });
        new.sort_unstable_by_key(|index| {
            let pulse = &world.pulses[*index];
            ((pulse.position - centre).length_squared(), pulse_key(pulse.id))
        });
        new.retain(|index| {
            let bits = crowd.pulses[*index].len();
            let fits = bits <= room;
            room -= if fits { bits } else { 0 };
            fits
        });
        new.into_iter().map(|index| (world.pulses[index].id, crowd.pulses[index])).collect()
    }

    fn learn(&mut self, candidates: &Candidates, pulses: &[(PulseId, BitSpan)]) {
        self.known.clear();
        self.known.extend(candidates.known_after());
        self.seen = self.known.iter().map(|known| known.slot).collect();
        self.pulses.extend(pulses.iter().map(|(id, _)| *id));
        self.pulses.sort_unstable_by_key(|id| pulse_key(*id));
    }

    fn sees(&self, slot: Slot) -> bool {
        self.seen.has(usize::from(slot.0))
    }

    /// Updates the pickups in sight. True when they changed: then the view carries all of them.
    fn update_pickups(&mut self, world: &World, centre: Vec2) -> bool {
        let is_in_sight = |pickup: &&Pickup| {
            is_within(pickup.position, centre, INTEREST_ENTER)
                || is_within(pickup.position, centre, INTEREST_LEAVE)
                    && self.pickups.contains(pickup)
        };
        let in_sight = world.pickups.iter().filter(is_in_sight);
        if in_sight.clone().eq(&self.pickups) {
            return false;
        }
        self.pickups = in_sight.cloned().collect();
        true
    }

    fn write_pickups(&self, writer: &mut BitWriter, world: &World, mut changed: bool) {
        writer.flag(&mut changed).expect(WRITES);
        if changed {
            let pickup = |writer: &mut BitWriter, pickup: &mut Pickup| {
                keyframe::pickup(writer, pickup, LAYOUT)
            };
            let (mut pickups, most) = (self.pickups.clone(), world.mode.pickups_max());
            keyframe::list(writer, &mut pickups, most, blank_pickup, pickup).expect(WRITES);
        }
    }
}

fn write_ended(writer: &mut BitWriter, crowd: &CrowdEncoder, world: &World, ended: &[PulseId]) {
    codec::length(writer, ended.len());
    for id in ended {
        codec::pulse_id(writer, &mut id.clone(), world.tick).expect(WRITES);
        let target = crowd.hits.iter().find(|(hit, _)| hit == id).map(|(_, target)| *target);
        writer.flag(&mut target.is_some()).expect(WRITES);
        if let Some(mut target) = target {
            keyframe::slot(writer, &mut target, LAYOUT).expect(WRITES);
        }
    }
}
