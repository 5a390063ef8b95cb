//! Who sits where: the people behind the slots. A small room is told all of it whenever it changes, a crowd only what
//! has changed.

use serde::{Deserialize, Serialize};

use super::FrameKind;
use super::bits::{BitReader, BitWriter, Coder as _, DecodeError};
use crate::id::{PlayerId, PlayerName};
use crate::sim::mode::{CROWD_SEATS, SEATS_MAX};
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

/// No frame has more entries: far less than [`super::FRAME_BYTES_MAX`] with the longest names.
const ENTRIES_IN_FRAME: usize = 128;

/// A part of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seats {
    /// What was known before is forgotten.
    begins: bool,
    /// Who sits there now.
    entries: Vec<RosterEntry>,
    /// Where nobody sits any more.
    freed: Vec<Slot>,
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
        let place = self.entries.binary_search_by_key(&slot, |entry| entry.slot).ok()?;
        self.entries.get(place)
    }

    /// The name behind a slot, or a dash for an empty one.
    #[must_use]
    pub fn name(&self, slot: Slot) -> &str {
        self.entry(slot).map_or("–", |entry| entry.name.as_str())
    }

    /// The frames that tell all of it: one, unless it is a crowd's.
    pub(super) fn encode(&self) -> Vec<Vec<u8>> {
        if self.entries.len() <= SEATS_MAX {
            return vec![frame(FrameKind::Roster, self)];
        }
        let part = |(number, entries): (usize, &[RosterEntry])| {
            let begins = number == 0;
            frame(
                FrameKind::RosterDelta,
                &Seats { begins, entries: entries.to_vec(), freed: Vec::new() },
            )
        };
        self.entries.chunks(ENTRIES_IN_FRAME).enumerate().map(part).collect()
    }

    /// The frames that tell who knows `before` what is new.
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
            .map(|entries| Seats { begins: false, entries: entries.to_vec(), freed: Vec::new() })
            .collect();
        match parts.first_mut() {
            Some(first) => first.freed = freed,
            None => parts.push(Seats { begins: false, entries: Vec::new(), freed }),
        }
        parts.iter().map(|part| frame(FrameKind::RosterDelta, part)).collect()
    }

    /// Takes a part of it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let seats: Seats = body(bytes)?;
        let mut entries = if seats.begins { Vec::new() } else { self.entries.clone() };
        let is_told = |slot: &Slot| {
            seats.freed.contains(slot) || seats.entries.iter().any(|entry| entry.slot == *slot)
        };
        entries.retain(|entry| !is_told(&entry.slot));
        entries.extend(seats.entries.iter().cloned());
        *self = Self::checked(entries, CROWD_SEATS)?;
        Ok(())
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let roster: Self = body(frame)?;
        Self::checked(roster.entries, SEATS_MAX)
    }

    /// In the order of the slots, no seat taken twice.
    fn checked(mut entries: Vec<RosterEntry>, most: usize) -> Result<Self, DecodeError> {
        entries.sort_by_key(|entry| entry.slot);
        let is_twice = |pair: &[RosterEntry]| pair[0].slot == pair[1].slot;
        if entries.len() > most || entries.windows(2).any(is_twice) {
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
    fn a_crowd_is_told_in_parts_and_then_what_changes() {
        let all = Roster { entries: (0..1_000).map(|slot| entry(slot, 7)).collect() };
        let mut told = Roster { entries: vec![entry(3, 1)] };
        for frame in all.encode() {
            assert!(frame.len() < FRAME_BYTES_MAX);
            told.take(&frame).unwrap();
        }
        assert_eq!(told, all);

        let mut later = all.clone();
        later.entries.remove(500);
        later.entries[10] = entry(10, 8);
        let frames = later.encode_since(&all);

        assert_eq!(frames.len(), 1);
        assert!(frames[0].len() < 100, "two seats, not a thousand");
        told.take(&frames[0]).unwrap();
        assert_eq!(told, later);
        assert_eq!((told.entry(Slot(500)), told.entry(Slot(999))), (None, later.entries.last()));
    }
}
