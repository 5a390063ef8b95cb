//! A thousand seeded matches: they always play the same, and they are lively.

use shared::sim::determinism::{SeededMatch, fold, match_checksum};
use shared::sim::mode::ROUND_TICKS;

use shared::sim::{BotStrength, Command, Event, Mode, PushKind, Slot, World, bot};

/// The digest of a thousand matches. A change of a rule changes it: check that the change is intended, and write the new
/// number here. The page `/determinism` in the browser must show the same.
const DIGEST_OF_1000: u64 = 0x7ad2_bb02_3ad4_1a6d;

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
    assert!(credited > 4 * slipped, "{credited} were pushed and {slipped} slipped");
    assert!(taken > 0);
}

#[test]
fn a_stronger_bot_scores_more_and_every_push_counts() {
    let strengths = BotStrength::ALL;
    let mut points = [0_i32; 3];
    let mut events = Vec::new();
    for seed in 0..12 {
        let mut world = World::new(Mode::Brawl, seed, ROUND_TICKS);
        let slots = (0..9).map(Slot);
        let joins: Vec<_> = slots.clone().map(|slot| Command::Join { slot, team: 0 }).collect();
        events.extend(world.step(&joins));
        while !world.is_over() {
            let think = |slot: Slot| {
                let input = bot::think(&world, slot, strengths[usize::from(slot.0) % 3]);
                Command::Input { slot, input }
            };
            let commands: Vec<_> = slots.clone().map(think).collect();
            events.extend(world.step(&commands));
        }
        for disc in &world.discs {
            points[usize::from(disc.slot.0) % 3] += i32::from(disc.points);
        }
    }
    let falls = |e: &&Event| matches!(e, Event::KnockOut { .. });
    let knockouts = events.iter().filter(falls).count();
    assert!(points.is_sorted(), "gentle, keen, fierce: {points:?}");
    // In a round of three minutes each disc falls once in nine to twenty seconds.
    let falls_each = knockouts / (12 * 9);
    assert!((9..=20).contains(&falls_each), "{falls_each} falls each");
    for kind in PushKind::ALL {
        let by =
            |e: &&Event| matches!(e, Event::KnockOut { credit: Some((_, by)), .. } if *by == kind);
        assert!(events.iter().any(|e| by(&e)), "no disc falls by {kind:?}");
    }
}
