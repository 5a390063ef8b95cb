//! The longest recordings possible, and files that try to cost a reader more memory than they have bytes.

use super::{
    FRAMES_MAX, INDEX_BYTES_MAX, KEYFRAMES_MAX, MARKERS_MAX, ROSTERS_MAX, ReplayError, ReplayReader,
};
use crate::id::{PlayerId, PlayerName, ReplayId, RoomId};
use crate::replay::{ReplayHeader, ReplayWriter};
use crate::sim::mode::ROUND_TICKS_MAX;
use crate::sim::{Event, Mode, Slot, World};
use crate::snapshot::{DecodeError, FRAME_BYTES_MAX, Roster, RosterEntry, StreamEncoder};
use crate::tick::{KEYFRAME_EVERY_TICKS, Tick};

/// A round that has just begun, and the bytes that its recording begins with.
fn begun(round_ticks: u32) -> (World, ReplayWriter, Vec<u8>) {
    let header = ReplayHeader {
        id: ReplayId::from_bits(u64::MAX),
        room: RoomId::from_bits(u64::MAX),
        mode: Mode::Brawl,
        seed: 1,
        round_ticks,
        started_at_ms: u64::MAX,
    };
    let (writer, preamble) = ReplayWriter::new(&header);
    (World::new(Mode::Brawl, 1, round_ticks), writer, preamble)
}

fn roster(of: &str) -> Roster {
    let entry = RosterEntry {
        slot: Slot(0),
        player: PlayerId::from_bits(1),
        name: PlayerName::parse(of).expect("a good name"),
        bot: None,
        team: 0,
        reconnecting: false,
    };
    Roster { entries: vec![entry] }
}

#[test]
fn the_longest_index_can_be_read() {
    let (mut world, mut writer, mut file) = begun(ROUND_TICKS_MAX);
    let mut encoder = StreamEncoder::new();
    let taken = Event::LeadChange { slot: Slot(15) };
    loop {
        let keyframe = encoder.keyframe(&world);
        writer.record(&keyframe, world.elapsed());
        file.extend(keyframe);
        writer.events(world.tick, world.began, &[taken; 20]);
        if world.is_over() {
            break;
        }
        world.tick = world.tick.plus(KEYFRAME_EVERY_TICKS);
    }
    let more: Vec<_> = (0..MARKERS_MAX).map(|_| taken).collect();
    writer.events(world.tick, world.began, &more);
    let last = writer.finish(&world);
    assert!(last.len() > FRAME_BYTES_MAX && last.len() < INDEX_BYTES_MAX, "{}", last.len());
    file.extend(last);

    let mut reader = ReplayReader::new();
    reader.push(&file).expect("a recording as it is written");

    assert!(reader.is_complete() && reader.is_verified());
    let index = reader.index().expect("an index");
    assert_eq!((index.keyframes.len(), index.markers.len()), (KEYFRAMES_MAX, MARKERS_MAX));
}

#[test]
fn a_frame_before_the_end_may_not_be_as_long_as_an_index() {
    let (world, _, mut file) = begun(600);
    file.extend(StreamEncoder::new().keyframe(&world));
    let too_long = FRAME_BYTES_MAX + 1;
    file.extend(crate::snapshot::record(&vec![0; too_long]));

    let refused = ReplayReader::new().push(&file);

    assert_eq!(refused, Err(ReplayError::Damaged(DecodeError::TooLong(too_long))));
}

#[test]
fn deltas_that_change_nothing_are_refused() {
    let is_refused = |delta: Vec<u8>, round_ticks: u32| {
        let (world, _, mut file) = begun(round_ticks);
        file.extend(StreamEncoder::new().keyframe(&world));
        file.extend(delta);
        ReplayReader::new().push(&file)
            == Err(DecodeError::Malformed("a delta that changes nothing").into())
    };
    let (world, ..) = begun(0);
    let later = World { tick: Tick(2), ..world.clone() };

    let without_ticks = StreamEncoder::new().delta(&[], &world);
    let behind_the_end = StreamEncoder::new().delta(&[vec![], vec![]], &later);

    assert!(is_refused(without_ticks, 600));
    assert!(is_refused(behind_the_end.clone(), 0));
    assert!(!is_refused(behind_the_end, 600));
}

#[test]
fn a_recording_does_not_go_backwards() {
    let (mut world, _, mut file) = begun(600);
    let mut encoder = StreamEncoder::new();
    world.tick = Tick(240);
    file.extend(encoder.keyframe(&world));
    world.tick = Tick(120);
    file.extend(encoder.keyframe(&world));

    let mut reader = ReplayReader::new();
    let refused = reader.push(&file);

    assert_eq!(refused, Err(DecodeError::Malformed("the round goes backwards").into()));
    assert_eq!(reader.available_ticks(), 240);
}

#[test]
fn there_are_no_more_frames_than_the_longest_round_has() {
    let (world, _, preamble) = begun(600);
    let keyframe = StreamEncoder::new().keyframe(&world);
    let mut reader = ReplayReader::new();
    reader.push(&preamble).unwrap();

    reader.push(&keyframe.repeat(FRAMES_MAX)).expect("as many as there may be");
    let refused = reader.push(&keyframe);

    assert!(matches!(refused, Err(ReplayError::Damaged(DecodeError::Malformed(_)))), "{refused:?}");
}

#[test]
fn rosters_that_say_nothing_new_are_not_kept() {
    let (mut world, _, mut file) = begun(600);
    let mut encoder = StreamEncoder::new();
    let mut reader = ReplayReader::new();
    file.extend(encoder.keyframe(&world));
    file.extend(encoder.roster(&roster("Ada")).repeat(1_000));
    world.tick = Tick(60);
    file.extend(encoder.keyframe(&world));
    file.extend(encoder.roster(&roster("Ada")));
    world.tick = Tick(120);
    file.extend(encoder.keyframe(&world));
    for _ in 0..1_000 {
        file.extend(encoder.roster(&roster("Bob")));
        file.extend(encoder.roster(&roster("Cid")));
    }

    reader.push(&file).unwrap();

    assert_eq!(reader.rosters, [(0, roster("Ada")), (120, roster("Cid"))]);
    assert_eq!(reader.roster_at(60).name(Slot(0)), "Ada");
    assert_eq!(reader.roster_at(120), reader.roster());
}

#[test]
fn rosters_are_kept_up_to_a_bound() {
    let (mut world, _, preamble) = begun(ROUND_TICKS_MAX);
    let mut encoder = StreamEncoder::new();
    let mut reader = ReplayReader::new();
    reader.push(&preamble).unwrap();
    let names = [roster("Ada"), roster("Bob")];

    for (tick, name) in (0..ROSTERS_MAX + 10).zip(names.iter().cycle()) {
        world.tick = Tick(tick as u32);
        reader.push(&encoder.keyframe(&world)).unwrap();
        reader.push(&encoder.roster(name)).unwrap();
    }

    assert_eq!(reader.rosters.len(), ROSTERS_MAX);
    assert_eq!(reader.roster(), &names[(ROSTERS_MAX + 9) % 2], "the newest is known all the same");
}
