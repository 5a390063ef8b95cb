//! Following a running room: its match stream as one growing body for each round, reopened by itself.
//!
//! Windows of one browser that show the same room share its stream: see [`super::super::share`]. The one that reads it
//! passes the bytes on, and a window that joins gets the body from its beginning.

mod passing;
mod received;
mod slot;

pub(crate) use received::FollowState;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use presentation::backoff::Backoff;
use presentation::playhead::ArrivalJitter;
use shared::invitation::RoomAddress;
use shared::replay::ReplayReader;
use wasm_bindgen_futures::spawn_local;

use super::super::{ApiError, notify, retry};
use super::{Body, Chunk, Credentials, Requests};
use passing::Passing;
use received::{BodyReceiver, Followed, SILENCE_MS_MAX, WAIT_MS_MAX};
use slot::Slot;

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(800);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// How long after the end of a round the next one is requested, in milliseconds.
const NEXT_ROUND_MS: u32 = 250;
/// How often a window that has no connection to spare looks for one, in milliseconds.
const CROWDED_MS: u32 = 2_000;

/// Follows a room until it is dropped.
pub(crate) struct Follower {
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
}

impl Follower {
    /// Starts to follow a room.
    pub(crate) fn start(room: RoomAddress, credentials: Credentials) -> Self {
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
    room: RoomAddress,
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
        let has_slot = slot.take().await;
        // Another window may have begun to lead meanwhile.
        if !passing.is_leading() {
            continue;
        }
        if !has_slot {
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
