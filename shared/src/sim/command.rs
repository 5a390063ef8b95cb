//! What a world obeys: the keys of a tick, and who sits where.

use core::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::fixed::{Angle, Vec2};

/// A seat in a world, and the disc that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u16);

impl Hash for Slot {
    /// A byte where one is enough: the checksums of rooms of sixteen are what they were before there were crowds.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match u8::try_from(self.0) {
            Ok(low) => state.write_u8(low),
            Err(_) => state.write_u16(self.0),
        }
    }
}

/// Which way a disc is driven: not at all, or in one of sixteen directions (a keyboard uses eight).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thrust(u8);

impl Thrust {
    /// Not at all.
    pub const NONE: Self = Self(0);
    /// Directions.
    pub const DIRECTIONS: u8 = 16;

    /// The nearest of the sixteen directions.
    #[must_use]
    pub fn towards(angle: Angle) -> Self {
        let step = Angle::TURN / u16::from(Self::DIRECTIONS);
        let nearest = (angle.steps() + step / 2) / step % u16::from(Self::DIRECTIONS);
        Self(1 + nearest.to_le_bytes()[0])
    }

    /// The direction of a vector; none when it is zero.
    #[must_use]
    pub fn along(vector: Vec2) -> Self {
        if vector == Vec2::ZERO { Self::NONE } else { Self::towards(Angle::of(vector)) }
    }

    /// From its written form: 0 for none, 1 to 16.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code <= Self::DIRECTIONS { Some(Self(code)) } else { None }
    }

    /// The written form.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The direction, unless there is none.
    #[must_use]
    pub fn angle(self) -> Option<Angle> {
        let step = Angle::TURN / u16::from(Self::DIRECTIONS);
        self.0.checked_sub(1).map(|direction| Angle::from_steps(u16::from(direction) * step))
    }
}

/// The buttons that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Buttons(u8);

impl Buttons {
    /// No button.
    pub const NONE: Self = Self(0);
    /// Fire a pulse.
    pub const PULSE: Self = Self(1);
    /// Shove what is near.
    pub const SHOVE: Self = Self(2);
    /// Dash along the thrust.
    pub const DASH: Self = Self(4);
    /// Bits that they take.
    pub const BITS: u32 = 3;

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are held.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// From their written form; bits that mean nothing are dropped.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code & 7)
    }

    /// The written form.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

/// What a player, or a bot, holds during one tick. Four bytes: the same for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Input {
    /// Where to drive.
    pub thrust: Thrust,
    /// Where to look.
    pub aim: Angle,
    /// What is pressed.
    pub buttons: Buttons,
}

impl Input {
    /// Whether every part is in range: what came over the wire may not be.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.thrust.0 <= Thrust::DIRECTIONS && self.aim.is_valid() && self.buttons.0 < 8
    }

    /// The same without what must not repeat by itself when an input is missing.
    #[must_use]
    pub const fn without_actions(self) -> Self {
        Self { buttons: Buttons::NONE, ..self }
    }

    /// Looking the same way, doing nothing.
    #[must_use]
    pub const fn idle(self) -> Self {
        Self { thrust: Thrust::NONE, buttons: Buttons::NONE, ..self }
    }
}

/// The only thing that changes a world from outside. An input holds until the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Takes a seat. Ignored when it is taken or the mode has no such seat.
    Join {
        /// Which seat.
        slot: Slot,
        /// 0 or 1 in Teams; 0 otherwise.
        team: u8,
    },
    /// Gives the seat up; the disc vanishes.
    Leave {
        /// Which seat.
        slot: Slot,
    },
    /// Changes what is held. Ignored for an empty seat.
    Input {
        /// Whose.
        slot: Slot,
        /// What is held from now on.
        input: Input,
    },
}

impl Command {
    /// Whom it is about.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Join { slot, .. } | Self::Leave { slot } | Self::Input { slot, .. } => *slot,
        }
    }
}
