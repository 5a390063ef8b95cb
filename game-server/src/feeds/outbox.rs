//! What this node has to say in a feed that all nodes share, until the shared log has it.
//!
//! It is no queue but the newest event of each key (a room, a player), so it does not grow while the log cannot be reached:
//! it has an entry for each key at most. Past [`EVENTS_MAX`] the oldest is left out, and the whole state is asked for later.
//!
//! Several events may be on their way to the log at once, and never two of one key: they would change places when the first has to be
//! sent again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::sync::lock;

/// Keys with an event that waits.
pub const EVENTS_MAX: usize = 4_096;

/// An event, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The `type` of its envelope.
    pub kind: &'static str,
    /// Its JSON.
    pub data: String,
    /// Whether it says that the key is there no more.
    pub is_end: bool,
}

/// The events that wait.
#[derive(Debug)]
pub struct Outbox {
    /// Whether keys end: those that the log knows are then remembered until they do.
    has_ends: bool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Keys in the order in which they began to wait.
    order: VecDeque<u64>,
    waiting: HashMap<u64, Waiting>,
    /// Keys with an event on its way to the log. Bounded by those who take.
    on_the_way: HashSet<u64>,
    /// Keys that the log knows, or may know.
    told: HashSet<u64>,
    /// Events were left out.
    lacks: bool,
    /// Nothing more comes.
    is_closed: bool,
}

impl Outbox {
    /// Nothing waits. `has_ends` says whether keys end, as rooms do and players do not.
    #[must_use]
    pub fn new(has_ends: bool) -> Self {
        Self { has_ends, state: Mutex::default(), changed: Notify::new() }
    }

    /// Takes an event in place of the one of this key that still waits. Never waits itself.
    pub fn put(&self, key: u64, event: Waiting) {
        let mut state = lock(&self.state);
        if event.is_end && !state.told.contains(&key) {
            // Nobody knows that it was there.
            if state.waiting.remove(&key).is_some() {
                state.order.retain(|other| *other != key);
            }
            return;
        }
        if state.waiting.insert(key, event).is_none() {
            state.order.push_back(key);
        }
        if state.order.len() > EVENTS_MAX
            && let Some(oldest) = state.order.pop_front()
        {
            state.waiting.remove(&oldest);
            state.lacks = true;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The log knows this key, from an earlier start.
    pub fn know(&self, key: u64) {
        lock(&self.state).told.insert(key);
    }

    /// The keys that the log knows.
    #[must_use]
    pub fn told(&self) -> Vec<u64> {
        lock(&self.state).told.iter().copied().collect()
    }

    /// Nothing more comes.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_one();
    }

    /// Whether a server that stops has nothing more to say: all the keys that end have ended, or it was closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.waiting.is_empty() && (state.is_closed || self.has_ends && state.told.is_empty())
    }

    /// Whether there is an event to take.
    #[must_use]
    pub fn has_next(&self) -> bool {
        let state = lock(&self.state);
        state.order.iter().any(|key| !state.on_the_way.contains(key))
    }

    /// Takes the event that has waited the longest, and whose key has none on its way. The log may know the key from now on, and
    /// [`Outbox::arrived`] is to be called when it does for certain.
    #[must_use]
    pub fn take(&self) -> Option<(u64, Waiting)> {
        let mut state = lock(&self.state);
        let place = state.order.iter().position(|key| !state.on_the_way.contains(key))?;
        let key = state.order.remove(place)?;
        let event = state.waiting.remove(&key)?;
        state.on_the_way.insert(key);
        if event.is_end {
            state.told.remove(&key);
        } else if self.has_ends {
            state.told.insert(key);
        }
        Some((key, event))
    }

    /// The log has the event of this key that was taken: the next one may be.
    pub fn arrived(&self, key: u64) {
        lock(&self.state).on_the_way.remove(&key);
    }

    /// Waits until an event may be there.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.state).order.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether events were left out since the last time: the whole state is to be put in again.
    #[must_use]
    pub fn take_lacks(&self) -> bool {
        core::mem::take(&mut lock(&self.state).lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENTS_MAX, Outbox, Waiting};

    fn event(data: &str) -> Waiting {
        Waiting { kind: "room", data: data.to_owned(), is_end: false }
    }

    fn end() -> Waiting {
        Waiting { kind: "closed", data: "{}".to_owned(), is_end: true }
    }

    #[test]
    fn the_newest_event_of_a_key_waits_in_the_place_of_the_first() {
        let outbox = Outbox::new(true);
        outbox.put(1, event("a"));
        outbox.put(2, event("b"));
        outbox.put(1, event("c"));

        assert_eq!(outbox.take(), Some((1, event("c"))));
        assert_eq!(outbox.take(), Some((2, event("b"))));
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn two_events_of_a_key_are_never_on_their_way_at_once() {
        let outbox = Outbox::new(true);
        outbox.put(1, event("a"));
        assert_eq!(outbox.take(), Some((1, event("a"))));
        outbox.put(1, event("b"));
        outbox.put(1, end());
        outbox.put(2, event("c"));

        assert_eq!(outbox.take(), Some((2, event("c"))), "another key need not wait");
        assert_eq!(outbox.take(), None);
        outbox.arrived(2);
        assert_eq!(outbox.take(), None);
        outbox.arrived(1);

        assert_eq!(outbox.take(), Some((1, end())));
    }

    #[test]
    fn an_end_is_told_to_those_who_know_the_beginning() {
        let outbox = Outbox::new(true);
        outbox.put(1, event("a"));
        outbox.put(1, end());
        assert!(outbox.is_empty(), "nobody has heard of it");

        outbox.put(1, event("a"));
        assert!(outbox.take().is_some());
        outbox.arrived(1);
        outbox.put(1, end());
        assert_eq!(outbox.take(), Some((1, end())));
        assert!(outbox.told().is_empty());
    }

    #[test]
    fn it_is_over_when_every_key_has_ended_or_nothing_more_comes() {
        let (rooms, scores) = (Outbox::new(true), Outbox::new(false));
        assert!(rooms.is_over() && !scores.is_over());
        rooms.put(1, event("a"));
        scores.put(1, event("a"));
        scores.close();
        assert!(!rooms.is_over() && !scores.is_over(), "something waits");
        assert!(rooms.take().is_some() && scores.take().is_some());
        assert!(!rooms.is_over() && scores.is_over());
        rooms.arrived(1);
        rooms.put(1, end());
        assert!(rooms.take().is_some() && rooms.is_over());
    }

    #[test]
    fn it_is_bounded_and_says_that_something_was_left_out() {
        let outbox = Outbox::new(true);
        for key in 0..=EVENTS_MAX as u64 {
            outbox.put(key, event("a"));
        }

        assert_eq!(outbox.len(), EVENTS_MAX);
        assert!(outbox.take_lacks() && !outbox.take_lacks());
        assert_eq!(outbox.take().unwrap().0, 1, "the oldest is gone");
    }
}
