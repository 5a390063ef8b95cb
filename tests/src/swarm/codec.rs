//! The cost of the match stream, in bytes and in time, beside other ways to write the same rounds.
//!
//! Sixteen bots play rounds of Brawl, which are recorded as the server records them; the recordings are read again and
//! measured. Every snapshot is written by each contestant, read again and compared: the measurement fails
//! unless both are exactly the same. There are two kinds of contestants. Those that write the *state* write the whole world
//! every time, which needs no model of it. Those that write the *commands* write the cause, as the match stream does, so
//! they show the worth of its coding beyond its model; the entropy of the model is the lower bound. Each is also
//! compressed by zstd with a dictionary.

use anyhow::Result;
use shared::sim::mode::ROUND_TICKS;
use shared::snapshot::{StreamDecoder, StreamEncoder};
use shared::tick::KEYFRAME_EVERY_TICKS;

use super::Report;
use super::report::percentile;
use super::seeds;

mod cost;
mod crowd;
mod dictionary;
mod entropy;
mod figures;
mod formats;
mod plain;
mod recording;
mod rounds;
mod symbols;

use cost::{Written, apply, timed};
use entropy::Entropy;
use figures::add_both;
use formats::FORMATS;
use plain::{State, TickCommands};
use recording::Recorder;
use rounds::{Round, Snapshot, movers, play, snapshots};

/// Number of rounds that are measured.
const ROUNDS: u64 = 4;
/// Number of rounds that dictionaries are trained on.
const TRAINING_ROUNDS: u64 = 2;

/// Encodes and decodes rounds with every contestant.
///
/// # Errors
/// When a dictionary cannot be made, or a recording does not play what was recorded.
///
/// # Panics
/// When something is read back differently.
pub fn measure(seed: u64, report: &mut Report) -> Result<()> {
    report.note_seed("codec", seed, "the rounds, the crowd, and what dictionaries learn from");
    let rounds: Vec<_> =
        seeds::round_seeds(ROUNDS, seed).map(|seed| play(seed, ROUND_TICKS)).collect();
    let learnt_from = seeds::round_seeds(TRAINING_ROUNDS, seeds::training_seed(seed));
    let training: Vec<_> = learnt_from.map(|seed| play(seed, ROUND_TICKS)).collect();
    add_ours(&rounds, &training, report)?;
    recording::measure(report)?;
    for format in FORMATS {
        let states = |rounds: &[Round]| -> Vec<State> {
            snapshots(rounds).map(|snapshot| State::of(&snapshot.world)).collect()
        };
        let commands = |rounds: &[Round]| -> Vec<TickCommands> {
            snapshots(rounds).map(|snapshot| TickCommands::of(&snapshot.ticks)).collect()
        };
        let [training_states, written] =
            [&training, &rounds].map(|rounds| formats::write(&states(rounds), format.state));
        let name = format!("codec.{}_state", format.name);
        add_both(&name, "the whole world", &training_states, written, report)?;
        let [training_commands, written] =
            [&training, &rounds].map(|rounds| formats::write(&commands(rounds), format.commands));
        let name = format!("codec.{}_commands", format.name);
        add_both(&name, "the commands, as ours", &training_commands, written, report)?;
    }
    crowd::measure(seed, report)
}

/// The match stream, and its keyframes.
fn add_ours(rounds: &[Round], training: &[Round], report: &mut Report) -> Result<()> {
    let [(training_deltas, training_keyframes), (deltas, keyframes)] =
        [match_stream(training)?, match_stream(rounds)?];
    let mean = deltas.bytes_mean();
    let words = "the match stream as it is recorded, length included";
    add_both("codec.ours", words, &training_deltas, deltas, report)?;
    report.add("codec.ours.bytes_mean", mean, "B", "");
    let movers = snapshots(rounds).map(|snapshot| movers(&snapshot.world)).sum::<usize>() as f64
        / snapshots(rounds).count() as f64;
    report.add(
        "codec.ours.movers",
        movers,
        "",
        "discs on the platform that move, mean of the snapshots",
    );
    report.add("codec.ours.bytes_per_mover", mean / movers, "B", "mean divided by these");
    let bound = Entropy::of(snapshots(rounds)).bytes_a_snapshot();
    report.add("codec.ours.entropy_bytes_mean", bound, "B", "of the model; no code is shorter");
    let mut sizes = keyframes.cost.bytes.clone();
    report.add("codec.ours.keyframe_bytes", percentile(&mut sizes, 50) as f64, "B", "p50");
    let words = "a keyframe every time: plain bit-packing";
    add_both("codec.bitpacked_state", words, &training_keyframes, keyframes, report)
}

/// The stream itself, as it is read from recordings, and its keyframes as if each snapshot were one.
fn match_stream(rounds: &[Round]) -> Result<(Written, Written)> {
    let (mut deltas, mut keyframes) = (Written::default(), Written::default());
    for Round { seed, start, snapshots } in rounds {
        let (mut encoder, mut decoder) = (StreamEncoder::new(), StreamDecoder::new());
        let (mut painter, mut viewer) = (StreamEncoder::new(), StreamDecoder::new());
        let mut recorder = Recorder::begin(*seed, start);
        let first = encoder.keyframe(start);
        apply(&mut decoder, &first);
        recorder.record(&first, start);
        for Snapshot { ticks, world } in snapshots {
            let delta = timed(&mut deltas.cost.encoding, || encoder.delta(ticks, world));
            timed(&mut deltas.cost.decoding, || apply(&mut decoder, &delta));
            assert_eq!(decoder.world(), Some(world), "seed {seed}, tick {}", world.tick);
            recorder.record(&delta, world);

            let keyframe = timed(&mut keyframes.cost.encoding, || painter.keyframe(world));
            timed(&mut keyframes.cost.decoding, || apply(&mut viewer, &keyframe));
            assert_eq!(viewer.world(), Some(world), "seed {seed}, tick {}", world.tick);
            keyframes.add(keyframe);
            if world.elapsed().is_multiple_of(KEYFRAME_EVERY_TICKS) {
                let keyframe = encoder.keyframe(world);
                apply(&mut decoder, &keyframe);
                recorder.record(&keyframe, world);
            }
        }
        let file = recorder.finish(snapshots.last().map_or(start, |last| &last.world));
        recording::compare(&file, snapshots.iter().map(|snapshot| &snapshot.world))?;
        recording::deltas(&file)?.into_iter().for_each(|delta| deltas.add(delta.to_vec()));
    }
    Ok((deltas, keyframes))
}

#[cfg(test)]
mod tests {
    use shared::tick::seconds;

    use super::{Report, add_ours, match_stream, play, snapshots};
    use crate::swarm::report::assert_names;

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let [round, other] = [1, 2].map(|seed| [play(seed, seconds(20))]);
        let mut report = Report::default();

        add_ours(&round, &other, &mut report).unwrap();

        let names = ["bytes_p50", "bytes_per_mover", "keyframe_bytes"];
        assert_names(&report, "codec.ours", &names);
        assert_names(&report, "codec", &["ours_zstd.bytes_p50", "bitpacked_state_zstd.bytes_p50"]);
        let of = |name: &str| report.figure(&format!("codec.ours.{name}"));
        assert!((1.0..=16.0).contains(&of("movers")), "{} of 16 move", of("movers"));
        assert!(of("bytes_per_mover") >= of("bytes_mean") / 16.0);
    }

    #[test]
    fn every_snapshot_of_a_round_is_in_its_recording() {
        let round = [play(3, seconds(5))];

        let (deltas, keyframes) = match_stream(&round).unwrap();

        let count = snapshots(&round).count();
        assert_eq!((deltas.snapshots.len(), keyframes.snapshots.len()), (count, count));
        assert_eq!(count, 150);
    }
}
