//! The match stream, and files of it.

use std::sync::OnceLock;

use shared::replay::{Playback, ReplayReader};
use shared::sim::{Command, Mode, Slot, World};
use shared::snapshot::{StreamDecoder, StreamEncoder, records, relay};

/// Ticks that the longest bytes may ask for before a target stops looking: otherwise few cases a second are tried.
const TICKS_MAX: u32 = 2_000;

/// Frames after the beginning of a real match: otherwise few bytes would get as far as a delta.
pub(super) fn match_stream(bytes: &[u8]) {
    static OPENED: OnceLock<StreamDecoder> = OnceLock::new();
    let opened = OPENED.get_or_init(|| opened(StreamDecoder::new(), Mode::Brawl));
    follow(StreamDecoder::new(), opened, bytes);
}

/// The same for a player of a crowd.
pub(super) fn crowd_stream(bytes: &[u8]) {
    static OPENED: OnceLock<StreamDecoder> = OnceLock::new();
    let opened = OPENED.get_or_init(|| opened(StreamDecoder::for_player(), Mode::Crowd));
    follow(StreamDecoder::for_player(), opened, bytes);
}

/// An even first byte begins behind the opening of a match, an odd one before everything.
fn follow(new: StreamDecoder, opened: &StreamDecoder, bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut decoder = if first % 2 == 0 { opened.clone() } else { new };
    for frame in records(bytes) {
        let Ok(frame) = frame else { return };
        let before = decoder.world().cloned();
        if decoder.apply(frame).is_err() {
            assert_eq!(decoder.world(), before.as_ref(), "an error leaves the world as it was");
        }
        if decoder.world().is_some_and(|world| world.elapsed() > TICKS_MAX) {
            return;
        }
    }
}

/// The decoder behind the opening of a match.
fn opened(mut decoder: StreamDecoder, mode: Mode) -> StreamDecoder {
    for frame in records(&opening(mode)) {
        let frame = frame.expect("the opening consists of records");
        decoder.apply(frame).expect("the opening is decoded");
    }
    decoder
}

/// A keyframe and a second of four discs that drive apart.
fn opening(mode: Mode) -> Vec<u8> {
    let (mut world, mut encoder) = (world(mode), StreamEncoder::new());
    let mut stream = encoder.keyframe(&world);
    for _ in 0..30 {
        world.step(&[]);
        stream.extend(encoder.delta(&[Vec::new()], &world));
    }
    stream
}

fn world(mode: Mode) -> World {
    let mut world = World::new(mode, 1, 3_600);
    let joins = (0..4).map(|slot| Command::Join { slot: Slot(slot), team: 0 });
    world.step(&joins.collect::<Vec<_>>());
    world
}

pub(super) fn relayed_inputs(bytes: &[u8]) {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| world(Mode::Brawl));
    let Ok(inputs) = relay::decode(bytes, world) else { return };
    let record = relay::encode(world, &inputs);
    let again = records(&record).flatten().next().map(|frame| relay::decode(frame, world));
    assert_eq!(again.unwrap_or_else(|| Ok(Vec::new())), Ok(inputs));
}

/// A file that arrives whole, and in pieces as long as the first byte says.
pub(super) fn replay_file(bytes: &[u8]) {
    let Some((piece, file)) = bytes.split_first() else { return };
    let (mut whole, mut pieces) = (ReplayReader::new(), ReplayReader::new());
    let outcome = whole.push(file);
    let cut = file.chunks(usize::from(*piece).max(1)).try_for_each(|piece| pieces.push(piece));

    assert_eq!(outcome, cut, "in pieces of {piece}");
    let seen = |reader: &ReplayReader| {
        let ticks = (reader.first_tick(), reader.available_ticks());
        (ticks, reader.is_complete(), reader.is_verified(), reader.markers().to_vec())
    };
    assert_eq!(seen(&whole), seen(&pieces));
    assert_eq!(whole.newest(), pieces.newest());

    let last = whole.available_ticks().min(whole.first_tick().saturating_add(TICKS_MAX));
    let mut playback = Playback::new();
    playback.seek(&whole, last);
    playback.seek(&whole, whole.first_tick());
    drop(playback.advance_to(&whole, last));
}
