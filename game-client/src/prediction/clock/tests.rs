//! The clock on links with delays, jitter and stalls.

use std::collections::VecDeque;

use shared::tick::Tick;

use super::{Advance, Clock};

/// Plays `ticks` with a server and a link. Returns the margin at the end.
fn play(clock: &mut Clock, from: u32, ticks: u32, delay: impl Fn(u32) -> f64) -> f64 {
    let (mut margin, mut worst) = (f64::INFINITY, f64::INFINITY);
    for now in from..from + ticks {
        let time = f64::from(now);
        if now.is_multiple_of(2) {
            clock.receive_snapshot(Tick(now), time + delay(now));
        }
        clock.advance(time);
        let arrives = time + delay(now);
        let ahead = f64::from(clock.tick().map_or(0, |tick| tick.0)) - arrives;
        margin = ahead;
        worst = ahead.min(worst);
        if now.is_multiple_of(30) {
            clock.report_margin(worst.floor() as i16);
            worst = f64::INFINITY;
        }
    }
    margin
}

#[test]
fn inputs_arrive_just_in_time_at_any_delay() {
    for delay in [0.0, 0.4, 3.0, 9.0] {
        let mut clock = Clock::new(Tick(0), 0.0, None);

        let margin = play(&mut clock, 0, 1_200, |_| delay);

        assert!((0.0..=4.0).contains(&margin), "delay {delay}: margin {margin}");
    }
}

#[test]
fn jitter_widens_the_lead_and_calm_narrows_it() {
    let mut clock = Clock::new(Tick(0), 0.0, None);
    let shaky = |now: u32| f64::from(now * 7919 % 5);

    play(&mut clock, 0, 1_200, shaky);
    let wide = clock.lead();
    play(&mut clock, 1_200, 2_400, |_| 0.0);

    assert!(clock.lead() < wide, "{} after {wide}", clock.lead());
}

#[test]
fn its_speed_changes_by_a_twentieth_at_most_and_it_never_runs_backwards() {
    let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
    play(&mut clock, 0, 60, |_| 0.0);
    clock.set_lead(8.0);
    let before = clock.at.expect("it runs");

    for now in 60..80 {
        clock.receive_snapshot(Tick(now), f64::from(now));
        assert!(matches!(clock.advance(f64::from(now)), Advance::Steps(0..=2)));
    }

    let went = clock.at.expect("it runs") - before;
    assert!(went <= 21.0 * 1.051, "{went}");
}

#[test]
fn it_jumps_when_it_is_far_off() {
    let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
    play(&mut clock, 0, 60, |_| 0.0);

    // The program stood still for a second.
    clock.receive_snapshot(Tick(120), 120.0);
    let advance = clock.advance(120.0);

    let expected = (120.0 + clock.lead()).floor() as u32;
    assert_eq!(advance, Advance::Jump(Tick(expected)));
}

#[test]
fn it_waits_for_a_server_that_stands_still_and_goes_on_with_it() {
    let mut clock = Clock::new(Tick(0), 0.0, Some(4.0));
    play(&mut clock, 0, 60, |_| 0.0);

    (60..300).for_each(|now| {
        clock.advance(f64::from(now));
    });
    assert!(clock.tick().is_some_and(|tick| tick.0 < 60 + 4 + 46), "{:?}", clock.tick());
    let lead = clock.lead();
    // The server continues where it was: it lost 240 ticks.
    for now in 300..340_u32 {
        clock.receive_snapshot(Tick(now - 240), f64::from(now));
        clock.advance(f64::from(now));
        if now == 310 {
            // It reports the margin in its own time.
            clock.report_margin(40);
        }
    }

    let ahead = clock.at.expect("it runs") - f64::from(339 - 240);
    assert!((ahead - lead).abs() < 1.5, "{ahead}, lead {lead}");
    assert!((clock.lead() - lead).abs() < 1e-9, "{} after {lead}", clock.lead());
}

/// Whether the clock ran at a speed that is allowed during one tick of time.
fn is_near_normal_speed(before: f64, after: f64) -> bool {
    (0.95 - 1e-9..=1.05 + 1e-9).contains(&(after - before))
}

/// Lets `ticks` pass on a connection that is stalled until `free`. Snapshots that it held back arrive in order, at most
/// `a_frame` with each frame. Returns the jumps, and whether the clock ran near its normal speed otherwise.
fn unstall(
    clock: &mut Clock,
    (from, ticks, free): (u32, u32, u32),
    (delay, a_frame): (u32, usize),
) -> (Vec<Advance>, bool) {
    let (mut held, mut jumps, mut is_even) = (VecDeque::new(), Vec::new(), true);
    for now in from..from + ticks {
        if now.is_multiple_of(2) {
            held.push_back((now + delay, Tick(now)));
        }
        let come = held.iter().filter(|(at, _)| now >= free && *at <= now).count();
        for (_, tick) in held.drain(..come.min(a_frame)) {
            clock.receive_snapshot(tick, f64::from(now));
        }
        let before = clock.at.expect("it runs");
        match clock.advance(f64::from(now)) {
            Advance::Steps(_) => {
                is_even &= is_near_normal_speed(before, clock.at.expect("it runs"));
            }
            jump @ Advance::Jump(_) => jumps.push(jump),
        }
    }
    (jumps, is_even)
}

#[test]
fn a_stall_of_half_a_second_does_not_disturb_it() {
    for (delay, a_frame) in [(0, 99), (0, 3), (0, 1), (9, 99), (9, 3), (9, 1)] {
        let about = format!("delay {delay}, {a_frame} a frame");
        let mut clock = Clock::new(Tick(0), 0.0, None);
        play(&mut clock, 0, 1_200, |_| f64::from(delay));
        let lead = clock.lead();

        // For half a second nothing arrives, and then everything.
        let jumps = unstall(&mut clock, (1_200, 120, 1_230 + delay), (delay, a_frame));
        assert_eq!(jumps, (vec![], true), "{about}");
        clock.report_margin(-27);
        let margin = play(&mut clock, 1_320, 600, |_| f64::from(delay));

        assert!((0.0..=6.0).contains(&margin), "{about}: margin {margin}");
        assert!(clock.lead() < lead + 4.0, "{about}: {} after {lead}", clock.lead());
    }
}

#[test]
fn a_stall_of_two_seconds_costs_one_jump_and_that_is_forward() {
    for (delay, a_frame) in [(0, 99), (0, 3), (9, 99), (9, 3)] {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        play(&mut clock, 0, 1_200, |_| f64::from(delay));
        let before = clock.tick().expect("it runs");

        let (jumps, _) = unstall(&mut clock, (1_200, 240, 1_320 + delay), (delay, a_frame));

        let [Advance::Jump(to)] = jumps[..] else { panic!("{delay}, {a_frame}: {jumps:?}") };
        assert!(to.since(before) > 60, "{delay}, {a_frame}: {jumps:?}");
        let ahead = clock.at.expect("it runs") - f64::from(1_439 - delay);
        assert!((ahead - clock.lead()).abs() < 1.5, "{delay}, {a_frame}: {ahead}");
    }
}

#[test]
fn a_server_that_is_slow_is_followed_and_inputs_are_in_time() {
    for (pace, jumps_max) in [(0.97, 0), (0.9, 20), (0.5, 150)] {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let (mut sent, mut worst, mut jumps, mut late) = (1, f64::INFINITY, 0, 0);
        for now in 0..3_600_u32 {
            let time = f64::from(now);
            let server = (time * pace).floor() as u32;
            if server.is_multiple_of(2) && server != sent {
                clock.receive_snapshot(Tick(server), time);
                sent = server;
            }
            let is_running = now > 300;
            let jumped = matches!(clock.advance(time), Advance::Jump(_));
            jumps += u32::from(jumped && is_running);
            let ahead = f64::from(clock.tick().map_or(0, |tick| tick.0)) - time * pace;
            late += u32::from(ahead < 0.0 && is_running);
            assert!(ahead <= 30.0 || !is_running, "pace {pace}: too early at {now}, {ahead}");
            worst = ahead.min(worst);
            if now.is_multiple_of(30) {
                clock.report_margin(worst.floor() as i16);
                worst = f64::INFINITY;
            }
        }

        assert_eq!(late, 0, "pace {pace}");
        assert!(jumps <= jumps_max, "pace {pace}: {jumps} jumps");
    }
}
