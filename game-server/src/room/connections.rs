//! The table of a room's connections.
//!
//! Seats and spectators hold a [`ConnectionId`]. A look-up is an index into a vector; there is no hash map on the
//! way from a tick to a socket.

use std::time::Instant;

use super::connection::Connection;
use super::connection::end::Departure;
use super::connection::handshake::Handshake;
use super::connection::id::ConnectionId;
use super::connection::update::Update;
use crate::sessions::life::SessionLife;
use crate::socket::Closing;

/// Every connection that is not gone.
#[derive(Default)]
pub(super) struct Connections {
    places: Vec<Option<Box<Connection>>>,
    /// How many have been opened. Wraps.
    opened: u32,
    /// Connections that ended or were closed. Each is gone after a bounded time.
    closing: Vec<ConnectionId>,
    /// Connections that ended since the room last asked, at most one entry for each.
    ended: Vec<(ConnectionId, Departure)>,
}

impl Connections {
    /// Adds a connection whose socket is on its way, and returns HTTP's end of its handshake.
    pub(super) fn open(&mut self, session: SessionLife) -> (ConnectionId, Handshake) {
        let free = self.places.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.opened = self.opened.wrapping_add(1);
        let index_u32 = u32::try_from(index).expect("a room has fewer than 2³² connections");
        let id = ConnectionId { index: index_u32, generation: self.opened };
        let (connection, handshake) = Connection::new(id, session);
        self.places[index] = Some(Box::new(connection));
        (id, handshake)
    }

    /// The connection, unless it is gone.
    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let place = self.places.get_mut(id.index as usize)?;
        place.as_deref_mut().filter(|connection| connection.id() == id)
    }

    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.places.iter().flatten().map(|connection| connection.id()).collect()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.places.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Whether all of them are gone.
    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// Removes a connection at once. Its socket, if there is one, is dropped.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        if self.get_mut(id).is_some() {
            self.places[id.index as usize] = None;
        }
    }

    /// Closes a connection, after everything new was sent.
    pub(super) fn close(
        &mut self,
        id: ConnectionId,
        closing: Closing,
        now: Instant,
        update: Update<'_>,
    ) {
        if let Some(connection) = self.get_mut(id).filter(|connection| !connection.has_ended()) {
            connection.close(closing, now, update);
            self.closing.push(id);
        }
    }

    /// A connection has ended. It is no longer open, but its closing handshake may go on.
    pub(super) fn note_end(&mut self, id: ConnectionId, departure: Departure) {
        self.ended.push((id, departure));
        self.closing.push(id);
    }

    /// The connections whose sessions have ended while they are not closed.
    pub(super) fn of_ended_sessions(&self) -> Vec<ConnectionId> {
        let connections = self.places.iter().flatten();
        connections.filter(|one| one.outlives_session()).map(|one| one.id()).collect()
    }

    /// What the end of a connection that the server closed means for its seat.
    pub(super) fn note_departure(&mut self, id: ConnectionId, departure: Departure) {
        self.ended.push((id, departure));
    }

    /// The connections that ended since the last call.
    pub(super) fn take_ended(&mut self) -> Vec<(ConnectionId, Departure)> {
        core::mem::take(&mut self.ended)
    }

    /// Takes a step of each closing handshake, and removes the connections that are gone.
    pub(super) fn advance_closing(&mut self, now: Instant, scratch: &mut [u8]) {
        for id in core::mem::take(&mut self.closing) {
            let goes_on =
                self.get_mut(id).is_some_and(|connection| connection.advance_closing(now, scratch));
            if goes_on {
                self.closing.push(id);
            } else {
                self.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::Connections;
    use crate::room::connection::end::Departure;
    use crate::room::connection::messages::Sender;
    use crate::sessions::life::SessionLife;
    use shared::tick::Tick;

    #[test]
    fn a_handshake_that_fails_is_a_lost_connection() {
        let mut connections = Connections::default();
        let (id, handshake) = connections.open(SessionLife::default());
        let mut receive = || {
            let sender = Sender::Spectator { entered_at: Tick(0) };
            let open = |_| unreachable!("no socket arrived");
            connections.get_mut(id).unwrap().receive(Instant::now(), &mut [], sender, open)
        };
        assert_eq!(receive(), None);

        drop(handshake);

        assert_eq!(receive(), Some(Departure::Lost));
    }

    #[test]
    fn the_address_of_a_connection_that_is_gone_leads_nowhere() {
        let mut connections = Connections::default();
        let (old, _handshake) = connections.open(SessionLife::default());
        connections.note_end(old, Departure::Lost);
        assert_eq!(connections.take_ended(), [(old, Departure::Lost)]);
        connections.remove(old);

        let (new, _handshake) = connections.open(SessionLife::default());

        assert_eq!(new.index, old.index);
        assert!(connections.get_mut(old).is_none() && connections.get_mut(new).is_some());
        connections.remove(old);
        assert!(!connections.is_empty());
    }
}
