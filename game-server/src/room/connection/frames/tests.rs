//! Frames against the library that most servers use, and the rules one by one.

use std::io::{self, Cursor, Read, Write};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use super::{CLIENT_MESSAGE_BYTES_MAX, Frame, FrameError, FrameReader, binary, close, ping, pong};

/// Why a reader stopped.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Closed,
    Refused(FrameError),
}

impl From<FrameError> for Stop {
    fn from(error: FrameError) -> Self {
        Self::Refused(error)
    }
}

/// Reads everything at once.
fn read(bytes: &[u8]) -> Result<Vec<String>, FrameError> {
    read_in_pieces(bytes, bytes.len().max(1))
}

fn read_in_pieces(bytes: &[u8], piece: usize) -> Result<Vec<String>, FrameError> {
    let (mut reader, mut seen) = (FrameReader::default(), Vec::new());
    for piece in bytes.to_vec().chunks_mut(piece) {
        let stopped = reader.read(piece, |frame| {
            seen.push(match frame {
                Frame::Binary(bytes) => format!("binary {bytes:?}"),
                Frame::Text(text) => format!("text {text}"),
                Frame::Ping(payload) => format!("ping {payload:?}"),
                Frame::Pong => "pong".to_owned(),
                Frame::Close(code) => {
                    seen.push(format!("close {code:?}"));
                    return Err(Stop::Closed);
                }
            });
            Ok(())
        });
        match stopped {
            Ok(()) => {}
            Err(Stop::Closed) => break,
            Err(Stop::Refused(error)) => return Err(error),
        }
    }
    Ok(seen)
}

/// A client's frame.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 11, 13, 17];
    let mut bytes = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => bytes.push(0x80 | length),
        _ => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().enumerate().map(|(place, byte)| byte ^ mask[place % 4]));
    bytes
}

#[test]
fn a_message_in_parts_with_a_ping_between_is_one_message() {
    let bytes = [masked(0x02, b"ab"), masked(0x89, b"?"), masked(0x80, b"c")].concat();
    let expected = ["ping [63]", "binary [97, 98, 99]"];

    for piece in 1..=bytes.len() {
        assert_eq!(read_in_pieces(&bytes, piece).unwrap(), expected, "{piece} bytes at a time");
    }
}

#[test]
fn frames_that_break_a_rule_are_refused() {
    let long = vec![0; CLIENT_MESSAGE_BYTES_MAX];
    for (what, bytes, error) in [
        ("no mask", vec![0x82, 0], FrameError::Protocol),
        ("a reserved bit", masked(0xc2, b""), FrameError::Protocol),
        ("a reserved opcode", masked(0x83, b""), FrameError::Protocol),
        ("a reserved control opcode", masked(0x8b, b""), FrameError::Protocol),
        ("a ping in parts", masked(0x09, b""), FrameError::Protocol),
        ("a long ping", masked(0x89, &[0; 126]), FrameError::Protocol),
        ("a part of nothing", masked(0x80, b"x"), FrameError::Protocol),
        (
            "a message in a message",
            [masked(0x02, b"a"), masked(0x82, b"b")].concat(),
            FrameError::Protocol,
        ),
        ("half a close code", masked(0x88, &[3]), FrameError::Protocol),
        (
            "a close code that is never sent",
            masked(0x88, &1005_u16.to_be_bytes()),
            FrameError::Protocol,
        ),
        ("a close reason that is no text", masked(0x88, &[3, 232, 0xff]), FrameError::NotUtf8),
        ("text that is none", masked(0x81, &[0xff]), FrameError::NotUtf8),
        ("a long message", masked(0x82, &[long.as_slice(), &[0]].concat()), FrameError::TooLong),
        ("many parts", [masked(0x02, &long), masked(0x80, b"x")].concat(), FrameError::TooLong),
        (
            "an announced length of 2^63 bytes",
            [vec![0x82, 0xff], vec![0x80; 12]].concat(),
            FrameError::TooLong,
        ),
    ] {
        assert_eq!(read(&bytes), Err(error), "{what}");
    }
    assert!(read(&masked(0x82, &long)).is_ok());
}

#[test]
fn a_header_alone_allocates_no_memory() {
    let mut reader = FrameReader::default();
    let announced = &mut masked(0x82, &[0; 8_000])[..100];
    reader.read(announced, |_| Ok::<_, FrameError>(())).unwrap();
    assert_eq!(reader.rest().cut.len(), 100);
}

/// Random frames, valid and not, split anywhere: both readers return the same, or both refuse. A failure prints the seed.
#[test]
fn reads_what_tungstenite_reads() {
    let seed = rand::random();
    let mut chance = StdRng::seed_from_u64(seed);
    for _ in 0..2_000 {
        let bytes: Vec<u8> =
            (0..chance.random_range(1..6)).flat_map(|_| any(&mut chance)).collect();
        let theirs = read_by_tungstenite(&bytes);
        let ours = read_in_pieces(&bytes, chance.random_range(1..64)).ok();
        assert_eq!(ours, theirs, "seed {seed}: {bytes:?}");
    }
}

fn any(chance: &mut StdRng) -> Vec<u8> {
    let opcode = [0, 1, 2, 2, 2, 8, 9, 10, 3][chance.random_range(0..9)];
    let first = opcode | if chance.random_bool(0.8) { 0x80 } else { 0 };
    if opcode == 8 {
        return masked(first, if chance.random() { &[0x03, 0xe8, b'!'] } else { &[] });
    }
    let letters = chance.random_range(0..150);
    masked(first, &(0..letters).map(|_| chance.random_range(32..127)).collect::<Vec<u8>>())
}

/// Reads from a buffer, and discards what is written to it.
struct OneWay(Cursor<Vec<u8>>);

impl Read for OneWay {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for OneWay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tungstenite(bytes: Vec<u8>, role: Role) -> WebSocket<OneWay> {
    WebSocket::from_raw_socket(OneWay(Cursor::new(bytes)), role, None)
}

/// `None` when it refuses.
fn read_by_tungstenite(bytes: &[u8]) -> Option<Vec<String>> {
    let mut socket = tungstenite(bytes.to_vec(), Role::Server);
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Binary(bytes)) => format!("binary {:?}", bytes.as_ref()),
            Ok(Message::Text(text)) => format!("text {text}"),
            Ok(Message::Ping(payload)) => format!("ping {:?}", payload.as_ref()),
            Ok(Message::Pong(_)) => "pong".to_owned(),
            Ok(Message::Close(frame)) => format!("close {:?}", frame.map(|f| u16::from(f.code))),
            Ok(Message::Frame(_)) => continue,
            Err(
                Error::ConnectionClosed
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
            ) => return Some(seen),
            Err(_) => return None,
        });
    }
}

#[test]
fn tungstenite_reads_what_we_write() {
    let long = vec![9; 70_000];
    let bytes = [
        binary(b"abc"),
        ping(),
        pong(b"x"),
        binary(&[1; 125]),
        binary(&[1; 126]),
        binary(&long),
        close(4001, "bye"),
    ]
    .concat();
    let mut socket = tungstenite(bytes, Role::Client);

    for expected in [
        Message::binary(b"abc".to_vec()),
        Message::Ping(Vec::new().into()),
        Message::Pong(b"x".to_vec().into()),
        Message::binary(vec![1; 125]),
        Message::binary(vec![1; 126]),
        Message::binary(long),
        Message::Close(Some(CloseFrame { code: 4001.into(), reason: "bye".into() })),
    ] {
        assert_eq!(socket.read().unwrap(), expected);
    }
}
