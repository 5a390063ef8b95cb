//! The events that a world reports, and the kinds and ids that they name.
//!
//! Events are for sounds, sparks, the kill feed and markers. No rule depends on them.

use serde::{Deserialize, Serialize};

use super::command::Slot;
use super::fixed::Vec2;
use crate::tick::Tick;

/// The kind of a push: the icon in the kill feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushKind {
    /// A travelling shot.
    Pulse,
    /// The short cone.
    Shove,
    /// A bump by a disc that had dashed.
    Dash,
    /// Any other bump.
    Bump,
}

impl PushKind {
    /// All kinds, in the order of their wire form.
    pub const ALL: [Self; 4] = [Self::Pulse, Self::Shove, Self::Dash, Self::Bump];
}

/// The effect of a pickup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickupKind {
    /// Twice the mass.
    Heavy,
    /// Twice the push.
    Overcharge,
    /// Less strain.
    Mend,
}

impl PickupKind {
    /// All kinds, in the order of their wire form.
    pub const ALL: [Self; 3] = [Self::Heavy, Self::Overcharge, Self::Mend];

    /// The name to show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Heavy => "Heavy",
            Self::Overcharge => "Overcharge",
            Self::Mend => "Mend",
        }
    }
}

/// The identity of a pulse. A client that predicts a shot knows its id before the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PulseId {
    /// The seat of the shooter.
    pub slot: Slot,
    /// The tick of the step in which it was fired.
    pub tick: Tick,
}

/// Something that happened in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A disc (`id.slot`) fired a pulse.
    PulseFired {
        /// The pulse.
        id: PulseId,
    },
    /// A pulse pushed a disc.
    PulseHit {
        /// The pulse; `id.slot` fired it.
        id: PulseId,
        /// The disc that was hit.
        target: Slot,
        /// The position of the pulse.
        at: Vec2,
    },
    /// A disc shoved, whether it hit another or not.
    Shove {
        /// The attacker.
        slot: Slot,
    },
    /// A shove pushed a disc.
    ShoveHit {
        /// The attacker.
        by: Slot,
        /// The disc that was hit.
        target: Slot,
    },
    /// A disc dashed.
    Dash {
        /// The disc.
        slot: Slot,
    },
    /// Two discs collided.
    Bump {
        /// The one with the lower slot.
        a: Slot,
        /// The other.
        b: Slot,
        /// Closing speed in sub-units a tick.
        speed: i32,
        /// The point of contact.
        at: Vec2,
    },
    /// A disc went over the edge.
    KnockOut {
        /// The disc that fell.
        slot: Slot,
        /// The seat that gets the point, and its last push. `None` when the fall counts against the disc itself.
        credit: Option<(Slot, PushKind)>,
        /// The position where it fell.
        at: Vec2,
    },
    /// A disc is back on the ice.
    Respawn {
        /// The disc.
        slot: Slot,
    },
    /// A pickup appeared.
    PickupSpawned {
        /// Its kind.
        kind: PickupKind,
        /// Its position.
        at: Vec2,
    },
    /// A disc took a pickup.
    PickupTaken {
        /// The disc.
        slot: Slot,
        /// The kind of the pickup.
        kind: PickupKind,
        /// The position of the pickup.
        at: Vec2,
    },
    /// Another disc than before has the most points, and no other has as many.
    LeadChange {
        /// The new leader.
        slot: Slot,
    },
    /// The platform begins to shrink.
    ShrinkBegins,
    /// Time is up; the world does not change any more.
    RoundOver,
}
