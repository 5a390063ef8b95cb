//! Which players are matched: a function of the queue, the rooms and the time.
//!
//! A window around a player's rating says which opponents are acceptable. It widens while the player waits. Players
//! in each other's windows share a room; a public room of that rating with an open seat comes first; and a player
//! who has waited long enough plays with bots.

use std::time::{Duration, Instant};

use shared::id::RoomId;
use shared::sim::Mode;

/// The window of a player who has just joined, in rating points either way.
const WINDOW_START: u32 = 100;
/// The window grows by this many rating points …
const WINDOW_STEP: u32 = 50;
/// … after each of these.
const WINDOW_EVERY: Duration = Duration::from_secs(2);
/// The widest window, in rating points: it holds every player.
const WINDOW_MAX: u32 = 2_000;

/// Numbers tickets in the order of joining.
pub(super) type TicketNumber = u64;

/// A player in the queue.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) number: TicketNumber,
    pub(super) mode: Mode,
    pub(super) rating: i32,
    pub(super) since: Instant,
}

/// A public room in which people play.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) room: RoomId,
    pub(super) mode: Mode,
    /// The mean rating of its people.
    pub(super) rating: i32,
    pub(super) open_seats: usize,
    pub(super) people: u32,
}

/// Players who are matched with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) mode: Mode,
    pub(super) members: Vec<TicketNumber>,
    /// An open room. `None` asks for a new one.
    pub(super) room: Option<RoomId>,
}

/// The window after a wait, in rating points either way.
pub(super) fn window(waited: Duration) -> u32 {
    let steps = waited.as_millis() / WINDOW_EVERY.as_millis();
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    WINDOW_START.saturating_add(steps.saturating_mul(WINDOW_STEP)).min(WINDOW_MAX)
}

/// Takes the players who can play now out of the queue, the longest wait first.
pub(super) fn match_up(
    queue: &mut Vec<Waiting>,
    mut candidates: Vec<Candidate>,
    bots_fill_after: Duration,
    now: Instant,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut place = 0;
    while let Some(first) = queue.get(place).cloned() {
        let Some((members, room)) = group_of(&first, queue, &mut candidates, bots_fill_after, now)
        else {
            place += 1;
            continue;
        };
        // The players before `place` were not matched, so that the index stays valid.
        queue.retain(|waiting| !members.contains(&waiting.number));
        groups.push(Group { mode: first.mode, members, room });
    }
    groups
}

/// The players and the room that a player can be matched with now.
fn group_of(
    first: &Waiting,
    queue: &[Waiting],
    candidates: &mut [Candidate],
    bots_fill_after: Duration,
    now: Instant,
) -> Option<(Vec<TicketNumber>, Option<RoomId>)> {
    let alone = vec![first.number];
    if first.mode == Mode::Practice {
        return Some((alone, None));
    }
    let waited = now.saturating_duration_since(first.since);
    let suits = |candidate: &&mut Candidate| {
        candidate.mode == first.mode
            && candidate.open_seats > 0
            && candidate.rating.abs_diff(first.rating) <= window(waited)
    };
    if let Some(candidate) =
        candidates.iter_mut().filter(suits).max_by_key(|candidate| candidate.people)
    {
        candidate.open_seats -= 1;
        return Some((alone, Some(candidate.room)));
    }
    let accepts = |other: &&Waiting| {
        let narrower = window(now.saturating_duration_since(other.since)).min(window(waited));
        other.number != first.number
            && other.mode == first.mode
            && other.rating.abs_diff(first.rating) <= narrower
    };
    let others = queue.iter().filter(accepts).map(|other| other.number);
    let members: Vec<_> = alone.into_iter().chain(others).take(first.mode.seats()).collect();
    let is_enough = members.len() > 1 || waited >= bots_fill_after;
    is_enough.then_some((members, None))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shared::id::RoomId;
    use shared::sim::Mode;

    use super::{Candidate, Group, Waiting, match_up, window};

    const BOTS_AFTER: Duration = Duration::from_secs(10);

    fn waiting(number: u64, mode: Mode, rating: i32, since: Instant) -> Waiting {
        Waiting { number, mode, rating, since }
    }

    fn candidate(room: u64, rating: i32, open_seats: usize, people: u32) -> Candidate {
        Candidate { room: RoomId::from_bits(room), mode: Mode::Brawl, rating, open_seats, people }
    }

    #[test]
    fn the_window_widens() {
        assert_eq!(window(Duration::ZERO), 100);
        assert_eq!(window(Duration::from_millis(1_999)), 100);
        assert_eq!(window(Duration::from_secs(2)), 150);
        assert_eq!(window(Duration::from_secs(9)), 300);
        assert_eq!(window(Duration::from_secs(1_000_000)), 2_000);
    }

    #[test]
    fn equals_are_matched_at_once_and_others_when_the_windows_meet() {
        let start = Instant::now();
        let mut queue = vec![
            waiting(1, Mode::Duel, 1_500, start),
            waiting(2, Mode::Duel, 1_580, start),
            waiting(3, Mode::Duel, 1_900, start),
            waiting(4, Mode::Brawl, 1_500, start),
        ];
        let groups = match_up(&mut queue, Vec::new(), BOTS_AFTER, start);
        assert_eq!(groups, [Group { mode: Mode::Duel, members: vec![1, 2], room: None }]);

        queue.push(waiting(5, Mode::Duel, 1_700, start));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(match_up(&mut queue, Vec::new(), BOTS_AFTER, at(3)).is_empty());
        let groups = match_up(&mut queue, Vec::new(), BOTS_AFTER, at(4));
        assert_eq!(groups, [Group { mode: Mode::Duel, members: vec![3, 5], room: None }]);
    }

    #[test]
    fn both_must_accept() {
        let start = Instant::now();
        let later = start + Duration::from_secs(8);
        let mut queue =
            vec![waiting(1, Mode::Duel, 1_500, start), waiting(2, Mode::Duel, 1_700, later)];
        assert!(match_up(&mut queue, Vec::new(), BOTS_AFTER, later).is_empty());
    }

    #[test]
    fn bots_fill_after_a_while() {
        let start = Instant::now();
        let mut queue = vec![waiting(1, Mode::Brawl, 1_500, start)];
        let almost = start + BOTS_AFTER - Duration::from_millis(1);
        assert!(match_up(&mut queue, Vec::new(), BOTS_AFTER, almost).is_empty());

        let groups = match_up(&mut queue, Vec::new(), BOTS_AFTER, start + BOTS_AFTER);
        assert_eq!(groups, [Group { mode: Mode::Brawl, members: vec![1], room: None }]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_room_with_people_of_that_rating_comes_first() {
        let start = Instant::now();
        let mut queue = vec![
            waiting(1, Mode::Brawl, 1_500, start),
            waiting(2, Mode::Brawl, 1_500, start),
            waiting(3, Mode::Brawl, 1_500, start),
            waiting(4, Mode::Brawl, 1_500, start),
        ];
        let candidates =
            vec![candidate(7, 1_550, 1, 3), candidate(8, 1_450, 1, 5), candidate(9, 1_800, 9, 9)];

        let groups = match_up(&mut queue, candidates, BOTS_AFTER, start);

        let brawl = |members: &[u64], room: Option<u64>| Group {
            mode: Mode::Brawl,
            members: members.to_vec(),
            room: room.map(RoomId::from_bits),
        };
        assert_eq!(groups, [brawl(&[1], Some(8)), brawl(&[2], Some(7)), brawl(&[3, 4], None)]);
    }

    #[test]
    fn practice_needs_nobody_and_a_group_is_no_larger_than_a_room() {
        let start = Instant::now();
        let mut queue: Vec<_> = (0..20).map(|n| waiting(n, Mode::Teams, 1_500, start)).collect();
        queue.push(waiting(20, Mode::Practice, 1_500, start));

        let groups = match_up(&mut queue, Vec::new(), BOTS_AFTER, start);

        let sizes: Vec<_> = groups.iter().map(|group| group.members.len()).collect();
        assert_eq!(sizes, [16, 4, 1]);
    }
}
