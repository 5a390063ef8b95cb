//! What the match stream costs, in bytes and in time, beside other ways to write the same rounds.
//!
//! Sixteen bots play rounds of Brawl. Every snapshot is written by each contestant, read again and compared: exactly the
//! same, or the measurement ends. There are two kinds of contestants. Those that write the *state* write the whole world
//! every time, as one does who has no model of it. Those that write the *commands* write the cause, as the match stream
//! does, so they show what its coding is worth beyond its model; under them lies the entropy of the model.

use std::time::{Duration, Instant};

use anyhow::Result;
use shared::sim::mode::ROUND_TICKS;
use shared::sim::{BotStrength, Command, Mode, Slot, World, bot};
use shared::snapshot::{Applied, StreamDecoder, StreamEncoder, records};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};

use super::Report;
use super::report::percentile;

mod crowd;
mod dictionary;
mod entropy;
mod formats;
mod plain;
mod symbols;

use dictionary::Dictionary;
use entropy::Entropy;
use formats::FORMATS;
use plain::{State, Turns};

/// Rounds that dictionaries are trained on.
const TRAINING_SEEDS: core::ops::Range<u64> = 100..102;
/// Rounds that are measured.
const SEEDS: core::ops::Range<u64> = 0..4;

/// One snapshot of a round.
struct Snapshot {
    /// The commands of its ticks.
    ticks: Vec<Vec<Command>>,
    /// Where they led.
    world: World,
}

/// What one contestant took.
#[derive(Default)]
struct Cost {
    bytes: Vec<usize>,
    encoding: Duration,
    decoding: Duration,
}

/// Encodes and decodes rounds with every contestant.
///
/// # Errors
/// When a dictionary cannot be made.
///
/// # Panics
/// When something is read back differently.
pub fn measure(report: &mut Report) -> Result<()> {
    report.note(format!("Rounds of seeds {SEEDS:?}; dictionaries from {TRAINING_SEEDS:?}."));
    let rounds: Vec<Vec<Snapshot>> = SEEDS.map(play).collect();
    let training: Vec<Vec<Snapshot>> = TRAINING_SEEDS.map(play).collect();

    let (ours, keyframes) = match_stream(&rounds);
    let mean = ours.bytes.iter().sum::<usize>() as f64 / ours.bytes.len() as f64;
    tell("codec.ours", ours, "the match stream, length included", report);
    report.add("codec.ours.bytes_mean", mean, "B", "");
    let per_mover = report.figure("codec.ours.bytes_p50") / 16.0;
    report.add("codec.ours.bytes_per_mover", per_mover, "B", "");
    let bound = Entropy::of(rounds.iter().flatten()).bytes_a_snapshot();
    report.add("codec.ours.entropy_bytes_mean", bound, "B", "of the model; no code is shorter");
    let mut sizes = keyframes.bytes.clone();
    report.add("codec.ours.keyframe_bytes", percentile(&mut sizes, 50) as f64, "B", "p50");
    tell("codec.bitpacked_state", keyframes, "a keyframe every time: plain bit-packing", report);

    for format in FORMATS {
        let states = |rounds: &[Vec<Snapshot>]| -> Vec<State> {
            rounds.iter().flatten().map(|snapshot| State::of(&snapshot.world)).collect()
        };
        let turns = |rounds: &[Vec<Snapshot>]| -> Vec<Turns> {
            rounds.iter().flatten().map(|snapshot| Turns::of(&snapshot.ticks)).collect()
        };
        let name = format.name;
        let pairs = [
            (
                "state",
                "the whole world",
                formats::write(&states(&training), format.state),
                formats::write(&states(&rounds), format.state),
            ),
            (
                "commands",
                "the commands, as ours",
                formats::write(&turns(&training), format.turns),
                formats::write(&turns(&rounds), format.turns),
            ),
        ];
        for (kind, words, (samples, _), (written, cost)) in pairs {
            tell(&format!("codec.{name}_{kind}"), cost, words, report);
            let dictionary = Dictionary::train(&samples)?;
            let cost = dictionary.compress(&written)?;
            tell(&format!("codec.{name}_{kind}_zstd"), cost, "and a zstd dictionary", report);
        }
    }
    let dictionary = Dictionary::train(&stream_of(&training))?;
    let cost = dictionary.compress(&stream_of(&rounds))?;
    tell("codec.ours_zstd", cost, "ours, and a zstd dictionary", report);
    crowd::measure(report)
}

/// A round of sixteen bots.
fn play(seed: u64) -> Vec<Snapshot> {
    let mut world = World::new(Mode::Brawl, seed, ROUND_TICKS);
    let mut joins: Vec<_> =
        (0..16).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    let mut snapshots = Vec::new();
    while !world.is_over() {
        let mut ticks = Vec::new();
        for _ in 0..SNAPSHOT_EVERY_TICKS {
            let mut commands = core::mem::take(&mut joins);
            commands.extend(inputs(&world));
            world.step(&commands);
            ticks.push(commands);
        }
        snapshots.push(Snapshot { ticks, world: world.clone() });
    }
    snapshots
}

/// What bots hold that they did not hold before.
fn inputs(world: &World) -> Vec<Command> {
    let thought = |slot| bot::think(world, slot, BotStrength::Keen);
    let discs = world.discs.iter().map(|disc| (disc, thought(disc.slot)));
    let turned = discs.filter(|(disc, input)| disc.input != *input);
    turned.map(|(disc, input)| Command::Input { slot: disc.slot, input }).collect()
}

/// The stream itself, and its keyframes as if each snapshot were one.
fn match_stream(rounds: &[Vec<Snapshot>]) -> (Cost, Cost) {
    let (mut deltas, mut keyframes) = (Cost::default(), Cost::default());
    for (round, seed) in rounds.iter().zip(SEEDS) {
        let start = World::new(Mode::Brawl, seed, ROUND_TICKS);
        let (mut encoder, mut decoder) = (StreamEncoder::new(), StreamDecoder::new());
        apply(&mut decoder, &encoder.keyframe(&start));
        let (mut painter, mut viewer) = (StreamEncoder::new(), StreamDecoder::new());
        for Snapshot { ticks, world } in round {
            let delta = timed(&mut deltas.encoding, || encoder.delta(ticks, world));
            timed(&mut deltas.decoding, || apply(&mut decoder, &delta));
            assert_eq!(decoder.world(), Some(world), "seed {seed}, tick {}", world.tick);
            deltas.bytes.push(delta.len());

            let keyframe = timed(&mut keyframes.encoding, || painter.keyframe(world));
            timed(&mut keyframes.decoding, || apply(&mut viewer, &keyframe));
            assert_eq!(viewer.world(), Some(world), "seed {seed}, tick {}", world.tick);
            keyframes.bytes.push(keyframe.len());
            if world.elapsed().is_multiple_of(KEYFRAME_EVERY_TICKS) {
                apply(&mut decoder, &encoder.keyframe(world));
            }
        }
    }
    (deltas, keyframes)
}

/// The records of the stream, one for each snapshot.
fn stream_of(rounds: &[Vec<Snapshot>]) -> Vec<Vec<u8>> {
    let mut stream = Vec::new();
    for round in rounds {
        let mut encoder = StreamEncoder::new();
        stream.extend(round.iter().map(|snapshot| encoder.delta(&snapshot.ticks, &snapshot.world)));
    }
    stream
}

fn apply(decoder: &mut StreamDecoder, run: &[u8]) {
    for frame in records(run) {
        let applied =
            decoder.apply(frame.expect("a whole record")).expect("a frame of this version");
        assert_ne!(applied, Applied::End, "no frame ends the round here");
    }
}

fn timed<T>(time: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = work();
    *time += began.elapsed();
    made
}

fn tell(name: &str, cost: Cost, words: &str, report: &mut Report) {
    let Cost { mut bytes, encoding, decoding } = cost;
    let each = |time: Duration| time.as_secs_f64() * 1e9 / bytes.len() as f64;
    let (encode, decode) = (each(encoding), each(decoding));
    for (percent, words) in [(50, words), (90, ""), (99, "")] {
        let size = percentile(&mut bytes, percent) as f64;
        report.add(format!("{name}.bytes_p{percent}"), size, "B", words);
    }
    report.add(format!("{name}.encode_ns"), encode, "ns", "");
    report.add(format!("{name}.decode_ns"), decode, "ns", "");
}
