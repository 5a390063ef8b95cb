//! A recording that is played while it arrives.

use shared::api::ReplaySummary;
use shared::id::{ReplayId, RoomId};
use shared::replay::{ReplayHeader, ReplayWriter};
use shared::sim::{Mode, World};
use shared::snapshot::StreamEncoder;

use super::{Arrival, DownloadId, PlaybackState, Recording};

fn arriving() -> Recording {
    let summary = ReplaySummary {
        id: ReplayId::from_bits(1),
        room: RoomId::from_bits(1),
        mode: Mode::Duel,
        started_at_ms: 0,
        ticks: 1_200,
        bytes: 16,
        complete: true,
        players: Vec::new(),
    };
    Recording::downloading(&summary, DownloadId(7))
}

/// A round, and the beginning of its recording.
fn begun() -> (World, StreamEncoder, Vec<u8>) {
    let header = ReplayHeader {
        id: ReplayId::from_bits(1),
        room: RoomId::from_bits(1),
        mode: Mode::Duel,
        seed: 1,
        round_ticks: 1_200,
        started_at_ms: 0,
    };
    let (_, mut bytes) = ReplayWriter::new(&header);
    let (world, mut encoder) = (World::new(Mode::Duel, 1, 1_200), StreamEncoder::new());
    bytes.extend(encoder.keyframe(&world));
    (world, encoder, bytes)
}

/// The next ticks of the recording.
fn more(ticks: u32, world: &mut World, encoder: &mut StreamEncoder) -> Vec<u8> {
    let deltas = (0..ticks / 2).flat_map(|_| {
        (0..2).for_each(|_| drop(world.step(&[])));
        encoder.delta(&[Vec::new(), Vec::new()], world)
    });
    deltas.collect()
}

/// Advances in frames of 0.1 s. Returns by how many seconds the playhead moved.
fn pass(recording: &mut Recording, seconds: f32) -> f32 {
    let frames = (seconds / 0.1).round() as usize;
    let moved: f32 = (0..frames).map(|_| recording.advance(0.1)).sum();
    (moved * 100.0).round() / 100.0
}

fn is_waiting(recording: &Recording) -> bool {
    recording.player().state() == PlaybackState::Buffering
}

/// The next bytes arrive.
fn arrive(recording: &mut Recording, bytes: &[u8]) {
    recording.receive(recording.reader().bytes(), bytes);
}

#[test]
fn a_playhead_that_has_caught_up_waits_until_a_second_is_ahead() {
    let ((mut world, mut encoder, first), mut recording) = (begun(), arriving());
    arrive(&mut recording, &first);
    arrive(&mut recording, &more(50, &mut world, &mut encoder));
    let moved = pass(&mut recording, 0.1);
    assert_eq!((moved, is_waiting(&recording)), (0.0, true), "too little has arrived");

    arrive(&mut recording, &more(50, &mut world, &mut encoder));
    assert_eq!((pass(&mut recording, 0.5), is_waiting(&recording)), (0.5, false));
    pass(&mut recording, 5.0);
    assert_eq!((recording.seconds(), is_waiting(&recording)), (100.0 / 60.0, true));
    for _ in 0..2 {
        arrive(&mut recording, &more(20, &mut world, &mut encoder));
        assert_eq!(pass(&mut recording, 0.1), 0.0, "one chunk is not enough to play on");
    }
    assert!(recording.is_playing());

    arrive(&mut recording, &more(20, &mut world, &mut encoder));
    assert_eq!((pass(&mut recording, 0.1), is_waiting(&recording)), (0.1, false));
}

#[test]
fn a_complete_recording_is_played_to_its_end() {
    let ((mut world, mut encoder, first), mut recording) = (begun(), arriving());
    arrive(&mut recording, &first);
    arrive(&mut recording, &more(30, &mut world, &mut encoder));
    assert!(is_waiting(&recording));

    recording.set_arrival(Arrival::Complete);

    assert_eq!((pass(&mut recording, 0.2), is_waiting(&recording)), (0.2, false));
    pass(&mut recording, 5.0);
    assert_eq!((recording.seconds(), recording.is_playing()), (0.5, false));
    recording.jump_to(0.1);
    assert_eq!((is_waiting(&recording), recording.is_playing()), (false, false));
}

#[test]
fn a_divergence_is_reported_once() {
    let ((mut world, mut encoder, mut bytes), mut recording) = (begun(), arriving());
    bytes.extend(more(10, &mut world, &mut encoder));
    arrive(&mut recording, &bytes);
    assert!(!recording.is_newly_diverged());

    world.rng.0 ^= 1;
    arrive(&mut recording, &encoder.keyframe(&world));

    assert!(recording.is_newly_diverged());
    assert!(!recording.is_newly_diverged());
}

#[test]
fn a_recording_that_arrives_has_its_whole_length() {
    let mut recording = arriving();
    recording.receive(0, b"PUSHBACK");

    assert_eq!(recording.length(), 20.0);
    assert_eq!(recording.share(), 0.5);
    assert!(is_waiting(&recording));
    recording.receive(0, b"PUSH");
    assert_eq!(recording.share(), 0.25);
    assert_eq!(recording.arrival(), &Arrival::Arriving);
}

#[test]
fn a_file_that_is_no_recording_ends_the_download() {
    let mut recording = arriving();

    recording.receive(0, b"<html>");
    recording.set_arrival(Arrival::Complete);

    assert!(matches!(recording.arrival(), Arrival::Failed { .. }));
    assert!(!recording.is_arriving());
}
