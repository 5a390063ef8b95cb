//! Echoes what a client sends, over a socket as rooms use it: for the test of the WebSocket protocol. It is no part of
//! the server.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::closing::ClosingHandshake;
use super::end::End;
use super::frames::{self, Frame, FrameReader};
use super::socket::{READ_BYTES, Socket};

/// From one look at the socket to the next. A room's ticks are longer, which makes no difference to the protocol.
const TICK: Duration = Duration::from_millis(1);
/// The first byte of a text message in one frame. Rooms send none.
const WHOLE_TEXT: u8 = 0x81;

/// Echoes until the client closes, breaks a rule or is gone.
pub(crate) async fn echo(mut socket: Socket) {
    let mut reader = FrameReader::default();
    let mut scratch = vec![0; READ_BYTES];
    let mut ticks = tokio::time::interval(TICK);
    let end = loop {
        ticks.tick().await;
        if let Err(end) = tick(&mut socket, &mut reader, &mut scratch) {
            break end;
        }
    };
    let now = Instant::now();
    let mut closing = match end {
        End::ClosedByClient(code) => ClosingHandshake::answer(socket, code, now),
        End::ClosedByServer(closing) => ClosingHandshake::begin(socket, reader, closing, now),
        End::ProtocolError(closing) => ClosingHandshake::fail(socket, closing, now),
        End::Left | End::Broken => return,
    };
    while closing.advance(Instant::now(), &mut scratch) {
        ticks.tick().await;
    }
}

fn tick(socket: &mut Socket, reader: &mut FrameReader, scratch: &mut [u8]) -> Result<(), End> {
    socket.flush()?;
    if socket.is_stalled() {
        return Ok(());
    }
    let Some(bytes) = socket.read(scratch)? else { return Ok(()) };
    let mut answers = Vec::new();
    let read = reader.read(bytes, |frame| {
        match frame {
            Frame::Binary(bytes) => answers.push(frames::binary(bytes)),
            Frame::Text(text) => answers.push(whole_text(text)),
            Frame::Ping(payload) => answers.push(frames::pong(payload)),
            Frame::Pong => {}
            Frame::Close(code) => return Err(End::ClosedByClient(code)),
        }
        Ok(())
    });
    socket.send(&answers)?;
    read
}

fn whole_text(text: &str) -> Bytes {
    let mut frame = frames::binary(text.as_bytes()).to_vec();
    frame[0] = WHOLE_TEXT;
    frame.into()
}
