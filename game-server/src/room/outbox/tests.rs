//! What readers of an outbox see.

use shared::protocol::ServerMessage;
use shared::tick::Tick;

use super::{Outbox, WINDOW_ENTRIES};

/// A roster is a record, with its length before it; the rest is not looked into.
fn texts(frames: Vec<bytes::Bytes>) -> Vec<String> {
    let payload = |frame: &bytes::Bytes| frame.slice(if frame[1] < 126 { 2 } else { 4 }..);
    let text = |frame| match ServerMessage::decode(&payload(&frame)).unwrap() {
        ServerMessage::Frames(records) => String::from_utf8(records).unwrap(),
        other => format!("{other:?}"),
    };
    frames.into_iter().map(text).collect()
}

fn taken(reader: &mut super::Reader) -> Vec<String> {
    let mut frames = Vec::new();
    reader.take_frames(&mut frames);
    texts(frames)
}

#[test]
fn readers_in_step_share_one_encoding() {
    let outbox = Outbox::new();
    let (mut ada, mut bob) = (outbox.outlet().reader(), outbox.outlet().reader());
    outbox.begin(Vec::new(), b"\x01R", b"K");
    assert_eq!(taken(&mut ada), ["\x01RK"]);
    assert_eq!(taken(&mut bob), ["\x01RK"]);

    outbox.record(b"d1", b"");
    let (mut for_ada, mut for_bob) = (Vec::new(), Vec::new());
    ada.take_frames(&mut for_ada);
    bob.take_frames(&mut for_bob);

    assert_eq!(for_ada[0].as_ptr(), for_bob[0].as_ptr());
    assert_eq!(texts(for_ada), ["d1"]);
    assert!(taken(&mut ada).is_empty());
}

#[test]
fn what_one_takes_for_all_is_for_those_who_are_where_it_was() {
    let outbox = Outbox::new();
    let (mut herald, mut ada) = (outbox.outlet().reader(), outbox.outlet().reader());
    let (mut words, mut newcomer) = (outbox.outlet().reader_of_words(), outbox.outlet().reader());
    let mut frames = Vec::new();
    outbox.begin(Vec::new(), b"\x01R", b"K");
    assert_eq!(herald.take_for_all(&mut frames), None, "it begins: others may not");
    for reader in [&mut ada, &mut words] {
        taken(reader);
    }

    outbox.record(b"d1", b"");
    let place = herald.take_for_all(&mut frames);

    assert_eq!(texts(frames.clone()), ["d1"]);
    assert!(ada.goes_along(place, outbox.end()) && taken(&mut ada).is_empty());
    assert!(!words.goes_along(place, outbox.end()) && taken(&mut words).is_empty());
    assert!(!newcomer.goes_along(place, outbox.end()));
    (0..2 * WINDOW_ENTRIES).for_each(|_| outbox.record(b"d", b""));
    outbox.keyframe(b"L");
    (0..2 * WINDOW_ENTRIES).for_each(|_| outbox.record(b"d", b""));
    assert_eq!(herald.take_for_all(&mut frames), None, "the window has left it behind");
    assert!(!newcomer.goes_along(None, outbox.end()));
}

#[test]
fn a_reader_that_was_busy_takes_all_at_once() {
    let outbox = Outbox::new();
    let mut reader = outbox.outlet().reader();
    outbox.begin(Vec::new(), b"\x01R", b"K");
    taken(&mut reader);

    outbox.record(b"d1", b"");
    outbox.record(b"d2", b"");
    outbox.message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    outbox.record(b"d3", b"");

    assert_eq!(taken(&mut reader), ["d1d2", "Pong { nonce: 1, tick: Tick(2) }", "d3"]);
    let skips = reader.take_skips();
    assert_eq!((skips.restarts, skips.keyframes), (0, 1));
}

#[test]
fn an_aside_is_for_those_in_step_and_for_no_file() {
    let outbox = Outbox::new();
    let (mut ada, mut busy) = (outbox.outlet().reader(), outbox.outlet().reader());
    outbox.begin(b"P".to_vec(), b"\x01R", b"K");
    taken(&mut ada);
    taken(&mut busy);

    outbox.record(b"d1", b"a1");
    assert_eq!(taken(&mut ada), ["d1a1"]);
    outbox.record(b"d2", b"a2");

    assert_eq!(taken(&mut ada), ["d2a2"]);
    assert_eq!(taken(&mut busy), ["d1d2"], "what was announced comes with its tick");
    let (mut file, mut bytes) = (outbox.outlet().reader(), Vec::new());
    file.take_records(None, &mut bytes);
    assert_eq!(bytes, b"\x01RKd1d2");
}

#[test]
fn a_reader_left_behind_starts_from_the_newest_keyframe() {
    let outbox = Outbox::new();
    let mut reader = outbox.outlet().reader();
    outbox.begin(Vec::new(), b"\x01R", b"K");
    taken(&mut reader);

    (0..WINDOW_ENTRIES).for_each(|_| outbox.record(b"-", b""));
    outbox.keyframe(b"L");
    (0..WINDOW_ENTRIES).for_each(|_| outbox.record(b".", b""));

    assert_eq!(taken(&mut reader), ["\x01RL".to_owned(), ".".repeat(WINDOW_ENTRIES)]);
    let skips = reader.take_skips();
    assert_eq!((skips.restarts, skips.keyframes), (1, 2));
    assert_eq!(skips.entries, WINDOW_ENTRIES as u64);
}

#[test]
fn a_client_that_lost_the_thread_gets_a_keyframe_and_no_result_twice() {
    let outbox = Outbox::new();
    let mut reader = outbox.outlet().reader();
    outbox.begin(Vec::new(), b"\x01R", b"K");
    outbox.record(b"d1", b"");
    taken(&mut reader);
    outbox.keyframe(b"L");
    outbox.record(b"d2", b"");

    reader.heal();

    assert_eq!(taken(&mut reader), ["\x01RL", "d2"]);
    outbox.finish(b"E");
    outbox.message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    taken(&mut reader);
    reader.heal();
    assert!(taken(&mut reader).is_empty(), "nothing follows a round that is over");
    assert_eq!(reader.take_skips().restarts, 0);
}

#[test]
fn a_late_reader_of_one_round_sees_where_it_ends() {
    let outbox = Outbox::new();
    let mut reader = outbox.outlet().reader();
    outbox.begin(b"P".to_vec(), b"\x01R", b"K");
    let mut bytes = Vec::new();
    let stream = reader.take_records(None, &mut bytes);
    assert_eq!((stream.round, stream.ended, &bytes[..]), (1, false, &b"\x01RK"[..]));

    outbox.record(b"d", b"");
    outbox.finish(b"E");
    outbox.message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    bytes.clear();
    let stream = reader.take_records(Some(1), &mut bytes);
    assert_eq!((stream.ended, &bytes[..]), (true, &b"dE"[..]));

    outbox.begin(b"P".to_vec(), b"\x01R", b"K");
    assert_eq!(reader.take_records(Some(1), &mut bytes).round, 2);
}

#[test]
fn who_looks_now_and_then_misses_nothing_or_starts_anew() {
    let outbox = Outbox::new();
    let outlet = outbox.outlet();
    assert_eq!(outlet.since(None), None, "no round yet");
    outbox.begin(b"P".to_vec(), b"\x01R", b"K");
    outbox.record(b"d1", b"");
    let (bytes, place) = outlet.since(None).unwrap();
    assert_eq!(bytes, b"P\x01RKd1");

    outbox.record(b"d2", b"");
    outbox.message(&ServerMessage::Pong { nonce: 1, tick: Tick(2) });
    let (bytes, later) = outlet.since(Some(place)).unwrap();
    assert_eq!(bytes, b"d2");
    assert_eq!(outlet.since(Some(later)).unwrap(), (Vec::new(), later));

    // Left behind by the window, and never there.
    (0..WINDOW_ENTRIES).for_each(|_| outbox.record(b"-", b""));
    outbox.keyframe(b"L");
    outbox.record(b"e", b"");
    assert_eq!(outlet.since(Some(place)).unwrap().0, b"P\x01RLe");
    let nowhere = shared::feed::Cursor { sequence: later.sequence + 9_999, ..later };
    assert_eq!(outlet.since(Some(nowhere)).unwrap().0, b"P\x01RLe");

    // The end is told to who was there; nobody enters a round that is over.
    let (_, place) = outlet.since(None).unwrap();
    outbox.finish(b"E");
    assert_eq!(outlet.since(Some(place)).unwrap().0, b"E");
    assert_eq!(outlet.since(None), None);
    outbox.begin(b"Q".to_vec(), b"\x01S", b"M");
    assert_eq!(outlet.since(Some(place)).unwrap().0, b"Q\x01SM");
}
