//! From frames to the part of a crowd's world that one player sees.

use super::super::bits::{BitReader, Coder as _, DecodeError};
use super::super::decode::{Applied, BASE_BITS};
use super::super::encode::header;
use super::super::keyframe::{self, blank_pickup, blank_pulse};
use super::super::{FORMAT_BITS, FrameKind};
use super::check::{self, Check};
use super::sight::{self, LAYOUT};
use super::{COUNT_ORDER, FORMAT, change};
use crate::sim::alone::{self, Surroundings};
use crate::sim::{Disc, Event, Mode, PulseId, Slot, Vec2, World, platform};

type Coded = Result<(), DecodeError>;

/// What a frame leads to.
pub(in crate::snapshot) struct Seen {
    pub(in crate::snapshot) world: World,
    pub(in crate::snapshot) you: Slot,
    pub(in crate::snapshot) applied: Applied,
    /// Something that the player was promised to know exactly is not as the server has it.
    pub(in crate::snapshot) diverged: bool,
}

/// A world on its way through a frame.
struct Reading<'a> {
    reader: BitReader<'a>,
    world: World,
    around: Vec<Surroundings>,
    events: Vec<Event>,
    check: Option<Check>,
    /// Discs that had no room: the check is not of these.
    vague: Vec<Slot>,
}

/// Takes one frame. `known` is where the last one led to, and the own seat.
pub(in crate::snapshot) fn apply(
    frame: &[u8],
    known: Option<(&World, Slot)>,
) -> Result<Seen, DecodeError> {
    let mut reader = BitReader::new(frame);
    reader.bits(&mut 0, FrameKind::BITS)?;
    let mut begins = false;
    reader.flag(&mut begins)?;
    let (world, count, you) = if begins {
        beginning(&mut reader)?
    } else {
        let (world, you) = known.ok_or(DecodeError::Gap)?;
        (world.clone(), follow(&mut reader, world)?, you)
    };
    let around = (0..count).map(|tick| Surroundings::at(&world, world.tick.plus(tick))).collect();
    let (events, vague) = (Vec::new(), Vec::new());
    let mut reading = Reading { reader, world, around, events, check: None, vague };
    reading.leader()?;
    Check::code(&mut reading.reader, &mut reading.check)?;
    reading.pass(count);
    reading.discs()?;
    reading.pulses()?;
    reading.told_events()?;
    reading.pickups()?;
    let Reading { world, mut events, check, vague, .. } = reading;
    if world.is_over() && !begins {
        events.push(Event::RoundOver);
    }
    let diverged = check.is_some_and(|check| check.sum != check::sum(&world, &vague));
    let events = events.into_iter().map(|event| (world.tick, event)).collect();
    let applied = if begins { Applied::Keyframe } else { Applied::Delta(events) };
    Ok(Seen { world, you, applied, diverged })
}

fn beginning(reader: &mut BitReader<'_>) -> Result<(World, u32, Slot), DecodeError> {
    let mut format = 0;
    reader.bits(&mut format, FORMAT_BITS)?;
    if format != FORMAT {
        return Err(DecodeError::UnknownFormat(format));
    }
    let mut world = World::new(Mode::Crowd, 0, 0);
    reader.bits(&mut world.tick.0, 32)?;
    reader.bits(&mut world.began.0, 32)?;
    keyframe::round_ticks(reader, &mut world.round_ticks)?;
    let mut you = Slot(0);
    keyframe::slot(reader, &mut you, LAYOUT)?;
    Ok((world, 0, you))
}

/// Ticks from the last frame to this one.
fn follow(reader: &mut BitReader<'_>, world: &World) -> Result<u32, DecodeError> {
    let (mut base, mut count) = (0, 0);
    header(reader, &mut base, &mut count)?;
    if base != world.tick.0 & ((1 << BASE_BITS) - 1) || world.is_over() {
        return Err(DecodeError::Gap);
    }
    Ok(count)
}

impl Reading<'_> {
    fn leader(&mut self) -> Coded {
        let (mut leads_anew, mut anybody) = (false, false);
        self.reader.flag(&mut leads_anew)?;
        if leads_anew {
            self.reader.flag(&mut anybody)?;
            let mut leader = Slot(0);
            if anybody {
                keyframe::slot(&mut self.reader, &mut leader, LAYOUT)?;
                self.events.push(Event::LeadChange { slot: leader });
            }
            self.world.leader = anybody.then_some(leader);
        }
        Ok(())
    }

    /// Time goes on, and known pulses fly on.
    fn pass(&mut self, count: u32) {
        let shrinks = platform::shrink_begins(self.world.round_ticks);
        let before = self.world.elapsed();
        self.world.tick = self.world.tick.plus(count);
        if (before + 1..=self.world.elapsed()).contains(&shrinks) {
            self.events.push(Event::ShrinkBegins);
        }
        (0..count).for_each(|_| alone::fly(&mut self.world.pulses));
    }

    fn discs(&mut self) -> Coded {
        let mut discs = core::mem::take(&mut self.world.discs);
        let mut fault = Ok(());
        discs.retain_mut(|disc| match self.known(disc) {
            Ok(stays) => stays,
            Err(error) => {
                fault = Err(error);
                true
            }
        });
        fault?;
        for _ in 0..self.length(LAYOUT.seats())? {
            let mut slot = Slot(0);
            keyframe::slot(&mut self.reader, &mut slot, LAYOUT)?;
            let mut disc = Disc::entering(slot, 0);
            keyframe::disc(&mut self.reader, &mut disc, LAYOUT)?;
            match discs.binary_search_by_key(&slot, |disc| disc.slot) {
                Ok(_) => return Err(DecodeError::Malformed("a disc comes twice")),
                Err(place) => discs.insert(place, disc),
            }
        }
        self.world.discs = discs;
        Ok(())
    }

    /// One disc that was known. False when it is gone.
    fn known(&mut self, disc: &mut Disc) -> Result<bool, DecodeError> {
        let (mut told, mut gone, mut whole) = (false, false, false);
        self.reader.flag(&mut told)?;
        if told {
            self.reader.flag(&mut gone)?;
        }
        if gone {
            return Ok(false);
        }
        if told {
            self.reader.flag(&mut whole)?;
        } else if self.check.is_some_and(|check| check.has_vague) {
            let mut is_exact = false;
            self.reader.flag(&mut is_exact)?;
            self.vague.extend((!is_exact).then_some(disc.slot));
        }
        let was_standing = disc.is_standing();
        if whole {
            keyframe::disc(&mut self.reader, disc, LAYOUT)?;
        } else {
            let mut keys = vec![disc.input; self.around.len()];
            if told {
                change::keys::<BitReader<'_>>(&mut self.reader, disc.input, &mut keys)?;
            }
            let deeds = change::go_alone(disc, &keys, &self.around);
            let slot = disc.slot;
            self.events.extend(deeds.dashed.then_some(Event::Dash { slot }));
            self.events.extend(deeds.shoved.then_some(Event::Shove { slot }));
            if told {
                let alone = disc.clone();
                change::correction(&mut self.reader, disc, &alone)?;
            }
        }
        if disc.is_standing() && !was_standing {
            self.events.push(Event::Respawn { slot: disc.slot });
        }
        Ok(true)
    }

    fn pulses(&mut self) -> Coded {
        let now = self.world.tick;
        let most = self.world.mode.pulses_max();
        for _ in 0..self.length(most)? {
            let mut pulse = blank_pulse(now);
            sight::pulse(&mut self.reader, &mut pulse, now)?;
            if now.since(pulse.id.tick).unsigned_abs() as usize <= self.around.len() {
                self.events.push(Event::PulseFired { id: pulse.id });
            }
            if self.world.pulses.len() < most {
                self.world.pulses.push(pulse);
            }
        }
        for _ in 0..self.length(most)? {
            let mut id = PulseId { slot: Slot(0), tick: now };
            sight::id(&mut self.reader, &mut id, now)?;
            let (mut struck, mut target) = (false, Slot(0));
            self.reader.flag(&mut struck)?;
            if struck {
                keyframe::slot(&mut self.reader, &mut target, LAYOUT)?;
            }
            let place = self.world.pulses.iter().position(|pulse| pulse.id == id);
            let at = place.map(|place| self.world.pulses.remove(place).position);
            if let Some(at) = at.filter(|_| struck) {
                self.events.push(Event::PulseHit { id, target, at });
            }
        }
        Ok(())
    }

    fn told_events(&mut self) -> Coded {
        for _ in 0..self.length(4 * LAYOUT.seats())? {
            let slot = Slot(0);
            let mut event = Event::Bump { a: slot, b: slot, speed: 0, at: Vec2::ZERO };
            sight::event(&mut self.reader, &mut event, &self.world)?;
            self.events.push(event);
        }
        Ok(())
    }

    fn pickups(&mut self) -> Coded {
        let mut changed = false;
        self.reader.flag(&mut changed)?;
        if !changed {
            return Ok(());
        }
        let most = self.world.mode.pickups_max();
        keyframe::list(
            &mut self.reader,
            &mut self.world.pickups,
            most,
            blank_pickup,
            |c, pickup| keyframe::pickup(c, pickup, LAYOUT),
        )
    }

    fn length(&mut self, most: usize) -> Result<usize, DecodeError> {
        let mut count = 0;
        self.reader.golomb(&mut count, COUNT_ORDER)?;
        let count = count as usize;
        if count > most { Err(DecodeError::Malformed("too many")) } else { Ok(count) }
    }
}
