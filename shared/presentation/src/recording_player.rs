//! Plays a recording: play, pause, speed and seek, as pure state.
//!
//! The player knows how much of the recording has arrived, but not from where. So it treats a file that is still being
//! downloaded, one that was cut off and a complete one alike.

use shared::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ};

/// The speeds on offer, the slowest first.
pub const SPEEDS: [Speed; 6] = [
    Speed { factor: 0.25, name: "¼" },
    Speed { factor: 0.5, name: "½" },
    Speed { factor: 1.0, name: "1" },
    Speed { factor: 2.0, name: "2" },
    Speed { factor: 4.0, name: "4" },
    Speed { factor: 8.0, name: "8" },
];
/// The index of normal speed in [`SPEEDS`].
const SPEED_NORMAL: usize = 2;
/// Playing begins, or goes on after it ran dry, when this much is ahead of the playhead, in ticks. With less it would
/// stop again at the end of each chunk.
const BUFFER_TICKS_MIN: f64 = TICK_RATE_HZ as f64;
/// A frame is counted as no longer than this: a longer one means that the player was hidden.
const FRAME_SECONDS_MAX: f64 = 0.25;
const SNAPSHOT_TICKS: f64 = SNAPSHOT_EVERY_TICKS as f64;

/// How fast the playhead moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Ticks played for each tick of time.
    pub factor: f64,
    /// The factor as people read it, without a unit.
    pub name: &'static str,
}

/// What the player is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaybackState {
    /// It is paused.
    Paused,
    /// The playhead moves.
    Playing,
    /// It would play, but what comes next has not arrived.
    Buffering,
    /// The playhead is at the end, and nothing more will arrive.
    Ended,
}

/// How much of a recording there is, in ticks since the round began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The first tick that can be played.
    pub first: u32,
    /// The last tick that can be played so far.
    pub last: u32,
    /// The expected length of the whole. Zero while it is unknown.
    pub expected: u32,
    /// Whether more may still arrive.
    pub may_grow: bool,
}

/// What a viewer asks the player to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlaybackCommand {
    /// Plays, pauses, or plays again from the beginning.
    TogglePlay,
    /// Moves the playhead by this many seconds; a negative number goes back.
    Skip {
        /// Seconds of the match.
        seconds: f64,
    },
    /// Pauses, and moves the playhead by this many snapshots; a negative number goes back.
    StepSnapshots {
        /// Whole snapshots.
        count: f64,
    },
    /// Moves the playhead to this share of the whole.
    SeekToShare {
        /// From 0 to 1.
        share: f64,
    },
    /// Plays at this speed.
    SetSpeed {
        /// An index of [`SPEEDS`].
        index: usize,
    },
    /// The next faster speed.
    Faster,
    /// The next slower speed.
    Slower,
}

/// A playhead on a recording that may still be arriving.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingPlayer {
    at: f64,
    wants_to_play: bool,
    is_starved: bool,
    speed: usize,
    extent: Extent,
    /// Where to seek as soon as that tick has arrived.
    pending_seek: Option<f64>,
    /// The share of the whole to seek to, as soon as the length is known.
    pending_share: Option<f64>,
}

impl Default for RecordingPlayer {
    fn default() -> Self {
        Self {
            at: 0.0,
            wants_to_play: true,
            is_starved: true,
            speed: SPEED_NORMAL,
            extent: Extent { may_grow: true, ..Extent::default() },
            pending_seek: None,
            pending_share: None,
        }
    }
}

impl RecordingPlayer {
    /// A player that begins at this tick as soon as it has arrived.
    #[must_use]
    pub fn starting_at(tick: f64) -> Self {
        Self { pending_seek: (tick > 0.0).then_some(tick), ..Self::default() }
    }

    /// Takes note of how much has arrived.
    pub fn set_extent(&mut self, extent: Extent) {
        self.extent = extent;
        let (first, last) = (f64::from(extent.first), f64::from(extent.last));
        self.at = self.at.max(first);
        if let Some(share) = self.pending_share.filter(|_| self.total() > 0) {
            self.seek(f64::from(self.total()) * share);
        }
        if let Some(tick) = self.pending_seek
            && (!extent.may_grow || tick <= last)
        {
            self.pending_seek = None;
            self.at = tick.min(last).max(first);
        }
        let has_buffer = self.pending_seek.is_none() && last - self.at >= BUFFER_TICKS_MIN;
        if !extent.may_grow || has_buffer {
            self.is_starved = false;
        }
    }

    /// Lets time pass, in seconds. Returns by how many seconds of the match the playhead moved.
    pub fn advance(&mut self, seconds: f64) -> f64 {
        if self.state() != PlaybackState::Playing {
            return 0.0;
        }
        let before = self.at;
        let seconds = seconds.clamp(0.0, FRAME_SECONDS_MAX) * self.speed().factor;
        self.at += seconds * f64::from(TICK_RATE_HZ);
        let last = f64::from(self.extent.last);
        if self.at < last {
            return seconds;
        }
        self.at = last;
        self.is_starved = self.extent.may_grow;
        ((last - before) / f64::from(TICK_RATE_HZ)).max(0.0)
    }

    /// What the player is doing.
    #[must_use]
    pub fn state(&self) -> PlaybackState {
        match () {
            () if !self.extent.may_grow && self.at >= f64::from(self.extent.last) => {
                PlaybackState::Ended
            }
            () if !self.wants_to_play => PlaybackState::Paused,
            () if self.is_starved || self.pending_seek.is_some() => PlaybackState::Buffering,
            () => PlaybackState::Playing,
        }
    }

    /// The playhead, in ticks since the round began.
    #[must_use]
    pub fn at(&self) -> f64 {
        self.at
    }

    /// The length of the whole in ticks, as far as it is known.
    #[must_use]
    pub fn total(&self) -> u32 {
        let Extent { last, expected, may_grow, .. } = self.extent;
        if may_grow { expected.max(last) } else { last }
    }

    /// The last tick that can be played so far.
    #[must_use]
    pub fn available(&self) -> u32 {
        self.extent.last
    }

    /// The chosen speed.
    #[must_use]
    pub fn speed(&self) -> Speed {
        SPEEDS[self.speed]
    }

    /// The index of the chosen speed in [`SPEEDS`].
    #[must_use]
    pub fn speed_index(&self) -> usize {
        self.speed
    }

    /// Stops the playhead where it is.
    pub fn pause(&mut self) {
        self.wants_to_play = false;
    }

    /// Moves the playhead. To a tick that has not arrived yet it goes as soon as it has.
    pub fn seek(&mut self, tick: f64) {
        let Extent { first, last, may_grow, .. } = self.extent;
        let (first, last) = (f64::from(first), f64::from(last));
        self.pending_share = None;
        self.pending_seek = (may_grow && tick > last).then_some(tick);
        if self.pending_seek.is_none() {
            self.at = tick.min(last).max(first);
        }
        self.is_starved = may_grow && last - self.at < 1.0;
    }

    /// Moves the playhead to a share of the whole, as soon as the length is known.
    fn seek_to_share(&mut self, share: f64) {
        if self.total() > 0 {
            self.seek(f64::from(self.total()) * share);
        } else {
            self.pending_seek = None;
            self.pending_share = Some(share);
        }
    }

    /// Does what a viewer asks for.
    pub fn apply(&mut self, command: PlaybackCommand) {
        match command {
            PlaybackCommand::TogglePlay => self.toggle_play(),
            PlaybackCommand::Skip { seconds } => {
                self.seek(self.at + seconds * f64::from(TICK_RATE_HZ));
            }
            PlaybackCommand::StepSnapshots { count } => {
                self.pause();
                let tick = ((self.at / SNAPSHOT_TICKS).round() + count) * SNAPSHOT_TICKS;
                self.seek(tick.min(f64::from(self.extent.last)));
            }
            PlaybackCommand::SeekToShare { share } => self.seek_to_share(share),
            PlaybackCommand::SetSpeed { index } => self.speed = index.min(SPEEDS.len() - 1),
            PlaybackCommand::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            PlaybackCommand::Slower => self.speed = self.speed.saturating_sub(1),
        }
    }

    fn toggle_play(&mut self) {
        match self.state() {
            PlaybackState::Ended => {
                self.seek(0.0);
                self.wants_to_play = true;
            }
            PlaybackState::Paused | PlaybackState::Playing | PlaybackState::Buffering => {
                self.wants_to_play = !self.wants_to_play;
            }
        }
    }
}

#[cfg(test)]
mod tests;
