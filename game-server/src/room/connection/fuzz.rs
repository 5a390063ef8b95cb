//! Reading WebSocket frames, for the fuzzer.

use super::frames::{Frame, FrameError, FrameReader};

/// What was read, without borrowing from the bytes.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    Binary(Vec<u8>),
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Refused(FrameError),
}

/// The same frames are read however the bytes are cut: whole, and in pieces as long as the first byte says.
///
/// # Panics
/// When they are not.
pub fn fuzz_websocket_frames(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    let whole = read(bytes, bytes.len());
    let pieces = read(bytes, usize::from(*piece));
    assert_eq!(whole, pieces, "in pieces of {piece}");
}

fn read(bytes: &[u8], piece: usize) -> Vec<Read> {
    let (mut reader, mut found) = (FrameReader::default(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        // Frames are unmasked in place.
        let outcome = reader.read(&mut piece.to_vec(), |frame| {
            found.push(match frame {
                Frame::Binary(bytes) => Read::Binary(bytes.to_vec()),
                Frame::Text(text) => Read::Text(text.to_owned()),
                Frame::Ping(bytes) => Read::Ping(bytes.to_vec()),
                Frame::Pong => Read::Pong,
                Frame::Close(code) => Read::Close(code),
            });
            Ok(())
        });
        if let Err(error) = outcome {
            found.push(Read::Refused(error));
            break;
        }
    }
    found
}
