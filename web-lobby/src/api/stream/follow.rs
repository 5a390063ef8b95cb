//! Following a running room: its match stream as one growing body for each round, reopened by itself.
//!
//! Windows of one browser that show the same room share its stream: see [`super::super::share`]. The one that reads it
//! passes the bytes on, and a window that joins gets the body from its beginning.

mod passing;
mod slot;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use presentation::backoff::Backoff;
use presentation::playhead::ArrivalJitter;
use shared::id::RoomId;
use shared::replay::{ReplayError, ReplayReader};
use wasm_bindgen_futures::spawn_local;

use super::super::{ApiError, clock, notify, retry};
use super::{Body, Chunk, Credentials, Requests, is_newly_diverged, warn_diverged};
use passing::Passing;
use slot::Slot;

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(800);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// After how many milliseconds of silence a connection counts as dead. A running round sends thirty times a second.
const SILENCE_MS_MAX: u32 = 5_000;
/// The same before a round has begun, when the server has nothing to send. Asking again costs little.
const WAIT_MS_MAX: u32 = 15_000;
/// How long after the end of a round the next one is requested, in milliseconds.
const NEXT_ROUND_MS: u32 = 250;
/// How often a window that has no connection to spare looks for one, in milliseconds.
const CROWDED_MS: u32 = 2_000;

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

/// Follows a room until it is dropped.
pub(crate) struct Follower {
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
}

impl Follower {
    /// Starts to follow a room.
    pub(crate) fn start(room: RoomId, credentials: Credentials) -> Self {
        let followed = Rc::new(RefCell::new(Followed {
            reader: ReplayReader::new(),
            jitter: ArrivalJitter::default(),
            following: FollowState::Connecting,
            body: 0,
            opened: 0,
        }));
        let requests = Rc::new(Requests::default());
        spawn_local(follow(room, credentials, followed.clone(), requests.clone()));
        Self { followed, requests }
    }

    /// Reads what has arrived.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Followed) -> T) -> T {
        look(&self.followed.borrow())
    }

    /// Opens the stream again, because the session has changed. The picture stays until the new stream has one.
    pub(crate) fn reopen(&self) {
        self.requests.again.set(true);
        self.requests.abort();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.requests.stop();
    }
}

async fn follow(
    room: RoomId,
    credentials: Credentials,
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
) {
    let path = format!("/api/rooms/{room}/live");
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    let passing = Passing::start(room, credentials, followed.clone(), requests.clone());
    let mut slot = Slot::new(requests.clone());
    while !requests.are_stopped() {
        requests.again.set(false);
        if !passing.is_leading() {
            slot.leave();
            passing.listen().await;
            continue;
        }
        if !slot.take().await {
            passing.set_state(FollowState::Crowded);
            notify::sleep(CROWDED_MS).await;
            continue;
        }
        let outcome = follow_body(&path, credentials, &passing, &requests).await;
        requests.abort();
        if requests.are_stopped() {
            return;
        }
        if requests.again.get() {
            continue;
        }
        let (following, wait_ms) = match outcome {
            Ok(BodyEnd::RoundOver) => {
                backoff.reset();
                (FollowState::Between, NEXT_ROUND_MS)
            }
            Ok(BodyEnd::NoRound) => {
                backoff.reset();
                (followed.borrow().following.clone(), NEXT_ROUND_MS)
            }
            Err(error) if !error.may_succeed_later() => {
                return passing.set_state(FollowState::Ended(error.to_string()));
            }
            Err(_) => {
                if followed.borrow().following == FollowState::Live {
                    backoff.reset();
                }
                (FollowState::Reconnecting, retry::next_delay_ms(&mut backoff))
            }
        };
        passing.set_state(following);
        notify::sleep(wait_ms).await;
    }
}

/// How a body ended without an error.
enum BodyEnd {
    /// The round ended with it.
    RoundOver,
    /// No round began while the server held the request, or the reader was stopped.
    NoRound,
}

/// Reads one body to its end.
async fn follow_body(
    path: &str,
    credentials: Credentials,
    passing: &Passing,
    requests: &Rc<Requests>,
) -> Result<BodyEnd, ApiError> {
    let mut body = Body::open(path, None, credentials, &requests.next()?).await?;
    passing.begin_body();
    let mut receiver = BodyReceiver::default();
    loop {
        let limit_ms = if receiver.is_empty { WAIT_MS_MAX } else { SILENCE_MS_MAX };
        let chunk = match body.next(limit_ms).await? {
            Chunk::Bytes(chunk) => chunk,
            Chunk::End => break,
            // Asked again: if the line is dead, no answer comes.
            Chunk::Silence if receiver.is_empty => return Ok(BodyEnd::NoRound),
            Chunk::Silence => return Err(ApiError::Offline),
        };
        if requests.are_stopped() {
            return Ok(BodyEnd::NoRound);
        }
        passing.pass(&chunk);
        if passing.take(&mut receiver, &chunk.to_vec())? {
            // The new stream begins with a keyframe.
            requests.again.set(true);
            return Ok(BodyEnd::NoRound);
        }
    }
    if receiver.is_empty {
        return Ok(BodyEnd::NoRound);
    }
    let is_whole = receiver.is_shown && passing.is_complete();
    is_whole.then_some(BodyEnd::RoundOver).ok_or(ApiError::Offline)
}

/// A body that is arriving. The last picture stays until there is another one.
struct BodyReceiver {
    reader: ReplayReader,
    jitter: ArrivalJitter,
    is_shown: bool,
    is_empty: bool,
}

impl Default for BodyReceiver {
    fn default() -> Self {
        let (reader, jitter) = (ReplayReader::new(), ArrivalJitter::default());
        Self { reader, jitter, is_shown: false, is_empty: true }
    }
}

impl BodyReceiver {
    /// Decodes a chunk. Returns whether the stream was found to diverge.
    fn take(
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
