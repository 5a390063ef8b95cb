//! WebSocket close codes: the standard ones (RFC 6455 §7.4.1 and IANA's registry) that the server uses, and its own.
//!
//! The hundreds of an own code say what the client does next: after 40xx it reconnects, after 41xx it signs in again,
//! after 42xx it gives up.

/// The connection has served its purpose.
pub const NORMAL: u16 = 1000;
/// The endpoint goes away. The server sends [`RESTART`] instead; a proxy in front of it may send this.
pub const GOING_AWAY: u16 = 1001;
/// The client broke the WebSocket protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// A text message is not UTF-8.
pub const INVALID_UTF8: u16 = 1007;
/// The client sent too many messages, or one that it may not send here.
pub const POLICY: u16 = 1008;
/// A message is longer than its direction allows.
pub const TOO_LARGE: u16 = 1009;
/// The server restarts: the client reconnects after a few seconds.
pub const RESTART: u16 = 1012;

/// The client read too slowly and was disconnected: it reconnects.
pub const TOO_SLOW: u16 = 4000;
/// The client answered no ping in time: it reconnects.
pub const NO_PONG: u16 = 4001;
/// The session from which the connection came has ended, by `DELETE /api/session`: the client signs in again.
pub const SESSION_ENDED: u16 = 4100;
/// A message does not belong to this protocol: this build of the client gives up.
pub const MALFORMED: u16 = 4200;
/// The same player opened another connection to the room.
pub const REPLACED: u16 = 4201;
/// The room has ended.
pub const ROOM_ENDED: u16 = 4202;
/// A fault of the server ended the room. A round that ran has no result.
pub const ROOM_FAULT: u16 = 4203;

/// The next step of a client whose connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Connect again after a growing delay.
    Reconnect,
    /// Get a new session, then connect again.
    SignIn,
    /// Do not reconnect; tell the player why.
    GiveUp,
}

/// The next step after a close with this code. `None`: the connection broke without a close frame.
#[must_use]
pub const fn next_step(code: Option<u16>) -> NextStep {
    match code {
        Some(4100..=4199) => NextStep::SignIn,
        Some(NORMAL | PROTOCOL_ERROR | INVALID_UTF8 | TOO_LARGE | 4200..=4299) => NextStep::GiveUp,
        Some(_) | None => NextStep::Reconnect,
    }
}
