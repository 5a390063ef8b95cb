//! A server that is measured, and who publishes there.

use std::sync::Arc;

use shared::api::CreateRoom;
use shared::sim::Mode;

use crate::guest::Guest;
use crate::site::Site;

/// A server that is measured.
pub(super) struct Measured {
    pub(super) pid: u32,
    pub(super) site: Site,
}

/// Opens a public room, which is an event of the feed `rooms`. Returns its id as the event has it.
pub(super) async fn publish(guest: &Guest) -> String {
    let room = CreateRoom { mode: Mode::Duel, private: false, bots: None };
    guest.open_room(&room).await.summary.id.to_string()
}

/// A guest at each of these servers, over connections that are kept.
pub(super) async fn guests(servers: &[Measured]) -> Vec<Arc<Guest>> {
    let mut guests = Vec::new();
    for server in servers {
        guests.push(Arc::new(server.site.guest("publisher").await));
    }
    guests
}
