//! WebSocket frames (RFC 6455) for game connections: read in place, written once for all connections.
//!
//! The other sockets of this server leave this to a library. Rooms read and write tens of thousands of tiny
//! frames a second, and there the library's buffers, copies and allocations for each message and each
//! connection cost as much as the game itself (`cargo xtask bench players` shows it). This file has the part of
//! the protocol that a server without extensions needs, and it is strict: bytes that break a rule end the
//! connection.

use core::str;

use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGE_BYTES_MAX, close};

use crate::socket::Closing;

/// The longest payload of a control frame (section 5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// Longer payloads write these in place of the length, which follows in two or in eight bytes (section 5.2).
const LENGTH_IN_TWO: u8 = 126;
const LENGTH_IN_EIGHT: u8 = 127;
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// What a client sent: a whole message, or a control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) enum Frame<'a> {
    Binary(&'a [u8]),
    Text(&'a str),
    Ping(&'a [u8]),
    Pong,
    /// The client closes, with the code of its reason.
    Close(Option<u16>),
}

/// Why bytes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) enum FrameError {
    /// They break a rule of the protocol.
    Protocol,
    /// A message is longer than [`CLIENT_MESSAGE_BYTES_MAX`].
    TooLong,
    /// A text is not UTF-8.
    NotUtf8,
}

impl FrameError {
    /// The close code and reason for the client.
    pub(super) const fn closing(self) -> Closing {
        match self {
            Self::Protocol => (close::PROTOCOL_ERROR, "the WebSocket protocol was broken"),
            Self::TooLong => (close::TOO_LARGE, "the message is too long"),
            Self::NotUtf8 => (close::INVALID_UTF8, "the text is not UTF-8"),
        }
    }
}

/// Splits arriving bytes into frames. Keeps only incomplete ones.
#[derive(Debug, Default)]
pub(in crate::room) struct FrameReader {
    /// `None` until a frame or message is incomplete, which a game's hardly ever are. So a reader is one word.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// The beginning of a frame. Shorter than a header and the longest message, because a header that
    /// announces more is refused.
    cut: Vec<u8>,
    /// The message whose last frame has not arrived: whether it is text, and its bytes, at most
    /// [`CLIENT_MESSAGE_BYTES_MAX`].
    message: Option<(bool, Vec<u8>)>,
}

impl FrameReader {
    /// Calls `each` with every whole frame, unmasked in place, and keeps an incomplete rest.
    ///
    /// # Errors
    /// The error of `each`, or bytes that are not allowed: then the reader must not be used again.
    pub(super) fn read<E: From<FrameError>>(
        &mut self,
        bytes: &mut [u8],
        each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let cut = self.rest.as_mut().map(|rest| core::mem::take(&mut rest.cut));
        let Some(mut joined) = cut.filter(|cut| !cut.is_empty()) else {
            let used = self.take_all(bytes, each)?;
            if used < bytes.len() {
                self.rest().cut.extend_from_slice(&bytes[used..]);
            }
            return Ok(());
        };
        joined.extend_from_slice(bytes);
        let used = self.take_all(&mut joined, each)?;
        joined.drain(..used);
        self.rest().cut = joined;
        Ok(())
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// Returns how many bytes belonged to whole frames.
    fn take_all<E: From<FrameError>>(
        &mut self,
        bytes: &mut [u8],
        mut each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut used = 0;
        while let Some(header) = Header::read(&bytes[used..])? {
            let begin = used + header.bytes;
            let Some(payload) = bytes.get_mut(begin..begin + header.length) else { break };
            unmask(payload, header.mask);
            used = begin + header.length;
            self.take(&header, payload, &mut each)?;
        }
        Ok(used)
    }

    fn take<E: From<FrameError>>(
        &mut self,
        header: &Header,
        payload: &[u8],
        each: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let message = self.rest.as_mut().and_then(|rest| rest.message.take());
        match (header.opcode, message) {
            (CLOSE, _) => each(Frame::Close(close_code(payload)?)),
            (PING | PONG, message) => {
                if message.is_some() {
                    self.rest().message = message;
                }
                each(if header.opcode == PING { Frame::Ping(payload) } else { Frame::Pong })
            }
            (CONTINUATION, Some((is_text, mut message))) => {
                if message.len() + payload.len() > CLIENT_MESSAGE_BYTES_MAX {
                    return Err(FrameError::TooLong.into());
                }
                message.extend_from_slice(payload);
                if header.is_last {
                    return each(whole(is_text, &message)?);
                }
                self.rest().message = Some((is_text, message));
                Ok(())
            }
            (TEXT | BINARY, None) if header.is_last => each(whole(header.opcode == TEXT, payload)?),
            (TEXT | BINARY, None) => {
                self.rest().message = Some((header.opcode == TEXT, payload.to_vec()));
                Ok(())
            }
            // A continuation of nothing, a message within a message, or an undefined opcode.
            _ => Err(FrameError::Protocol.into()),
        }
    }
}

fn whole(is_text: bool, payload: &[u8]) -> Result<Frame<'_>, FrameError> {
    if is_text {
        str::from_utf8(payload).map(Frame::Text).or(Err(FrameError::NotUtf8))
    } else {
        Ok(Frame::Binary(payload))
    }
}

/// The code of a close frame, which may carry a code and a text (section 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, FrameError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(FrameError::Protocol) };
    };
    str::from_utf8(reason).or(Err(FrameError::NotUtf8))?;
    match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(code)),
        _ => Err(FrameError::Protocol),
    }
}

/// The bytes before a payload.
struct Header {
    is_last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// The header's own length.
    bytes: usize,
    /// The payload's length.
    length: usize,
}

impl Header {
    /// `None` when it is incomplete.
    fn read(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (is_last, opcode, short) = (first & FIN != 0, first & 0x0f, second & !MASKED);
        let is_control = opcode >= CLOSE;
        // No extension was agreed on, and a client masks everything (section 5.1).
        if first & RESERVED != 0 || second & MASKED == 0 {
            return Err(FrameError::Protocol);
        }
        if is_control && (!is_last || usize::from(short) > CONTROL_BYTES_MAX) {
            return Err(FrameError::Protocol);
        }
        let (length, rest) = match short {
            LENGTH_IN_TWO => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            LENGTH_IN_EIGHT => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*length), rest)
            }
            short => (short.into(), rest),
        };
        let length = usize::try_from(length).or(Err(FrameError::TooLong))?;
        if length > CLIENT_MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let bytes = bytes.len() - rest.len();
        Ok(Some(Self { is_last, opcode, mask: *mask, bytes, length }))
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for chunk in payload.chunks_mut(mask.len()) {
        chunk.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    }
}

/// A binary message as a frame. A server does not mask its frames, so all connections share one.
pub(in crate::room) fn binary(message: &[u8]) -> Bytes {
    frame(BINARY, message)
}

pub(super) fn ping() -> Bytes {
    frame(PING, &[])
}

/// The answer to a ping, with the same payload.
pub(super) fn pong(payload: &[u8]) -> Bytes {
    frame(PONG, payload)
}

/// A close frame. The reason is cut to the longest that a control frame holds.
pub(super) fn close(code: u16, reason: &str) -> Bytes {
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// The answer to a close frame.
pub(super) fn close_echo(code: Option<u16>) -> Bytes {
    code.map_or_else(|| frame(CLOSE, &[]), |code| close(code, ""))
}

fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    frame.push(FIN | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < LENGTH_IN_TWO => frame.push(short),
        (_, Ok(length)) => {
            frame.push(LENGTH_IN_TWO);
            frame.extend(length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(LENGTH_IN_EIGHT);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame.into()
}

#[cfg(test)]
mod tests;
