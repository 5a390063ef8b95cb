//! Following a room that plays right now: its stream as one growing body a round, opened again by itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use presentation::backoff::Backoff;
use presentation::playhead::ArrivalJitter;
use shared::id::RoomId;
use shared::replay::{ReplayError, ReplayReader};
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::super::{ApiError, wake};
use super::{Asks, Body, is_newly_diverged, tell_diverged};

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
    line: Rc<Line>,
}

#[derive(Default)]
struct Line {
    left: Cell<bool>,
    /// The next request shall go out at once.
    again: Cell<bool>,
    /// The stream led elsewhere than it said, and was opened anew for it: once, for it may do so again.
    diverged: Cell<bool>,
    request: RefCell<Option<AbortController>>,
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
        let line = Rc::new(Line::default());
        let path = format!("/api/rooms/{room}/live");
        spawn_local(follow(path, asks, followed.clone(), line.clone()));
        Self { followed, line }
    }

    /// Looks at what has been got.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Followed) -> T) -> T {
        look(&self.followed.borrow())
    }

    /// Asks again, because somebody else asks now. What is shown stays until there is something new.
    pub(crate) fn reopen(&self) {
        self.line.again.set(true);
        self.line.cut();
    }

    /// Notices a line that is dead without a word. `now_ms` is on the clock of the frames.
    pub(crate) fn watch(&self, now_ms: f64) {
        let followed = self.followed.borrow();
        if followed.following == Following::Live && now_ms - followed.heard_ms > SILENCE_MS_MAX {
            self.line.cut();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.line.left.set(true);
        self.line.cut();
    }
}

impl Line {
    fn cut(&self) {
        if let Some(request) = self.request.borrow().as_ref() {
            request.abort();
        }
    }

    /// What the next request is ended with.
    fn next(&self) -> Result<AbortController, ApiError> {
        let request = AbortController::new().or(Err(ApiError::Offline))?;
        self.request.replace(Some(request.clone()));
        Ok(request)
    }
}

async fn follow(path: String, asks: Asks, followed: Rc<RefCell<Followed>>, line: Rc<Line>) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    while !line.left.get() {
        line.again.set(false);
        let outcome = follow_body(&path, asks, &followed, &line).await;
        line.cut();
        if line.left.get() {
            return;
        }
        if line.again.get() {
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
                (Following::Reconnecting, wake::next_delay_ms(&mut backoff))
            }
        };
        followed.borrow_mut().following = following;
        TimeoutFuture::new(wait_ms).await;
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
    line: &Rc<Line>,
) -> Result<Over, ApiError> {
    let mut body = Body::open(path, None, asks, &line.next()?).await?;
    followed.borrow_mut().opened += 1;
    if matches!(followed.borrow().following, Following::Connecting | Following::Reconnecting) {
        followed.borrow_mut().following = Following::Waiting;
    }
    let (mut reader, mut jitter) = (ReplayReader::new(), ArrivalJitter::default());
    let (mut is_shown, mut is_empty) = (false, true);
    while let Some(bytes) = body.next().await? {
        if line.left.get() {
            return Ok(Over::Nothing);
        }
        is_empty = false;
        let now_ms = crate::components::stage::now_ms();
        let mut followed = followed.borrow_mut();
        followed.heard_ms = now_ms;
        if is_shown {
            followed.take(&bytes, now_ms)?;
            if is_newly_diverged(&followed.reader, &line.diverged) {
                tell_diverged();
                // It begins with a keyframe.
                line.again.set(true);
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
