//! What the rooms of this node do for the node that matches players.

use futures_util::future::BoxFuture;
use shared::id::RoomId;

use super::{FindError, OpenError, Rooms};
use crate::cluster::request::{Answer, Answerer, Asker, Offer, Refused, Request};
use crate::room::{EnterError, Opener, RoomHandle};
use crate::sync::lock;

impl Answerer for Rooms {
    fn answer(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refused>> {
        Box::pin(async move {
            let room = match request {
                Request::Offers => return Ok(self.offers()),
                Request::IsReserved { room, player } => {
                    let room = self.here(room)?;
                    let is_reserved = room.view().reserved.contains(&player);
                    return Ok(Answer::Reserved { is_reserved });
                }
                Request::Reserve { room, players } => {
                    let room = self.here(room)?;
                    room.reserve(players).await.map_err(|error| match error {
                        EnterError::Full
                        | EnterError::TooManySpectators
                        | EnterError::TooManySpectatorsFromAddress => Refused::Full,
                        EnterError::Ended => Refused::NoRoom,
                    })?;
                    room
                }
                Request::Open { mode, players } => {
                    let players = players.into_iter().map(opener).collect();
                    self.open_for(mode, players).await.map_err(|error| match error {
                        OpenError::TooMany
                        | OpenError::TooManyOfGuest(_)
                        | OpenError::TooManyOfAddress(_) => Refused::Full,
                        OpenError::Stopping => Refused::NotNow,
                    })?
                }
                Request::ReserveAnywhere { mode, player } => {
                    self.reserve_anywhere(mode, player).await.ok_or(Refused::Full)?
                }
            };
            Ok(Answer::Seats { room: room.spec().id })
        })
    }
}

fn opener(Asker { player, address }: Asker) -> Opener {
    Opener { player, address }
}

impl Rooms {
    /// A room of this node.
    fn here(&self, room: RoomId) -> Result<RoomHandle, Refused> {
        self.find(room).map_err(|error| match error {
            FindError::Unknown | FindError::Ended | FindError::There(_) => Refused::NoRoom,
        })
    }

    fn offers(&self) -> Answer {
        let offer = |room: RoomHandle| {
            let view = room.view();
            let (rating, people) = (view.rating?, view.details.summary.players);
            let (room, mode) = (room.spec().id, room.spec().mode);
            Some(Offer { room, mode, rating, open_seats: view.open_seats, people })
        };
        let people = |room: &RoomHandle| {
            let view = room.view();
            let seated = usize::try_from(view.details.summary.players).unwrap_or(usize::MAX);
            seated.saturating_add(view.reserved.len())
        };
        let people = lock(&self.table).open.iter().map(people).sum();
        let rooms = self.public().into_iter().filter_map(offer).collect();
        Answer::Offers { rooms, people }
    }
}
