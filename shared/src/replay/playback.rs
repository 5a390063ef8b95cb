//! Plays the frames of a [`ReplayReader`]: forwards by steps, backwards from the last keyframe.

use super::read::ReplayReader;
use crate::sim::{Event, World};
use crate::snapshot::{Applied, StreamDecoder};
use crate::tick::Tick;

/// A playhead on a recording. The recording may still grow.
#[derive(Debug, Clone, Default)]
pub struct Playback {
    decoder: StreamDecoder,
    /// The world one frame earlier, for interpolation.
    previous: Option<World>,
    /// Index of the next frame to play.
    next: usize,
}

impl Playback {
    /// A playhead before the first frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the playhead to the last frame at or before `tick`, in ticks since the round began.
    pub fn seek(&mut self, reader: &ReplayReader, tick: u32) {
        let frames = reader.frames();
        let after = frames.partition_point(|frame| frame.tick <= tick);
        let Some(start) = frames[..after].iter().rposition(|frame| frame.is_keyframe) else {
            let first = frames.iter().position(|frame| frame.is_keyframe);
            self.restart(first.unwrap_or(0));
            if first.is_some() {
                self.play_next(reader);
            }
            return;
        };
        self.restart(start);
        self.advance_to(reader, tick);
    }

    /// Plays on to the last frame at or before `tick` and returns the events on the way. A tick before the playhead is a
    /// [`Playback::seek`], without events.
    pub fn advance_to(&mut self, reader: &ReplayReader, tick: u32) -> Vec<(Tick, Event)> {
        if tick < self.tick() {
            self.seek(reader, tick);
            return Vec::new();
        }
        let mut events = Vec::new();
        while reader.frames().get(self.next).is_some_and(|frame| frame.tick <= tick) {
            events.extend(self.play_next(reader));
        }
        events
    }

    /// The world at the playhead. `None` before the first frame.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        self.decoder.world()
    }

    /// The world one frame before the playhead. `None` right after a seek.
    #[must_use]
    pub fn previous(&self) -> Option<&World> {
        self.previous.as_ref()
    }

    /// The playhead, in ticks since the round began.
    #[must_use]
    pub fn tick(&self) -> u32 {
        self.world().map_or(0, World::elapsed)
    }

    fn restart(&mut self, frame: usize) {
        *self = Self { decoder: StreamDecoder::new(), previous: None, next: frame };
    }

    fn play_next(&mut self, reader: &ReplayReader) -> Vec<(Tick, Event)> {
        let Some(frame) = reader.frames().get(self.next) else { return Vec::new() };
        self.next += 1;
        let before = self.decoder.world().cloned();
        // The reader applied each frame before it kept it, so none fails here.
        match self.decoder.apply(&frame.bytes) {
            Ok(Applied::Delta(events)) => {
                self.previous = before;
                events
            }
            Ok(Applied::Keyframe | Applied::Roster | Applied::End | Applied::RelayedInputs)
            | Err(_) => Vec::new(),
        }
    }
}
