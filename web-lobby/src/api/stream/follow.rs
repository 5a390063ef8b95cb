//! Following a room that plays right now: its stream as one growing body a round, opened again by itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use presentation::backoff::Backoff;
use presentation::playhead::ArrivalJitter;
use shared::id::RoomId;
use shared::replay::{ReplayError, ReplayReader};
use wasm_bindgen_futures::spawn_local;

use super::super::{ApiError, clock, notify, retry};
use super::{Asks, Body, Requests, is_newly_diverged, tell_diverged};

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(800);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// A running round sends something thirty times a second: such a silence is a dead line, in milliseconds.
const SILENCE_MS_MAX: f64 = 5_000.0;
/// A round is over; the next one is asked for after so many milliseconds.
const NEXT_ROUND_MS: u32 = 250;

/// How following stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Following {
    /// Nothing has come yet.
    Connecting,
    /// Asked, and the server holds the answer until a round begins.
    Waiting,
    /// A round runs.
    Live,
    /// The round is over; the next one will follow.
    Between,
    /// Cut; it is tried again.
    Reconnecting,
    /// There will be nothing more, and why.
    Ended(String),
}

/// What has been got so far.
pub(crate) struct Followed {
    pub(crate) reader: ReplayReader,
    pub(crate) jitter: ArrivalJitter,
    pub(crate) following: Following,
    /// Names the body that is played, among all of this page: with another one, everything drawn begins anew.
    pub(crate) body: u32,
    /// How often the server has said that it sends.
    pub(crate) opened: u32,
    heard_ms: f64,
}

/// Follows a room until it is dropped.
pub(crate) struct Follower {
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
}

impl Follower {
    /// Begins to follow.
    pub(crate) fn start(room: RoomId, asks: Asks) -> Self {
        let followed = Rc::new(RefCell::new(Followed {
            reader: ReplayReader::new(),
            jitter: ArrivalJitter::default(),
            following: Following::Connecting,
            body: 0,
            opened: 0,
            heard_ms: 0.0,
        }));
        let requests = Rc::new(Requests::default());
        let path = format!("/api/rooms/{room}/live");
        spawn_local(follow(path, asks, followed.clone(), requests.clone()));
        Self { followed, requests }
    }

    /// Looks at what has been got.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Followed) -> T) -> T {
        look(&self.followed.borrow())
    }

    /// Asks again, because somebody else asks now. What is shown stays until there is something new.
    pub(crate) fn reopen(&self) {
        self.requests.again.set(true);
        self.requests.abort();
    }

    /// Notices a line that is dead without a word. `now_ms` is on the clock of the frames.
    pub(crate) fn watch(&self, now_ms: f64) {
        let followed = self.followed.borrow();
        if followed.following == Following::Live && now_ms - followed.heard_ms > SILENCE_MS_MAX {
            self.requests.abort();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.requests.stop();
    }
}

async fn follow(path: String, asks: Asks, followed: Rc<RefCell<Followed>>, requests: Rc<Requests>) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    while !requests.are_stopped() {
        requests.again.set(false);
        let outcome = follow_body(&path, asks, &followed, &requests).await;
        requests.abort();
        if requests.are_stopped() {
            return;
        }
        if requests.again.get() {
            continue;
        }
        let (following, wait_ms) = match outcome {
            Ok(Over::Round) => {
                backoff.reset();
                (Following::Between, NEXT_ROUND_MS)
            }
            Ok(Over::Nothing) => {
                backoff.reset();
                (followed.borrow().following.clone(), NEXT_ROUND_MS)
            }
            Err(error) if !error.may_pass() => {
                followed.borrow_mut().following = Following::Ended(error.to_string());
                return;
            }
            Err(_) => {
                if followed.borrow().following == Following::Live {
                    backoff.reset();
                }
                (Following::Reconnecting, retry::next_delay_ms(&mut backoff))
            }
        };
        followed.borrow_mut().following = following;
        notify::sleep(wait_ms).await;
    }
}

/// How a body ended well.
enum Over {
    /// With its round.
    Round,
    /// No round has begun for as long as the server waits, or nobody wants it any more.
    Nothing,
}

/// Follows one body to its end. Good when the round came to its end with it, or none has begun.
async fn follow_body(
    path: &str,
    asks: Asks,
    followed: &Rc<RefCell<Followed>>,
    requests: &Rc<Requests>,
) -> Result<Over, ApiError> {
    let mut body = Body::open(path, None, asks, &requests.next()?).await?;
    followed.borrow_mut().opened += 1;
    if matches!(followed.borrow().following, Following::Connecting | Following::Reconnecting) {
        followed.borrow_mut().following = Following::Waiting;
    }
    let (mut reader, mut jitter) = (ReplayReader::new(), ArrivalJitter::default());
    let (mut is_shown, mut is_empty) = (false, true);
    while let Some(bytes) = body.next().await? {
        if requests.are_stopped() {
            return Ok(Over::Nothing);
        }
        is_empty = false;
        let now_ms = clock::frame_ms();
        let mut followed = followed.borrow_mut();
        followed.heard_ms = now_ms;
        if is_shown {
            followed.take(&bytes, now_ms)?;
            if is_newly_diverged(&followed.reader, &requests.is_divergence_reported) {
                tell_diverged();
                // It begins with a keyframe.
                requests.again.set(true);
                return Ok(Over::Nothing);
            }
            continue;
        }
        // The last picture stays until there is a new one.
        reader.push(&bytes).map_err(unplayable)?;
        jitter.record(reader.available_ticks(), now_ms);
        if reader.newest().is_some() {
            followed.reader = core::mem::take(&mut reader);
            followed.jitter = core::mem::take(&mut jitter);
            followed.following = Following::Live;
            followed.body = next_body();
            is_shown = true;
        }
    }
    if is_empty {
        return Ok(Over::Nothing);
    }
    let is_whole = is_shown && followed.borrow().reader.is_complete();
    is_whole.then_some(Over::Round).ok_or(ApiError::Offline)
}

impl Followed {
    fn take(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), ApiError> {
        self.reader.push(bytes).map_err(unplayable)?;
        self.jitter.record(self.reader.available_ticks(), now_ms);
        Ok(())
    }
}

/// A stream of other rules will not be another one next time; anything else may be mended by a new keyframe.
fn unplayable(error: ReplayError) -> ApiError {
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
