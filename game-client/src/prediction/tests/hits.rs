//! What counts as a hit that was seen at once: one that the present was stepped into, and not one that a correction
//! brought later.

use shared::protocol::ClientMessage;
use shared::sim::fixed::{Vec2, units};
use shared::sim::{Angle, Buttons, Command, Event, Input, Mode, Slot, World};
use shared::snapshot::StreamEncoder;
use shared::tick::Tick;

use super::ME;
use crate::prediction::Match;

const OTHER: Slot = Slot(1);

/// A server, somebody who fires once to the right, and somebody else who stands somewhere.
struct Duel {
    server: World,
    encoder: StreamEncoder,
    client: Match,
    sent: Vec<(Tick, Input)>,
    now: u32,
    /// Hits that were shown, before and after the server had said so.
    shown: [u32; 2],
}

impl Duel {
    fn new(other: Vec2) -> Self {
        let mut server = World::new(Mode::Duel, 1, 3_600);
        drop(server.step(&[ME, OTHER].map(|slot| Command::Join { slot, team: 0 })));
        while server.is_counting_down() || server.discs[1].protection > 0 {
            drop(server.step(&[]));
        }
        for (disc, place) in [(0, Vec2::ZERO), (1, other)] {
            (server.discs[disc].position, server.discs[disc].velocity) = (place, Vec2::ZERO);
        }
        let (encoder, client) = (StreamEncoder::new(), Match::default());
        let mut duel = Self { server, encoder, client, sent: Vec::new(), now: 0, shown: [0; 2] };
        duel.client.welcome(Some(ME));
        duel.say_all();
        duel
    }

    /// The server says how everything is.
    fn say_all(&mut self) {
        let keyframe = self.encoder.keyframe(&self.server);
        self.client.frames(&keyframe, f64::from(self.now)).expect("a keyframe");
    }

    /// The server's next two ticks, with the inputs that were sent for them.
    fn step_server(&mut self, says: bool) {
        let ticks: Vec<_> = (0..2)
            .map(|_| {
                let tick = self.server.tick;
                let sent = self.sent.iter().find(|(at, _)| *at == tick);
                let input = sent.map(|(_, input)| Command::Input { slot: ME, input: *input });
                let commands: Vec<_> = input.into_iter().collect();
                drop(self.server.step(&commands));
                commands
            })
            .collect();
        if says {
            let delta = self.encoder.delta(&ticks, &self.server);
            self.client.frames(&delta, f64::from(self.now)).expect("a delta");
        }
    }

    /// Two ticks pass, and two pictures.
    fn pass(&mut self) {
        for _ in 0..2 {
            self.now += 1;
            let sent = self.client.run(f64::from(self.now), |_| Input {
                aim: Angle::from_steps(0),
                buttons: Buttons::PULSE,
                ..Input::default()
            });
            for message in sent {
                let ClientMessage::Inputs { first, inputs } = message else { continue };
                let ticks = (0..).map(|place| first.plus(place));
                self.sent.extend(ticks.zip(inputs));
            }
            for happening in self.client.take_happenings() {
                let counts = happening.show && matches!(happening.event, Event::PulseHit { .. });
                self.shown[usize::from(happening.settled)] += u32::from(counts);
            }
        }
    }
}

#[test]
fn a_hit_that_was_stepped_into_the_present_and_counted_is_agreed_on() {
    let mut duel = Duel::new(Vec2::new(units(150), 0));

    for _ in 0..16 {
        duel.step_server(true);
        duel.pass();
    }

    let report = duel.client.statistics().report();
    assert_eq!((duel.shown, report.hits, report.hit_agreement_percent), ([1, 0], 1, 100.0));
}

#[test]
fn a_hit_that_only_a_correction_brought_was_not_seen_at_once() {
    let mut duel = Duel::new(Vec2::new(units(150), units(200)));
    for _ in 0..6 {
        duel.step_server(true);
        duel.pass();
    }
    let pulse = duel.server.pulses.first().expect("a shot in the air").position;
    assert_eq!(duel.shown, [0, 0]);

    // Where the other one is by now, the shot has hit already in the present.
    duel.step_server(false);
    duel.server.discs[1].position = pulse + Vec2::new(units(75), 0);
    duel.say_all();
    duel.pass();
    assert_eq!(duel.shown, [1, 0], "it is shown, late");
    for _ in 0..8 {
        duel.step_server(true);
        duel.pass();
    }

    let report = duel.client.statistics().report();
    assert_eq!((duel.shown, report.hits, report.hit_agreement_percent), ([1, 0], 1, 0.0));
}
