//! Seats that people take, bots fill, and the matchmaker reserves.

use std::time::{Duration, Instant};

use shared::id::{PlayerId, PlayerName};
use shared::sim::Mode;
use shared::sim::rng::Rng;
use shared::tick::Tick;

use super::{Full, RESERVATION_KEPT, Seats};
use crate::bots::BotPolicy;
use crate::player::Player;
use crate::room::connection::id::ConnectionId;
use crate::room::game::seat::Person;

fn player(number: u64) -> Player {
    Player { id: PlayerId::from_bits(number), name: PlayerName::parse("Ada").unwrap() }
}

fn sit(seats: &mut Seats, number: u64) -> Result<(), Full> {
    let person =
        Person::new(ConnectionId { index: 0, generation: 0 }, 1_500, Tick(0), Instant::now());
    seats.sit(player(number), person, Instant::now()).map(|_| ())
}

#[test]
fn bots_fill_and_give_way() {
    let mut seats = Seats::new(Mode::Brawl, BotPolicy::Mixed, Rng(1));
    seats.settle_bots(true, Instant::now());
    assert_eq!((seats.people(), seats.bots()), (0, 8));

    for number in 1..=16 {
        sit(&mut seats, number).unwrap();
        assert_eq!(seats.len(), 8.max(seats.people()));
    }

    assert_eq!(sit(&mut seats, 17), Err(Full));
    assert_eq!((seats.people(), seats.bots(), seats.open(Instant::now())), (16, 0, 0));
}

#[test]
fn teams_stay_even() {
    let mut seats = Seats::new(Mode::Teams, BotPolicy::Mixed, Rng(1));
    for number in 1..=5 {
        sit(&mut seats, number).unwrap();
        seats.settle_bots(true, Instant::now());
        assert_eq!(seats.team_sizes(|_| true), [4, 4], "{number}");
    }
    assert_eq!(seats.team_sizes(|seat| !seat.is_bot()), [3, 2]);

    let of_first: Vec<_> = seats.iter().filter(|s| s.team == 0).map(|s| s.slot).collect();
    of_first.into_iter().for_each(|slot| assert!(seats.free(slot).is_some()));
    seats.settle_bots(true, Instant::now());

    assert_eq!(seats.team_sizes(|_| true), [4, 4]);
}

#[test]
fn a_reserved_seat_is_kept_for_a_while() {
    let now = Instant::now();
    let mut seats = Seats::new(Mode::Duel, BotPolicy::Mixed, Rng(1));
    assert_eq!(seats.reserve(&[player(1).id, player(2).id], now), Ok(()));
    assert_eq!(seats.settle_bots(true, now).len(), 0);

    assert_eq!(sit(&mut seats, 3), Err(Full));
    assert_eq!(sit(&mut seats, 1), Ok(()));
    assert_eq!(seats.reserve(&[player(3).id], now), Err(Full));

    let later = now + RESERVATION_KEPT + Duration::from_secs(1);
    assert_eq!(seats.open(later), 1);
    assert_eq!(seats.reserve(&[player(3).id], later), Ok(()));
}
