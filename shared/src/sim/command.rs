//! The commands that a world obeys: inputs, and changes of seats.

use core::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::fixed::{Angle, Vec2};

/// A seat in a world, and the disc that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u16);

impl Hash for Slot {
    /// Hashes one byte where one is enough, so that the checksums of rooms of sixteen did not change when crowds came.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match u8::try_from(self.0) {
            Ok(low) => state.write_u8(low),
            Err(_) => state.write_u16(self.0),
        }
    }
}

/// The direction in which a disc is driven: none, or one of sixteen (a keyboard uses eight).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thrust(u8);

impl Thrust {
    /// No thrust.
    pub const NONE: Self = Self(0);
    /// Number of directions.
    pub const DIRECTIONS: u8 = 16;

    /// The nearest of the sixteen directions.
    #[must_use]
    pub fn towards(angle: Angle) -> Self {
        let step = Angle::TURN / u16::from(Self::DIRECTIONS);
        let nearest = (angle.steps() + step / 2) / step % u16::from(Self::DIRECTIONS);
        Self(1 + nearest.to_le_bytes()[0])
    }

    /// The direction of a vector. None when the vector is zero.
    #[must_use]
    pub fn along(vector: Vec2) -> Self {
        if vector == Vec2::ZERO { Self::NONE } else { Self::towards(Angle::of(vector)) }
    }

    /// Decodes the wire form: 0 for none, 1 to 16 for a direction. `None` for other numbers.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code <= Self::DIRECTIONS { Some(Self(code)) } else { None }
    }

    /// The wire form, see [`Thrust::from_code`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The direction. `None` without thrust.
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
    /// Shove the discs in front.
    pub const SHOVE: Self = Self(2);
    /// Dash along the thrust.
    pub const DASH: Self = Self(4);
    /// Bits of the wire form.
    pub const BITS: u32 = 3;

    /// These buttons and `other` together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are held.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Decodes the wire form. Unused bits are dropped.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code & 7)
    }

    /// The wire form: one bit for each button.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

/// The input of one player or bot for one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Input {
    /// The direction to drive.
    pub thrust: Thrust,
    /// The direction to aim.
    pub aim: Angle,
    /// The buttons that are held.
    pub buttons: Buttons,
}

impl Input {
    /// Whether each part is in range. Input from the wire may not be.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.thrust.0 <= Thrust::DIRECTIONS && self.aim.is_valid() && self.buttons.0 < 8
    }

    /// The same input without buttons. It stands in for a missing input: actions must not repeat by themselves.
    #[must_use]
    pub const fn without_actions(self) -> Self {
        Self { buttons: Buttons::NONE, ..self }
    }

    /// The same aim, without thrust or buttons.
    #[must_use]
    pub const fn idle(self) -> Self {
        Self { thrust: Thrust::NONE, buttons: Buttons::NONE, ..self }
    }
}

/// A change of a world from outside; there are no others. An input holds until the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Takes a seat. Ignored when the seat is taken or the mode does not have it.
    Join {
        /// The seat.
        slot: Slot,
        /// 0 or 1 in Teams; 0 otherwise.
        team: u8,
    },
    /// Leaves a seat and removes its disc. Ignored for an empty seat.
    Leave {
        /// The seat.
        slot: Slot,
    },
    /// Changes the input of a seat. Ignored for an empty seat.
    Input {
        /// The seat.
        slot: Slot,
        /// The input from now on.
        input: Input,
    },
}

impl Command {
    /// The seat that the command is about.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Join { slot, .. } | Self::Leave { slot } | Self::Input { slot, .. } => *slot,
        }
    }
}
