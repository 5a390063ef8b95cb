//! The predictor beside a server in memory.

use std::collections::BTreeSet;

use shared::protocol::INPUT_REPEAT_TICKS_MAX;
use shared::sim::{Angle, Buttons, Command, Input, Mode, Slot, Thrust, World, bot};
use shared::snapshot::relay::RelayedInput;
use shared::tick::Tick;

use super::Predictor;

const ME: Slot = Slot(0);

fn world_of(discs: u16) -> World {
    let mut world = World::new(Mode::Brawl, 3, 3_600);
    let joins: Vec<Command> =
        (0..discs).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    world.step(&joins);
    while world.is_counting_down() {
        world.step(&[]);
    }
    world
}

fn input_of(tick: u32) -> Input {
    let aim = Angle::from_steps(u16::try_from(tick * 5 % 1_024).expect("small"));
    let buttons = if tick.is_multiple_of(31) { Buttons::PULSE } else { Buttons::NONE };
    Input { thrust: Thrust::towards(aim), aim, buttons }
}

#[test]
fn a_player_alone_is_predicted_exactly_and_the_own_pulse_appears_at_once() {
    let mut server = world_of(1);
    let mut predictor = Predictor::new(ME, server.clone());
    let began = server.tick;
    (0..6).for_each(|n| drop(predictor.advance(input_of(began.0 + n))));

    for _ in 0..300 {
        let input = input_of(server.tick.0);
        server.step(&[Command::Input { slot: ME, input }]);
        let next = predictor.world().tick;
        predictor.advance(input_of(next.0));
        let correction = predictor.reconcile(&server);

        assert!(correction.exact);
        assert_eq!(predictor.world().tick.since(server.tick), 6);
        for pulse in &server.pulses {
            let alive = pulse.ticks_left > 6;
            assert!(!alive || predictor.world().pulses.iter().any(|p| p.id == pulse.id));
        }
    }
}

#[test]
fn others_that_turn_are_corrected() {
    let mut server = world_of(6);
    let mut predictor = Predictor::new(ME, server.clone());
    (0..8).for_each(|_| drop(predictor.advance(input_of(predictor.world().tick.0))));
    let mut corrected = 0;

    for _ in 0..600 {
        let mut commands = vec![Command::Input { slot: ME, input: input_of(server.tick.0) }];
        commands.extend((1..6).map(|slot| {
            let slot = Slot(slot);
            let input = bot::think(&server, slot, bot::BotStrength::Keen);
            Command::Input { slot, input }
        }));
        server.step(&commands);
        predictor.advance(input_of(predictor.world().tick.0));
        let correction = predictor.reconcile(&server);
        corrected += u32::from(!correction.exact);

        assert_eq!(predictor.base, server);
        assert_eq!(predictor.world().tick.since(server.tick), 8);
    }

    assert!(corrected > 10, "the bots never turned");
}

#[test]
fn players_whose_inputs_are_relayed_are_predicted() {
    let mut server = world_of(3);
    let mut predictor = Predictor::new(ME, server.clone());
    let others = [Slot(1), Slot(2)];
    let held = |slot: Slot, tick: Tick| {
        let turns = (tick.0 + u32::from(slot.0) * 7) / 9;
        Input {
            thrust: Thrust::from_code((turns * 5 % 17).to_le_bytes()[0]).unwrap_or_default(),
            ..Input::default()
        }
    };
    let (ahead, relayed_before) = (9, 6);
    (0..ahead).for_each(|_| drop(predictor.advance(input_of(predictor.world().tick.0))));
    let (mut wrong_present, mut compared) = (0, 0);

    for _ in 0..600 {
        let tick = server.tick;
        let mut commands = vec![Command::Input { slot: ME, input: input_of(tick.0) }];
        commands.extend(others.map(|slot| Command::Input { slot, input: held(slot, tick) }));
        server.step(&commands);
        predictor.advance(input_of(predictor.world().tick.0));
        let known = server.tick.plus(relayed_before - 1);
        let input = |slot: Slot| RelayedInput { slot, tick: known, input: held(slot, known) };
        predictor.relay(others.map(input).into_iter());
        predictor.reconcile(&server);

        // Up to the last relayed input, the prediction is what the server will step to.
        let mut truth = server.clone();
        while known.next().is_after(truth.tick) {
            let tick = truth.tick;
            let mut commands: Vec<_> = others
                .iter()
                .map(|slot| Command::Input { slot: *slot, input: held(*slot, tick) })
                .collect();
            commands.push(Command::Input { slot: ME, input: input_of(tick.0) });
            truth.step(&commands);
        }
        let predicted = predictor.ahead.iter().find(|world| world.tick == truth.tick);
        compared += u32::from(predicted.is_some());
        wrong_present += u32::from(predicted != Some(&truth));
    }

    assert_eq!(compared, 600);
    assert!(wrong_present <= relayed_before, "only before the first was relayed in time");
}

#[test]
fn pulses_of_bots_are_predicted_with_the_same_id() {
    let mut server = world_of(4);
    let mut predictor = Predictor::new(ME, server.clone());
    let bots = [1, 2, 3].map(|slot| (Slot(slot), bot::BotStrength::Fierce));
    predictor.bots = bots.to_vec();
    let (mut predicted, mut fired) = (BTreeSet::new(), 0);

    for _ in 0..1_200 {
        while predictor.world().tick.since(server.tick) < 6 {
            predictor.advance(input_of(predictor.world().tick.0));
            predicted.extend(predictor.world().pulses.iter().map(|pulse| named(pulse.id)));
        }
        let mut commands = vec![Command::Input { slot: ME, input: input_of(server.tick.0) }];
        commands.extend(bots.map(|(slot, strength)| Command::Input {
            slot,
            input: bot::think(&server, slot, strength),
        }));
        server.step(&commands);
        for pulse in server.pulses.iter().filter(|pulse| pulse.id.slot != ME) {
            assert!(predicted.contains(&named(pulse.id)), "{pulse:?} was not predicted");
            fired += 1;
        }
        assert!(predictor.reconcile(&server).exact);
    }

    assert!(fired > 100, "the bots fired too seldom");
}

fn named(id: shared::sim::PulseId) -> (Slot, u32) {
    (id.slot, id.tick.0)
}

#[test]
fn a_skipped_stretch_repeats_the_last_input_without_its_actions_and_then_idles() {
    let mut server = world_of(1);
    let mut predictor = Predictor::new(ME, server.clone());
    let firing = Input { buttons: Buttons::PULSE, ..input_of(1) };
    predictor.advance(firing);

    predictor.skip_to(predictor.world().tick.plus(40));

    server.step(&[Command::Input { slot: ME, input: firing }]);
    for missing in 1..=40 {
        let repeats = missing <= INPUT_REPEAT_TICKS_MAX;
        let input = if repeats { firing.without_actions() } else { firing.idle() };
        server.step(&[Command::Input { slot: ME, input }]);
        if missing % 2 == 0 {
            let correction = predictor.reconcile(&server);
            assert!(correction.exact, "after {missing} missing inputs");
        }
    }
    let far = Tick(predictor.world().tick.0 + 100_000);
    predictor.skip_to(far);
    assert!(far.is_after(predictor.world().tick));
}

#[test]
fn inputs_stand_when_the_clock_goes_back_unless_they_were_never_sent() {
    let mut server = world_of(1);
    let mut predictor = Predictor::new(ME, server.clone());
    let began = server.tick;
    (0..20).for_each(|n| drop(predictor.advance(input_of(began.0 + n))));
    let before = predictor.world().clone();

    predictor.go_back_to(began.plus(5));
    assert_eq!(predictor.world().tick, began.plus(5));
    assert_eq!(predictor.input_of(began.plus(6)), Some(input_of(began.0 + 6)));
    (5..20).for_each(|_| drop(predictor.advance(Input::default())));
    assert_eq!(predictor.world(), &before);

    predictor.forget_from(began.plus(12));
    assert_eq!(predictor.input_of(began.plus(12)), None);
    predictor.skip_to(began.plus(20));
    for n in 0..20_u32 {
        let last = input_of(began.0 + n.min(11));
        let input = if n < 12 { last } else { last.without_actions() };
        server.step(&[Command::Input { slot: ME, input }]);
    }
    assert_eq!(predictor.world(), &server);
}

#[test]
fn a_stretch_that_is_skipped_ends_with_the_round() {
    let mut world = World::new(Mode::Brawl, 3, 120);
    world.step(&[Command::Join { slot: ME, team: 0 }]);
    while world.remaining() > 5 {
        world.step(&[]);
    }
    let mut predictor = Predictor::new(ME, world);

    predictor.skip_to(predictor.world().tick.plus(30));

    assert!(predictor.world().is_over());
}
