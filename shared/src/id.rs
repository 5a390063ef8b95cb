//! Ids of players, rooms and replays, and the names of players.
//!
//! In JSON an id is a short string in Crockford's base 32 (without I, L, O and U): a human can read it aloud, and
//! JavaScript cannot round it.

mod name;

#[cfg(feature = "names")]
pub use name::name_key;
pub use name::{NAME_CHARS_MAX, NAME_CHARS_MIN, NameError, PlayerName};

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The text is not an id of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id has {digits} letters or digits")]
pub struct IdError {
    /// The number of characters that the type has.
    pub digits: usize,
}

pub(crate) fn write_base32(value: u64, digits: usize) -> String {
    (0..digits)
        .rev()
        .map(|digit| ALPHABET[usize::from(((value >> (5 * digit)) & 31) as u8)] as char)
        .collect()
}

pub(crate) fn read_base32(text: &str, digits: usize) -> Result<u64, IdError> {
    let refuse = IdError { digits };
    if text.len() != digits {
        return Err(refuse);
    }
    text.bytes().try_fold(0, |value, letter| {
        // Crockford: letters that look like a digit are read as this digit.
        let letter = match letter.to_ascii_uppercase() {
            b'I' | b'L' => b'1',
            b'O' => b'0',
            other => other,
        };
        let digit = ALPHABET.iter().position(|a| *a == letter).ok_or_else(|| refuse.clone())?;
        Ok(value << 5 | digit as u64)
    })
}

macro_rules! base32_id {
    ($(#[$doc:meta])* $name:ident, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Number of characters of the written form.
            pub const DIGITS: usize = $digits;

            /// An id from any number. Bits that do not fit are dropped.
            #[must_use]
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits & ((1 << (5 * $digits)) - 1))
            }

            /// The id as a number.
            #[must_use]
            pub const fn bits(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&write_base32(self.0, Self::DIGITS))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read_base32(text, Self::DIGITS).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    u64::deserialize(deserializer).map(Self::from_bits)
                }
            }
        }
    };
}

base32_id!(
    /// A player with a rating: a guest or a bot. 60 random bits.
    PlayerId,
    12
);
base32_id!(
    /// A room, and the code that finds it. 30 random bits: too few for a secret, so a private room needs its
    /// [`crate::invitation::RoomAddress`].
    RoomId,
    6
);
base32_id!(
    /// A recorded round. The upper 42 bits are milliseconds since 1970, so that ids sort by time.
    ReplayId,
    12
);

#[cfg(test)]
mod tests {
    use super::{IdError, RoomId};

    #[test]
    fn an_id_reads_back_even_in_lower_case() {
        let id = RoomId::from_bits(0x1234_5678);

        let written = id.to_string();

        assert_eq!(written.parse(), Ok(id));
        assert_eq!(written.to_lowercase().parse(), Ok(id));
        assert_eq!("O1I".parse::<RoomId>(), Err(IdError { digits: 6 }));
    }
}
