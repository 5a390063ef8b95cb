//! Reads a recording in chunks of any size, from a finished file or from one that still grows.

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

/// Why bytes are not a recording that this build can play.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The magic number is missing.
    #[error("this is no Pushback recording")]
    NoReplay,
    /// The recording has another version.
    #[error("this recording is of version {0} and this build plays version {VERSION}: {why}", why = why_not(*.0))]
    Version(u16),
    /// A record cannot be decoded.
    #[error("the recording is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// The digest in the footer does not match the bytes.
    #[error("the recording is damaged: its digest does not match")]
    Digest,
    /// The recording is longer than [`FILE_BYTES_MAX`].
    #[error("the recording is longer than {FILE_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes follow the footer.
    #[error("there is something after the end of the recording")]
    AfterTheEnd,
}

/// The most frames that are kept: each delta moves a round on by a tick or more.
const FRAMES_MAX: usize = ROUND_TICKS_MAX as usize + KEYFRAMES_MAX;
/// The most rosters that are kept: one every fifth of a second of the longest round. Past that the last one kept stands
/// for later ones.
const ROSTERS_MAX: usize = ROUND_TICKS_MAX as usize / 12;

/// A frame for playback.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Ticks since the round began, after this frame.
    pub(super) tick: u32,
    pub(super) is_keyframe: bool,
    pub(super) bytes: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Magic,
    Header,
    Frames,
    Footer { index_bytes: u32 },
    Done,
}

/// Collects the frames of a recording. It also decodes them, so that it knows their ticks, rosters and markers.
#[derive(Debug, Clone)]
pub struct ReplayReader {
    pending: Vec<u8>,
    state: State,
    digest: Sha256,
    bytes: u64,
    header: Option<ReplayHeader>,
    decoder: StreamDecoder,
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
    /// A reader before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pending: Vec::new(),
            state: State::Magic,
            digest: Sha256::new(),
            bytes: 0,
            header: None,
            decoder: StreamDecoder::new(),
            frames: Vec::new(),
            rosters: Vec::new(),
            markers: Vec::new(),
            ended: false,
            index: None,
            verified: false,
        }
    }

    /// Takes the next bytes, any number of them. After an error the frames read before stay usable.
    ///
    /// # Errors
    /// [`ReplayError`] when the bytes are not the continuation of a recording.
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

    /// The round that was recorded. `None` until the header has arrived.
    #[must_use]
    pub fn header(&self) -> Option<&ReplayHeader> {
        self.header.as_ref()
    }

    /// The newest roster.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        self.decoder.roster()
    }

    /// The roster at a time, in ticks since the round began.
    #[must_use]
    pub fn roster_at(&self, tick: u32) -> &Roster {
        let after = self.rosters.partition_point(|(since, _)| *since <= tick);
        self.rosters
            .get(after.saturating_sub(1))
            .map_or(self.decoder.roster(), |(_, roster)| roster)
    }

    /// The markers of the frames so far.
    #[must_use]
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// The first tick that can be played: 0, or later in a live stream that was joined late.
    #[must_use]
    pub fn first_tick(&self) -> u32 {
        self.frames.first().map_or(0, |frame| frame.tick)
    }

    /// The last tick that can be played so far.
    #[must_use]
    pub fn available_ticks(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.tick)
    }

    /// Whether the round has arrived up to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// Whether the footer has arrived and its digest matches.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The table of contents. `None` until the end of a complete file has arrived.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Number of bytes received.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The newest world, which is the present of a live stream. `None` before the first keyframe.
    #[must_use]
    pub fn newest(&self) -> Option<&crate::sim::World> {
        self.decoder.world()
    }

    /// How often the decoded world differed from the checksums and keyframes. Any number but zero is a bug.
    #[must_use]
    pub fn diverged(&self) -> u32 {
        self.decoder.diverged()
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Reads the next part and returns its length in bytes; 0 while the part is incomplete.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, ReplayError> {
        match self.state {
            State::Magic => self.magic(bytes),
            State::Header | State::Frames => {
                // After the end comes the index, which may be longer than other frames.
                let frame_bytes_max = if self.ended { INDEX_BYTES_MAX } else { FRAME_BYTES_MAX };
                let Some((frame, rest)) = next_record_within(bytes, frame_bytes_max)? else {
                    return Ok(0);
                };
                let used = bytes.len() - rest.len();
                if self.state == State::Header {
                    self.header = Some(read_header(frame)?);
                    self.state = State::Frames;
                } else {
                    self.frame(frame)?;
                }
                self.digest.update(&bytes[..used]);
                Ok(used)
            }
            State::Footer { index_bytes } => {
                let Some(found) = bytes.get(..FOOTER_BYTES) else { return Ok(0) };
                self.state = State::Done;
                self.verified = found == footer(index_bytes, self.digest.clone());
                if self.verified { Ok(FOOTER_BYTES) } else { Err(ReplayError::Digest) }
            }
            State::Done if bytes.is_empty() => Ok(0),
            State::Done => Err(ReplayError::AfterTheEnd),
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
        self.state = State::Header;
        Ok(PREAMBLE_BYTES)
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<(), ReplayError> {
        let kind = FrameKind::of(bytes)?;
        if kind == FrameKind::Index {
            self.index = Some(Index::decode(bytes)?);
            let index_bytes = u32::try_from(record(bytes).len()).unwrap_or(u32::MAX);
            self.state = State::Footer { index_bytes };
            return Ok(());
        }
        let applied = self.decoder.apply(bytes)?;
        let began = self.decoder.world().map(|world| world.began).unwrap_or_default();
        let tick = self.decoder.world().map_or(0, crate::sim::World::elapsed);
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
        // Seeking relies on the order of the ticks.
        if frame.tick < self.available_ticks() {
            return Err(DecodeError::Malformed("the round goes backwards"));
        }
        if self.frames.len() >= FRAMES_MAX {
            return Err(DecodeError::Malformed("more frames than the longest round has"));
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Keeps the newest roster if it differs from the last one. Of several at one tick the last counts.
    fn keep_roster(&mut self, tick: u32) {
        let newest = self.decoder.roster();
        // Rosters of a crowd are large, so fewer of them are kept.
        let is_full = self.rosters.len() * (1 + newest.entries.len() / SEATS_MAX) >= ROSTERS_MAX;
        match self.rosters.last_mut() {
            Some((_, last)) if last == newest => {}
            Some((since, last)) if *since == tick => last.clone_from(newest),
            _ if is_full => {}
            _ => self.rosters.push((tick, newest.clone())),
        }
    }
}

/// Why this build cannot play another version.
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
