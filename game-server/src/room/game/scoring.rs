//! The points of a tick for the ladder: who scored and who fell.

use shared::id::{PlayerId, ReplayId, RoomId};
use shared::sim::{Event, Slot};

use super::seats::Seats;
use crate::ladder::{Score, Tally};

/// What counts among the events of a rated round.
pub(super) fn scores(
    room: RoomId,
    replay: ReplayId,
    events: &[Event],
    seats: &Seats,
) -> Vec<Score> {
    let player =
        |slot: Slot| seats.iter().find(|seat| seat.slot == slot).map(|seat| seat.player.id);
    let score = |player: PlayerId, tally| Score { room, replay, player, tally };
    let mut scores = Vec::new();
    for event in events {
        let Event::KnockOut { slot, credit, .. } = event else { continue };
        let by = credit.map(|(by, _)| by);
        let own_points = if by.is_none() { -1 } else { 0 };
        let point = Tally { points: 1, knockouts: 1, falls: 0 };
        let fall = Tally { points: own_points, knockouts: 0, falls: 1 };
        scores.extend(by.and_then(player).map(|player| score(player, point)));
        scores.extend(player(*slot).map(|player| score(player, fall)));
    }
    scores
}
