//! WebSocket close codes: the standard's that the server uses, and its own.
//!
//! The hundreds say what the client does next: 40xx reconnects, 41xx signs in again, 42xx does not
//! come back.

/// The endpoint's work is done (RFC 6455 §7.4.1).
pub const NORMAL: u16 = 1000;
/// The client goes away.
pub const GOING_AWAY: u16 = 1001;
/// The WebSocket protocol was broken.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Text that is not UTF-8.
pub const INVALID_UTF8: u16 = 1007;
/// Too many messages, or one that may not be sent here.
pub const POLICY: u16 = 1008;
/// The message is longer than allowed.
pub const TOO_LARGE: u16 = 1009;
/// The server restarts: come back in a few seconds.
pub const RESTART: u16 = 1012;
/// The server is overloaded: come back later.
pub const OVERLOAD: u16 = 1013;

/// The client reads too slowly and was cut: reconnect.
pub const TOO_SLOW: u16 = 4000;
/// No pong came in time: reconnect.
pub const NO_PONG: u16 = 4001;
/// The session ended: sign in again.
pub const SIGN_IN: u16 = 4100;
/// The message is not one of this protocol's: do not come back with this build.
pub const MALFORMED: u16 = 4200;
/// The same player opened another connection to the room.
pub const REPLACED: u16 = 4201;
/// The room has ended.
pub const ROOM_ENDED: u16 = 4202;
/// The operator removed the player.
pub const REMOVED: u16 = 4203;

/// What a client does after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Connect again after a growing delay.
    Reconnect,
    /// Get a session first, then connect.
    SignIn,
    /// Stay away and tell the person why.
    GiveUp,
}

/// What to do after the connection ended with this code. A connection that broke has none: reconnect.
#[must_use]
pub const fn next_step(code: Option<u16>) -> NextStep {
    match code {
        Some(4100..=4199) => NextStep::SignIn,
        Some(NORMAL | PROTOCOL_ERROR | INVALID_UTF8 | TOO_LARGE | 4200..=4299) => NextStep::GiveUp,
        Some(_) | None => NextStep::Reconnect,
    }
}
