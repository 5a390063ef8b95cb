//! Rules that the seeded matches alone would not show.

use shared::sim::disc::{LastPush, RADIUS};
use shared::sim::fixed::units;
use shared::sim::mode::ROUND_TICKS;
use shared::sim::{
    Angle, Buttons, Command, Event, Input, Mode, PushKind, Slot, Thrust, Vec2, World,
};
use shared::snapshot::{DecodeError, StreamDecoder, StreamEncoder, records};

const EAST: Angle = Angle::from_steps(0);

/// A world with a disc for each of these teams, after the countdown.
fn world(mode: Mode, teams: &[u8]) -> World {
    let mut world = World::new(mode, 1, ROUND_TICKS);
    let seats = (0..).map(Slot).zip(teams);
    let joins: Vec<_> = seats.map(|(slot, team)| Command::Join { slot, team: *team }).collect();
    world.step(&joins);
    while world.is_counting_down() {
        world.step(&[]);
    }
    world
}

/// Puts one disc at the eastern edge and another on its way to it, the others far away. Returns the knock-out.
fn push_over_the_edge(world: &mut World, pusher: Slot, fallen: Slot) -> Event {
    let edge = world.platform_radius() - RADIUS / 2;
    for disc in &mut world.discs {
        disc.velocity = Vec2::ZERO;
        disc.position = match disc.slot {
            slot if slot == fallen => Vec2::new(edge, 0),
            slot if slot == pusher => Vec2::new(edge - 2 * RADIUS - units(1), 0),
            slot => Vec2::new(-units(100) * i32::from(slot.0), -units(200)),
        };
        if disc.slot == pusher {
            disc.velocity = Vec2::new(units(12), 0);
        }
    }
    let fall = |event: &Event| matches!(event, Event::KnockOut { slot, .. } if *slot == fallen);
    (0..60).find_map(|_| world.step(&[]).into_iter().find(fall)).expect("the disc falls")
}

fn credit_of(event: Event) -> Option<(Slot, PushKind)> {
    let Event::KnockOut { credit, .. } = event else { panic!("{event:?} is no fall") };
    credit
}

#[test]
fn no_disc_moves_before_the_countdown_is_over() {
    let mut world = World::new(Mode::Brawl, 1, ROUND_TICKS);
    let slot = Slot(0);
    let input = Input { thrust: Thrust::towards(EAST), aim: EAST, buttons: Buttons::DASH };
    world.step(&[Command::Join { slot, team: 0 }, Command::Input { slot, input }]);
    let entered = world.disc(slot).unwrap().position;

    while world.is_counting_down() {
        assert_eq!(world.disc(slot).unwrap().position, entered, "tick {}", world.tick);
        world.step(&[]);
    }
    assert_eq!(world.disc(slot).unwrap().position, entered, "the last tick of the countdown");
    world.step(&[]);

    assert!(world.disc(slot).unwrap().position.x > entered.x, "now it moves");
}

#[test]
fn a_foe_who_bumps_a_disc_off_scores_and_a_teammate_does_not() {
    let (pusher, fallen) = (Slot(0), Slot(1));

    let mut foes = world(Mode::Teams, &[0, 1]);
    let by_foe = credit_of(push_over_the_edge(&mut foes, pusher, fallen));
    let mut friends = world(Mode::Teams, &[1, 1]);
    let by_friend = credit_of(push_over_the_edge(&mut friends, pusher, fallen));
    let mut alone = world(Mode::Brawl, &[0, 0]);
    let in_brawl = credit_of(push_over_the_edge(&mut alone, pusher, fallen));

    assert_eq!(by_foe, Some((pusher, PushKind::Bump)));
    assert_eq!(foes.team_points, [1, 0]);
    assert_eq!(by_friend, None);
    assert_eq!(friends.disc(pusher).unwrap().points, 0);
    assert_eq!(friends.team_points, [0, -1]);
    assert_eq!(in_brawl, Some((pusher, PushKind::Bump)), "without teams each other disc is a foe");
}

#[test]
fn a_teammates_bump_does_not_take_the_foes_point() {
    let (friend, fallen, foe) = (Slot(0), Slot(1), Slot(2));
    let mut world = world(Mode::Teams, &[0, 0, 1]);
    let push = LastPush { by: foe, kind: PushKind::Shove, ticks_left: 200 };
    world.discs[1].last_push = Some(push);

    let credit = credit_of(push_over_the_edge(&mut world, friend, fallen));

    assert_eq!(credit, Some((foe, PushKind::Shove)));
    assert_eq!(world.team_points, [0, 1]);
}

#[test]
fn a_teammate_in_the_seat_of_a_foe_who_left_does_not_score() {
    let (friend, fallen, foe) = (Slot(0), Slot(1), Slot(2));
    let mut world = world(Mode::Teams, &[0, 0, 1]);
    let push = LastPush { by: foe, kind: PushKind::Shove, ticks_left: 200 };
    world.discs[1].last_push = Some(push);
    world.step(&[Command::Leave { slot: foe }, Command::Join { slot: foe, team: 0 }]);

    let credit = credit_of(push_over_the_edge(&mut world, friend, fallen));

    assert_eq!(credit, None);
    assert_eq!(world.team_points, [-1, 0]);
}

#[test]
fn a_world_has_the_seats_of_its_mode_and_no_others() {
    for mode in Mode::ALL {
        let mut world = World::new(mode, 1, ROUND_TICKS);
        let mut encoder = StreamEncoder::new();
        let mut decoder = StreamDecoder::new();
        let mut stream = encoder.keyframe(&world);
        // A few more than the mode has.
        let slots = || (0..).map(Slot).take(mode.seats() + 20);
        let joins: Vec<_> = slots().map(|slot| Command::Join { slot, team: 0 }).collect();
        let input = Input { thrust: Thrust::towards(EAST), ..Input::default() };
        let inputs: Vec<_> = slots().map(|slot| Command::Input { slot, input }).collect();

        world.step(&joins);
        world.step(&inputs);
        stream.extend(encoder.delta(&[joins, inputs], &world));

        assert_eq!(world.discs.len(), mode.seats(), "{mode:?}");
        for frame in records(&stream) {
            decoder.apply(frame.unwrap()).unwrap();
        }
        assert_eq!(decoder.world(), Some(&world), "{mode:?}");
    }
}

#[test]
fn a_keyframe_with_a_seat_that_its_mode_does_not_have_is_refused() {
    let brawl = StreamEncoder::new().keyframe(&world(Mode::Brawl, &[0, 0, 0]));
    let mut frame = records(&brawl).next().unwrap().unwrap().to_vec();
    assert!(StreamDecoder::new().apply(&frame).is_ok());

    // The mode, two bits, follows kind and format: now it is a duel.
    frame[1] = frame[1] & !3 | 2;

    let refused = DecodeError::Malformed("no such seat");
    assert_eq!(StreamDecoder::new().apply(&frame), Err(refused));
}
