//! Reports the players with seats to the ladder, and counts them for `/metrics`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::id::PlayerId;

use super::game::seats::Seats;
use super::settings::RoomSpec;
use crate::ladder::{LadderHandle, Seated};
use crate::metrics::{Counted, RoomMetrics};

/// Reports changes of a room's seats.
pub(super) struct SeatReports {
    spec: RoomSpec,
    ladder: LadderHandle,
    metrics: Arc<RoomMetrics>,
    /// The players who have been reported, each with its count in `/metrics`.
    seated: BTreeMap<PlayerId, Counted>,
}

impl SeatReports {
    pub(super) fn new(spec: RoomSpec, ladder: LadderHandle, metrics: Arc<RoomMetrics>) -> Self {
        Self { spec, ladder, metrics, seated: BTreeMap::new() }
    }

    /// Reports who came and who left since the last call.
    pub(super) fn update(&mut self, seats: &Seats) {
        let Self { ladder, metrics, .. } = self;
        let RoomSpec { id: room, private, .. } = self.spec;
        let seated: BTreeSet<_> = seats.iter().map(|seat| seat.player.id).collect();
        self.seated.retain(|player, _| {
            let stays = seated.contains(player);
            if !stays {
                ladder.unseated(room, *player);
            }
            stays
        });
        for seat in seats.iter() {
            let Entry::Vacant(entry) = self.seated.entry(seat.player.id) else { continue };
            let (player, bot) = (seat.player.clone(), seat.is_bot());
            ladder.seated(room, Seated { public: !private, player, bot });
            entry.insert(if bot { metrics.bots.enter() } else { metrics.people.enter() });
        }
    }
}
