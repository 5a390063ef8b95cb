//! Who is dead, as one node judges it: a function of what it saw and when, on its own clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::timing::Timing;
use crate::node::NodeName;

/// Judges the other nodes.
///
/// Silence counts only while this node itself was heard: its own writes were acknowledged, and it was told of every change. So
/// nobody is dead because NATS stands still.
#[derive(Debug)]
pub(super) struct Judge {
    own: NodeName,
    began: Instant,
    acknowledged: Acknowledged,
    /// The last acknowledged write, whatever failed since.
    last: Option<Instant>,
    others: BTreeMap<NodeName, Other>,
    /// Whether those that were never seen are dead.
    are_unseen_dead: bool,
    dead_after: Duration,
}

/// The unbroken sequence of acknowledged writes.
#[derive(Debug)]
struct Acknowledged {
    /// The first of them and the last one.
    span: Option<(Instant, Instant)>,
    pause_max: Duration,
}

#[derive(Debug)]
struct Other {
    revision: u64,
    /// When that was first seen.
    seen: Instant,
    is_dead: bool,
}

impl Judge {
    /// Has seen nobody.
    pub(super) fn new(own: NodeName, timing: Timing, now: Instant) -> Self {
        let acknowledged = Acknowledged { span: None, pause_max: timing.acknowledged_within };
        Self {
            own,
            began: now,
            acknowledged,
            last: None,
            others: BTreeMap::new(),
            are_unseen_dead: false,
            dead_after: timing.dead_after,
        }
    }

    /// A write of this node was acknowledged.
    pub(super) fn acknowledged(&mut self, now: Instant) {
        let first = self.acknowledged.since(now).unwrap_or(now);
        self.acknowledged.span = Some((first, now));
        self.last = Some(now);
    }

    /// A write of this node was not acknowledged.
    pub(super) fn failed(&mut self) {
        self.acknowledged.span = None;
    }

    /// Since when the silence of others counts. `None` while it does not.
    pub(super) fn heard_since(&self, now: Instant) -> Option<Instant> {
        self.acknowledged.since(now)
    }

    /// Whether the last acknowledged write of this node is at least this long ago.
    pub(super) fn is_silent_for(&self, time: Duration, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= time)
    }

    /// Looks at the revisions of the rows. `current_since` is that of their table.
    pub(super) fn look(
        &mut self,
        now: Instant,
        current_since: Option<Instant>,
        rows: &BTreeMap<NodeName, u64>,
    ) {
        for (name, revision) in rows {
            let new = || Other { revision: *revision, seen: now, is_dead: false };
            let other = self.others.entry(name.clone()).or_insert_with(new);
            // Not only a higher one: a table that was emptied begins again.
            if other.revision != *revision {
                *other = new();
            }
        }
        let counts_since = self.heard_since(now).zip(current_since).map(|(a, b)| a.max(b));
        let is_silent = |since: Instant| {
            let since = counts_since.map(|counts| counts.max(since));
            since.is_some_and(|since| now.saturating_duration_since(since) >= self.dead_after)
        };
        self.are_unseen_dead = is_silent(self.began);
        for other in self.others.values_mut() {
            // It stays dead until it is seen again, even when nothing counts any more.
            other.is_dead |= is_silent(other.seen);
        }
        self.others.retain(|name, other| !other.is_dead || rows.contains_key(name));
    }

    /// Everything that follows from the last look: whether those that were never seen are dead, and who else is.
    pub(super) fn verdicts(&self) -> (bool, Vec<(NodeName, bool)>) {
        let others = self.others.iter().map(|(name, other)| (name.clone(), other.is_dead));
        (self.are_unseen_dead, others.collect())
    }

    /// Whether a node is dead. Also one that has no row for long.
    pub(super) fn is_dead(&self, name: &NodeName) -> bool {
        let is_dead = self.others.get(name).map_or(self.are_unseen_dead, |other| other.is_dead);
        *name != self.own && is_dead
    }
}

impl Acknowledged {
    /// Since when there was no break.
    fn since(&self, now: Instant) -> Option<Instant> {
        let (first, last) = self.span?;
        (now.saturating_duration_since(last) <= self.pause_max).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use super::{Judge, Timing};
    use crate::node::NodeName;

    /// Node "me" judges "other" and "third", second by second.
    struct Court {
        judge: Judge,
        start: Instant,
        second: u32,
        current_since: Option<Instant>,
        rows: BTreeMap<NodeName, u64>,
    }

    fn name(name: &str) -> NodeName {
        name.parse().unwrap()
    }

    impl Court {
        fn new() -> Self {
            let start = Instant::now();
            let judge = Judge::new(name("me"), Timing::default(), start);
            Self { judge, start, second: 0, current_since: Some(start), rows: BTreeMap::new() }
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.second.into())
        }

        /// Each second, those of `beating` write, and `me` is acknowledged or fails each other second.
        fn pass(&mut self, seconds: u32, beating: &[&str], is_acknowledged: bool) {
            for _ in 0..seconds {
                self.second += 1;
                let now = self.now();
                for node in beating {
                    *self.rows.entry(name(node)).or_default() += 1;
                }
                match (is_acknowledged, self.second % 2) {
                    (true, 0) => self.judge.acknowledged(now),
                    (false, 0) => self.judge.failed(),
                    _ => {}
                }
                self.judge.look(now, self.current_since, &self.rows);
            }
        }

        fn dead(&self) -> Vec<&str> {
            ["me", "other", "third"]
                .into_iter()
                .filter(|node| self.judge.is_dead(&name(node)))
                .collect()
        }
    }

    #[test]
    fn one_that_is_silent_while_i_am_heard_is_dead_after_twelve_seconds() {
        let mut court = Court::new();
        court.pass(20, &["me", "other", "third"], true);
        court.pass(11, &["me", "third"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(1, &["me", "third"], true);
        assert_eq!(court.dead(), ["other"]);
    }

    #[test]
    fn nobody_is_dead_while_nats_stands_still_and_not_right_after_it_either() {
        let mut court = Court::new();
        court.pass(20, &["me", "other", "third"], true);
        court.pass(60, &[], false);
        assert_eq!(court.dead(), Vec::<&str>::new());

        // NATS is back. The others come back later than this node.
        court.pass(12, &["me"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(1, &["me", "other"], true);
        court.pass(2, &["me", "other"], true);
        assert_eq!(court.dead(), ["third"]);
    }

    #[test]
    fn a_held_request_counts_as_silence_of_my_own() {
        let mut court = Court::new();
        court.pass(20, &["me", "other", "third"], true);
        // It neither succeeds nor fails: the writer waits for it.
        for _ in 0..30 {
            court.second += 1;
            court.judge.look(court.now(), court.current_since, &court.rows);
        }
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(12, &["me"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(2, &["me"], true);
        assert_eq!(court.dead(), ["other", "third"]);
    }

    #[test]
    fn my_own_silence_begins_with_my_last_acknowledged_write() {
        let mut court = Court::new();
        let silence = Duration::from_secs(8);
        assert!(court.judge.is_silent_for(silence, court.now()), "it has written nothing yet");
        court.pass(2, &["me"], true);
        court.pass(7, &[], false);
        assert!(!court.judge.is_silent_for(silence, court.now()));
        court.pass(1, &[], false);
        assert!(court.judge.is_silent_for(silence, court.now()));
    }

    #[test]
    fn a_node_that_is_not_told_of_changes_judges_nobody() {
        let mut court = Court::new();
        court.pass(20, &["me", "other", "third"], true);
        court.current_since = None;
        court.pass(30, &["me"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.current_since = Some(court.now());
        court.pass(11, &["me"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(1, &["me"], true);
        assert_eq!(court.dead(), ["other", "third"]);
    }

    #[test]
    fn the_dead_stay_dead_until_they_are_seen_again() {
        let mut court = Court::new();
        court.pass(20, &["me", "other", "third"], true);
        court.pass(12, &["me", "third"], true);
        court.pass(30, &[], false);
        assert_eq!(court.dead(), ["other"]);

        court.pass(1, &["other"], false);
        assert_eq!(court.dead(), Vec::<&str>::new());
    }

    #[test]
    fn one_without_a_row_is_dead_after_twelve_seconds_too() {
        let mut court = Court::new();
        court.pass(4, &["me", "other"], true);
        assert_eq!(court.dead(), Vec::<&str>::new(), "too early to know of the third");
        court.pass(20, &["me", "other"], true);
        assert_eq!(court.dead(), ["third"]);

        // NATS was emptied: rows vanish, and come back at once.
        court.rows.clear();
        court.pass(2, &["me", "third"], true);
        assert_eq!(court.dead(), Vec::<&str>::new());
        court.pass(12, &["me", "third"], true);
        assert_eq!(court.dead(), ["other"]);
        assert!(court.judge.others.len() <= 2, "who is dead and has no row is forgotten");
    }
}
