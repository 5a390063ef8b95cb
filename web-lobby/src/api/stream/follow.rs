//! FollowState a running room: its match stream as one growing body for each round, reopened by itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use presentation::backoff::Backoff;
use presentation::playhead::ArrivalJitter;
use shared::id::RoomId;
use shared::replay::{ReplayError, ReplayReader};
use wasm_bindgen_futures::spawn_local;

use super::super::{ApiError, clock, notify, retry};
use super::{Body, Credentials, Requests, is_newly_diverged, warn_diverged};

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(800);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// After how many milliseconds of silence a connection counts as dead. A running round sends thirty times a second.
const SILENCE_MS_MAX: f64 = 5_000.0;
/// How long after the end of a round the next one is requested, in milliseconds.
const NEXT_ROUND_MS: u32 = 250;

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
    last_data_ms: f64,
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
            last_data_ms: 0.0,
        }));
        let requests = Rc::new(Requests::default());
        let path = format!("/api/rooms/{room}/live");
        spawn_local(follow(path, credentials, followed.clone(), requests.clone()));
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

    /// Aborts a connection that died silently. `now_ms` is on the clock of animation frames.
    pub(crate) fn abort_if_silent(&self, now_ms: f64) {
        let followed = self.followed.borrow();
        if followed.following == FollowState::Live
            && now_ms - followed.last_data_ms > SILENCE_MS_MAX
        {
            self.requests.abort();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.requests.stop();
    }
}

async fn follow(
    path: String,
    credentials: Credentials,
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    while !requests.are_stopped() {
        requests.again.set(false);
        let outcome = follow_body(&path, credentials, &followed, &requests).await;
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
                followed.borrow_mut().following = FollowState::Ended(error.to_string());
                return;
            }
            Err(_) => {
                if followed.borrow().following == FollowState::Live {
                    backoff.reset();
                }
                (FollowState::Reconnecting, retry::next_delay_ms(&mut backoff))
            }
        };
        followed.borrow_mut().following = following;
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
    followed: &Rc<RefCell<Followed>>,
    requests: &Rc<Requests>,
) -> Result<BodyEnd, ApiError> {
    let mut body = Body::open(path, None, credentials, &requests.next()?).await?;
    followed.borrow_mut().opened += 1;
    if matches!(followed.borrow().following, FollowState::Connecting | FollowState::Reconnecting) {
        followed.borrow_mut().following = FollowState::Waiting;
    }
    let (mut reader, mut jitter) = (ReplayReader::new(), ArrivalJitter::default());
    let (mut is_shown, mut is_empty) = (false, true);
    while let Some(bytes) = body.next().await? {
        if requests.are_stopped() {
            return Ok(BodyEnd::NoRound);
        }
        is_empty = false;
        let now_ms = clock::frame_ms();
        let mut followed = followed.borrow_mut();
        followed.last_data_ms = now_ms;
        if is_shown {
            followed.take(&bytes, now_ms)?;
            if is_newly_diverged(&followed.reader, &requests.is_divergence_reported) {
                warn_diverged();
                // The new stream begins with a keyframe.
                requests.again.set(true);
                return Ok(BodyEnd::NoRound);
            }
            continue;
        }
        // The last picture stays until there is another one.
        reader.push(&bytes).map_err(decode_error)?;
        jitter.record(reader.available_ticks(), now_ms);
        if reader.newest().is_some() {
            followed.reader = core::mem::take(&mut reader);
            followed.jitter = core::mem::take(&mut jitter);
            followed.following = FollowState::Live;
            followed.body = next_body();
            is_shown = true;
        }
    }
    if is_empty {
        return Ok(BodyEnd::NoRound);
    }
    let is_whole = is_shown && followed.borrow().reader.is_complete();
    is_whole.then_some(BodyEnd::RoundOver).ok_or(ApiError::Offline)
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
