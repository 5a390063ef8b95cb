//! The reports of a tick to the ladder: who scored and who fell.

use shared::id::{PlayerId, RoomId};
use shared::sim::{Event, Slot};

use super::seats::Seats;
use crate::ladder::{Report, Tally};

/// What counts among the events of a rated round.
pub(super) fn reports(room: RoomId, events: &[Event], seats: &Seats) -> Vec<Report> {
    let player =
        |slot: Slot| seats.iter().find(|seat| seat.slot == slot).map(|seat| seat.player.id);
    let scored = |player: PlayerId, tally| Report::Scored { room, player, tally };
    let mut reports = Vec::new();
    for event in events {
        let Event::KnockOut { slot, credit, .. } = event else { continue };
        let by = credit.map(|(by, _)| by);
        let own_points = if by.is_none() { -1 } else { 0 };
        let point = Tally { points: 1, knockouts: 1, falls: 0 };
        let fall = Tally { points: own_points, knockouts: 0, falls: 1 };
        reports.extend(by.and_then(player).map(|player| scored(player, point)));
        reports.extend(player(*slot).map(|player| scored(player, fall)));
    }
    reports
}
