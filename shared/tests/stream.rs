//! Properties of the match stream: the decoder has the world of the encoder, whatever happens on the way.

#[path = "support/recorded.rs"]
mod recorded;

use recorded::record;
use shared::replay::{Playback, ReplayReader};
use shared::sim::Mode;
use shared::sim::determinism::SeededMatch;
use shared::sim::rng::Rng;
use shared::snapshot::{StreamDecoder, StreamEncoder, records};

#[test]
fn a_recording_replays_the_match_in_chunks_of_any_size() {
    for seed in 0..60 {
        let recorded = record(seed);
        let mut reader = ReplayReader::new();
        let mut rng = Rng(seed);

        let mut rest = recorded.file.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(rest.len().min(1 + rng.below(3_000) as usize));
            reader.push(chunk).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            rest = later;
        }

        assert!(reader.is_complete() && reader.is_verified(), "seed {seed}");
        assert_eq!(reader.diverged(), 0, "seed {seed}");
        assert_eq!(reader.markers(), reader.index().unwrap().markers, "seed {seed}");
        let mut playback = Playback::new();
        for world in &recorded.worlds {
            playback.advance_to(&reader, world.elapsed());
            assert_eq!(playback.world(), Some(world), "seed {seed}");
        }
        for _ in 0..20 {
            let wanted = &recorded.worlds[rng.below(recorded.worlds.len() as u32) as usize];
            playback.seek(&reader, wanted.elapsed());
            assert_eq!(playback.world(), Some(wanted), "seed {seed}, tick {}", wanted.tick);
        }
    }
}

#[test]
fn a_recording_that_was_cut_plays_up_to_the_cut() {
    let recorded = record(5);
    let mut rng = Rng(1);
    for _ in 0..100 {
        let cut = 200 + rng.below(recorded.file.len() as u32 - 200) as usize;
        let mut reader = ReplayReader::new();

        reader.push(&recorded.file[..cut]).unwrap();

        let mut playback = Playback::new();
        playback.seek(&reader, u32::MAX);
        assert_eq!(playback.tick(), reader.available_ticks(), "cut at {cut}");
    }
}

#[test]
fn any_damage_is_an_error_and_never_a_panic() {
    let recorded = record(9);
    for seed in 0..3_000 {
        let mut rng = Rng(seed);
        let mut file = recorded.file.clone();
        for _ in 0..=rng.below(4) {
            let index = rng.below(file.len() as u32) as usize;
            file[index] = rng.next_u64() as u8;
        }
        file.truncate(rng.below(file.len() as u32 * 2) as usize);

        let mut reader = ReplayReader::new();
        let outcome = reader.push(&file);

        let untouched = recorded.file.starts_with(&file);
        assert!(
            outcome.is_err() || untouched || !reader.is_verified() || file == recorded.file,
            "seed {seed}"
        );
    }
}

#[test]
fn any_bytes_decode_to_a_world_that_can_be_stepped_or_to_an_error() {
    let mut keyframe = StreamEncoder::new();
    let whole = keyframe.keyframe(&record(3).worlds[400]);
    let whole = records(&whole).next().unwrap().unwrap().to_vec();
    for seed in 0..20_000 {
        let mut rng = Rng(seed);
        let mut bytes = if seed % 2 == 0 {
            whole.clone()
        } else {
            // The right kind and format, then anything.
            let anything = |_| rng.next_u64() as u8;
            whole[..1].iter().copied().chain((0..300).map(anything)).collect()
        };
        for _ in 0..rng.below(20) {
            let index = rng.below(bytes.len() as u32) as usize;
            bytes[index] = rng.next_u64() as u8;
        }
        let mut decoder = StreamDecoder::new();
        if decoder.apply(&bytes).is_ok()
            && let Some(mut world) = decoder.world().cloned()
        {
            for _ in 0..30 {
                world.step(&[]);
            }
        }
    }
}

#[test]
fn a_snapshot_is_small() {
    let brawl = (0..).find(|seed| SeededMatch::new(*seed).world.mode == Mode::Brawl).unwrap();
    let recorded = record(brawl);
    let percentile = |sizes: &[usize], percent: usize| {
        let mut sizes = sizes.to_vec();
        sizes.sort_unstable();
        sizes[(sizes.len() - 1) * percent / 100]
    };
    assert!(recorded.worlds.iter().any(|world| world.discs.len() == 16));
    assert!(percentile(&recorded.deltas, 50) <= 48);
    assert!(percentile(&recorded.keyframes, 50) <= 400);
}

#[test]
fn a_divergence_is_counted_once_though_a_keyframe_shows_it_again() {
    let mut game = SeededMatch::new(3);
    let mut encoder = StreamEncoder::new();
    let mut decoder = StreamDecoder::new();
    let take = |run: &[u8], decoder: &mut StreamDecoder| {
        records(run).for_each(|frame| drop(decoder.apply(frame.unwrap()).unwrap()));
    };
    take(&encoder.keyframe(&game.world), &mut decoder);
    while game.world.elapsed() < 118 {
        let commands = game.commands();
        game.world.step(&commands);
        take(&encoder.delta(&[commands], &game.world), &mut decoder);
    }
    // A world with other random numbers.
    let mut other = game.world.clone();
    other.rng.0 ^= 1;
    take(&StreamEncoder::new().keyframe(&other), &mut decoder);
    let before = decoder.diverged();
    while game.world.elapsed() < 120 {
        let commands = game.commands();
        game.world.step(&commands);
        take(&encoder.delta(&[commands], &game.world), &mut decoder);
    }
    assert_eq!(decoder.diverged(), before + 1, "the checksum of the second says so");

    take(&encoder.keyframe(&game.world), &mut decoder);

    assert_eq!(decoder.diverged(), before + 1, "and the keyframe of the same tick heals it");
    assert_eq!(decoder.world(), Some(&game.world));
}
