//! A whole link played in memory: a server that steps, a line with delay, a client that predicts.

use std::collections::VecDeque;

use shared::id::{PlayerId, PlayerName};
use shared::protocol::ClientMessage;
use shared::sim::{BotStrength, Command, Event, Input, Mode, Slot, World, bot};
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
    filed: Vec<Option<(Tick, Input)>>,
    unsent: Vec<Vec<Command>>,
    delay: u32,
    now: u32,
    margins: Vec<i16>,
    knock_outs: [u32; 2],
}

impl Line {
    fn new(delay: u32, bots: u8, seed: u64) -> Self {
        let server = World::new(Mode::Brawl, seed, 3_600);
        let mut encoder = StreamEncoder::new();
        let entries = vec![RosterEntry {
            slot: ME,
            player: PlayerId::from_bits(1),
            name: PlayerName::parse("Ada").expect("a name"),
            bot: false,
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
            filed: vec![None; 64],
            unsent: Vec::new(),
            delay,
            now: 0,
            margins: Vec::new(),
            knock_outs: [0; 2],
        };
        line.tick_server(joins);
        line
    }

    fn tick_server(&mut self, mut commands: Vec<Command>) {
        let tick = self.server.tick;
        if let Some((at, input)) = self.filed[tick.0 as usize % 64]
            && at == tick
        {
            commands.push(Command::Input { slot: ME, input });
        }
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
            self.down.push_back((self.now + self.delay, delta));
        }
    }

    /// One sixtieth of a second.
    fn tick(&mut self) {
        self.now += 1;
        while let Some((_, first, inputs)) = self.up.pop_front_if(|(at, ..)| *at <= self.now) {
            for (place, input) in inputs.into_iter().enumerate() {
                let tick = first.plus(place as u32);
                self.margins.push(tick.since(self.server.tick) as i16);
                self.filed[tick.0 as usize % 64] = Some((tick, input));
            }
        }
        self.tick_server(Vec::new());
        let time = f64::from(self.now);
        while let Some((_, bytes)) = self.down.pop_front_if(|(at, _)| *at <= self.now) {
            self.client.frames(&bytes, time).expect("frames follow");
        }
        if self.now.is_multiple_of(30) && !self.margins.is_empty() {
            let worst = self.margins.drain(..).min().unwrap_or(0);
            self.client.timing(worst, 0, 30);
        }
        self.client.round_trip(f64::from(2 * self.delay));
        let sent = self.client.run(time, |world| bot::think(world, ME, BotStrength::Keen));
        for message in sent {
            let ClientMessage::Inputs { first, inputs } = message else { continue };
            self.up.push_back((self.now + self.delay, first, inputs));
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
    for (delay, seed) in [(0, 1), (3, 2), (9, 3)] {
        let mut line = Line::new(delay, 7, seed);

        (0..3_000).for_each(|_| line.tick());

        let report = line.client.statistics().report();
        assert!(report.correction_p50_radii < 0.05, "delay {delay}: {report:?}");
        assert!(report.correction_p99_radii < 2.0, "delay {delay}: {report:?}");
        let [said, counted] = line.knock_outs;
        assert!(said > 0 && said - counted <= 1, "delay {delay}: {said} said, {counted} counted");
        let ahead = line.client.predicted_world().expect("a world").tick.since(line.server.tick);
        assert!((0..=20).contains(&ahead), "delay {delay}: {ahead} ticks ahead");
    }
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
    assert!((1..=12).contains(&ahead), "{ahead} ticks ahead");
    assert!(line.margins.iter().all(|margin| (0..=30).contains(margin)), "{:?}", line.margins);
}
