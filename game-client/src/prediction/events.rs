//! The events of a round on their way from prediction and stream to the picture.

use shared::sim::Event;
use shared::tick::Tick;

/// Events with the ticks in which they happen.
pub(super) type TickEvents = Vec<(Tick, Event)>;

/// An event of the round, predicted or confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchEvent {
    /// The event.
    pub event: Event,
    /// Whether it was not presented yet.
    pub is_new: bool,
    /// Whether the server has confirmed it.
    pub is_confirmed: bool,
}
