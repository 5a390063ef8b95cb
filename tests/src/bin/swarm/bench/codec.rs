//! Bytes and time for a snapshot of sixteen who move.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use shared::sim::{BotStrength, Input, Slot, World, bot};
use shared::snapshot::{StreamDecoder, StreamEncoder, next_record};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};

use super::{changed, full_brawl};
use crate::swarm::hands::Hands;
use crate::swarm::report::{Report, percentile};

/// Matches for each kind of player.
const MATCHES: u64 = 6;

#[derive(Default)]
struct Sizes {
    deltas: Vec<u32>,
    keyframes: Vec<u32>,
    encoding: Duration,
    decoding: Duration,
    diverged: u32,
}

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    report.section("A snapshot: sixteen who move, thirty a second")?;
    let mut people = Sizes::default();
    let mut bots = Sizes::default();
    for seed in 0..MATCHES {
        let mut hands: Vec<_> = (0..16).map(|slot| Hands::new(seed * 16 + slot)).collect();
        people.play(seed, |_, slot| hands[usize::from(slot.0)].next());
        bots.play(seed, |world, slot| bot::think(world, slot, BotStrength::Keen));
    }
    people.tell(report, "codec.ours", "people with a mouse")?;
    bots.tell(report, "codec.bots", "bots")
}

impl Sizes {
    fn play(&mut self, seed: u64, mut input: impl FnMut(&World, Slot) -> Input) {
        let mut world = full_brawl(seed);
        let (mut encoder, mut decoder) = (StreamEncoder::new(), StreamDecoder::new());
        self.send(&mut decoder, || encoder.keyframe(&world));
        while !world.is_over() {
            let mut ticks = Vec::new();
            for _ in 0..SNAPSHOT_EVERY_TICKS {
                let commands = changed(&world, |slot| input(&world, slot));
                world.step(&commands);
                ticks.push(commands);
            }
            let bytes = self.send(&mut decoder, || encoder.delta(&ticks, &world));
            self.deltas.push(bytes);
            if world.elapsed().is_multiple_of(KEYFRAME_EVERY_TICKS) {
                let keyframe = encoder.keyframe(&world);
                self.keyframes.push(u32::try_from(keyframe.len()).unwrap_or(u32::MAX));
            }
        }
        self.diverged += decoder.diverged();
    }

    fn send(&mut self, decoder: &mut StreamDecoder, encode: impl FnOnce() -> Vec<u8>) -> u32 {
        let began = Instant::now();
        let record = encode();
        let encoded = Instant::now();
        if let Ok(Some((frame, _))) = next_record(&record) {
            // What cannot be decoded leaves the world behind, which the divergence shows.
            decoder.apply(frame).ok();
        }
        self.decoding += encoded.elapsed();
        self.encoding += encoded - began;
        u32::try_from(record.len()).unwrap_or(u32::MAX)
    }

    fn tell(mut self, report: &mut Report, key: &str, who: &str) -> Result<()> {
        ensure!(self.diverged == 0, "the decoder went elsewhere {} times", self.diverged);
        self.deltas.sort_unstable();
        self.keyframes.sort_unstable();
        let count = self.deltas.len().max(1) as f64;
        let mean = self.deltas.iter().copied().map(f64::from).sum::<f64>() / count;
        let mut tell = |name: &str, what: &str, value: f64, unit: &str| {
            report.figure(&format!("{key}.{name}"), &format!("{who}: {what}"), value, unit)
        };
        tell("bytes_p50", "bytes, p50", percentile(&self.deltas, 50), "B")?;
        tell("bytes_p90", "bytes, p90", percentile(&self.deltas, 90), "B")?;
        tell("bytes_p99", "bytes, p99", percentile(&self.deltas, 99), "B")?;
        tell("bytes_per_mover", "bytes a mover, mean", mean / 16.0, "B")?;
        tell("keyframe_bytes", "keyframe, p50", percentile(&self.keyframes, 50), "B")?;
        tell("encode_ns", "encoding", self.encoding.as_nanos() as f64 / count, "ns")?;
        tell(
            "decode_ns",
            "decoding (with both steps)",
            self.decoding.as_nanos() as f64 / count,
            "ns",
        )
    }
}
