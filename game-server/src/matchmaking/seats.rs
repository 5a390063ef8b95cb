//! Where seats are: asks the nodes which are open, reserves them, and opens rooms.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;

use super::board::Sight;
use super::queue::Candidate;
use super::tickets::Seat;
use crate::cluster::nodes::Nodes;
use crate::cluster::post::Post;
use crate::cluster::request::{Answer, AskError, Asker, Offer, Refused, Request};
use crate::node::NodeName;
use crate::presence::Presence;
use crate::rooms::{FindError, Rooms};
use crate::sync::lock;

/// The nodes on which seats may be found. Cheap to clone.
#[derive(Clone)]
pub(super) struct Seats {
    pub(super) own: NodeName,
    /// `None`: there is one node.
    pub(super) nodes: Option<Nodes>,
    pub(super) post: Arc<dyn Post>,
    pub(super) rooms: Rooms,
    pub(super) presence: Arc<Presence>,
}

/// What the nodes have answered, and what was taken of it since.
pub(super) struct Offers {
    rooms: Vec<(NodeName, Offer)>,
    /// People on each node.
    people: Mutex<BTreeMap<NodeName, usize>>,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// None is free, and no more rooms may be opened.
    Full,
    /// It is not known, or another attempt may find one.
    Later,
}

impl Offers {
    /// What players can be matched with.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let candidate = |(_, offer): &(NodeName, Offer)| {
            let Offer { room, mode, rating, open_seats, people } = *offer;
            Candidate { room, mode, rating, open_seats, people }
        };
        self.rooms.iter().map(candidate).collect()
    }

    fn node_of(&self, room: RoomId) -> Option<&NodeName> {
        self.rooms.iter().find(|(_, offer)| offer.room == room).map(|(node, _)| node)
    }

    /// The nodes, that with the fewest people first.
    fn nodes(&self) -> Vec<NodeName> {
        let people = lock(&self.people);
        let mut nodes: Vec<_> = people.iter().map(|(node, people)| (*people, node)).collect();
        nodes.sort();
        nodes.into_iter().map(|(_, node)| node.clone()).collect()
    }

    fn take(&self, node: &NodeName, people: usize) {
        if let Some(there) = lock(&self.people).get_mut(node) {
            *there += people;
        }
    }

    fn put_back(&self, node: &NodeName, people: usize) {
        if let Some(there) = lock(&self.people).get_mut(node) {
            *there = there.saturating_sub(people);
        }
    }
}

impl Seats {
    /// The nodes that live and take people.
    fn open_nodes(&self) -> Vec<NodeName> {
        let Some(nodes) = &self.nodes else { return vec![self.own.clone()] };
        let mut living = nodes.living();
        living.retain(|name| nodes.row(name).is_none_or(|row| !row.load.draining));
        living
    }

    /// Asks every node for its offers. One that does not answer has none.
    pub(super) async fn offers(&self) -> Offers {
        let asked = self.open_nodes().into_iter().map(async |node| {
            let answer = self.post.ask(&node, Request::Offers).await;
            (node, answer)
        });
        let (mut rooms, mut people) = (Vec::new(), BTreeMap::new());
        for (node, answer) in join_all(asked).await {
            match answer {
                Ok(Answer::Offers { rooms: offers, people: there }) => {
                    rooms.extend(offers.into_iter().map(|offer| (node.clone(), offer)));
                    people.insert(node, there);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%node, %error, "a node offers no rooms"),
            }
        }
        Offers { rooms, people: Mutex::new(people) }
    }

    /// Reserves seats in a room that was offered. Returns where it is.
    pub(super) async fn reserve(
        &self,
        offers: &Offers,
        room: RoomId,
        players: Vec<PlayerId>,
    ) -> Result<NodeName, NoSeat> {
        let node = offers.node_of(room).ok_or(NoSeat::Later)?;
        self.reserve_at(node, room, players).await?;
        Ok(node.clone())
    }

    /// Reserves seats in a room of a node.
    pub(super) async fn reserve_at(
        &self,
        node: &NodeName,
        room: RoomId,
        players: Vec<PlayerId>,
    ) -> Result<(), NoSeat> {
        let answer = self.post.ask(node, Request::Reserve { room, players }).await;
        // The seat may be taken by now.
        answer.map(drop).or(Err(NoSeat::Later))
    }

    /// Opens a room with seats for these players on the node with the fewest people that opens one.
    pub(super) async fn open(
        &self,
        offers: &Offers,
        mode: Mode,
        players: &[Asker],
    ) -> Result<(NodeName, RoomId), NoSeat> {
        let mut why = NoSeat::Later;
        for node in offers.nodes() {
            // Others that are seated at the same time see them there.
            offers.take(&node, players.len());
            let request = Request::Open { mode, players: players.to_vec() };
            match self.post.ask(&node, request).await {
                Ok(Answer::Seats { room }) => return Ok((node, room)),
                Err(AskError::Refused(Refused::Full)) => why = NoSeat::Full,
                // It may have opened one all the same.
                Err(AskError::NoAnswer) => return Err(NoSeat::Later),
                Ok(_) | Err(_) => {}
            }
            offers.put_back(&node, players.len());
        }
        Err(why)
    }

    /// Reserves a seat for one player in any public room.
    pub(super) async fn reserve_anywhere(
        &self,
        offers: &Offers,
        mode: Mode,
        player: PlayerId,
    ) -> Result<(NodeName, RoomId), NoSeat> {
        let mut why = NoSeat::Full;
        for node in offers.nodes().into_iter().rev() {
            match self.post.ask(&node, Request::ReserveAnywhere { mode, player }).await {
                Ok(Answer::Seats { room }) => return Ok((node, room)),
                Err(AskError::Refused(Refused::Full)) => {}
                Ok(_) | Err(_) => why = NoSeat::Later,
            }
        }
        Err(why)
    }

    /// Whether a seat is still reserved for a player who has not come yet.
    pub(super) async fn is_reserved(&self, seat: &Seat, player: PlayerId) -> bool {
        let request = Request::IsReserved { room: seat.room, player };
        let answer = self.post.ask(&seat.node, request).await;
        matches!(answer, Ok(Answer::Reserved { is_reserved: true }))
    }

    /// Whether a seat is lost for certain: its node is dead or has left, or says itself that the room is not there. What this
    /// node knows of rooms may be old.
    pub(super) async fn is_lost(&self, seat: &Seat, player: PlayerId) -> bool {
        if self.is_dead(&seat.node) {
            return true;
        }
        let request = Request::IsReserved { room: seat.room, player };
        match self.post.ask(&seat.node, request).await {
            Err(AskError::Refused(Refused::NoRoom)) => true,
            Err(AskError::NoNode) => {
                self.nodes.as_ref().is_some_and(|nodes| nodes.row(&seat.node).is_none())
            }
            Ok(_) | Err(AskError::NoAnswer | AskError::Refused(_)) => false,
        }
    }

    /// Whether a node is dead.
    pub(super) fn is_dead(&self, node: &NodeName) -> bool {
        self.nodes.as_ref().is_some_and(|nodes| nodes.is_dead(node))
    }

    /// Looks at a seat from here.
    pub(super) fn look(&self, player: PlayerId, seat: &Seat) -> Sight {
        if self.presence.is_in(player, seat.room) {
            return Sight::Taken;
        }
        if self.is_dead(&seat.node) {
            return Sight::Dead;
        }
        match self.rooms.find(seat.room) {
            Ok(_) | Err(FindError::There(_)) => Sight::Kept,
            Err(FindError::Unknown | FindError::Ended) => Sight::Unknown,
        }
    }
}
