//! A thousand seeded matches: they always play the same, and they are matches.

use shared::sim::proof::{SeededMatch, fold, match_checksum};
use shared::sim::{Event, Mode};

/// What a thousand matches come to. A change of a rule changes it: look whether you meant to, and write the new
/// number here. The browser's page `/determinism` must show the same.
const DIGEST_OF_1000: u64 = 0xecf1_f3e8_deff_a081;

#[test]
fn a_thousand_matches_play_as_they_always_did() {
    let digest = (0..1_000).map(match_checksum).fold(0, fold);
    assert_eq!(digest, DIGEST_OF_1000, "the digest is now {digest:#018x}");
}

#[test]
fn the_same_seed_plays_the_same_match() {
    for seed in 0..20 {
        assert_eq!(match_checksum(seed), match_checksum(seed), "seed {seed}");
    }
}

#[test]
fn bots_push_each_other_over_the_edge() {
    let (mut credited, mut slipped, mut taken) = (0, 0, 0);
    for seed in (0..200).filter(|seed| SeededMatch::new(*seed).world.mode == Mode::Brawl) {
        let mut game = SeededMatch::new(seed);
        while !game.world.is_over() {
            let commands = game.commands();
            for event in game.world.step(&commands) {
                match event {
                    Event::KnockOut { credit: Some(_), .. } => credited += 1,
                    Event::KnockOut { credit: None, .. } => slipped += 1,
                    Event::PickupTaken { .. } => taken += 1,
                    _ => {}
                }
            }
        }
    }
    println!("{credited} pushed, {slipped} slipped, {taken} pickups");
    assert!(credited > 4 * slipped, "{credited} were pushed and {slipped} slipped");
    assert!(taken > 0);
}
