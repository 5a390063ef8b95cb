//! What has arrived of a followed room: the body that is shown, and the one that is about to be.

use std::cell::Cell;

use presentation::playhead::ArrivalJitter;
use shared::replay::{ReplayError, ReplayReader};

use super::super::super::{ApiError, clock};
use super::super::{Requests, is_newly_diverged, warn_diverged};

/// After how many milliseconds of silence a connection counts as dead. A running round sends thirty times a second.
pub(super) const SILENCE_MS_MAX: u32 = 5_000;
/// The same before a round has begun, when the server has nothing to send. Asking again costs little.
pub(super) const WAIT_MS_MAX: u32 = 15_000;

/// The state of following a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FollowState {
    /// Nothing has arrived yet.
    Connecting,
    /// The server holds the answer until a round begins.
    Waiting,
    /// A round is running.
    Live,
    /// The round is over, and the next one will follow.
    Between,
    /// Disconnected, and about to try again.
    Reconnecting,
    /// Other windows of this browser read as many matches as its connections allow.
    Crowded,
    /// There will be nothing more, with the reason.
    Ended(String),
}

/// What has arrived so far.
pub(crate) struct Followed {
    pub(crate) reader: ReplayReader,
    pub(crate) jitter: ArrivalJitter,
    pub(crate) following: FollowState,
    /// Identifies the body on this page. Drawing starts afresh with each new one.
    pub(crate) body: u32,
    /// How often the server has begun to send.
    pub(crate) opened: u32,
}

/// A body that is arriving. The last picture stays until there is another one.
pub(super) struct BodyReceiver {
    reader: ReplayReader,
    jitter: ArrivalJitter,
    pub(super) is_shown: bool,
    pub(super) is_empty: bool,
}

impl Default for BodyReceiver {
    fn default() -> Self {
        let (reader, jitter) = (ReplayReader::new(), ArrivalJitter::default());
        Self { reader, jitter, is_shown: false, is_empty: true }
    }
}

impl BodyReceiver {
    /// Decodes a chunk. Returns whether the stream was found to diverge.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        followed: &mut Followed,
        requests: &Requests,
    ) -> Result<bool, ApiError> {
        let now_ms = clock::frame_ms();
        self.is_empty = false;
        if self.is_shown {
            followed.take(bytes, now_ms)?;
            if is_newly_diverged(&followed.reader, &requests.is_divergence_reported) {
                warn_diverged();
                return Ok(true);
            }
            return Ok(false);
        }
        self.reader.push(bytes).map_err(decode_error)?;
        self.jitter.record(self.reader.available_ticks(), now_ms);
        if self.reader.newest().is_some() {
            followed.reader = core::mem::take(&mut self.reader);
            followed.jitter = core::mem::take(&mut self.jitter);
            followed.following = FollowState::Live;
            followed.body = next_body();
            self.is_shown = true;
        }
        Ok(false)
    }
}

impl Followed {
    fn take(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), ApiError> {
        self.reader.push(bytes).map_err(decode_error)?;
        self.jitter.record(self.reader.available_ticks(), now_ms);
        Ok(())
    }
}

/// A stream of another version stays so. A new keyframe may cure any other error.
fn decode_error(error: ReplayError) -> ApiError {
    match error {
        ReplayError::Version(_) | ReplayError::NoReplay => ApiError::Unreadable,
        ReplayError::Damaged(_)
        | ReplayError::Digest
        | ReplayError::TooLong
        | ReplayError::AfterTheEnd => ApiError::Offline,
    }
}

thread_local! {
    static BODIES: Cell<u32> = const { Cell::new(0) };
}

fn next_body() -> u32 {
    let next = BODIES.get().wrapping_add(1);
    BODIES.set(next);
    next
}
