//! A whole link in memory: a server that steps, a connection with a delay, a client that predicts.

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

/// A room with bots and one player behind a connection with a delay.
struct Line {
    server: World,
    encoder: StreamEncoder,
    client: Match,
    down: VecDeque<(u32, Vec<u8>)>,
    up: VecDeque<(u32, Tick, Vec<Input>)>,
    /// When a pong arrives, and when its ping left.
    pings: VecDeque<(u32, u32)>,
    filed: Vec<Option<(Tick, Input)>>,
    /// The player's input that the server applied last, and how many ticks ago.
    held: (Input, u32),
    /// The player's input at a moment.
    drives: fn(&World, u32) -> Input,
    /// Until then the connection is stalled.
    stalled_until: u32,
    /// Snapshots that arrive with one frame at most.
    snapshots_max: usize,
    /// Whether the server receives and does not step.
    stands_still: bool,
    unsent: Vec<Vec<Command>>,
    /// The inputs that are relayed with the next delta.
    relayed: Vec<RelayedInput>,
    /// Everything that the server sent.
    sent_down: Vec<u8>,
    delay: u32,
    /// The length of a frame of the client, in ticks.
    frame: u32,
    now: u32,
    margins: Vec<i16>,
    /// Whether the server reports about inputs that were too far ahead.
    reports_ahead: bool,
    /// Inputs that arrived in time since this was last reset.
    in_time: u32,
    /// Knock-outs on the server, and confirmed ones on the client.
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
            stalled_until: 0,
            snapshots_max: usize::MAX,
            stands_still: false,
            unsent: Vec::new(),
            relayed: Vec::new(),
            sent_down: Vec::new(),
            delay,
            frame: 1,
            now: 0,
            margins: Vec::new(),
            reports_ahead: true,
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
            self.sent_down.extend_from_slice(&delta);
            let ahead = relay::encode(&self.server, &std::mem::take(&mut self.relayed));
            self.down.push_back((self.now + self.delay, [delta, ahead].concat()));
        }
    }

    /// One sixtieth of a second.
    fn tick(&mut self) {
        self.now += 1;
        let gets_through = self.now >= self.stalled_until;
        while gets_through
            && let Some((_, first, inputs)) = self.up.pop_front_if(|(at, ..)| *at <= self.now)
        {
            for (index, input) in inputs.into_iter().enumerate() {
                let tick = first.plus(index as u32);
                let margin = tick.since(self.server.tick);
                let is_ahead = margin > INPUT_LEAD_TICKS_MAX as i32;
                if !is_ahead || self.reports_ahead {
                    self.margins.push(margin as i16);
                }
                if !is_ahead {
                    // The first input for a tick stands.
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
        let arrived = self.down.iter().filter(|(at, _)| gets_through && *at <= self.now).count();
        for (_, bytes) in self.down.drain(..arrived.min(self.snapshots_max)) {
            self.client.receive(&bytes, time).expect("frames follow");
        }
        let is_reported = self.now.is_multiple_of(30) && gets_through && !self.stands_still;
        if is_reported && !self.margins.is_empty() {
            let worst = self.margins.drain(..).min().unwrap_or(0);
            self.client.input_timing(worst, 0, 30);
        }
        if self.now == 1 || self.now.is_multiple_of(29) {
            // Some pings wait for the server's next tick.
            self.pings.push_back((self.now + 2 * self.delay + self.now % 2, self.now));
        }
        while let Some((_, left)) = self.pings.pop_front_if(|(at, _)| *at <= self.now) {
            self.client.round_trip(f64::from(self.now - left));
        }
        if !self.now.is_multiple_of(self.frame) {
            return;
        }
        let sent = self.client.advance(time, |world| (self.drives)(world, self.now));
        for message in sent {
            if let ClientMessage::Report(report) = message {
                self.reports.push(report);
            }
            let ClientMessage::Inputs { first, inputs } = message else { continue };
            self.up.push_back((self.now + self.delay, first, inputs.to_vec()));
        }
        for event in self.client.take_events() {
            let counts = event.is_confirmed && matches!(event.event, Event::KnockOut { .. });
            self.knock_outs[1] += u32::from(counts);
        }
    }
}

#[test]
fn a_player_alone_on_a_steady_link_is_hardly_corrected() {
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
        let [stepped, confirmed] = line.knock_outs;
        let about = format!("delay {delay}: {stepped} stepped, {confirmed} confirmed");
        assert!(stepped > 0 && stepped - confirmed <= 1, "{about}");
        let ahead = line.client.predicted_world().expect("a world").tick.since(line.server.tick);
        assert!((0..=20).contains(&ahead), "delay {delay}: {ahead} ticks ahead");
    }
}

#[test]
fn a_relayed_input_is_predicted_and_taken_back_when_it_is_not_applied() {
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
    line.relayed.push(RelayedInput { slot: other, tick, input });

    let is_predicted = |line: &Line| {
        let confirmed = line.client.confirmed_world().expect("a world").tick;
        !confirmed.is_after(tick) && thrust_in(line.client.predicted_world()) == Some(thrust)
    };
    let until = line.now + 60;
    while !is_predicted(&line) && line.now < until {
        line.tick();
    }
    assert!(is_predicted(&line), "the input was not relayed before its tick");

    // The bot in that seat does not hold that input.
    while !line.client.confirmed_world().expect("a world").tick.is_after(tick.plus(2)) {
        line.tick();
    }
    assert_eq!(line.client.diverged(), 0);
    assert_ne!(thrust_in(line.client.predicted_world()), Some(thrust));
}

#[test]
fn snapshots_that_arrive_together_are_one_correction() {
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
    let received = after.received - before.received;
    let compared = after.compared - before.compared;
    assert!(received >= 8 && compared + 3 <= received, "{compared} of {received}");
    // A snapshot that was skipped is no correction of zero either.
    assert_eq!(after.sizes.last(usize::MAX).len(), after.compared as usize);
}

#[test]
fn a_stall_of_half_a_second_is_over_at_once() {
    let mut line = Line::new(3, 7, 9);
    (0..600).for_each(|_| line.tick());

    // The connection stalls: everything arrives together afterwards.
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
    // For some seconds the lead is a little larger than before: there may be another stall.
    assert!((1..=13).contains(&ahead), "{ahead} ticks ahead");
    assert!(line.margins.iter().all(|margin| (0..=30).contains(margin)), "{:?}", line.margins);
}

#[test]
fn a_keyframe_that_goes_back_ends_a_divergence_and_confirms_nothing_twice() {
    let mut line = Line::new(0, 7, 21);
    while line.now < 600 || !line.unsent.is_empty() {
        line.tick();
    }
    line.sent_down.clear();
    let keyframe = line.encoder.keyframe(&line.server);
    let mut wrong = line.client.confirmed_world().expect("a world").clone();
    wrong.discs[1].position.x += 9;
    let wrong = StreamEncoder::new().keyframe(&wrong);
    line.client.receive(&wrong, f64::from(line.now)).expect("a keyframe");
    while line.now < 670 || !line.unsent.is_empty() {
        line.tick();
    }
    let (diverged, rounds) = (line.client.diverged(), line.client.rounds());
    assert!(line.client.desynced_at().is_some() && diverged > 0);

    line.client.receive(&keyframe, f64::from(line.now)).expect("a keyframe");
    let sent = std::mem::take(&mut line.sent_down);
    line.client.receive(&sent, f64::from(line.now)).expect("what followed it");

    assert_eq!(line.client.desynced_at(), None);
    assert_eq!(line.client.confirmed_world(), Some(&line.server));
    let events = line.client.take_events();
    assert!(!events.iter().any(|event| event.is_confirmed), "{events:?}");
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
    // A round trip takes six ticks; inputs arrive a tick or two early.
    assert!((100..200).contains(&last.lead_ms), "{last:?}");
    assert_eq!(last.stalls_per_minute, 0);
}

#[test]
fn after_seconds_on_a_slow_link_inputs_are_in_time_again_soon() {
    for (slow, reports_ahead) in [(24, true), (24, false), (60, true), (60, false)] {
        let mut line = Line::new(2, 7, 11);
        line.reports_ahead = reports_ahead;
        (0..300).for_each(|_| line.tick());

        line.delay = slow;
        (0..480).for_each(|_| line.tick());
        line.delay = 2;
        (0..240).for_each(|_| line.tick());
        line.in_time = 0;
        (0..120).for_each(|_| line.tick());

        let lead = line.client.lead();
        let about = format!("after {slow} ticks, reported: {reports_ahead}, lead {lead}");
        assert!(line.in_time > 100, "{} of 120 inputs in time {about}", line.in_time);
        assert!(lead < 12.0, "{about}");
    }
}

#[test]
fn on_a_slow_machine_inputs_still_arrive_in_time() {
    let mut line = Line::new(2, 0, 13);
    line.frame = 6;
    (0..900).for_each(|_| line.tick());

    line.in_time = 0;
    (0..600).for_each(|_| line.tick());

    assert!(line.in_time > 590, "{} of 600, lead {}", line.in_time, line.client.lead());
}
