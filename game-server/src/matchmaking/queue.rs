//! Who waits, and who goes together: a function of the queue, the rooms and the time.
//!
//! A window around the own rating says whom one would play with. It widens while one waits. People in each
//! other's windows share a room; a room where people of that rating play already comes first; and who has
//! waited long enough plays with bots.

use std::time::{Duration, Instant};

use shared::id::RoomId;
use shared::sim::Mode;

/// The window of somebody who has just come, in rating points either way.
const WINDOW_START: u32 = 100;
/// What the window grows by …
const WINDOW_STEP: u32 = 50;
/// … after each of these.
const WINDOW_EVERY: Duration = Duration::from_secs(2);
/// A window is never wider: this is everybody.
const WINDOW_MAX: u32 = 2_000;

/// Names a request in the queue.
pub(super) type Number = u64;

/// Somebody who waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) number: Number,
    pub(super) mode: Mode,
    pub(super) rating: i32,
    pub(super) since: Instant,
}

/// A public room with people in it.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) room: RoomId,
    pub(super) mode: Mode,
    /// Mean rating of its people.
    pub(super) rating: i32,
    pub(super) open_seats: usize,
    pub(super) people: u32,
}

/// People who go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) mode: Mode,
    pub(super) members: Vec<Number>,
    /// A room that is there, or nothing: a new one.
    pub(super) room: Option<RoomId>,
}

/// How far from the own rating others may be, after having waited so long.
pub(super) fn window(waited: Duration) -> u32 {
    let steps = waited.as_millis() / WINDOW_EVERY.as_millis();
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    WINDOW_START.saturating_add(steps.saturating_mul(WINDOW_STEP)).min(WINDOW_MAX)
}

/// Takes out of the queue (the longest wait first) who can play now.
pub(super) fn match_up(
    queue: &mut Vec<Waiting>,
    mut offers: Vec<Offer>,
    bots_fill_after: Duration,
    now: Instant,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut place = 0;
    while let Some(first) = queue.get(place).cloned() {
        let Some((members, room)) = company(&first, queue, &mut offers, bots_fill_after, now)
        else {
            place += 1;
            continue;
        };
        // Whoever stood before `place` stays there: they match nobody.
        queue.retain(|waiting| !members.contains(&waiting.number));
        groups.push(Group { mode: first.mode, members, room });
    }
    groups
}

/// With whom and where somebody can play now.
fn company(
    first: &Waiting,
    queue: &[Waiting],
    offers: &mut [Offer],
    bots_fill_after: Duration,
    now: Instant,
) -> Option<(Vec<Number>, Option<RoomId>)> {
    let alone = vec![first.number];
    if first.mode == Mode::Practice {
        return Some((alone, None));
    }
    let waited = now.saturating_duration_since(first.since);
    let suits = |offer: &&mut Offer| {
        offer.mode == first.mode
            && offer.open_seats > 0
            && offer.rating.abs_diff(first.rating) <= window(waited)
    };
    if let Some(offer) = offers.iter_mut().filter(suits).max_by_key(|offer| offer.people) {
        offer.open_seats -= 1;
        return Some((alone, Some(offer.room)));
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

    use super::{Group, Offer, Waiting, match_up, window};

    const BOTS_AFTER: Duration = Duration::from_secs(10);

    fn waiting(number: u64, mode: Mode, rating: i32, since: Instant) -> Waiting {
        Waiting { number, mode, rating, since }
    }

    fn offer(room: u64, rating: i32, open_seats: usize, people: u32) -> Offer {
        Offer { room: RoomId::from_bits(room), mode: Mode::Brawl, rating, open_seats, people }
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
        let offers = vec![offer(7, 1_550, 1, 3), offer(8, 1_450, 1, 5), offer(9, 1_800, 9, 9)];

        let groups = match_up(&mut queue, offers, BOTS_AFTER, start);

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
