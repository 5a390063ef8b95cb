//! Stalls: of the line, of the server, and of this program.

use shared::sim::{Angle, Input, Thrust, World};

use super::Line;

/// Drives in another direction every twentieth of a second: pressed again, no tick is what it was.
fn weave(_: &World, now: u32) -> Input {
    let way = Angle::from_steps(u16::try_from(now / 3 * 111 % 1_024).expect("small"));
    Input { thrust: Thrust::towards(way), aim: way, ..Input::default() }
}

/// Alone in a room: all that can go wrong with the prediction is the own inputs.
fn weaving(delay: u32) -> Line {
    let mut line = Line::new(delay, 0, 5);
    line.drives = weave;
    (0..600).for_each(|_| line.tick());
    line
}

#[test]
fn what_a_line_held_back_comes_in_pieces_and_the_clock_keeps_its_pace() {
    for delay in [0, 9] {
        let mut line = Line::new(delay, 7, 9);
        (0..600).for_each(|_| line.tick());
        let jumps = line.client.statistics().jumps;

        line.snapshots_max = 3;
        line.stuck_until = line.now + 30 + delay;
        while line.now < line.stuck_until {
            line.tick();
        }
        let time = f64::from(line.now);
        let (age, silence) = (line.client.snapshot_age(time), line.client.silence(time));
        (0..120).for_each(|_| line.tick());

        assert_eq!(line.client.statistics().jumps, jumps, "delay {delay}");
        // What has come is half a second old, though it has just come.
        assert!(age > 20.0 && silence < 1.0, "delay {delay}: {age} ticks old");
        let age = line.client.snapshot_age(f64::from(line.now));
        assert!(age < 4.0, "delay {delay}: {age} ticks old when all is well again");
    }
}

#[test]
fn a_server_that_stood_still_is_told_of_no_tick_twice() {
    // On the slowest line a few inputs that were refused as too far ahead are said again too late.
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
fn after_a_stall_of_the_program_the_disc_is_foreseen_to_have_idled() {
    // An input waits for the next one when the stall begins, or does not.
    let ticks = [(0, 48), (3, 24), (9, 30), (9, 36), (9, 42), (9, 48)];
    for (begins, (delay, ticks)) in (0..6).flat_map(|begins| ticks.map(|ticks| (begins, ticks))) {
        let mut line = weaving(delay);
        (0..begins).for_each(|_| line.tick());
        let before = line.client.statistics().clone();

        // No picture.
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
