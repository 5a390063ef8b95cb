//! What the match stream costs, in bytes and in time, on rounds that sixteen bots play.

use std::time::Instant;

use shared::sim::mode::ROUND_TICKS;
use shared::sim::{BotStrength, Command, Mode, Slot, World, bot};
use shared::snapshot::{Applied, StreamDecoder, StreamEncoder, records};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};

use super::Report;
use super::report::percentile;

/// Encodes and decodes rounds; the decoded world must be the encoded one, bit for bit.
///
/// # Panics
/// When it is not.
pub fn measure(report: &mut Report) {
    let (mut deltas, mut keyframes) = (Vec::new(), Vec::new());
    let (mut encoding, mut decoding) = (0.0, 0.0);
    for seed in 0..4 {
        let mut world = World::new(Mode::Brawl, seed, ROUND_TICKS);
        let mut encoder = StreamEncoder::new();
        let mut decoder = StreamDecoder::new();
        let mut joins: Vec<_> =
            (0..16).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
        apply(&mut decoder, &encoder.keyframe(&world));
        while !world.is_over() {
            let mut ticks = Vec::new();
            for _ in 0..SNAPSHOT_EVERY_TICKS {
                let mut commands = core::mem::take(&mut joins);
                commands.extend(inputs(&world));
                world.step(&commands);
                ticks.push(commands);
            }
            let began = Instant::now();
            let delta = encoder.delta(&ticks, &world);
            encoding += began.elapsed().as_secs_f64();
            let began = Instant::now();
            apply(&mut decoder, &delta);
            decoding += began.elapsed().as_secs_f64();
            assert_eq!(decoder.world(), Some(&world), "seed {seed}, tick {}", world.tick);
            deltas.push(delta.len());
            if world.elapsed().is_multiple_of(KEYFRAME_EVERY_TICKS) {
                keyframes.push(encoder.keyframe(&world).len());
            }
        }
    }
    let snapshots = deltas.len() as f64;
    let p50 = percentile(&mut deltas, 50) as f64;
    report.add("codec.ours.bytes_p50", p50, "B", "a snapshot of 16 bots, length included");
    report.add("codec.ours.bytes_p90", percentile(&mut deltas, 90) as f64, "B", "");
    report.add("codec.ours.bytes_p99", percentile(&mut deltas, 99) as f64, "B", "");
    report.add("codec.ours.bytes_per_mover", p50 / 16.0, "B", "");
    let keyframe = percentile(&mut keyframes, 50) as f64;
    report.add("codec.ours.keyframe_bytes", keyframe, "B", "a whole world");
    report.add("codec.ours.encode_ns", encoding * 1e9 / snapshots, "ns", "a snapshot");
    report.add("codec.ours.decode_ns", decoding * 1e9 / snapshots, "ns", "its two steps included");
}

fn inputs(world: &World) -> Vec<Command> {
    let thought = |slot| Command::Input { slot, input: bot::think(world, slot, BotStrength::Keen) };
    world.discs.iter().map(|disc| thought(disc.slot)).collect()
}

fn apply(decoder: &mut StreamDecoder, run: &[u8]) {
    for frame in records(run) {
        let applied =
            decoder.apply(frame.expect("a whole record")).expect("a frame of this version");
        assert_ne!(applied, Applied::End, "no frame ends the round here");
    }
}
