//! Stalls of the connection, of the server, and of the client.

use shared::sim::{Angle, Input, Thrust, World};

use super::Line;

/// Thrusts in another direction every twentieth of a second: with an input of another tick the prediction is wrong.
fn weave(_: &World, now: u32) -> Input {
    let angle = Angle::from_steps(u16::try_from(now / 3 * 111 % 1_024).expect("small"));
    Input { thrust: Thrust::towards(angle), aim: angle, ..Input::default() }
}

/// A player alone in a room: only the own inputs can make the prediction wrong.
fn weaving(delay: u32) -> Line {
    let mut line = Line::new(delay, 0, 5);
    line.drives = weave;
    (0..600).for_each(|_| line.tick());
    line
}

#[test]
fn the_clock_does_not_jump_when_held_back_snapshots_arrive_in_pieces() {
    for delay in [0, 9] {
        let mut line = Line::new(delay, 7, 9);
        (0..600).for_each(|_| line.tick());
        let jumps = line.client.statistics().jumps;

        line.snapshots_max = 3;
        line.stalled_until = line.now + 30 + delay;
        while line.now < line.stalled_until {
            line.tick();
        }
        let time = f64::from(line.now);
        let (age, silence) = (line.client.snapshot_age(time), line.client.silence(time));
        (0..120).for_each(|_| line.tick());

        assert_eq!(line.client.statistics().jumps, jumps, "delay {delay}");
        // The newest snapshot is half a second old, though it has just arrived.
        assert!(age > 20.0 && silence < 1.0, "delay {delay}: {age} ticks old");
        let age = line.client.snapshot_age(f64::from(line.now));
        assert!(age < 4.0, "delay {delay}: {age} ticks old at the end");
    }
}

#[test]
fn after_a_stall_of_the_server_no_tick_gets_two_inputs() {
    // On the slowest link a few inputs that were refused as too far ahead are sent again too late.
    for (delay, ticks, wrong_max) in [(0, 30, 0), (3, 30, 0), (3, 60, 0), (9, 60, 4)] {
        let mut line = weaving(delay);
        let before = line.client.statistics().clone();

        line.stands_still = true;
        (0..ticks).for_each(|_| line.tick());
        line.stands_still = false;
        (0..240).for_each(|_| line.tick());

        let after = line.client.statistics();
        let about = format!("delay {delay}, {ticks} ticks");
        assert!(after.jumps > before.jumps, "{about}");
        assert!(after.compared > before.compared + 90, "{about}");
        let wrong = after.inexact - before.inexact;
        assert!(wrong <= wrong_max, "{about}: {wrong} predictions were wrong");
        line.in_time = 0;
        (0..60).for_each(|_| line.tick());
        assert!(line.in_time >= 58, "{about}: {} inputs in time", line.in_time);
    }
}

#[test]
fn after_a_stall_of_the_client_its_disc_is_predicted_to_have_idled() {
    // An input waits for the next one when the stall begins, or does not.
    let ticks = [(0, 48), (3, 24), (9, 30), (9, 36), (9, 42), (9, 48)];
    for (begins, (delay, ticks)) in (0..6).flat_map(|begins| ticks.map(|ticks| (begins, ticks))) {
        let mut line = weaving(delay);
        (0..begins).for_each(|_| line.tick());
        let before = line.client.statistics().clone();

        // No frame.
        line.frame = u32::MAX;
        (0..ticks).for_each(|_| line.tick());
        line.frame = 1;
        (0..240).for_each(|_| line.tick());

        let after = line.client.statistics();
        let about = format!("delay {delay}, {ticks} ticks from {begins}");
        assert!(after.jumps > before.jumps, "{about}");
        assert!(after.compared > before.compared + 90, "{about}");
        assert_eq!(after.inexact, before.inexact, "{about}");
    }
}
