//! Decodes views into the part of a crowd's world that one player sees.

use super::super::bits::{BitReader, Coder as _, DecodeError};
use super::super::header::{base_of, header};
use super::super::keyframe::{self, blank_pickup, blank_pulse};
use super::super::{FORMAT_BITS, FrameKind};
use super::check::{self, Check};
use super::codec::{self, LAYOUT};
use super::{COUNT_ORDER, FORMAT, change};
use crate::sim::dead_reckoning::{self, Environment};
use crate::sim::{Disc, Event, Mode, PulseId, Slot, Vec2, World, platform};
use crate::tick::Tick;

type Coded = Result<(), DecodeError>;

/// The result of a view.
pub(in crate::snapshot) struct DecodedView {
    /// The part of the world that the player sees.
    pub(in crate::snapshot) world: World,
    /// The player's own seat.
    pub(in crate::snapshot) you: Slot,
    /// The events since the view before, each with the tick of the view. `None` when the view begins anew.
    pub(in crate::snapshot) events: Option<Vec<(Tick, Event)>>,
    /// The check failed: the part differs from the server's world.
    pub(in crate::snapshot) diverged: bool,
}

/// The state of a view that is being decoded.
struct ViewReader<'a> {
    reader: BitReader<'a>,
    world: World,
    /// One for each tick of the view.
    environments: Vec<Environment>,
    events: Vec<Event>,
    check: Option<Check>,
    /// Discs that had no room: the check leaves them out.
    stale: Vec<Slot>,
}

/// Decodes one view. `before` is the result of the last one: the world and the own seat.
pub(in crate::snapshot) fn decode(
    frame: &[u8],
    before: Option<(&World, Slot)>,
) -> Result<DecodedView, DecodeError> {
    let mut reader = BitReader::new(frame);
    reader.bits(&mut 0, FrameKind::BITS)?;
    let mut begins = false;
    reader.flag(&mut begins)?;
    let (world, count, you) = if begins {
        beginning(&mut reader)?
    } else {
        let (world, you) = before.ok_or(DecodeError::Gap)?;
        (world.clone(), follow(&mut reader, world)?, you)
    };
    let environments =
        (0..count).map(|tick| Environment::at(&world, world.tick.plus(tick))).collect();
    let (events, stale) = (Vec::new(), Vec::new());
    let mut view = ViewReader { reader, world, environments, events, check: None, stale };
    view.leader()?;
    Check::code(&mut view.reader, &mut view.check)?;
    view.advance_time(count);
    view.discs()?;
    view.pulses()?;
    view.other_events()?;
    view.pickups()?;
    let ViewReader { world, mut events, check, stale, .. } = view;
    if world.is_over() && !begins {
        events.push(Event::RoundOver);
    }
    let diverged = check.is_some_and(|check| check.sum != check::sum(&world, &stale));
    let events = (!begins).then(|| events.into_iter().map(|event| (world.tick, event)).collect());
    Ok(DecodedView { world, you, events, diverged })
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

/// The number of ticks from the last view to this one.
fn follow(reader: &mut BitReader<'_>, world: &World) -> Result<u32, DecodeError> {
    let (mut base, mut count) = (0, 0);
    header(reader, &mut base, &mut count)?;
    if base != base_of(world.tick) || world.is_over() {
        return Err(DecodeError::Gap);
    }
    Ok(count)
}

impl ViewReader<'_> {
    fn leader(&mut self) -> Coded {
        let (mut changes, mut is_there) = (false, false);
        self.reader.flag(&mut changes)?;
        if changes {
            self.reader.flag(&mut is_there)?;
            let mut leader = Slot(0);
            if is_there {
                keyframe::slot(&mut self.reader, &mut leader, LAYOUT)?;
                self.events.push(Event::LeadChange { slot: leader });
            }
            self.world.leader = is_there.then_some(leader);
        }
        Ok(())
    }

    /// Moves the clock and the known pulses on.
    fn advance_time(&mut self, count: u32) {
        let shrinks = platform::shrink_begins(self.world.round_ticks);
        let before = self.world.elapsed();
        self.world.tick = self.world.tick.plus(count);
        if (before + 1..=self.world.elapsed()).contains(&shrinks) {
            self.events.push(Event::ShrinkBegins);
        }
        (0..count).for_each(|_| dead_reckoning::step_pulses(&mut self.world.pulses));
    }

    fn discs(&mut self) -> Coded {
        let mut discs = core::mem::take(&mut self.world.discs);
        let mut fault = Ok(());
        discs.retain_mut(|disc| match self.known_disc(disc) {
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
                Err(index) => discs.insert(index, disc),
            }
        }
        self.world.discs = discs;
        Ok(())
    }

    /// Updates a known disc. False when it has left the interest area.
    fn known_disc(&mut self, disc: &mut Disc) -> Result<bool, DecodeError> {
        let (mut is_updated, mut gone, mut is_full) = (false, false, false);
        self.reader.flag(&mut is_updated)?;
        if is_updated {
            self.reader.flag(&mut gone)?;
        }
        if gone {
            return Ok(false);
        }
        if is_updated {
            self.reader.flag(&mut is_full)?;
        } else if self.check.is_some_and(|check| check.has_stale) {
            let mut is_exact = false;
            self.reader.flag(&mut is_exact)?;
            self.stale.extend((!is_exact).then_some(disc.slot));
        }
        let was_standing = disc.is_standing();
        if is_full {
            keyframe::disc(&mut self.reader, disc, LAYOUT)?;
        } else {
            let mut inputs = vec![disc.input; self.environments.len()];
            if is_updated {
                change::inputs(&mut self.reader, disc.input, &mut inputs)?;
            }
            let actions = change::predict(disc, &inputs, &self.environments);
            let slot = disc.slot;
            self.events.extend(actions.dashed.then_some(Event::Dash { slot }));
            self.events.extend(actions.shoved.then_some(Event::Shove { slot }));
            if is_updated {
                let predicted = disc.clone();
                change::correction(&mut self.reader, disc, &predicted)?;
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
            codec::pulse(&mut self.reader, &mut pulse, now)?;
            if now.since(pulse.id.tick).unsigned_abs() as usize <= self.environments.len() {
                self.events.push(Event::PulseFired { id: pulse.id });
            }
            if self.world.pulses.len() < most {
                self.world.pulses.push(pulse);
            }
        }
        for _ in 0..self.length(most)? {
            let mut id = PulseId { slot: Slot(0), tick: now };
            codec::pulse_id(&mut self.reader, &mut id, now)?;
            let (mut has_hit, mut target) = (false, Slot(0));
            self.reader.flag(&mut has_hit)?;
            if has_hit {
                keyframe::slot(&mut self.reader, &mut target, LAYOUT)?;
            }
            let index = self.world.pulses.iter().position(|pulse| pulse.id == id);
            let at = index.map(|index| self.world.pulses.remove(index).position);
            if let Some(at) = at.filter(|_| has_hit) {
                self.events.push(Event::PulseHit { id, target, at });
            }
        }
        Ok(())
    }

    fn other_events(&mut self) -> Coded {
        for _ in 0..self.length(4 * LAYOUT.seats())? {
            let slot = Slot(0);
            let mut event = Event::Bump { a: slot, b: slot, speed: 0, at: Vec2::ZERO };
            codec::event(&mut self.reader, &mut event, &self.world)?;
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
