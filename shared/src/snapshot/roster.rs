//! Who sits where: the people behind the slots.

use serde::{Deserialize, Serialize};

use super::FrameKind;
use super::bits::{BitReader, BitWriter, Coder as _, DecodeError};
use crate::id::{PlayerId, PlayerName};
use crate::sim::mode::SEATS_MAX;
use crate::sim::{BotStrength, Slot};

/// One seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// Which. Also gives the disc its looks.
    pub slot: Slot,
    /// Who sits there.
    pub player: PlayerId,
    /// The name to show.
    pub name: PlayerName,
    /// How strong a bot; nothing for a person. A bot's inputs follow from the world, so a client can foresee them.
    pub bot: Option<BotStrength>,
    /// 0 or 1 in Teams; 0 otherwise.
    pub team: u8,
    /// The connection is lost and the seat waits.
    pub reconnecting: bool,
}

/// All seats that are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roster {
    /// In the order of the slots.
    pub entries: Vec<RosterEntry>,
}

impl Roster {
    /// Who sits in a slot.
    #[must_use]
    pub fn entry(&self, slot: Slot) -> Option<&RosterEntry> {
        self.entries.iter().find(|entry| entry.slot == slot)
    }

    /// The name behind a slot, or a dash for an empty one.
    #[must_use]
    pub fn name(&self, slot: Slot) -> &str {
        self.entry(slot).map_or("–", |entry| entry.name.as_str())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = BitWriter::default();
        writer.bits(&mut FrameKind::Roster.code(), 8).expect("a writer takes every value");
        let mut frame = writer.finish();
        let body = bincode::serde::encode_to_vec(self, bincode::config::standard());
        frame.extend(body.expect("a roster encodes"));
        frame
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = BitReader::new(frame);
        reader.bits(&mut 0, 8)?;
        let config = bincode::config::standard().with_limit::<{ super::FRAME_BYTES_MAX }>();
        let (roster, _): (Self, usize) = bincode::serde::decode_from_slice(reader.rest(), config)
            .map_err(|_reason| DecodeError::Malformed("roster"))?;
        if roster.entries.len() > SEATS_MAX {
            return Err(DecodeError::Malformed("roster"));
        }
        Ok(roster)
    }
}
