//! A snapshot of a crowd: every disc and pulse in bits, once, ready to be copied for those who see it.

use super::super::bits::{BitWriter, PADDING};
use super::super::keyframe;
use super::check::{self, Hashes};
use super::events::Sight;
use super::sight::{self, LAYOUT};
use super::{CELL_SHIFT, change, told};
use crate::sim::alone::Surroundings;
use crate::sim::grid::Grid;
use crate::sim::{Command, Disc, Event, Input, PulseId, Slot, Vec2, World};
use crate::tick::Tick;

const WRITES: &str = "a writer takes every value";

/// Encodes a crowd for everybody in it. Call [`CrowdEncoder::snapshot`] after the steps of a snapshot, then
/// [`ClientView::encode`](super::ClientView::encode) for each player.
#[derive(Debug, Clone, Default)]
pub struct CrowdEncoder {
    /// The discs at the last snapshot, as everybody knows them who was told of them.
    last: Vec<Disc>,
    /// Before the steps of this snapshot.
    pub(super) base: Tick,
    /// One for each disc of the world.
    pub(super) discs: Vec<Told>,
    pub(super) discs_grid: Option<Grid>,
    /// One for each pulse of the world.
    pub(super) pulses: Vec<Bits>,
    pub(super) pulses_grid: Option<Grid>,
    /// Those that are in the air, in the order of [`key`], and their places in the world.
    pub(super) alive: Vec<((u32, Slot), usize)>,
    /// Pulses that hit somebody.
    pub(super) struck: Vec<(PulseId, Slot)>,
    pub(super) events: Vec<Sight>,
    /// In a snapshot that is to be checked.
    pub(super) hashes: Option<Hashes>,
    written: Vec<u8>,
}

/// Where some bits begin, in bytes, and how many they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    start: u32,
    len: u32,
}

impl Bits {
    pub(super) const fn len(self) -> usize {
        self.len as usize
    }
}

/// One disc as it can be told, and where it is: all that is looked at for everybody who may see it, close together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) slot: Slot,
    pub(super) position: Vec2,
    /// To who does not know it as it was.
    pub(super) whole: Bits,
    /// To who does.
    pub(super) news: News,
}

/// What there is to say to somebody who knows a disc as it was.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    /// It went on as it would have gone alone.
    Nothing,
    /// How it changed.
    Change(Bits),
    /// Too much: the whole of it.
    Whole,
}

/// A disc of the last snapshot, and what became of it as far as its keys tell.
struct Foretold {
    held: Input,
    keys: Vec<Input>,
    alone: Disc,
    /// The seat was given up or taken meanwhile.
    is_another: bool,
}

impl CrowdEncoder {
    /// One that has told nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes where `ticks` of commands led to: `world`. `events` are what happened in them.
    pub fn snapshot(&mut self, ticks: &[Vec<Command>], events: &[Event], world: &World) {
        let count = u32::try_from(ticks.len()).unwrap_or(0);
        self.base = world.tick.minus(count);
        let around: Vec<_> =
            (0..count).map(|tick| Surroundings::at(world, self.base.plus(tick))).collect();
        let foretold = self.foretell(ticks, &around);
        let mut writer = BitWriter::default();
        self.discs = write_discs(&mut writer, &foretold, world);
        self.discs_grid = Some(Grid::new(world.discs.iter().map(|disc| disc.position), CELL_SHIFT));
        self.last = world.discs.iter().map(told).collect();
        self.see_pulses(&mut writer, world);
        self.see_events(&mut writer, events, world);
        self.hashes = check::is_due(self.base, world.tick).then(|| Hashes::of(world));
        self.written = writer.finish();
        self.written.extend([0; PADDING]);
    }

    /// Adds some of the bits of this snapshot to a frame.
    pub(super) fn copy(&self, bits: Bits, to: &mut BitWriter) {
        to.append(&self.written[bits.start as usize..], bits.len());
    }

    /// The place of a pulse in the world, while it is in the air.
    pub(super) fn place_of_pulse(&self, id: PulseId) -> Option<usize> {
        let place = self.alive.binary_search_by_key(&key(id), |(key, _)| *key).ok()?;
        Some(self.alive[place].1)
    }

    fn foretell(&self, ticks: &[Vec<Command>], around: &[Surroundings]) -> Vec<(Slot, Foretold)> {
        let before = |disc: &Disc| {
            let keys = Vec::with_capacity(ticks.len());
            let foretold =
                Foretold { held: disc.input, keys, alone: disc.clone(), is_another: false };
            (disc.slot, foretold)
        };
        let mut foretold: Vec<_> = self.last.iter().map(before).collect();
        for commands in ticks {
            for (_, disc) in &mut foretold {
                disc.keys.push(disc.keys.last().copied().unwrap_or(disc.held));
            }
            for command in commands {
                let place = foretold.binary_search_by_key(&command.slot(), |(slot, _)| *slot);
                let Ok(place) = place else { continue };
                let disc = &mut foretold[place].1;
                match command {
                    Command::Input { input, .. } => {
                        disc.keys.last_mut().into_iter().for_each(|keys| *keys = *input);
                    }
                    Command::Join { .. } | Command::Leave { .. } => disc.is_another = true,
                }
            }
        }
        for (_, disc) in &mut foretold {
            change::go_alone(&mut disc.alone, &disc.keys, around);
        }
        foretold
    }

    fn see_pulses(&mut self, writer: &mut BitWriter, world: &World) {
        self.pulses = world
            .pulses
            .iter()
            .map(|pulse| {
                bits(writer, |writer| {
                    sight::pulse(writer, &mut pulse.clone(), world.tick).expect(WRITES);
                })
            })
            .collect();
        self.pulses_grid =
            Some(Grid::new(world.pulses.iter().map(|pulse| pulse.position), CELL_SHIFT));
        let places = world.pulses.iter().enumerate();
        self.alive = places.map(|(place, pulse)| (key(pulse.id), place)).collect();
        self.alive.sort_unstable();
    }

    fn see_events(&mut self, writer: &mut BitWriter, events: &[Event], world: &World) {
        self.struck.clear();
        self.events.clear();
        for event in events {
            if let Event::PulseHit { id, target, .. } = event {
                self.struck.push((*id, *target));
            }
            let Some((of, and)) = sight::about(event) else { continue };
            let bits = bits(writer, |writer| {
                sight::event(writer, &mut event.clone(), world).expect(WRITES);
            });
            let is_knock_out = matches!(event, Event::KnockOut { .. });
            self.events.push(Sight { of, and, is_knock_out, bits });
        }
    }
}

/// A pulse as a number in order.
pub(super) fn key(id: PulseId) -> (u32, Slot) {
    (id.tick.0, id.slot)
}

fn write_discs(writer: &mut BitWriter, foretold: &[(Slot, Foretold)], world: &World) -> Vec<Told> {
    let mut before = foretold.iter().peekable();
    let mut discs = Vec::with_capacity(world.discs.len());
    for disc in &world.discs {
        while before.next_if(|(slot, _)| *slot < disc.slot).is_some() {}
        let known = before.next_if(|(slot, _)| *slot == disc.slot).map(|(_, known)| known);
        let disc = told(disc);
        let whole = bits(writer, |writer| {
            keyframe::disc(writer, &mut disc.clone(), LAYOUT).expect(WRITES);
        });
        let news = match known.filter(|known| !known.is_another) {
            None => News::Whole,
            Some(known) => news(writer, known, &disc, whole),
        };
        discs.push(Told { slot: disc.slot, position: disc.position, whole, news });
    }
    discs
}

fn news(writer: &mut BitWriter, known: &Foretold, disc: &Disc, whole: Bits) -> News {
    let held_on = known.keys.iter().all(|keys| *keys == known.held);
    if held_on && known.alone == *disc {
        return News::Nothing;
    }
    if !change::fits(&known.alone, disc) || known.alone.input != disc.input {
        return News::Whole;
    }
    let change = bits(writer, |writer| {
        change::keys(writer, known.held, &mut known.keys.clone()).expect(WRITES);
        change::correction(writer, &mut known.alone.clone(), disc).expect(WRITES);
    });
    if change.len() < whole.len() { News::Change(change) } else { News::Whole }
}

/// Writes something from a whole byte on.
fn bits(writer: &mut BitWriter, write: impl FnOnce(&mut BitWriter)) -> Bits {
    let start = writer.align();
    write(writer);
    let short = |size: usize| u32::try_from(size).expect("a snapshot is shorter than 4 GiB");
    Bits { start: short(start), len: short(writer.len() - start * 8) }
}
