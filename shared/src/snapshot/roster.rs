//! The roster: the players in the seats. A small room gets all of it after each change, a crowd only the changes.

use serde::{Deserialize, Serialize};

use super::FrameKind;
use super::bits::{BitReader, BitWriter, Coder as _, DecodeError};
use crate::id::{PlayerId, PlayerName};
use crate::sim::mode::{CROWD_SEATS, SEATS_MAX};
use crate::sim::{BotStrength, Slot};

/// A taken seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// The seat. It also determines the colours of the disc.
    pub slot: Slot,
    /// The player in the seat.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// The strength of a bot. `None` for a human. A bot's inputs follow from the world, so a client can predict them.
    pub bot: Option<BotStrength>,
    /// 0 or 1 in Teams; 0 otherwise.
    pub team: u8,
    /// Whether the connection is lost and the seat is kept.
    pub reconnecting: bool,
}

/// The most entries in one frame: with the longest names still far below [`super::FRAME_BYTES_MAX`].
const ENTRIES_IN_FRAME: usize = 128;

/// A change of a roster, or a part of a whole one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RosterDelta {
    /// Whether the entries known before are dropped.
    begins: bool,
    /// New or changed entries.
    entries: Vec<RosterEntry>,
    /// Seats that are empty now.
    freed: Vec<Slot>,
}

/// All seats that are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roster {
    /// By slot.
    pub entries: Vec<RosterEntry>,
}

impl Roster {
    /// The entry of a seat. `None` when the seat is empty.
    #[must_use]
    pub fn entry(&self, slot: Slot) -> Option<&RosterEntry> {
        let index = self.entries.binary_search_by_key(&slot, |entry| entry.slot).ok()?;
        self.entries.get(index)
    }

    /// The name of the player in a seat, or a dash for an empty one.
    #[must_use]
    pub fn name(&self, slot: Slot) -> &str {
        self.entry(slot).map_or("–", |entry| entry.name.as_str())
    }

    /// The frames of the whole roster: one, or several for a crowd.
    pub(super) fn encode(&self) -> Vec<Vec<u8>> {
        if self.entries.len() <= SEATS_MAX {
            return vec![frame(FrameKind::Roster, self)];
        }
        let part = |(number, entries): (usize, &[RosterEntry])| {
            let begins = number == 0;
            frame(
                FrameKind::RosterDelta,
                &RosterDelta { begins, entries: entries.to_vec(), freed: Vec::new() },
            )
        };
        self.entries.chunks(ENTRIES_IN_FRAME).enumerate().map(part).collect()
    }

    /// The frames that turn the roster `before` into this one.
    pub(super) fn encode_since(&self, before: &Self) -> Vec<Vec<u8>> {
        if self.entries.len().max(before.entries.len()) <= SEATS_MAX {
            return self.encode();
        }
        let is_new = |entry: &&RosterEntry| before.entry(entry.slot) != Some(entry);
        let new: Vec<_> = self.entries.iter().filter(is_new).cloned().collect();
        let slots = before.entries.iter().map(|entry| entry.slot);
        let freed: Vec<_> = slots.filter(|slot| self.entry(*slot).is_none()).collect();
        let mut parts: Vec<_> = new
            .chunks(ENTRIES_IN_FRAME)
            .map(|entries| RosterDelta {
                begins: false,
                entries: entries.to_vec(),
                freed: Vec::new(),
            })
            .collect();
        match parts.first_mut() {
            Some(first) => first.freed = freed,
            None => parts.push(RosterDelta { begins: false, entries: Vec::new(), freed }),
        }
        parts.iter().map(|part| frame(FrameKind::RosterDelta, part)).collect()
    }

    /// Applies a frame of the kind [`FrameKind::RosterDelta`].
    pub(super) fn apply(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let delta: RosterDelta = body(bytes)?;
        let mut entries = if delta.begins { Vec::new() } else { self.entries.clone() };
        let changes = |slot: &Slot| {
            delta.freed.contains(slot) || delta.entries.iter().any(|entry| entry.slot == *slot)
        };
        entries.retain(|entry| !changes(&entry.slot));
        entries.extend(delta.entries.iter().cloned());
        *self = Self::checked(entries, CROWD_SEATS)?;
        Ok(())
    }

    /// Decodes a frame of the kind [`FrameKind::Roster`].
    pub(super) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let roster: Self = body(frame)?;
        Self::checked(roster.entries, SEATS_MAX)
    }

    /// A roster with the entries by slot. An error when a seat is taken twice or there are more than `max`.
    fn checked(mut entries: Vec<RosterEntry>, max: usize) -> Result<Self, DecodeError> {
        entries.sort_by_key(|entry| entry.slot);
        let is_twice = |pair: &[RosterEntry]| pair[0].slot == pair[1].slot;
        if entries.len() > max || entries.windows(2).any(is_twice) {
            return Err(DecodeError::Malformed("roster"));
        }
        Ok(Self { entries })
    }
}

fn frame(kind: FrameKind, body: &impl Serialize) -> Vec<u8> {
    let mut writer = BitWriter::default();
    writer.bits(&mut kind.code(), 8).expect("a writer takes every value");
    let mut frame = writer.finish();
    let body = bincode::serde::encode_to_vec(body, bincode::config::standard());
    frame.extend(body.expect("a roster encodes"));
    frame
}

fn body<T: serde::de::DeserializeOwned>(frame: &[u8]) -> Result<T, DecodeError> {
    let mut reader = BitReader::new(frame);
    reader.bits(&mut 0, 8)?;
    let config = bincode::config::standard().with_limit::<{ super::FRAME_BYTES_MAX }>();
    let (body, _) = bincode::serde::decode_from_slice(reader.rest(), config)
        .map_err(|_reason| DecodeError::Malformed("roster"))?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::{Roster, RosterEntry};
    use crate::id::{PlayerId, PlayerName};
    use crate::sim::Slot;
    use crate::snapshot::FRAME_BYTES_MAX;

    fn entry(slot: u16, player: u64) -> RosterEntry {
        RosterEntry {
            slot: Slot(slot),
            player: PlayerId::from_bits(player),
            name: PlayerName::parse("𝕊𝕚𝕩𝕥𝕖𝕖𝕟𝕃𝕖𝕥𝕥𝕖𝕣𝕤").unwrap(),
            bot: None,
            team: 0,
            reconnecting: false,
        }
    }

    #[test]
    fn a_crowd_gets_its_roster_in_parts_and_then_the_changes() {
        let all = Roster { entries: (0..1_000).map(|slot| entry(slot, 7)).collect() };
        let mut known = Roster { entries: vec![entry(3, 1)] };
        for frame in all.encode() {
            assert!(frame.len() < FRAME_BYTES_MAX);
            known.apply(&frame).unwrap();
        }
        assert_eq!(known, all);

        let mut later = all.clone();
        later.entries.remove(500);
        later.entries[10] = entry(10, 8);
        let frames = later.encode_since(&all);

        assert_eq!(frames.len(), 1);
        assert!(frames[0].len() < 100, "two seats, not a thousand");
        known.apply(&frames[0]).unwrap();
        assert_eq!(known, later);
        assert_eq!((known.entry(Slot(500)), known.entry(Slot(999))), (None, later.entries.last()));
    }
}
