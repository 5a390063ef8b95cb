//! What one player of a crowd has been told, and what it is told next: what it sees, as much of it as fits.

use super::super::bits::{BitWriter, Coder as _};
use super::super::encode::header;
use super::super::keyframe::{self, blank_pickup};
use super::super::record::record;
use super::super::{FORMAT_BITS, FrameKind};
use super::check::Check;
use super::encode::{Bits, CrowdEncoder, key};
use super::events;
use super::offers::{Known, Offers};
use super::set::Set;
use super::sight::{self, LAYOUT};
use super::{FORMAT, INTEREST_ENTER, INTEREST_LEAVE, is_within};
use crate::sim::{Pickup, Pulse, PulseId, Slot, Vec2, World};
use crate::tick::Tick;

const WRITES: &str = "a writer takes every value";
/// New pulses take at most this part of a frame, so that a hail of them does not hide the discs.
const PULSES_SHARE: usize = 3;
/// Knock-outs in sight have at most this part of what is left, before the discs. They are rare, and told once or never.
const KNOCK_OUTS_SHARE: usize = 8;
/// Most frames are no longer.
const USUAL_BYTES_MAX: usize = 512;
/// A pulse that ended.
const ENDED_BITS: usize = 28;
const PICKUP_BITS: usize = 40;

/// What one player knows.
#[derive(Debug, Clone, Default)]
pub struct ClientView {
    /// Until when the player was told. Nothing: the next frame begins anew.
    told_until: Option<Tick>,
    /// By slot.
    known: Vec<Known>,
    /// Their slots: each event of the crowd asks for them.
    seen: Set,
    /// In the order of [`key`].
    pulses: Vec<PulseId>,
    pickups: Vec<Pickup>,
    leader: Option<Slot>,
}

impl ClientView {
    /// A player who was told nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest snapshot for the player in `you`, as one record of about `bytes_max` at most. What had no room comes
    /// later.
    #[must_use]
    pub fn encode(
        &mut self,
        crowd: &CrowdEncoder,
        world: &World,
        you: Slot,
        bytes_max: usize,
    ) -> Vec<u8> {
        let mut writer = BitWriter::with_room_for(bytes_max.min(USUAL_BYTES_MAX));
        self.begin(&mut writer, crowd, world, you);
        let centre = world.disc(you).map(|disc| disc.position).unwrap_or_default();
        let mut offers = Offers::to(you, centre, &self.known, crowd);
        let ended = self.end_pulses(crowd, world);
        let pickups_change = self.see_pickups(world, centre);
        let (own_events, knock_outs) = events::first(&crowd.events, you, |slot| self.sees(slot));

        let certain = [
            writer.len(),
            crowd.hashes.as_ref().map_or(0, |_| Check::BITS + self.known.len()),
            offers.fixed(),
            ended.len() * ENDED_BITS,
            if pickups_change { self.pickups.len() * PICKUP_BITS } else { 0 },
            own_events,
        ];
        let certain = certain.into_iter().sum();
        let mut room = bytes_max.saturating_mul(8).saturating_sub(certain);
        let pulses = self.new_pulses(crowd, world, centre, room / PULSES_SHARE);
        room = room.saturating_sub(pulses.iter().map(|(_, bits)| bits.len()).sum());
        let knock_outs = knock_outs.min(room / KNOCK_OUTS_SHARE);
        room -= knock_outs;
        offers.take(crowd, &mut room);
        room += knock_outs;
        self.learn(&offers, &pulses);

        let mut check = self.check(crowd, &offers);
        Check::code(&mut writer, &mut check).expect(WRITES);
        offers.write(&mut writer, crowd, check.is_some_and(|check| check.has_vague));
        sight::length(&mut writer, pulses.len());
        pulses.iter().for_each(|(_, bits)| crowd.copy(*bits, &mut writer));
        write_ended(&mut writer, crowd, world, &ended);
        let events = events::told(&crowd.events, you, |slot| self.sees(slot), room);
        sight::length(&mut writer, events.len());
        events.into_iter().for_each(|bits| crowd.copy(bits, &mut writer));
        self.write_pickups(&mut writer, world, pickups_change);
        self.told_until = Some(world.tick);
        record(&writer.finish())
    }

    /// Whether the player has known the disc of a seat exactly as it is since the last look. One for whom there was no
    /// room has gone on alone since, or is not known at all.
    #[must_use]
    pub fn is_exact(&self, slot: Slot) -> bool {
        let place = self.known.binary_search_by_key(&slot, |known| known.slot);
        place.is_ok_and(|place| self.known[place].is_exact())
    }

    fn begin(&mut self, writer: &mut BitWriter, crowd: &CrowdEncoder, world: &World, you: Slot) {
        let mut begins = self.told_until != Some(crowd.base);
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
        let mut leads_anew = self.leader != world.leader;
        writer.flag(&mut leads_anew).expect(WRITES);
        if leads_anew {
            self.leader = world.leader;
            writer.flag(&mut world.leader.is_some()).expect(WRITES);
            if let Some(mut leader) = world.leader {
                keyframe::slot(writer, &mut leader, LAYOUT).expect(WRITES);
            }
        }
    }

    /// What the player will know exactly, if it is time to check that.
    fn check(&self, crowd: &CrowdEncoder, offers: &Offers) -> Option<Check> {
        let hashes = crowd.hashes.as_ref()?;
        let pulses = self.pulses.iter().filter_map(|id| crowd.place_of_pulse(*id));
        let sum = hashes.sum(offers.exact(), pulses, &self.pickups);
        Some(Check { sum, has_vague: offers.has_vague() })
    }

    /// Forgets pulses that are no more. Those that end before their time are told of.
    fn end_pulses(&mut self, crowd: &CrowdEncoder, world: &World) -> Vec<PulseId> {
        let life = i32::from(crate::sim::pulse::LIFE_TICKS);
        let mut ended = Vec::new();
        self.pulses.retain(|id| {
            let is_alive = crowd.place_of_pulse(*id).is_some();
            if !is_alive && world.tick.since(id.tick) < life {
                ended.push(*id);
            }
            is_alive
        });
        ended
    }

    /// Pulses in sight that the player does not know, as many as there is room for, the nearest first.
    fn new_pulses(
        &self,
        crowd: &CrowdEncoder,
        world: &World,
        centre: Vec2,
        mut room: usize,
    ) -> Vec<(PulseId, Bits)> {
        let Some(grid) = &crowd.pulses_grid else { return Vec::new() };
        let is_new = |pulse: &Pulse| {
            is_within(pulse.position, centre, INTEREST_ENTER)
                && self.pulses.binary_search_by_key(&key(pulse.id), |id| key(*id)).is_err()
        };
        let mut new = Vec::new();
        grid.near(centre, INTEREST_ENTER).for_each(|place| {
            if is_new(&world.pulses[place]) {
                new.push(place);
            }
        });
        new.sort_unstable_by_key(|place| {
            let pulse = &world.pulses[*place];
            ((pulse.position - centre).length_squared(), key(pulse.id))
        });
        new.retain(|place| {
            let bits = crowd.pulses[*place].len();
            let fits = bits <= room;
            room -= if fits { bits } else { 0 };
            fits
        });
        new.into_iter().map(|place| (world.pulses[place].id, crowd.pulses[place])).collect()
    }

    fn learn(&mut self, offers: &Offers, pulses: &[(PulseId, Bits)]) {
        self.known.clear();
        self.known.extend(offers.become_known());
        self.seen = self.known.iter().map(|known| known.slot).collect();
        self.pulses.extend(pulses.iter().map(|(id, _)| *id));
        self.pulses.sort_unstable_by_key(|id| key(*id));
    }

    fn sees(&self, slot: Slot) -> bool {
        self.seen.has(usize::from(slot.0))
    }

    /// Pickups in sight. True when they are others than before: then all of them are told.
    fn see_pickups(&mut self, world: &World, centre: Vec2) -> bool {
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
    sight::length(writer, ended.len());
    for id in ended {
        sight::id(writer, &mut id.clone(), world.tick).expect(WRITES);
        let target =
            crowd.struck.iter().find(|(struck, _)| struck == id).map(|(_, target)| *target);
        writer.flag(&mut target.is_some()).expect(WRITES);
        if let Some(mut target) = target {
            keyframe::slot(writer, &mut target, LAYOUT).expect(WRITES);
        }
    }
}
