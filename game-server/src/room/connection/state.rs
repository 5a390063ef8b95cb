//! The life of a connection.

use super::closing::ClosingHandshake;
use super::handshake::AwaitedSocket;
use super::open::OpenConnection;

/// The states follow each other in this order, and some may be skipped.
#[expect(
    clippy::large_enum_variant,
    reason = "a tick reads an open connection without another pointer"
)]
pub(super) enum State {
    /// HTTP answers the opening handshake.
    Handshaking(AwaitedSocket),
    /// Messages go both ways.
    Open(OpenConnection),
    /// One side has closed, and the other has time to answer.
    Closing(ClosingHandshake),
    /// The socket is dropped, or never arrived.
    Gone,
}
