//! The opening handshake: HTTP answers it, and hands the socket over to the room.

use std::sync::{Arc, Mutex};

use super::socket::Socket;
use crate::sync::lock;

/// HTTP's end of a handshake. Dropped before it is complete, the handshake has failed: the room keeps the seat
/// for the player to come back.
pub struct Handshake(Arc<Mutex<Arrival>>);

/// The room's end of a handshake: looked at once a tick.
pub(in crate::room) struct AwaitedSocket(Arc<Mutex<Arrival>>);

/// How far a handshake has come.
#[derive(Default)]
pub(in crate::room) enum Arrival {
    /// The handshake goes on.
    #[default]
    Pending,
    /// It is complete.
    Complete(Socket),
    /// It failed, or the room has taken the socket already.
    Over,
}

/// Begins a handshake: HTTP's end and the room's.
pub(in crate::room) fn begin() -> (Handshake, AwaitedSocket) {
    let arrival = Arc::default();
    (Handshake(Arc::clone(&arrival)), AwaitedSocket(arrival))
}

impl Handshake {
    /// Gives the socket to the room, which finds it in its next tick and from then on reads and writes it.
    pub fn complete(self, socket: Socket) {
        *lock(&self.0) = Arrival::Complete(socket);
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut arrival = lock(&self.0);
        if matches!(*arrival, Arrival::Pending) {
            *arrival = Arrival::Over;
        }
    }
}

impl AwaitedSocket {
    /// Takes the socket if it is here.
    pub(in crate::room) fn take(&mut self) -> Arrival {
        let mut arrival = lock(&self.0);
        match *arrival {
            Arrival::Pending => Arrival::Pending,
            Arrival::Complete(_) | Arrival::Over => {
                core::mem::replace(&mut *arrival, Arrival::Over)
            }
        }
    }
}
