//! Playing what a [`ReplayReader`] has: forwards by steps, backwards by the last keyframe.

use super::read::ReplayReader;
use crate::sim::{Event, World};
use crate::snapshot::{Applied, StreamDecoder};
use crate::tick::Tick;

/// A needle on a recording. It may run while the recording still grows.
#[derive(Debug, Clone, Default)]
pub struct Playback {
    decoder: StreamDecoder,
    /// The world one frame earlier, for drawing in between.
    previous: Option<World>,
    /// The next frame to play.
    next: usize,
}

impl Playback {
    /// A needle that stands nowhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves to the last frame at or before a tick of the round.
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

    /// Plays on to the last frame at or before a tick; backwards it is a [`Playback::seek`]. Tells what happened on
    /// the way, unless it was a jump.
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

    /// The world at the needle.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        self.decoder.world()
    }

    /// The world one frame before the needle.
    #[must_use]
    pub fn previous(&self) -> Option<&World> {
        self.previous.as_ref()
    }

    /// Where the needle is, in ticks since the round began.
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
        // The reader has applied every frame before it kept it, so none fails here.
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
