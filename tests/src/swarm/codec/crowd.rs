//! The same for a crowd: bots on one wide platform, and what some of them are told of it.
//!
//! Every record is read again, and every disc that it tells of is compared with the world. Beside it the others write
//! what is in sight as a state, every time: in a crowd nobody can follow the commands.

use std::time::Duration;

use anyhow::Result;
use shared::sim::{BotStrength, Command, Disc, Mode, Slot, World, bot};
use shared::snapshot::StreamDecoder;
use shared::snapshot::crowd::{CrowdEncoder, Viewer};
use shared::tick::{SNAPSHOT_EVERY_TICKS, seconds};

use super::dictionary::Dictionary;
use super::formats::{self, FORMATS};
use super::plain::State;
use super::symbols;
use super::{Cost, Report, apply, tell, timed};

const DISCS: u16 = 512;
/// One in so many is told.
const ONE_IN: u16 = 32;
const LENGTH_TICKS: u32 = seconds(30);
const SEED: u64 = 7;
const TRAINING_SEED: u64 = 107;

/// What was told, and what it was about.
#[derive(Default)]
pub(super) struct Told {
    pub(super) ours: Cost,
    /// As if each snapshot were the first: plain bit-packing of what is in sight.
    whole: Cost,
    /// For each who was told, all its records in a row.
    pub(super) runs: Vec<Vec<u8>>,
    states: Vec<State>,
    discs: usize,
}

/// Encodes and decodes a crowd with every contestant.
///
/// # Errors
/// When a dictionary cannot be made.
///
/// # Panics
/// When something is read back differently.
pub(super) fn measure(report: &mut Report) -> Result<()> {
    report.note(format!("Crowds of {DISCS} bots, seed {SEED}; dictionaries from {TRAINING_SEED}."));
    let [told, training] = [SEED, TRAINING_SEED].map(|seed| tell_of(seed, DISCS, LENGTH_TICKS));
    let snapshots = told.ours.bytes.len() as f64;
    let mean = told.ours.bytes.iter().sum::<usize>() as f64 / snapshots;
    let in_sight = told.discs as f64 / snapshots;
    tell("codec.crowd_ours", told.ours, "what one player of a crowd is told", report);
    report.add("codec.crowd_ours.bytes_mean", mean, "B", "");
    let bound = symbols::count(&told.runs).bytes_a_snapshot();
    report.add("codec.crowd_ours.entropy_bytes_mean", bound, "B", "of the model: see symbols.rs");
    report.add("codec.crowd_ours.discs_in_sight", in_sight, "", "mean");
    report.add("codec.crowd_ours.bytes_per_mover", mean / in_sight, "B", "all else included");
    tell("codec.crowd_bitpacked_state", told.whole, "all in sight every time", report);
    for format in FORMATS {
        let name = format!("codec.crowd_{}_state", format.name);
        let (samples, _) = formats::write(&training.states, format.state);
        let (written, cost) = formats::write(&told.states, format.state);
        tell(&name, cost, "all in sight every time", report);
        let cost = Dictionary::train(&samples)?.compress(&written)?;
        tell(&format!("{name}_zstd"), cost, "and a zstd dictionary", report);
    }
    Ok(())
}

pub(super) fn tell_of(seed: u64, discs: u16, length_ticks: u32) -> Told {
    let mut world = World::new(Mode::Crowd, seed, length_ticks);
    let joins = (0..discs).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    let mut commands: Vec<Command> = joins;
    let mut encoder = CrowdEncoder::new();
    let mut viewers: Vec<_> = (0..discs)
        .step_by(ONE_IN.into())
        .map(|slot| (Slot(slot), Viewer::new(), StreamDecoder::of_player(), Vec::new()))
        .collect();
    let mut told = Told::default();
    while !world.is_over() {
        let (mut ticks, mut events) = (Vec::new(), Vec::new());
        while ticks.len() < SNAPSHOT_EVERY_TICKS as usize && !world.is_over() {
            events.extend(world.step(&commands));
            ticks.push(core::mem::replace(&mut commands, inputs(&world)));
        }
        let mut encoding = Duration::ZERO;
        timed(&mut encoding, || encoder.snapshot(&ticks, &events, &world));
        // Everybody else's share of it is not theirs.
        told.ours.encoding += encoding / u32::from(ONE_IN);
        for (slot, viewer, decoder, run) in &mut viewers {
            let look = |viewer: &mut Viewer| viewer.look(&encoder, &world, *slot, usize::MAX);
            let record = timed(&mut told.ours.encoding, || look(viewer));
            timed(&mut told.ours.decoding, || apply(decoder, &record));
            told.ours.bytes.push(record.len());
            run.extend_from_slice(&record);
            let part = decoder.world().expect("a world");
            compare(part, &world);
            told.discs += part.discs.len();
            told.states.push(State::of(part));

            let mut newcomer = StreamDecoder::of_player();
            let whole = timed(&mut told.whole.encoding, || look(&mut Viewer::new()));
            timed(&mut told.whole.decoding, || apply(&mut newcomer, &whole));
            compare(newcomer.world().expect("a world"), &world);
            told.whole.bytes.push(whole.len());
        }
    }
    told.runs = viewers.into_iter().map(|(.., run)| run).collect();
    told
}

fn inputs(world: &World) -> Vec<Command> {
    let thought = |disc: &Disc| bot::think(world, disc.slot, BotStrength::Keen);
    let discs = world.discs.iter().map(|disc| (disc, thought(disc)));
    let turned = discs.filter(|(disc, input)| disc.input != *input);
    turned.map(|(disc, input)| Command::Input { slot: disc.slot, input }).collect()
}

/// Everybody in sight is as in the world, but for what players are not told.
fn compare(part: &World, world: &World) {
    for disc in &part.discs {
        let real = world.disc(disc.slot).expect("nobody is seen who is not there");
        assert_eq!(*disc, Disc { last_push: None, ..real.clone() }, "tick {}", world.tick);
    }
}
