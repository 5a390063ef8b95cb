//! A whole link played in memory: a server that steps, a line with delay, a client that predicts.

mod crowd;
mod hits;
mod stalls;

use std::collections::VecDeque;

use shared::id::{PlayerId, PlayerName};
use shared::protocol::{ClientMessage, INPUT_LEAD_TICKS_MAX, INPUT_REPEAT_TICKS_MAX, PlayReport};
use shared::sim::{BotStrength, Command, Event, Input, Mode, Slot, Thrust, World, bot};
use shared::snapshot::relay::{self, RelayedInput};
use shared::snapshot::{Roster, RosterEntry, StreamEncoder};
use shared::tick::Tick;

use super::Match;

const ME: Slot = Slot(0);

/// A room with one person behind a line with delay, and bots.
struct Line {
    server: World,
    encoder: StreamEncoder,
    client: Match,
    down: VecDeque<(u32, Vec<u8>)>,
    up: VecDeque<(u32, Tick, Vec<Input>)>,
    /// When a ping is back, and when it left.
    pings: VecDeque<(u32, u32)>,
    filed: Vec<Option<(Tick, Input)>>,
    /// The own input that the server took last, and how long ago.
    held: (Input, u32),
    /// What the player holds at this moment.
    drives: fn(&World, u32) -> Input,
    /// Until then nothing gets through.
    stuck_until: u32,
    /// Snapshots that come with one picture at most.
    snapshots_max: usize,
    /// The server takes what comes, and does not step.
    stands_still: bool,
    unsent: Vec<Vec<Command>>,
    /// What goes with the next delta.
    announced: Vec<RelayedInput>,
    /// Everything that was sent down.
    said: Vec<u8>,
    delay: u32,
    /// Ticks that the client's screen takes for one picture.
    frame: u32,
    now: u32,
    margins: Vec<i16>,
    /// Whether inputs that were too far ahead are told of.
    tells_ahead: bool,
    /// Inputs that found their tick since the last look.
    in_time: u32,
    knock_outs: [u32; 2],
    reports: Vec<PlayReport>,
}

impl Line {
    fn new(delay: u32, bots: u16, seed: u64) -> Self {
        let server = World::new(Mode::Brawl, seed, 3_600);
        let mut encoder = StreamEncoder::new();
        let entries = vec![RosterEntry {
            slot: ME,
            player: PlayerId::from_bits(1),
            name: PlayerName::parse("Ada").expect("a name"),
            bot: None,
            team: 0,
            reconnecting: false,
        }];
        let mut first = encoder.roster(&Roster { entries });
        first.extend(encoder.keyframe(&server));
        let mut client = Match::default();
        client.welcome(Some(ME));
        let joins = (0..=bots).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
        let mut line = Self {
            server,
            encoder,
            client,
            down: VecDeque::from([(delay, first)]),
            up: VecDeque::new(),
            pings: VecDeque::new(),
            filed: vec![None; 64],
            held: (Input::default(), 0),
            drives: |world, _| bot::think(world, ME, BotStrength::Keen),
            stuck_until: 0,
            snapshots_max: usize::MAX,
            stands_still: false,
            unsent: Vec::new(),
            announced: Vec::new(),
            said: Vec::new(),
            delay,
            frame: 1,
            now: 0,
            margins: Vec::new(),
            tells_ahead: true,
            in_time: 0,
            knock_outs: [0; 2],
            reports: Vec::new(),
        };
        line.tick_server(joins);
        line
    }

    fn tick_server(&mut self, mut commands: Vec<Command>) {
        let tick = self.server.tick;
        let filed = self.filed[tick.0 as usize % 64].filter(|(at, _)| *at == tick);
        let (last, missing) = self.held;
        self.held = filed.map_or((last, missing + 1), |(_, input)| (input, 0));
        let input = match self.held {
            (input, 0) => input,
            (last, 1..=INPUT_REPEAT_TICKS_MAX) => last.without_actions(),
            (last, _) => last.idle(),
        };
        commands.push(Command::Input { slot: ME, input });
        for slot in self.server.discs.iter().map(|disc| disc.slot).filter(|slot| *slot != ME) {
            let input = bot::think(&self.server, slot, BotStrength::Keen);
            commands.push(Command::Input { slot, input });
        }
        let events = self.server.step(&commands);
        let is_knock_out = |event: &&Event| matches!(event, Event::KnockOut { .. });
        self.knock_outs[0] += events.iter().filter(is_knock_out).count() as u32;
        self.unsent.push(commands);
        if self.unsent.len() == 2 {
            let delta = self.encoder.delta(&std::mem::take(&mut self.unsent), &self.server);
            self.said.extend_from_slice(&delta);
            let ahead = relay::encode(&self.server, &std::mem::take(&mut self.announced));
            self.down.push_back((self.now + self.delay, [delta, ahead].concat()));
        }
    }

    /// One sixtieth of a second.
    fn tick(&mut self) {
        self.now += 1;
        let gets_through = self.now >= self.stuck_until;
        while gets_through
            && let Some((_, first, inputs)) = self.up.pop_front_if(|(at, ..)| *at <= self.now)
        {
            for (place, input) in inputs.into_iter().enumerate() {
                let tick = first.plus(place as u32);
                let margin = tick.since(self.server.tick);
                let is_ahead = margin > INPUT_LEAD_TICKS_MAX as i32;
                if !is_ahead || self.tells_ahead {
                    self.margins.push(margin as i16);
                }
                if !is_ahead {
                    // The first word stands.
                    let filed = &mut self.filed[tick.0 as usize % 64];
                    *filed = filed.filter(|(at, _)| *at == tick).or(Some((tick, input)));
                    self.in_time += u32::from(margin >= 0);
                }
            }
        }
        if !self.stands_still {
            self.tick_server(Vec::new());
        }
        let time = f64::from(self.now);
        let come = self.down.iter().filter(|(at, _)| gets_through && *at <= self.now).count();
        for (_, bytes) in self.down.drain(..come.min(self.snapshots_max)) {
            self.client.frames(&bytes, time).expect("frames follow");
        }
        let is_told = self.now.is_multiple_of(30) && gets_through && !self.stands_still;
        if is_told && !self.margins.is_empty() {
            let worst = self.margins.drain(..).min().unwrap_or(0);
            self.client.timing(worst, 0, 30);
        }
        if self.now == 1 || self.now.is_multiple_of(29) {
            // Some wait for the server's next tick.
            self.pings.push_back((self.now + 2 * self.delay + self.now % 2, self.now));
        }
        while let Some((_, left)) = self.pings.pop_front_if(|(at, _)| *at <= self.now) {
            self.client.round_trip(f64::from(self.now - left));
        }
        if !self.now.is_multiple_of(self.frame) {
            return;
        }
        let sent = self.client.run(time, |world| (self.drives)(world, self.now));
        for message in sent {
            if let ClientMessage::Report(report) = message {
                self.reports.push(report);
            }
            let ClientMessage::Inputs { first, inputs } = message else { continue };
            self.up.push_back((self.now + self.delay, first, inputs.to_vec()));
        }
        for happening in self.client.take_happenings() {
            let counts = happening.settled && matches!(happening.event, Event::KnockOut { .. });
            self.knock_outs[1] += u32::from(counts);
        }
    }
}

#[test]
fn alone_on_a_steady_link_nothing_is_ever_corrected() {
    let mut line = Line::new(3, 0, 5);

    (0..1_200).for_each(|_| line.tick());

    let report = line.client.statistics().report();
    assert!(report.snapshots > 400, "{report:?}");
    // Only while the clock finds its lead.
    assert!(report.corrections < 20, "{report:?}");
    assert_eq!(line.client.diverged(), 0);
}

#[test]
fn among_bots_corrections_are_small_and_every_knock_out_counts_once() {
    for (delay, seed, off_max) in [(0, 1, 1.0), (3, 2, 2.0), (9, 3, 3.0)] {
        let mut line = Line::new(delay, 7, seed);

        (0..3_000).for_each(|_| line.tick());

        let report = line.client.statistics().report();
        assert!(report.correction_p50_radii < 0.05, "delay {delay}: {report:?}");
        assert!(report.correction_p99_radii < off_max, "delay {delay}: {report:?}");
        let [said, counted] = line.knock_outs;
        assert!(said > 0 && said - counted <= 1, "delay {delay}: {said} said, {counted} counted");
        let ahead = line.client.predicted_world().expect("a world").tick.since(line.server.tick);
        assert!((0..=20).contains(&ahead), "delay {delay}: {ahead} ticks ahead");
    }
}

#[test]
fn what_is_announced_is_in_the_present_and_what_does_not_come_to_pass_is_not() {
    let mut line = Line::new(6, 1, 5);
    while line.now < 600 || !line.unsent.is_empty() {
        line.tick();
    }
    let other = Slot(1);
    let thrust_in = |world: Option<&World>| world?.disc(other).map(|disc| disc.input.thrust);
    let now = thrust_in(Some(&line.server)).expect("a disc");
    let thrust = Thrust::from_code((now.code() + 8) % 16 + 1).expect("a direction");
    let tick = line.server.tick.plus(4);
    let input = Input { thrust, ..Input::default() };
    line.announced.push(RelayedInput { slot: other, tick, input });

    let is_told = |line: &Line| {
        let settled = line.client.settled_world().expect("a world").tick;
        !settled.is_after(tick) && thrust_in(line.client.predicted_world()) == Some(thrust)
    };
    let until = line.now + 60;
    while !is_told(&line) && line.now < until {
        line.tick();
    }
    assert!(is_told(&line), "nobody was told before the tick had come");

    // The bot in that seat knows nothing of it.
    while !line.client.settled_world().expect("a world").tick.is_after(tick.plus(2)) {
        line.tick();
    }
    assert_eq!(line.client.diverged(), 0);
    assert_ne!(thrust_in(line.client.predicted_world()), Some(thrust));
}

#[test]
fn snapshots_that_come_together_are_one_correction() {
    let mut line = Line::new(3, 7, 9);
    (0..600).for_each(|_| line.tick());
    let before = line.client.statistics().clone();
    // Four snapshots wait for each other.
    let until = line.now + 12;
    for _ in 0..8 {
        line.delay = until.saturating_sub(line.now).max(3);
        line.tick();
    }
    line.delay = 3;
    (0..12).for_each(|_| line.tick());

    let after = line.client.statistics();
    let (heard, compared) = (after.heard - before.heard, after.compared - before.compared);
    assert!(heard >= 8 && compared + 3 <= heard, "{compared} of {heard}");
    // Nobody sees what was passed over, so it is no correction of zero either.
    assert_eq!(after.sizes.last(usize::MAX).len(), after.compared as usize);
}

#[test]
fn a_stall_of_half_a_second_is_over_at_once() {
    let mut line = Line::new(3, 7, 9);
    (0..600).for_each(|_| line.tick());

    // The line is stuck: everything arrives together afterwards.
    let until = line.now + 30;
    for (at, _) in &mut line.down {
        *at = until;
    }
    line.delay = 33;
    (0..30).for_each(|_| line.tick());
    line.delay = 3;
    for (at, _) in &mut line.down {
        *at = (*at).min(line.now + 1);
    }
    for (at, ..) in &mut line.up {
        *at = (*at).min(line.now + 1);
    }
    (0..120).for_each(|_| line.tick());

    let ahead = line.client.predicted_world().expect("a world").tick.since(line.server.tick);
    // A little more than before, for some seconds: there may be another one.
    assert!((1..=13).contains(&ahead), "{ahead} ticks ahead");
    assert!(line.margins.iter().all(|margin| (0..=30).contains(margin)), "{:?}", line.margins);
}

#[test]
fn a_keyframe_from_before_heals_what_went_elsewhere_and_tells_nothing_twice() {
    let mut line = Line::new(0, 7, 21);
    while line.now < 600 || !line.unsent.is_empty() {
        line.tick();
    }
    line.said.clear();
    let keyframe = line.encoder.keyframe(&line.server);
    let mut wrong = line.client.settled_world().expect("a world").clone();
    wrong.discs[1].position.x += 9;
    let wrong = StreamEncoder::new().keyframe(&wrong);
    line.client.frames(&wrong, f64::from(line.now)).expect("a keyframe");
    while line.now < 670 || !line.unsent.is_empty() {
        line.tick();
    }
    let (diverged, rounds) = (line.client.diverged(), line.client.rounds());
    assert!(line.client.astray().is_some() && diverged > 0);

    line.client.frames(&keyframe, f64::from(line.now)).expect("a keyframe");
    let said = std::mem::take(&mut line.said);
    line.client.frames(&said, f64::from(line.now)).expect("what followed it");

    assert_eq!((line.client.astray(), line.client.settled_world()), (None, Some(&line.server)));
    let happened = line.client.take_happenings();
    assert!(!happened.iter().any(|happening| happening.settled), "{happened:?}");
    (0..300).for_each(|_| line.tick());
    assert_eq!((line.client.diverged(), line.client.rounds()), (diverged, rounds));
    let ahead = line.client.predicted_world().expect("a world").tick.since(line.server.tick);
    assert!((0..=12).contains(&ahead), "{ahead} ticks ahead");
}

#[test]
fn a_report_goes_to_the_server_every_five_seconds() {
    let mut line = Line::new(3, 0, 5);

    (0..1_000).for_each(|_| line.tick());

    assert_eq!(line.reports.len(), 3, "{:?}", line.reports);
    let last = line.reports.last().expect("one");
    assert!(last.is_valid() && (100..140).contains(&last.round_trip_ms), "{last:?}");
    assert!((1..60).contains(&last.snapshot_age_p99_ms), "{last:?}");
    // There and back takes six ticks; inputs come a tick or two early.
    assert!((100..200).contains(&last.lead_ms), "{last:?}");
    assert_eq!(last.stalls_per_minute, 0);
}

#[test]
fn after_seconds_of_a_slow_line_the_controls_are_back_soon() {
    for (slow, tells_ahead) in [(24, true), (24, false), (60, true), (60, false)] {
        let mut line = Line::new(2, 7, 11);
        line.tells_ahead = tells_ahead;
        (0..300).for_each(|_| line.tick());

        line.delay = slow;
        (0..480).for_each(|_| line.tick());
        line.delay = 2;
        (0..240).for_each(|_| line.tick());
        line.in_time = 0;
        (0..120).for_each(|_| line.tick());

        let lead = line.client.lead();
        let about = format!("after {slow} ticks, told of: {tells_ahead}, lead {lead}");
        assert!(line.in_time > 100, "{} of 120 inputs in time {about}", line.in_time);
        assert!(lead < 12.0, "{about}");
    }
}

#[test]
fn on_a_slow_machine_inputs_still_come_in_time() {
    let mut line = Line::new(2, 0, 13);
    line.frame = 6;
    (0..900).for_each(|_| line.tick());

    line.in_time = 0;
    (0..600).for_each(|_| line.tick());

    assert!(line.in_time > 590, "{} of 600, lead {}", line.in_time, line.client.lead());
}
