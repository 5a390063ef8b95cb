//! What a world reports: for sounds, sparks, the kill feed and markers. Nothing depends on reading it.

use serde::{Deserialize, Serialize};

use super::command::Slot;
use super::fixed::Vec2;
use crate::tick::Tick;

/// What pushed somebody: the icon in the kill feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushKind {
    /// A travelling shot.
    Pulse,
    /// The cone.
    Shove,
    /// A bump by somebody who dashed.
    Dash,
    /// Any other bump.
    Bump,
}

impl PushKind {
    /// All kinds, in the order of their written form.
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
    /// All kinds, in the order of their written form.
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

/// Names a pulse. The client can know it before the server does: it is made of who fired and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PulseId {
    /// Who fired.
    pub slot: Slot,
    /// The step during which it was fired.
    pub tick: Tick,
}

/// Something that happened during one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A pulse left its owner (`id.slot`).
    PulseFired {
        /// Which.
        id: PulseId,
    },
    /// A pulse hit.
    PulseHit {
        /// Which; its owner is `id.slot`.
        id: PulseId,
        /// Whom.
        target: Slot,
        /// Where.
        at: Vec2,
    },
    /// Somebody shoved, hit or not.
    Shove {
        /// Who.
        slot: Slot,
    },
    /// The shove caught somebody.
    ShoveHit {
        /// Who shoved.
        by: Slot,
        /// Whom.
        target: Slot,
    },
    /// Somebody dashed.
    Dash {
        /// Who.
        slot: Slot,
    },
    /// Two discs ran into each other.
    Bump {
        /// The one with the lower slot.
        a: Slot,
        /// The other.
        b: Slot,
        /// Closing speed in sub-units a tick.
        speed: i32,
        /// Where they touched.
        at: Vec2,
    },
    /// Somebody went over the edge.
    KnockOut {
        /// Who fell.
        slot: Slot,
        /// Who gets the point, and for what. Nobody: it counts against the fallen.
        credit: Option<(Slot, PushKind)>,
        /// Where the edge was crossed.
        at: Vec2,
    },
    /// Somebody is back.
    Respawn {
        /// Who.
        slot: Slot,
    },
    /// A pickup appeared.
    PickupSpawned {
        /// Which kind.
        kind: PickupKind,
        /// Where.
        at: Vec2,
    },
    /// Somebody took a pickup.
    PickupTaken {
        /// Who.
        slot: Slot,
        /// Which kind.
        kind: PickupKind,
        /// Where it lay.
        at: Vec2,
    },
    /// Somebody is in front alone who was not.
    LeadChange {
        /// Who.
        slot: Slot,
    },
    /// The platform begins to shrink.
    ShrinkBegins,
    /// Time is up; the world does not change any more.
    RoundOver,
}
