//! The same for a crowd: bots on one wide platform, and what some of them are told of it.
//!
//! Every record is read again, and every disc that it tells of is compared with the world. Beside it the others write
//! what is in sight as a state, every time: in a crowd nobody can follow the commands.

use std::time::Duration;

use anyhow::Result;
use shared::sim::{BotStrength, Command, Disc, Mode, Slot, World, bot};
use shared::snapshot::StreamDecoder;
use shared::snapshot::crowd::{ClientView, CrowdEncoder};
use shared::tick::{SNAPSHOT_EVERY_TICKS, seconds};

use super::cost::{Written, apply, timed};
use super::figures::tell_both;
use super::formats::{self, FORMATS};
use super::plain::State;
use super::rounds::movers;
use super::symbols;
use crate::swarm::{Report, seeds};

const DISCS: u16 = 512;
/// One in so many is told.
const ONE_IN: u16 = 32;
const LENGTH_TICKS: u32 = seconds(30);

/// What was told, and what it was about.
#[derive(Default)]
pub(super) struct Told {
    pub(super) ours: Written,
    /// As if each snapshot were the first: plain bit-packing of what is in sight.
    whole: Written,
    /// For each who was told, all its records in a row.
    pub(super) runs: Vec<Vec<u8>>,
    states: Vec<State>,
    discs: usize,
    /// Of these, on the platform and moving.
    movers: usize,
}

/// Encodes and decodes a crowd with every contestant.
///
/// # Errors
/// When a dictionary cannot be made.
///
/// # Panics
/// When something is read back differently.
pub(super) fn measure(seed: u64, report: &mut Report) -> Result<()> {
    report.note(format!("codec: a crowd is of {DISCS} bots."));
    let [told, training] =
        [seed, seeds::of_training(seed)].map(|seed| tell_of(seed, DISCS, LENGTH_TICKS));
    report_on(told, &training, report)
}

fn report_on(told: Told, training: &Told, report: &mut Report) -> Result<()> {
    let snapshots = told.ours.snapshots.len() as f64;
    let mean = told.ours.bytes_mean();
    let [in_sight, movers] = [told.discs, told.movers].map(|discs| discs as f64 / snapshots);
    let words = "what one player of a crowd is told";
    tell_both("codec.crowd_ours", words, &training.ours, told.ours, report)?;
    report.add("codec.crowd_ours.bytes_mean", mean, "B", "");
    let bound = symbols::count(&told.runs).bytes_a_snapshot();
    report.add("codec.crowd_ours.entropy_bytes_mean", bound, "B", "of the model: see symbols.rs");
    report.add("codec.crowd_ours.discs_in_sight", in_sight, "", "mean");
    report.add("codec.crowd_ours.movers", movers, "", "of these, on the platform and moving, mean");
    let words = "mean bytes divided by these, all else included";
    report.add("codec.crowd_ours.bytes_per_mover", mean / movers, "B", words);
    let words = "all in sight every time";
    tell_both("codec.crowd_bitpacked_state", words, &training.whole, told.whole, report)?;
    for format in FORMATS {
        let name = format!("codec.crowd_{}_state", format.name);
        let [training, written] =
            [&training.states, &told.states].map(|states| formats::write(states, format.state));
        tell_both(&name, words, &training, written, report)?;
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
        .map(|slot| (Slot(slot), ClientView::new(), StreamDecoder::for_player(), Vec::new()))
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
        told.ours.cost.encoding += encoding / u32::from(ONE_IN);
        for (slot, viewer, decoder, run) in &mut viewers {
            let look = |viewer: &mut ClientView| viewer.encode(&encoder, &world, *slot, usize::MAX);
            let record = timed(&mut told.ours.cost.encoding, || look(viewer));
            timed(&mut told.ours.cost.decoding, || apply(decoder, &record));
            run.extend_from_slice(&record);
            told.ours.add(record);
            let part = decoder.world().expect("a world");
            compare(part, &world);
            told.discs += part.discs.len();
            told.movers += movers(part);
            told.states.push(State::of(part));

            let mut newcomer = StreamDecoder::for_player();
            let whole = timed(&mut told.whole.cost.encoding, || look(&mut ClientView::new()));
            timed(&mut told.whole.cost.decoding, || apply(&mut newcomer, &whole));
            compare(newcomer.world().expect("a world"), &world);
            told.whole.add(whole);
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

#[cfg(test)]
mod tests {
    use shared::tick::seconds;

    use super::{Report, report_on, tell_of};
    use crate::swarm::report::assert_names;

    #[test]
    fn every_contestant_is_squeezed_too_and_movers_are_those_who_move() {
        let [told, training] = [5, 6].map(|seed| tell_of(seed, 192, seconds(6)));
        let mut report = Report::default();

        report_on(told, &training, &mut report).unwrap();

        for name in ["ours", "bitpacked_state", "bincode_state", "postcard_state", "bitcode_state"]
        {
            assert_names(&report, &format!("codec.crowd_{name}"), &["bytes_p50"]);
            assert_names(&report, &format!("codec.crowd_{name}_zstd"), &["bytes_p50"]);
        }
        let of = |name: &str| report.figure(&format!("codec.crowd_ours.{name}"));
        assert!(0.0 < of("movers") && of("movers") < of("discs_in_sight"));
        assert!((of("bytes_per_mover") * of("movers") - of("bytes_mean")).abs() < 1e-9);
    }
}
