//! Tests of the deck: plays while it arrives, seeks both ways.

use super::{Deck, Focus, Motion, Order, SPEEDS, clock, is_shown, order_of_key};
use shared::api::{Marker, MarkerKind};

fn complete(ticks: u32) -> Deck {
    let mut deck = Deck::default();
    deck.has(ticks, ticks, true);
    deck
}

#[test]
fn it_plays_while_the_recording_arrives() {
    let mut deck = Deck::default();

    deck.has(30, 10_800, false);
    assert_eq!(deck.motion(), Motion::Buffering);
    deck.has(60, 10_800, false);
    assert_eq!((deck.motion(), deck.total()), (Motion::Playing, 10_800));

    (0..8).for_each(|_| deck.pass(200.0));
    assert_eq!((deck.motion(), deck.at()), (Motion::Buffering, 60.0));
    deck.has(300, 10_800, false);
    assert_eq!(deck.motion(), Motion::Playing);
}

#[test]
fn a_cut_recording_ends_where_it_was_cut() {
    let mut deck = Deck::default();
    deck.has(90, 10_800, false);
    deck.has(90, 10_800, true);

    (0..8).for_each(|_| deck.pass(250.0));

    assert_eq!((deck.motion(), deck.total(), deck.at()), (Motion::Ended, 90, 90.0));
    deck.toggle();
    assert_eq!((deck.motion(), deck.at()), (Motion::Playing, 0.0));
}

#[test]
fn a_shared_moment_is_waited_for() {
    let mut deck = Deck::starting_at(600.0);

    deck.has(400, 10_800, false);
    assert_eq!((deck.motion(), deck.at()), (Motion::Buffering, 0.0));

    deck.has(700, 10_800, false);
    assert_eq!((deck.motion(), deck.at()), (Motion::Playing, 600.0));
}

#[test]
fn keys_move_the_needle_both_ways() {
    let mut deck = complete(6_000);
    let mut press = |key: &str| {
        deck.obey(order_of_key(key, Focus::Theatre).expect("a key that means something"));
        (deck.at(), deck.motion())
    };

    assert_eq!(press("5").0, 3_000.0);
    assert_eq!(press("ArrowRight").0, 3_300.0);
    assert_eq!(press("ArrowLeft").0, 3_000.0);
    assert_eq!(press("."), (3_002.0, Motion::Paused));
    assert_eq!(press(",").0, 3_000.0);
    assert_eq!(press(" ").1, Motion::Playing);
    assert_eq!(press("End"), (6_000.0, Motion::Ended));
    assert_eq!(press("Home").0, 0.0);
    assert_eq!(order_of_key("Tab", Focus::Theatre), None);
}

#[test]
fn a_key_belongs_to_what_has_the_focus() {
    let pressable = |in_theatre| Focus::Pressable { in_theatre };
    for key in ["f", "h", "k", "5", ",", "+", "ArrowLeft", "Home", " "] {
        assert_eq!(order_of_key(key, Focus::Writing), None, "{key}");
        assert!(order_of_key(key, Focus::Theatre).is_some(), "{key}");
    }
    for key in ["ArrowUp", "ArrowDown", "ArrowLeft", "PageUp", "PageDown", "Home", "End"] {
        assert_eq!(order_of_key(key, Focus::Page), None, "{key}");
        assert_eq!(order_of_key(key, pressable(false)), None, "{key}");
        assert!(order_of_key(key, pressable(true)).is_some(), "{key}");
    }
    assert_eq!(order_of_key(" ", pressable(true)), None);
    assert_eq!(order_of_key(" ", Focus::Page), Some(Order::Toggle));
}

#[test]
fn the_speed_is_the_pace_of_the_needle() {
    let mut deck = complete(6_000);
    deck.set_speed(SPEEDS.len() - 1);
    assert!(deck.obey(Order::Faster));

    deck.pass(100.0);

    assert_eq!(deck.speed().name, "8×");
    assert!((deck.at() - 48.0).abs() < 1e-9, "{}", deck.at());
}

#[test]
fn spoilers_lie_ahead_of_the_needle() {
    let marker = Marker { tick: 100, kind: MarkerKind::KnockOut, slot: 0 };

    assert!(is_shown(&marker, 100.0, true) && !is_shown(&marker, 99.0, true));
    assert!(is_shown(&marker, 0.0, false));
    assert_eq!(clock(3_661.0), "1:01");
}
