//! The parts of the server that a room works with.

use std::sync::Arc;

use super::seeds::Seeds;
use super::settings::RoomSettings;
use super::tick_timer::TickScheduler;
use crate::bus::Bus;
use crate::drain::Drain;
use crate::ladder::LadderHandle;
use crate::metrics::RoomMetrics;
use crate::presence::Presence;
use crate::recordings::Recordings;
use crate::tasks::Tasks;

/// The same for all rooms of a server. Cheap to clone.
#[derive(Clone)]
pub struct RoomParts {
    /// The settings that rooms read.
    pub settings: RoomSettings,
    /// Runs the room's task, and tells it when the server stops.
    pub tasks: Tasks,
    /// Tells the room when this round is its last.
    pub drain: Drain,
    /// Gets the room's line in the list of rooms.
    pub bus: Arc<dyn Bus>,
    /// Knows who is in the room.
    pub presence: Arc<Presence>,
    /// Shows in `/metrics` what the room counts.
    pub metrics: Arc<RoomMetrics>,
    /// Rates the players.
    pub ladder: LadderHandle,
    /// Records the rounds.
    pub recordings: Recordings,
    /// Says when ticks are due.
    pub scheduler: TickScheduler,
    /// Seeds the worlds.
    pub seeds: Seeds,
}
