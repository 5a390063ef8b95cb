//! Which hits count as predicted: those of a tick that is predicted for the first time, and not those that a correction
//! brings later.

use shared::protocol::ClientMessage;
use shared::sim::fixed::{Vec2, units};
use shared::sim::{Angle, Buttons, Command, Event, Input, Mode, Slot, World};
use shared::snapshot::StreamEncoder;
use shared::tick::Tick;

use super::ME;
use crate::prediction::Match;

const OTHER: Slot = Slot(1);

/// A server, a player who fires once to the right, and another disc.
struct Duel {
    server: World,
    encoder: StreamEncoder,
    client: Match,
    sent: Vec<(Tick, Input)>,
    now: u32,
    /// Hits that were presented, before and after the server had confirmed them.
    presented: [u32; 2],
}

impl Duel {
    fn new(other: Vec2) -> Self {
        let mut server = World::new(Mode::Duel, 1, 3_600);
        drop(server.step(&[ME, OTHER].map(|slot| Command::Join { slot, team: 0 })));
        while server.is_counting_down() || server.discs[1].protection > 0 {
            drop(server.step(&[]));
        }
        for (disc, position) in [(0, Vec2::ZERO), (1, other)] {
            (server.discs[disc].position, server.discs[disc].velocity) = (position, Vec2::ZERO);
        }
        let (encoder, client) = (StreamEncoder::new(), Match::default());
        let mut duel =
            Self { server, encoder, client, sent: Vec::new(), now: 0, presented: [0; 2] };
        duel.client.welcome(Some(ME));
        duel.send_keyframe();
        duel
    }

    /// The server sends a keyframe.
    fn send_keyframe(&mut self) {
        let keyframe = self.encoder.keyframe(&self.server);
        self.client.receive(&keyframe, f64::from(self.now)).expect("a keyframe");
    }

    /// The server's next two ticks, with the inputs that were sent for them.
    fn step_server(&mut self, sends: bool) {
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
        if sends {
            let delta = self.encoder.delta(&ticks, &self.server);
            self.client.receive(&delta, f64::from(self.now)).expect("a delta");
        }
    }

    /// Two ticks and two frames pass.
    fn pass(&mut self) {
        for _ in 0..2 {
            self.now += 1;
            let sent = self.client.advance(f64::from(self.now), |_| Input {
                aim: Angle::from_steps(0),
                buttons: Buttons::PULSE,
                ..Input::default()
            });
            for message in sent {
                let ClientMessage::Inputs { first, inputs } = message else { continue };
                let ticks = (0..).map(|offset| first.plus(offset));
                self.sent.extend(ticks.zip(inputs));
            }
            for event in self.client.take_events() {
                let counts = event.is_new && matches!(event.event, Event::PulseHit { .. });
                self.presented[usize::from(event.is_confirmed)] += u32::from(counts);
            }
        }
    }
}

#[test]
fn a_hit_that_was_predicted_and_confirmed_agrees() {
    let mut duel = Duel::new(Vec2::new(units(150), 0));

    for _ in 0..16 {
        duel.step_server(true);
        duel.pass();
    }

    let report = duel.client.statistics().report();
    assert_eq!((duel.presented, report.hits, report.hit_agreement_percent), ([1, 0], 1, 100.0));
}

#[test]
fn a_hit_that_only_a_correction_brought_was_not_predicted() {
    let mut duel = Duel::new(Vec2::new(units(150), units(200)));
    for _ in 0..6 {
        duel.step_server(true);
        duel.pass();
    }
    let pulse = duel.server.pulses.first().expect("a shot in the air").position;
    assert_eq!(duel.presented, [0, 0]);

    // Where the other disc is now, the predicted pulse has hit it already.
    duel.step_server(false);
    duel.server.discs[1].position = pulse + Vec2::new(units(75), 0);
    duel.send_keyframe();
    duel.pass();
    assert_eq!(duel.presented, [1, 0], "it is presented late");
    for _ in 0..8 {
        duel.step_server(true);
        duel.pass();
    }

    let report = duel.client.statistics().report();
    assert_eq!((duel.presented, report.hits, report.hit_agreement_percent), ([1, 0], 1, 0.0));
}
