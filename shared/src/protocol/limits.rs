//! The limits of the WebSocket protocols: what client and server may send, and how much of it.

use crate::tick::TICK_RATE_HZ;

/// The longest game message that a client may send, in bytes.
pub const CLIENT_MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// The longest game message that a server sends, in bytes: a keyframe of a full crowd fits.
pub const SERVER_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Inputs in one message.
pub const INPUTS_PER_MESSAGE_MAX: usize = 8;
/// How far ahead of the world a client may address an input, in ticks.
pub const INPUT_LEAD_TICKS_MAX: u32 = TICK_RATE_HZ / 2;
/// How long the last input, without its one-shot actions, stands in for missing ones, in ticks: 250 ms. Then the disc
/// idles. The server applies this, and clients predict it.
pub const INPUT_REPEAT_TICKS_MAX: u32 = TICK_RATE_HZ / 4;
/// WebSocket frames of any kind that a game client may send in a second. After more the server closes with
/// [`POLICY`](super::close::POLICY).
pub const CLIENT_MESSAGES_PER_SECOND_MAX: u32 = 120;

const _: () = assert!(CLIENT_MESSAGES_PER_SECOND_MAX > TICK_RATE_HZ);

/// The longest line of chat, in characters.
pub const LINE_CHARS_MAX: usize = 240;
/// Lines of chat that a player may send at once; one more every [`LINE_REFILL_MS`].
pub const LINES_BURST_MAX: u32 = 5;
/// Milliseconds until one more line may be sent.
pub const LINE_REFILL_MS: u64 = 1_500;
/// Lines of history that a new chat connection gets of each channel.
pub const HISTORY_LINES: usize = 50;
