//! A snapshot of a crowd: each disc, pulse and event encoded once, ready to be copied into the views of all players.

use super::super::bits::{BitWriter, PADDING};
use super::super::keyframe;
use super::check::{self, Hashes};
use super::codec::{self, LAYOUT};
use super::events::EncodedEvent;
use super::span::BitSpan;
use super::{CELL_SHIFT, change, visible};
use crate::sim::dead_reckoning::Environment;
use crate::sim::grid::Grid;
use crate::sim::{Command, Disc, Event, Input, PulseId, Slot, Vec2, World};
use crate::tick::Tick;

const WRITES: &str = "a writer takes every value";

/// Encodes a crowd for all its players. Call [`CrowdEncoder::snapshot`] after the steps of a snapshot, then
/// [`ClientView::encode`](super::ClientView::encode) for each player.
#[derive(Debug, Clone, Default)]
pub struct CrowdEncoder {
    /// The discs at the last snapshot, as up-to-date players know them.
    last: Vec<Disc>,
    /// The tick of the last snapshot.
    pub(super) base: Tick,
    /// One for each disc of the world.
    pub(super) discs: Vec<EncodedDisc>,
    pub(super) discs_grid: Option<Grid>,
    /// One for each pulse of the world.
    pub(super) pulses: Vec<BitSpan>,
    pub(super) pulses_grid: Option<Grid>,
    /// The pulses in the air in the order of [`pulse_key`], with their indices in the world.
    pulse_indices: Vec<((u32, Slot), usize)>,
    /// The pulses that hit a disc, and the seats of these discs.
    pub(super) hits: Vec<(PulseId, Slot)>,
    pub(super) events: Vec<EncodedEvent>,
    /// `Some` in a snapshot whose views carry a check.
    pub(super) hashes: Option<Hashes>,
    /// The bits that all spans refer to.
    buffer: Vec<u8>,
}

/// One disc as it can be sent, and its position: what the selection for each player reads, close together in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct EncodedDisc {
    pub(super) slot: Slot,
    pub(super) position: Vec2,
    /// The whole disc, for players who do not know its last state.
    pub(super) full: BitSpan,
    /// The difference, for players who do.
    pub(super) update: Update,
}

/// The difference between a disc and its dead reckoning from the last snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) enum Update {
    /// There is none.
    Unchanged,
    /// Other inputs, and a correction.
    Change(BitSpan),
    /// The whole disc is shorter than a change, or a change cannot express it.
    Full,
}

/// A disc of the last snapshot, moved on by dead reckoning.
struct Predicted {
    /// The input held at the last snapshot.
    held: Input,
    /// The input of each tick since.
    inputs: Vec<Input>,
    disc: Disc,
    /// The seat was left or taken since, so it is no longer the same player.
    is_replaced: bool,
}

impl CrowdEncoder {
    /// An encoder before its first snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes `world`, the result of the steps with `ticks` of commands since the last snapshot. `events` are those of
    /// these steps.
    pub fn snapshot(&mut self, ticks: &[Vec<Command>], events: &[Event], world: &World) {
        let count = u32::try_from(ticks.len()).unwrap_or(0);
        self.base = world.tick.minus(count);
        let environments: Vec<_> =
            (0..count).map(|tick| Environment::at(world, self.base.plus(tick))).collect();
        let predicted = self.predict(ticks, &environments);
        let mut writer = BitWriter::default();
        self.discs = encode_discs(&mut writer, &predicted, world);
        self.discs_grid = Some(Grid::new(world.discs.iter().map(|disc| disc.position), CELL_SHIFT));
        self.last = world.discs.iter().map(visible).collect();
        self.encode_pulses(&mut writer, world);
        self.encode_events(&mut writer, events, world);
        self.hashes = check::is_due(self.base, world.tick).then(|| Hashes::of(world));
        self.buffer = writer.finish();
        self.buffer.extend([0; PADDING]);
    }

    /// Appends bits of this snapshot to a frame.
    pub(super) fn copy(&self, bits: BitSpan, to: &mut BitWriter) {
        bits.copy(&self.buffer, to);
    }

    /// The index of a pulse in the world, while it is in the air.
    pub(super) fn index_of_pulse(&self, id: PulseId) -> Option<usize> {
        let index =
            self.pulse_indices.binary_search_by_key(&pulse_key(id), |(key, _)| *key).ok()?;
        Some(self.pulse_indices[index].1)
    }

    fn predict(
        &self,
        ticks: &[Vec<Command>],
        environments: &[Environment],
    ) -> Vec<(Slot, Predicted)> {
        let before = |disc: &Disc| {
            let inputs = Vec::with_capacity(ticks.len());
            let predicted =
                Predicted { held: disc.input, inputs, disc: disc.clone(), is_replaced: false };
            (disc.slot, predicted)
        };
        let mut predicted: Vec<_> = self.last.iter().map(before).collect();
        for commands in ticks {
            for (_, disc) in &mut predicted {
                disc.inputs.push(disc.inputs.last().copied().unwrap_or(disc.held));
            }
            for command in commands {
                let index = predicted.binary_search_by_key(&command.slot(), |(slot, _)| *slot);
                let Ok(index) = index else { continue };
                let disc = &mut predicted[index].1;
                match command {
                    Command::Input { input, .. } => {
                        disc.inputs.last_mut().into_iter().for_each(|last| *last = *input);
                    }
                    Command::Join { .. } | Command::Leave { .. } => disc.is_replaced = true,
                }
            }
        }
        for (_, disc) in &mut predicted {
            change::predict(&mut disc.disc, &disc.inputs, environments);
        }
        predicted
    }

    fn encode_pulses(&mut self, writer: &mut BitWriter, world: &World) {
        self.pulses = world
            .pulses
            .iter()
            .map(|pulse| {
                BitSpan::write(writer, |writer| {
                    codec::pulse(writer, &mut pulse.clone(), world.tick).expect(WRITES);
                })
            })
            .collect();
        self.pulses_grid =
            Some(Grid::new(world.pulses.iter().map(|pulse| pulse.position), CELL_SHIFT));
        let indices = world.pulses.iter().enumerate();
        self.pulse_indices = indices.map(|(index, pulse)| (pulse_key(pulse.id), index)).collect();
        self.pulse_indices.sort_unstable();
    }

    fn encode_events(&mut self, writer: &mut BitWriter, events: &[Event], world: &World) {
        self.hits.clear();
        self.events.clear();
        for event in events {
            if let Event::PulseHit { id, target, .. } = event {
                self.hits.push((*id, *target));
            }
            let Some((about, other)) = codec::subjects(event) else { continue };
            let bits = BitSpan::write(writer, |writer| {
                codec::event(writer, &mut event.clone(), world).expect(WRITES);
            });
            let is_knock_out = matches!(event, Event::KnockOut { .. });
            self.events.push(EncodedEvent { about, other, is_knock_out, bits });
        }
    }
}

/// The order of pulses in sorted lists.
pub(super) fn pulse_key(id: PulseId) -> (u32, Slot) {
    (id.tick.0, id.slot)
}

fn encode_discs(
    writer: &mut BitWriter,
    predicted: &[(Slot, Predicted)],
    world: &World,
) -> Vec<EncodedDisc> {
    let mut before = predicted.iter().peekable();
    let mut discs = Vec::with_capacity(world.discs.len());
    for disc in &world.discs {
        while before.next_if(|(slot, _)| *slot < disc.slot).is_some() {}
        let known = before.next_if(|(slot, _)| *slot == disc.slot).map(|(_, known)| known);
        let disc = visible(disc);
        let full = BitSpan::write(writer, |writer| {
            keyframe::disc(writer, &mut disc.clone(), LAYOUT).expect(WRITES);
        });
        let update = match known.filter(|known| !known.is_replaced) {
            None => Update::Full,
            Some(known) => update(writer, known, &disc, full),
        };
        discs.push(EncodedDisc { slot: disc.slot, position: disc.position, full, update });
    }
    discs
}

fn update(writer: &mut BitWriter, known: &Predicted, disc: &Disc, full: BitSpan) -> Update {
    let held_on = known.inputs.iter().all(|input| *input == known.held);
    if held_on && known.disc == *disc {
        return Update::Unchanged;
    }
    if !change::fits(&known.disc, disc) || known.disc.input != disc.input {
        return Update::Full;
    }
    let change = BitSpan::write(writer, |writer| {
        change::inputs(writer, known.held, &mut known.inputs.clone()).expect(WRITES);
        change::correction(writer, &mut known.disc.clone(), disc).expect(WRITES);
    });
    if change.len() < full.len() { Update::Change(change) } else { Update::Full }
}
