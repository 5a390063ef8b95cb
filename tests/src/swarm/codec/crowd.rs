//! The same for a crowd: bots on one wide platform, and the records that some of them are sent.
//!
//! Every record is decoded again, and every disc in it is compared with the world. The other contestants write all discs in
//! sight as a state every time, because a client in a crowd does not get all commands.

use std::time::Duration;

use anyhow::Result;
use shared::sim::{BotStrength, Command, Disc, Mode, Slot, World, bot};
use shared::snapshot::StreamDecoder;
use shared::snapshot::crowd::{ClientView, CrowdEncoder};
use shared::tick::{SNAPSHOT_EVERY_TICKS, seconds};

use super::cost::{Written, apply, timed};
use super::figures::add_both;
use super::formats::{self, FORMATS};
use super::plain::State;
use super::rounds::movers;
use super::symbols;
use crate::swarm::{Report, seeds};

const DISCS: u16 = 512;
/// One bot in this many is sent records.
const ONE_IN: u16 = 32;
const LENGTH_TICKS: u32 = seconds(30);

/// The records of a crowd's round, and what they describe.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) ours: Written,
    /// Each snapshot encoded as if it were the first: plain bit-packing of all discs in sight.
    whole: Written,
    /// For each receiving bot, all its records in a row.
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
    let [encoded, training] =
        [seed, seeds::training_seed(seed)].map(|seed| encode_crowd(seed, DISCS, LENGTH_TICKS));
    add_figures(encoded, &training, report)
}

fn add_figures(encoded: Encoded, training: &Encoded, report: &mut Report) -> Result<()> {
    let snapshots = encoded.ours.snapshots.len() as f64;
    let mean = encoded.ours.bytes_mean();
    let [in_sight, movers] = [encoded.discs, encoded.movers].map(|discs| discs as f64 / snapshots);
    let words = "what one player of a crowd is sent";
    add_both("codec.crowd_ours", words, &training.ours, encoded.ours, report)?;
    report.add("codec.crowd_ours.bytes_mean", mean, "B", "");
    let bound = symbols::count(&encoded.runs).bytes_a_snapshot();
    report.add("codec.crowd_ours.entropy_bytes_mean", bound, "B", "of the model: see symbols.rs");
    report.add("codec.crowd_ours.discs_in_sight", in_sight, "", "mean");
    report.add("codec.crowd_ours.movers", movers, "", "of these, on the platform and moving, mean");
    let words = "mean bytes divided by these, all else included";
    report.add("codec.crowd_ours.bytes_per_mover", mean / movers, "B", words);
    let words = "all in sight every time";
    add_both("codec.crowd_bitpacked_state", words, &training.whole, encoded.whole, report)?;
    for format in FORMATS {
        let name = format!("codec.crowd_{}_state", format.name);
        let [training, written] =
            [&training.states, &encoded.states].map(|states| formats::write(states, format.state));
        add_both(&name, words, &training, written, report)?;
    }
    Ok(())
}

pub(super) fn encode_crowd(seed: u64, discs: u16, length_ticks: u32) -> Encoded {
    let mut world = World::new(Mode::Crowd, seed, length_ticks);
    let joins = (0..discs).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    let mut commands: Vec<Command> = joins;
    let mut encoder = CrowdEncoder::new();
    let mut viewers: Vec<_> = (0..discs)
        .step_by(ONE_IN.into())
        .map(|slot| (Slot(slot), ClientView::new(), StreamDecoder::for_player(), Vec::new()))
        .collect();
    let mut encoded = Encoded::default();
    while !world.is_over() {
        let (mut ticks, mut events) = (Vec::new(), Vec::new());
        while ticks.len() < SNAPSHOT_EVERY_TICKS as usize && !world.is_over() {
            events.extend(world.step(&commands));
            ticks.push(core::mem::replace(&mut commands, inputs(&world)));
        }
        let mut encoding = Duration::ZERO;
        timed(&mut encoding, || encoder.snapshot(&ticks, &events, &world));
        // Only their share of the work that is done once for all bots.
        encoded.ours.cost.encoding += encoding / u32::from(ONE_IN);
        for (slot, viewer, decoder, run) in &mut viewers {
            let look = |viewer: &mut ClientView| viewer.encode(&encoder, &world, *slot, usize::MAX);
            let record = timed(&mut encoded.ours.cost.encoding, || look(viewer));
            timed(&mut encoded.ours.cost.decoding, || apply(decoder, &record));
            run.extend_from_slice(&record);
            encoded.ours.add(record);
            let part = decoder.world().expect("a world");
            compare(part, &world);
            encoded.discs += part.discs.len();
            encoded.movers += movers(part);
            encoded.states.push(State::of(part));

            let mut newcomer = StreamDecoder::for_player();
            let whole = timed(&mut encoded.whole.cost.encoding, || look(&mut ClientView::new()));
            timed(&mut encoded.whole.cost.decoding, || apply(&mut newcomer, &whole));
            compare(newcomer.world().expect("a world"), &world);
            encoded.whole.add(whole);
        }
    }
    encoded.runs = viewers.into_iter().map(|(.., run)| run).collect();
    encoded
}

fn inputs(world: &World) -> Vec<Command> {
    let thought = |disc: &Disc| bot::think(world, disc.slot, BotStrength::Keen);
    let discs = world.discs.iter().map(|disc| (disc, thought(disc)));
    let turned = discs.filter(|(disc, input)| disc.input != *input);
    turned.map(|(disc, input)| Command::Input { slot: disc.slot, input }).collect()
}

/// Every disc in sight is as in the world, except for the last push, which clients are not sent.
fn compare(part: &World, world: &World) {
    for disc in &part.discs {
        let real = world.disc(disc.slot).expect("a disc in sight is in the world");
        assert_eq!(*disc, Disc { last_push: None, ..real.clone() }, "tick {}", world.tick);
    }
}

#[cfg(test)]
mod tests {
    use shared::tick::seconds;

    use super::{Report, add_figures, encode_crowd};
    use crate::swarm::report::assert_names;

    #[test]
    fn every_contestant_is_squeezed_too_and_movers_are_those_who_move() {
        let [encoded, training] = [5, 6].map(|seed| encode_crowd(seed, 192, seconds(6)));
        let mut report = Report::default();

        add_figures(encoded, &training, &mut report).unwrap();

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
