//! The bus of a node among others: what its rooms and its ladder publish goes into the outboxes of the shared feeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};

use super::outbox::{Outbox, Waiting};
use crate::bus::{Bus, Notice};
use crate::sync::lock;

/// The outboxes of one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedBus {
    /// What the node has to say of its rooms.
    pub rooms: Arc<Outbox>,
    /// What the node has to say of the players who sit in them.
    pub scores: Arc<Outbox>,
    /// The rounds of each bot when its row was last told: bots play all the time, and only what they have finished is told.
    /// There are few.
    bots: Arc<Mutex<HashMap<PlayerId, u32>>>,
}

impl SharedBus {
    /// Nothing is said yet.
    #[must_use]
    pub fn new() -> Self {
        let (rooms, scores) = (Arc::new(Outbox::new(true)), Arc::new(Outbox::new(false)));
        Self { rooms, scores, bots: Arc::default() }
    }

    /// Tells a row of a player who may not sit on this node, because the scoreboard shows an old one.
    pub fn correct(&self, row: &ScoreRow) {
        self.scores.put(row.player.bits(), event(Scoreboard::EVENT_SCORE, row));
    }

    /// Tells that another node's room is over, because that node cannot.
    pub fn end_room(&self, id: RoomId) {
        self.rooms.know(id.bits());
        self.closed(id);
    }

    fn score(&self, row: &ScoreRow) {
        if row.bot && lock(&self.bots).insert(row.player, row.rounds) == Some(row.rounds) {
            return;
        }
        self.scores.put(row.player.bits(), event(Scoreboard::EVENT_SCORE, row));
    }

    fn room(&self, room: &RoomSummary) {
        self.rooms.put(room.id.bits(), event(RoomList::EVENT_ROOM, room));
    }

    fn closed(&self, id: RoomId) {
        let is_end = true;
        let closed = Waiting { is_end, ..event(RoomList::EVENT_CLOSED, &RoomClosed { id }) };
        self.rooms.put(id.bits(), closed);
    }
}

impl Default for SharedBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for SharedBus {
    fn publish(&self, notice: Notice) {
        match notice {
            Notice::Score(row) => self.score(&row),
            Notice::Room(room) => self.room(&room),
            Notice::RoomClosed(RoomClosed { id }) => self.closed(id),
            // The whole of what this node knows, because others may have missed a part.
            Notice::Scores(scoreboard) => scoreboard.rows.iter().for_each(|row| self.score(row)),
            Notice::Rooms(list) => {
                let is_open = |id: &u64| list.rooms.iter().any(|room| room.id.bits() == *id);
                let told = self.rooms.told();
                let gone = told.into_iter().filter(|id| !is_open(id)).map(RoomId::from_bits);
                gone.for_each(|id| self.closed(id));
                list.rooms.iter().for_each(|room| self.room(room));
            }
        }
    }

    fn end_of_scores(&self) {
        self.scores.close();
    }
}

fn event(kind: &'static str, event: &impl Serialize) -> Waiting {
    let data = serde_json::to_string(event).expect("a body of plain data encodes");
    Waiting { kind, data, is_end: false }
}

#[cfg(test)]
mod tests {
    use shared::api::{RoomClosed, RoomList, ScoreRow};
    use shared::id::{PlayerId, PlayerName, RoomId};

    use super::{Outbox, SharedBus, Waiting};
    use crate::bus::{Bus as _, Notice};

    fn row(bot: bool, rounds: u32) -> ScoreRow {
        ScoreRow {
            player: PlayerId::from_bits(7),
            name: PlayerName::parse("Ada").unwrap(),
            bot,
            rating: 1_500,
            provisional: true,
            points: 1,
            knockouts: 0,
            falls: 0,
            rounds,
            wins: 0,
            playing: None,
        }
    }

    /// What goes to the log next, and arrives there.
    fn told(outbox: &Outbox) -> Option<Waiting> {
        let (key, event) = outbox.take()?;
        outbox.arrived(key);
        Some(event)
    }

    #[test]
    fn a_bot_s_row_is_told_when_it_has_finished_a_round() {
        let bus = SharedBus::new();
        for (rounds, is_told) in [(3, true), (3, false), (4, true)] {
            bus.publish(Notice::Score(row(true, rounds)));
            assert_eq!(told(&bus.scores).is_some(), is_told, "{rounds}");
        }
        for _ in 0..2 {
            bus.publish(Notice::Score(row(false, 3)));
            assert!(told(&bus.scores).is_some());
        }
    }

    #[test]
    fn the_whole_list_also_ends_rooms_that_are_gone() {
        let bus = SharedBus::new();
        let room: shared::api::RoomSummary = serde_json::from_value(serde_json::json!({
            "id": RoomId::from_bits(5), "mode": "duel", "phase": "waiting", "round": 0, "players": 0,
            "bots": 0, "seats": 2, "spectators": 0, "ends_at_ms": null, "leader": null,
        }))
        .unwrap();
        bus.publish(Notice::Room(room));
        assert_eq!(told(&bus.rooms).unwrap().kind, "room");

        bus.publish(Notice::Rooms(RoomList::default()));

        let told = told(&bus.rooms).unwrap();
        let closed: RoomClosed = serde_json::from_str(&told.data).unwrap();
        assert_eq!((told.kind, closed.id), ("closed", RoomId::from_bits(5)));
    }
}
