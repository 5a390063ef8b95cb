//! A connection for the stream of a match. All windows of a browser together have a few: with more, their requests would
//! wait for a connection for ever.

use std::rc::Rc;

use super::super::super::notify;
use super::super::super::share::Share;
use super::super::Requests;

/// Streams of matches that the windows of a browser read at the same time. Of its six connections two are for the feeds,
/// one may be held by a search for a match, and one is for everything else.
const SLOTS: usize = 2;
/// How long another window has to say that a slot is its own, in milliseconds.
const ANSWER_MS: u32 = 150;

/// This window's slot, or its search for one.
pub(super) struct Slot {
    share: Option<Share>,
    requests: Rc<Requests>,
    number: usize,
    /// Whether no slot was free the last time.
    is_crowded: bool,
}

impl Slot {
    pub(super) fn new(requests: Rc<Requests>) -> Self {
        Self { share: None, requests, number: 0, is_crowded: false }
    }

    /// Takes a slot. False when none is free. The first one is used before another window could answer that it is its
    /// own, because mostly there is no other window; then the current request ends, and the next slot is tried.
    pub(super) async fn take(&mut self) -> bool {
        if self.share.as_ref().is_some_and(Share::is_leading) {
            return true;
        }
        for _ in 0..SLOTS {
            let is_first = self.share.take().is_none() && !self.is_crowded;
            if !is_first {
                self.number = (self.number + 1) % SLOTS;
            }
            let share = self.try_slot();
            self.share = Some(share.clone());
            if is_first {
                return true;
            }
            notify::sleep(ANSWER_MS).await;
            if share.is_leading() {
                self.is_crowded = false;
                return true;
            }
        }
        self.leave();
        self.is_crowded = true;
        false
    }

    fn try_slot(&self) -> Share {
        let requests = self.requests.clone();
        let lose = move || {
            requests.again.set(true);
            requests.abort();
        };
        let share = Share::open(&format!("slot{}", self.number), |_, _| {}, lose);
        share.start();
        share
    }

    /// Gives the slot to other windows.
    pub(super) fn leave(&mut self) {
        self.share = None;
    }
}
