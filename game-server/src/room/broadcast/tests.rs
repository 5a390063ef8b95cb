//! What readers of a broadcast log see.

use shared::protocol::ServerMessage;
use shared::tick::Tick;

use super::log::ENTRIES_KEPT;
use super::{BroadcastLog, LogCursor, SharedBatch};

/// A roster has to be a whole record, with its length before it; the other records are only copied.
fn texts(frames: Vec<bytes::Bytes>) -> Vec<String> {
    let payload = |frame: &bytes::Bytes| frame.slice(if frame[1] < 126 { 2 } else { 4 }..);
    let text = |frame| match ServerMessage::decode(&payload(&frame)).unwrap() {
        ServerMessage::Frames(records) => String::from_utf8(records).unwrap(),
        other => format!("{other:?}"),
    };
    frames.into_iter().map(text).collect()
}

fn taken(reader: &mut LogCursor) -> Vec<String> {
    let mut frames = Vec::new();
    reader.take_frames(&mut frames);
    texts(frames)
}

#[test]
fn readers_that_are_up_to_date_share_one_encoding() {
    let log = BroadcastLog::new();
    let (mut ada, mut bob) = (LogCursor::new(log.reader()), LogCursor::new(log.reader()));
    log.begin_round(Vec::new(), b"\x01R", b"K");
    assert_eq!(taken(&mut ada), ["\x01RK"]);
    assert_eq!(taken(&mut bob), ["\x01RK"]);

    log.push_delta(b"d1", b"");
    let (mut for_ada, mut for_bob) = (Vec::new(), Vec::new());
    ada.take_frames(&mut for_ada);
    bob.take_frames(&mut for_bob);

    assert_eq!(for_ada[0].as_ptr(), for_bob[0].as_ptr());
    assert_eq!(texts(for_ada), ["d1"]);
    assert!(taken(&mut ada).is_empty());
}

#[test]
fn a_batch_is_for_all_cursors_where_the_shared_one_was() {
    let log = BroadcastLog::new();
    let (mut shared, mut ada) = (SharedBatch::new(log.reader()), LogCursor::new(log.reader()));
    let (mut in_crowd, mut newcomer) =
        (LogCursor::for_crowd(log.reader()), LogCursor::new(log.reader()));
    log.begin_round(Vec::new(), b"\x01R", b"K");
    assert_eq!(shared.take().place, None, "it begins: others may not");
    for cursor in [&mut ada, &mut in_crowd] {
        taken(cursor);
    }

    log.push_delta(b"d1", b"");
    let batch = shared.take();

    assert_eq!(texts(batch.frames.to_vec()), ["d1"]);
    assert!(ada.skip_batch(batch.place, log.end()) && taken(&mut ada).is_empty());
    assert!(!in_crowd.skip_batch(batch.place, log.end()) && taken(&mut in_crowd).is_empty());
    assert!(!newcomer.skip_batch(batch.place, log.end()));
    (0..2 * ENTRIES_KEPT).for_each(|_| log.push_delta(b"d", b""));
    log.set_keyframe(b"L");
    (0..2 * ENTRIES_KEPT).for_each(|_| log.push_delta(b"d", b""));
    assert_eq!(shared.take().place, None, "the log has left it behind");
    assert!(!newcomer.skip_batch(None, log.end()));
}

#[test]
fn a_reader_that_was_late_takes_everything_at_once() {
    let log = BroadcastLog::new();
    let mut reader = LogCursor::new(log.reader());
    log.begin_round(Vec::new(), b"\x01R", b"K");
    taken(&mut reader);

    log.push_delta(b"d1", b"");
    log.push_delta(b"d2", b"");
    log.push_message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    log.push_delta(b"d3", b"");

    assert_eq!(taken(&mut reader), ["d1d2", "Pong { nonce: 1, tick: Tick(2) }", "d3"]);
    let skips = reader.take_skips();
    assert_eq!((skips.restarts, skips.keyframes), (0, 1));
}

#[test]
fn relayed_inputs_are_for_readers_that_are_up_to_date_and_for_no_file() {
    let log = BroadcastLog::new();
    let (mut ada, mut busy) = (LogCursor::new(log.reader()), LogCursor::new(log.reader()));
    log.begin_round(b"P".to_vec(), b"\x01R", b"K");
    taken(&mut ada);
    taken(&mut busy);

    log.push_delta(b"d1", b"a1");
    assert_eq!(taken(&mut ada), ["d1a1"]);
    log.push_delta(b"d2", b"a2");

    assert_eq!(taken(&mut ada), ["d2a2"]);
    assert_eq!(taken(&mut busy), ["d1d2"], "relayed inputs arrive with their ticks");
    let (mut file, mut bytes) = (LogCursor::new(log.reader()), Vec::new());
    file.take_records(None, &mut bytes);
    assert_eq!(bytes, b"\x01RKd1d2");
}

#[test]
fn a_reader_left_behind_starts_from_the_newest_keyframe() {
    let log = BroadcastLog::new();
    let mut reader = LogCursor::new(log.reader());
    log.begin_round(Vec::new(), b"\x01R", b"K");
    taken(&mut reader);

    (0..ENTRIES_KEPT).for_each(|_| log.push_delta(b"-", b""));
    log.set_keyframe(b"L");
    (0..ENTRIES_KEPT).for_each(|_| log.push_delta(b".", b""));

    assert_eq!(taken(&mut reader), ["\x01RL".to_owned(), ".".repeat(ENTRIES_KEPT)]);
    let skips = reader.take_skips();
    assert_eq!((skips.restarts, skips.keyframes), (1, 2));
    assert_eq!(skips.entries, ENTRIES_KEPT as u64);
}

#[test]
fn a_desynced_client_gets_a_keyframe_and_no_result_twice() {
    let log = BroadcastLog::new();
    let mut reader = LogCursor::new(log.reader());
    log.begin_round(Vec::new(), b"\x01R", b"K");
    log.push_delta(b"d1", b"");
    taken(&mut reader);
    log.set_keyframe(b"L");
    log.push_delta(b"d2", b"");

    reader.resync();

    assert_eq!(taken(&mut reader), ["\x01RL", "d2"]);
    log.end_round(b"E");
    log.push_message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    taken(&mut reader);
    reader.resync();
    assert!(taken(&mut reader).is_empty(), "nothing follows a round that is over");
    assert_eq!(reader.take_skips().restarts, 0);
}

#[test]
fn a_late_reader_of_one_round_sees_where_it_ends() {
    let log = BroadcastLog::new();
    let mut reader = LogCursor::new(log.reader());
    log.begin_round(b"P".to_vec(), b"\x01R", b"K");
    let mut bytes = Vec::new();
    let stream = reader.take_records(None, &mut bytes);
    assert_eq!((stream.round, stream.has_ended, &bytes[..]), (1, false, &b"\x01RK"[..]));

    log.push_delta(b"d", b"");
    log.end_round(b"E");
    log.push_message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    bytes.clear();
    let stream = reader.take_records(Some(1), &mut bytes);
    assert_eq!((stream.has_ended, &bytes[..]), (true, &b"dE"[..]));

    log.begin_round(b"P".to_vec(), b"\x01R", b"K");
    assert_eq!(reader.take_records(Some(1), &mut bytes).round, 2);
}

#[test]
fn a_reader_that_polls_misses_nothing_or_starts_again() {
    let log = BroadcastLog::new();
    let reader = log.reader();
    assert_eq!(reader.since(None), None, "no round yet");
    log.begin_round(b"P".to_vec(), b"\x01R", b"K");
    log.push_delta(b"d1", b"");
    let (bytes, place) = reader.since(None).unwrap();
    assert_eq!(bytes, b"P\x01RKd1");

    log.push_delta(b"d2", b"");
    log.push_message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    let (bytes, later) = reader.since(Some(place)).unwrap();
    assert_eq!(bytes, b"d2");
    assert_eq!(reader.since(Some(later)).unwrap(), (Vec::new(), later));

    // A place that the log has left behind, and one that never was.
    (0..ENTRIES_KEPT).for_each(|_| log.push_delta(b"-", b""));
    log.set_keyframe(b"L");
    log.push_delta(b"e", b"");
    assert_eq!(reader.since(Some(place)).unwrap().0, b"P\x01RLe");
    let nowhere = shared::feed::Cursor { sequence: later.sequence + 9_999, ..later };
    assert_eq!(reader.since(Some(nowhere)).unwrap().0, b"P\x01RLe");

    // A reader of the round sees its end. A round that is over cannot be entered.
    let (_, place) = reader.since(None).unwrap();
    log.end_round(b"E");
    assert_eq!(reader.since(Some(place)).unwrap().0, b"E");
    assert_eq!(reader.since(None), None);
    log.begin_round(b"Q".to_vec(), b"\x01S", b"M");
    assert_eq!(reader.since(Some(place)).unwrap().0, b"Q\x01SM");
}
