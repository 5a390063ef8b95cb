//! WebSocket frames (RFC 6455) for a room's own sockets: read where the bytes lie, written once for everybody.
//!
//! The other sockets of this server leave this to a library. A room reads and writes tens of thousands of tiny
//! frames a second, and there the library's buffers, copies and allocations for each message and each
//! connection cost as much as the game itself (`cargo xtask bench players` shows it). What is here is the part of
//! the protocol that a server without extensions needs, and it is strict: whatever breaks a rule ends the talk.

use core::str;

use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGE_BYTES_MAX, close};

use crate::socket::Closing;

/// The longest payload of a control frame (section 5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// Lengths from here on follow in two bytes more, or in eight (section 5.2).
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

/// What a client sent: a whole message, or a word about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Binary(&'a [u8]),
    Text(&'a str),
    Ping(&'a [u8]),
    Pong,
    /// The client says goodbye, with its reason's code.
    Close(Option<u16>),
}

/// Bytes that are no frames, or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameError {
    Protocol,
    TooLong,
    NotUtf8,
}

impl FrameError {
    /// What to tell the client.
    pub(super) const fn closing(self) -> Closing {
        match self {
            Self::Protocol => (close::PROTOCOL_ERROR, "the WebSocket protocol was broken"),
            Self::TooLong => (close::TOO_LARGE, "the message is too long"),
            Self::NotUtf8 => (close::INVALID_UTF8, "the text is not UTF-8"),
        }
    }
}

/// Takes frames out of what arrives. Holds nothing but what was cut in the middle.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    /// Nothing until something is cut, which a game's messages hardly ever are: then a reader is one word.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// The beginning of a frame. Shorter than a header and the longest message, because a header that
    /// promises more is refused.
    cut: Vec<u8>,
    /// The message whose last frame has not come: text or not, and its bytes, at most
    /// [`CLIENT_MESSAGE_BYTES_MAX`].
    message: Option<(bool, Vec<u8>)>,
}

impl FrameReader {
    /// Hands every whole frame to `each`, unmasked in place, and keeps what is cut.
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
            // A continuation of nothing, a message within a message, or an opcode that nobody has defined.
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

/// A close may say why: a code and a text (section 7.4).
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

/// What precedes a payload.
struct Header {
    is_last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Its own length.
    bytes: usize,
    /// That of the payload.
    length: usize,
}

impl Header {
    /// Nothing when it is cut.
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

/// A binary message as a frame. What a server sends is not masked, so one frame serves everybody.
pub(super) fn binary(message: &[u8]) -> Bytes {
    frame(BINARY, message)
}

pub(super) fn ping() -> Bytes {
    frame(PING, &[])
}

/// The answer to a ping brings its payload back.
pub(super) fn pong(payload: &[u8]) -> Bytes {
    frame(PONG, payload)
}

/// A goodbye. The text is cut to what a control frame holds.
pub(super) fn close(code: u16, reason: &str) -> Bytes {
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// The echo of a goodbye.
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
