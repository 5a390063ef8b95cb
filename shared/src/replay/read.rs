//! A recording as it arrives: in chunks of any size, from a finished file or from one that grows.

use sha2::{Digest as _, Sha256};

use super::index::{
    FOOTER_BYTES, INDEX_BYTES_MAX, Index, KEYFRAMES_MAX, MARKERS_MAX, footer, marker,
};
use super::{FILE_BYTES_MAX, MAGIC, ReplayHeader, VERSION};
use crate::api::Marker;
use crate::sim::mode::{ROUND_TICKS_MAX, SEATS_MAX};
use crate::snapshot::{
    Applied, DecodeError, FRAME_BYTES_MAX, FrameKind, Roster, StreamDecoder, next_record_within,
    record,
};

/// Why bytes are no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// They do not begin like one.
    #[error("this is no Pushback recording")]
    NoReplay,
    /// Another version.
    #[error("this recording is of version {0} and this build plays version {VERSION}: {why}", why = why_not(*.0))]
    Version(u16),
    /// Something in it cannot be read.
    #[error("the recording is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// The digest at the end is not that of the bytes.
    #[error("the recording is damaged: its digest does not match")]
    Digest,
    /// More than any reader holds.
    #[error("the recording is longer than {FILE_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes after the end.
    #[error("there is something after the end of the recording")]
    AfterTheEnd,
}

/// Frames kept: every delta moves a round on by a tick or more.
const FRAMES_MAX: usize = ROUND_TICKS_MAX as usize + KEYFRAMES_MAX;
/// Rosters kept: one every fifth of a second of the longest round. When there are more, the last one kept stands for
/// the rest.
const ROSTERS_MAX: usize = ROUND_TICKS_MAX as usize / 12;

/// A frame that can be played.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Ticks since the round began, after this frame.
    pub(super) tick: u32,
    pub(super) is_keyframe: bool,
    pub(super) bytes: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    Magic,
    Header,
    Frames,
    Footer { index_bytes: u32 },
    Nothing,
}

/// Collects a recording and follows it, so that it knows how far it goes and what happens in it.
#[derive(Debug, Clone)]
pub struct ReplayReader {
    pending: Vec<u8>,
    expects: Expects,
    digest: Sha256,
    bytes: u64,
    header: Option<ReplayHeader>,
    scout: StreamDecoder,
    frames: Vec<Frame>,
    rosters: Vec<(u32, Roster)>,
    markers: Vec<Marker>,
    ended: bool,
    index: Option<Index>,
    verified: bool,
}

impl Default for ReplayReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayReader {
    /// A reader that has got nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pending: Vec::new(),
            expects: Expects::Magic,
            digest: Sha256::new(),
            bytes: 0,
            header: None,
            scout: StreamDecoder::new(),
            frames: Vec::new(),
            rosters: Vec::new(),
            markers: Vec::new(),
            ended: false,
            index: None,
            verified: false,
        }
    }

    /// Takes the next bytes, however many. What was read before stays good after an error.
    ///
    /// # Errors
    /// When they cannot go on a recording.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ReplayError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > FILE_BYTES_MAX as u64 {
            return Err(ReplayError::TooLong);
        }
        let mut all = core::mem::take(&mut self.pending);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        let outcome = loop {
            match self.take(rest) {
                Ok(0) => break Ok(()),
                Ok(used) => rest = &rest[used..],
                Err(error) => break Err(error),
            }
        };
        self.pending = rest.to_vec();
        outcome
    }

    /// What was recorded, once that much is here.
    #[must_use]
    pub fn header(&self) -> Option<&ReplayHeader> {
        self.header.as_ref()
    }

    /// The newest roster.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        self.scout.roster()
    }

    /// The roster at a time.
    #[must_use]
    pub fn roster_at(&self, tick: u32) -> &Roster {
        let after = self.rosters.partition_point(|(since, _)| *since <= tick);
        self.rosters.get(after.saturating_sub(1)).map_or(self.scout.roster(), |(_, roster)| roster)
    }

    /// Places worth jumping to, so far.
    #[must_use]
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// The first tick that can be played: zero, unless it is a live stream that was entered late.
    #[must_use]
    pub fn first_tick(&self) -> u32 {
        self.frames.first().map_or(0, |frame| frame.tick)
    }

    /// The last tick that can be played so far.
    #[must_use]
    pub fn available_ticks(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.tick)
    }

    /// Whether the round is there to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// Whether the digest at the end was there and right.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The table of contents, at the end of a complete file.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Bytes taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The newest world: where a live stream is now.
    #[must_use]
    pub fn newest(&self) -> Option<&crate::sim::World> {
        self.scout.world()
    }

    /// How often the stream led elsewhere than it said. Zero, or somebody has a bug.
    #[must_use]
    pub fn diverged(&self) -> u32 {
        self.scout.diverged()
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Takes the next whole thing and says how many bytes it was; 0 when more must come first.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, ReplayError> {
        match self.expects {
            Expects::Magic => self.magic(bytes),
            Expects::Header | Expects::Frames => {
                // Behind the end comes the index, which may be longer than what is played.
                let frame_bytes_max = if self.ended { INDEX_BYTES_MAX } else { FRAME_BYTES_MAX };
                let Some((frame, rest)) = next_record_within(bytes, frame_bytes_max)? else {
                    return Ok(0);
                };
                let used = bytes.len() - rest.len();
                if self.expects == Expects::Header {
                    self.header = Some(read_header(frame)?);
                    self.expects = Expects::Frames;
                } else {
                    self.frame(frame)?;
                }
                self.digest.update(&bytes[..used]);
                Ok(used)
            }
            Expects::Footer { index_bytes } => {
                let Some(found) = bytes.get(..FOOTER_BYTES) else { return Ok(0) };
                self.expects = Expects::Nothing;
                self.verified = found == footer(index_bytes, self.digest.clone());
                if self.verified { Ok(FOOTER_BYTES) } else { Err(ReplayError::Digest) }
            }
            Expects::Nothing if bytes.is_empty() => Ok(0),
            Expects::Nothing => Err(ReplayError::AfterTheEnd),
        }
    }

    fn magic(&mut self, bytes: &[u8]) -> Result<usize, ReplayError> {
        const PREAMBLE_BYTES: usize = MAGIC.len() + 2;
        let start = bytes.len().min(MAGIC.len());
        if bytes[..start] != MAGIC[..start] {
            return Err(ReplayError::NoReplay);
        }
        let Some(preamble) = bytes.get(..PREAMBLE_BYTES) else { return Ok(0) };
        let version = u16::from_le_bytes([preamble[8], preamble[9]]);
        if version != VERSION {
            return Err(ReplayError::Version(version));
        }
        self.digest.update(preamble);
        self.expects = Expects::Header;
        Ok(PREAMBLE_BYTES)
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<(), ReplayError> {
        let kind = FrameKind::of(bytes)?;
        if kind == FrameKind::Index {
            self.index = Some(Index::decode(bytes)?);
            let index_bytes = u32::try_from(record(bytes).len()).unwrap_or(u32::MAX);
            self.expects = Expects::Footer { index_bytes };
            return Ok(());
        }
        let applied = self.scout.apply(bytes)?;
        let began = self.scout.world().map(|world| world.began).unwrap_or_default();
        let tick = self.scout.world().map_or(0, crate::sim::World::elapsed);
        match applied {
            Applied::Keyframe | Applied::Delta(_) => {
                let is_keyframe = applied == Applied::Keyframe;
                self.keep(Frame { tick, is_keyframe, bytes: bytes.into() })?;
            }
            Applied::Roster => self.keep_roster(tick),
            Applied::End => self.ended = true,
            Applied::RelayedInputs => {}
        }
        if let Applied::Delta(events) = applied {
            let room = MARKERS_MAX.saturating_sub(self.markers.len());
            let elapsed = |tick: crate::tick::Tick| tick.since(began).max(0).unsigned_abs();
            let found = events.iter().filter_map(|(tick, event)| marker(elapsed(*tick), event));
            self.markers.extend(found.take(room));
        }
        Ok(())
    }
}

impl ReplayReader {
    fn keep(&mut self, frame: Frame) -> Result<(), DecodeError> {
        // Whoever seeks relies on the order.
        if frame.tick < self.available_ticks() {
            return Err(DecodeError::Malformed("the round goes backwards"));
        }
        if self.frames.len() >= FRAMES_MAX {
            return Err(DecodeError::Malformed("more frames than the longest round has"));
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Keeps the newest roster if it says something new. Of several at one time the last counts.
    fn keep_roster(&mut self, tick: u32) {
        let newest = self.scout.roster();
        // A crowd's are large: fewer of them.
        let is_full = self.rosters.len() * (1 + newest.entries.len() / SEATS_MAX) >= ROSTERS_MAX;
        match self.rosters.last_mut() {
            Some((_, last)) if last == newest => {}
            Some((since, last)) if *since == tick => last.clone_from(newest),
            _ if is_full => {}
            _ => self.rosters.push((tick, newest.clone())),
        }
    }
}

fn why_not(version: u16) -> &'static str {
    if version < VERSION {
        "it holds what was pressed, and under the rules of today that would be another match"
    } else {
        "a newer build made it"
    }
}

fn read_header(bytes: &[u8]) -> Result<ReplayHeader, DecodeError> {
    let config = bincode::config::standard().with_limit::<1024>();
    bincode::serde::decode_from_slice(bytes, config)
        .map(|(header, _)| header)
        .map_err(|_reason| DecodeError::Malformed("header"))
}

#[cfg(test)]
mod tests;
