//! The address of a room: its id and, for a private room, the secret of its invitation.
//!
//! A person can read the id aloud, and a program can guess it: it has 30 bits. So the server looks a private room's id up
//! for few clients a minute, and everything else about the room takes the secret.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{RoomId, read_base32, write_base32};

/// What stands between the id and the secret.
const SEPARATOR: char = '-';

/// The secret of an invitation: 64 random bits, in JSON and in links 13 letters and digits of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvitationSecret(u64);

impl InvitationSecret {
    /// Number of characters of the written form.
    pub const DIGITS: usize = 13;

    /// The secret of these bits, which should be random.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for InvitationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_base32(self.0, Self::DIGITS))
    }
}

impl fmt::Debug for InvitationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Logs are read by more people than were invited.
        f.write_str("InvitationSecret")
    }
}

/// The text is no address of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a room's address is its code, or its code, a hyphen and the secret of its invitation")]
pub struct RoomAddressError;

impl FromStr for InvitationSecret {
    type Err = RoomAddressError;

    fn from_str(text: &str) -> Result<Self, RoomAddressError> {
        let bits = read_base32(text, Self::DIGITS).map_err(|_reason| RoomAddressError)?;
        // 13 digits hold 65 bits.
        let first = text.get(..1).and_then(|digit| read_base32(digit, 1).ok());
        first.is_some_and(|digit| digit < 16).then_some(Self(bits)).ok_or(RoomAddressError)
    }
}

/// The address of a room: `7Q2M4K`, or with the secret of an invitation `7Q2M4K-3M9C8R5T1W7XZ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoomAddress {
    /// The room.
    pub room: RoomId,
    /// The secret. `None`: the room is public, or only its code is known.
    pub secret: Option<InvitationSecret>,
}

impl From<RoomId> for RoomAddress {
    fn from(room: RoomId) -> Self {
        Self { room, secret: None }
    }
}

impl fmt::Display for RoomAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.secret {
            Some(secret) => write!(f, "{}{SEPARATOR}{secret}", self.room),
            None => write!(f, "{}", self.room),
        }
    }
}

impl FromStr for RoomAddress {
    type Err = RoomAddressError;

    fn from_str(text: &str) -> Result<Self, RoomAddressError> {
        let (room, secret) = match text.split_once(SEPARATOR) {
            Some((room, secret)) => (room, Some(secret.parse()?)),
            None => (text, None),
        };
        Ok(Self { room: room.parse().map_err(|_reason| RoomAddressError)?, secret })
    }
}

impl Serialize for RoomAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoomAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvitationSecret, RoomAddress, RoomAddressError};
    use crate::id::RoomId;

    #[test]
    fn an_address_reads_back_with_and_without_its_secret() {
        let room = RoomId::from_bits(0x1234_5678);
        for bits in [0, 1, 0x0123_4567_89AB_CDEF, u64::MAX] {
            let address = RoomAddress { room, secret: Some(InvitationSecret::from_bits(bits)) };

            let written = address.to_string();

            assert_eq!(written.len(), 20, "{written}");
            assert_eq!(written.parse(), Ok(address));
            assert_eq!(written.to_lowercase().parse(), Ok(address));
        }
        assert_eq!(room.to_string().parse(), Ok(RoomAddress::from(room)));
    }

    #[test]
    fn anything_else_is_no_address() {
        for text in [
            "",
            "7Q2M4K-",
            "7Q2M4K-123",
            "-3M9C8R5T1W7XZ",
            "7Q2M4K-ZZZZZZZZZZZZZ",
            "7Q2M4K-é3M9C8R5T1W7",
        ] {
            assert_eq!(text.parse::<RoomAddress>(), Err(RoomAddressError), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_accident() {
        let secret = InvitationSecret::from_bits(7);
        assert!(!format!("{secret:?}").contains(&secret.to_string()));
    }
}
