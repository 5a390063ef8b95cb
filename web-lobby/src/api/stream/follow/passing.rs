//! The stream of a room, between the windows of one browser that show it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use shared::invitation::RoomAddress;

use super::super::super::line::Line;
use super::super::super::share::{JOIN, Message, Share, message};
use super::super::super::{ApiError, clock};
use super::super::{Credentials, Requests};
use super::received::{BodyReceiver, FollowState, Followed, SILENCE_MS_MAX, WAIT_MS_MAX};

/// Messages between windows: a piece of a body, and the state of the reader.
const CHUNK: &str = "chunk";
const STATE: &str = "state";

/// A body is kept for windows that join up to this size. For one that is longer, the stream is opened again.
const KEPT_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// This window's part in a room's stream. Its clones are the same part.
#[derive(Clone)]
pub(super) struct Passing(Rc<Part>);

struct Part {
    share: RefCell<Option<Share>>,
    followed: Rc<RefCell<Followed>>,
    requests: Rc<Requests>,
    line: RefCell<Line>,
    last_ms: Cell<f64>,
    /// As the reader: the number of the body, and what came of it.
    body: Cell<f64>,
    kept: RefCell<Vec<Uint8Array>>,
    kept_bytes: Cell<u32>,
    /// As a listener: the body that is arriving, and the number of its next piece.
    arriving: RefCell<BodyReceiver>,
    next: Cell<(f64, f64)>,
}

impl Passing {
    pub(super) fn start(
        room: RoomAddress,
        credentials: Credentials,
        followed: Rc<RefCell<Followed>>,
        requests: Rc<Requests>,
    ) -> Self {
        let part = Rc::new(Part {
            share: RefCell::new(None),
            followed,
            requests,
            line: RefCell::new(Line::new()),
            last_ms: Cell::new(clock::frame_ms()),
            body: Cell::new(0.0),
            kept: RefCell::default(),
            kept_bytes: Cell::new(0),
            arriving: RefCell::default(),
            next: Cell::new((0.0, 0.0)),
        });
        let who = if credentials == Credentials::WithSession { "me" } else { "anyone" };
        let (weak, weak_too) = (Rc::downgrade(&part), Rc::downgrade(&part));
        let share = Share::open(
            &format!("{room}:{who}"),
            move |kind, message| {
                if let Some(part) = weak.upgrade() {
                    Self(part).receive_from_window(kind, message);
                }
            },
            move || {
                if let Some(part) = weak_too.upgrade() {
                    part.line.borrow().lose();
                    part.requests.again.set(true);
                    part.requests.abort();
                }
            },
        );
        share.start();
        part.share.replace(Some(share));
        Self(part)
    }

    pub(super) fn is_leading(&self) -> bool {
        self.0.share.borrow().as_ref().is_some_and(Share::is_leading)
    }

    fn post(&self, message: &Message) {
        if let Some(share) = self.0.share.borrow().as_ref() {
            share.post(message);
        }
    }

    /// Sets the state, here and in the windows that listen.
    pub(super) fn set_state(&self, state: FollowState) {
        self.0.followed.borrow_mut().following = state;
        self.post_state();
    }

    fn post_state(&self) {
        let state = self.0.followed.borrow().following.clone();
        let why = match &state {
            FollowState::Ended(why) => why.as_str(),
            _ => "",
        };
        let word = match &state {
            FollowState::Connecting | FollowState::Crowded => "connecting",
            FollowState::Waiting => "waiting",
            FollowState::Live => "live",
            FollowState::Between => "between",
            FollowState::Reconnecting => "reconnecting",
            FollowState::Ended(_) => "ended",
        };
        self.post(&message(STATE, &word.into(), &why.into()));
    }

    /// A new body begins to arrive from the server.
    pub(super) fn begin_body(&self) {
        let Part { followed, body, kept, kept_bytes, .. } = &*self.0;
        body.set(js_sys::Math::random());
        kept.borrow_mut().clear();
        kept_bytes.set(0);
        followed.borrow_mut().opened += 1;
        let goes_on =
            matches!(followed.borrow().following, FollowState::Live | FollowState::Between);
        if !goes_on {
            self.set_state(FollowState::Waiting);
        }
    }

    /// Passes a piece on.
    pub(super) fn pass(&self, chunk: &Uint8Array) {
        let Part { kept, kept_bytes, .. } = &*self.0;
        let number = kept.borrow().len();
        kept_bytes.set(kept_bytes.get().saturating_add(chunk.length()));
        kept.borrow_mut().push(chunk.clone());
        self.post_chunk(number, chunk);
        if kept_bytes.get() > KEPT_BYTES_MAX {
            kept.borrow_mut().iter_mut().for_each(|chunk| *chunk = Uint8Array::new_with_length(0));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "fits in 53 bits")]
    fn post_chunk(&self, number: usize, chunk: &Uint8Array) {
        let (body, number) = (self.0.body.get().into(), (number as f64).into());
        self.post(&Array::of4(&CHUNK.into(), &body, &number, chunk));
    }

    /// Decodes a piece that came from the server. Returns whether the stream was found to diverge.
    pub(super) fn take(&self, receiver: &mut BodyReceiver, bytes: &[u8]) -> Result<bool, ApiError> {
        let was_shown = receiver.is_shown;
        let diverged = receiver.take(bytes, &mut self.0.followed.borrow_mut(), &self.0.requests)?;
        if receiver.is_shown && !was_shown {
            self.post_state();
        }
        Ok(diverged)
    }

    /// Whether the round that is shown has arrived to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.0.followed.borrow().reader.is_complete()
    }

    /// Another window reads the stream. Returns when this one leads, or is stopped.
    pub(super) async fn listen(&self) {
        let Part { followed, requests, line, last_ms, .. } = &*self.0;
        line.replace(Line::new());
        while !self.is_leading() && !requests.are_stopped() {
            let is_live = followed.borrow().following == FollowState::Live;
            let limit_ms = if is_live { SILENCE_MS_MAX } else { 2 * WAIT_MS_MAX };
            let line = line.borrow().clone();
            line.lost_within(limit_ms / 4).await;
            if line.is_lost() {
                return;
            }
            if clock::frame_ms() - last_ms.get() > f64::from(limit_ms) && is_live {
                followed.borrow_mut().following = FollowState::Reconnecting;
            }
        }
    }

    /// A message of the window that reads the stream, or to it.
    fn receive_from_window(&self, kind: &str, message: &Message) {
        self.0.last_ms.set(clock::frame_ms());
        let text = |place| message.get(place).as_string().unwrap_or_default();
        match kind {
            JOIN => self.welcome(),
            CHUNK => self.receive_chunk(message),
            STATE => {
                let mut followed = self.0.followed.borrow_mut();
                let following = match text(1).as_str() {
                    "waiting" => FollowState::Waiting,
                    "between" => FollowState::Between,
                    "reconnecting" => FollowState::Reconnecting,
                    "ended" => FollowState::Ended(text(2)),
                    // The bytes say so themselves.
                    "live" if followed.body > 0 => FollowState::Live,
                    _ => FollowState::Connecting,
                };
                if followed.opened == 0 && following != FollowState::Connecting {
                    followed.opened = 1;
                }
                followed.following = following;
            }
            // Of a window with a newer build.
            _ => {}
        }
    }

    /// Sends a window that joins what came so far.
    fn welcome(&self) {
        if self.0.kept_bytes.get() > KEPT_BYTES_MAX {
            self.0.requests.again.set(true);
            return self.0.requests.abort();
        }
        for (number, chunk) in self.0.kept.borrow().iter().enumerate() {
            self.post_chunk(number, chunk);
        }
        self.post_state();
    }

    #[expect(clippy::float_cmp, reason = "numbers of bodies and pieces are compared as they came")]
    fn receive_chunk(&self, message: &Message) {
        let number = |place| message.get(place).as_f64().unwrap_or_default();
        let (body, piece) = (number(1), number(2));
        let (known, next) = self.0.next.get();
        if body != known && piece == 0.0 {
            self.0.arriving.take();
            self.0.followed.borrow_mut().opened += 1;
        } else if body != known || piece != next {
            return;
        }
        self.0.next.set((body, piece + 1.0));
        let bytes = Uint8Array::new(&message.get(3)).to_vec();
        let mut followed = self.0.followed.borrow_mut();
        let taken = self.0.arriving.borrow_mut().take(&bytes, &mut followed, &self.0.requests);
        if taken.is_err() {
            followed.following = FollowState::Reconnecting;
        }
    }
}
