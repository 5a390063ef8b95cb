//! Says back what a client says, over a socket as rooms hold it: for the test of the WebSocket protocol, and not built
//! into the server.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::farewell::Farewell;
use super::frames::{self, Frame, FrameReader};
use super::talk::End;
use super::wire::{READ_BYTES, Wire};

/// From one look at the socket to the next. A room's is longer; the protocol does not care.
const TURN: Duration = Duration::from_millis(1);
/// The first byte of a text that is one frame. Rooms write none.
const WHOLE_TEXT: u8 = 0x81;

/// Echoes until the client closes, breaks a rule or is gone.
pub(crate) async fn echo(mut wire: Wire) {
    let mut reader = FrameReader::default();
    let mut scratch = vec![0; READ_BYTES];
    let mut turns = tokio::time::interval(TURN);
    let end = loop {
        turns.tick().await;
        if let Err(end) = take_turn(&mut wire, &mut reader, &mut scratch) {
            break end;
        }
    };
    let mut farewell = match end {
        End::Closed(code) => Farewell::answer(wire, code, Instant::now()),
        End::Cut(closing) => Farewell::say(wire, reader, closing, Instant::now()),
        End::Failed(closing) => Farewell::fail(wire, closing, Instant::now()),
        End::Left | End::Broken => return,
    };
    while farewell.goes_on(Instant::now(), &mut scratch) {
        turns.tick().await;
    }
}

fn take_turn(wire: &mut Wire, reader: &mut FrameReader, scratch: &mut [u8]) -> Result<(), End> {
    wire.flush()?;
    if wire.is_stalled() {
        return Ok(());
    }
    let Some(bytes) = wire.read(scratch)? else { return Ok(()) };
    let mut answers = Vec::new();
    let taken = reader.read(bytes, |frame| {
        match frame {
            Frame::Binary(bytes) => answers.push(frames::binary(bytes)),
            Frame::Text(text) => answers.push(whole_text(text)),
            Frame::Ping(payload) => answers.push(frames::pong(payload)),
            Frame::Pong => {}
            Frame::Close(code) => return Err(End::Closed(code)),
        }
        Ok(())
    });
    wire.send(&answers)?;
    taken
}

fn whole_text(text: &str) -> Bytes {
    let mut frame = frames::binary(text.as_bytes()).to_vec();
    frame[0] = WHOLE_TEXT;
    frame.into()
}
