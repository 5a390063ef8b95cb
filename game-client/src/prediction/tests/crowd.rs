//! One player of a crowd, who receives only what is near, a few ticks late.

use std::collections::{BTreeMap, VecDeque};

use bevy::math::Vec2;
use shared::protocol::ClientMessage;
use shared::sim::{BotStrength, Command, Input, Mode, Slot, World, bot};
use shared::snapshot::crowd::{ClientView, CrowdEncoder};
use shared::tick::Tick;

use super::super::Match;
use crate::world_to_scene::{SceneWorld, scene_from_world};

const ME: Slot = Slot(700);
const OTHERS: u16 = 240;
/// The one-way delay, in ticks.
const DELAY: u32 = 3;
/// The size of a snapshot for one client, as the server has it.
const SNAPSHOT_BYTES: usize = 376;
/// A disc that comes into sight is drawn no farther than this from its predicted position: a tick's movement.
const AT_ONCE_UNITS: f32 = 30.0;

/// A room on one side, a client on the other.
struct Crowd {
    server: World,
    encoder: CrowdEncoder,
    viewer: ClientView,
    client: Match,
    down: VecDeque<(u32, Vec<u8>)>,
    up: VecDeque<(u32, Tick, Vec<Input>)>,
    filed: BTreeMap<u32, Input>,
    unsent: (Vec<Vec<Command>>, Vec<shared::sim::Event>),
    now: u32,
    /// The discs of the last frame.
    seen: Vec<Slot>,
    /// How often a disc came into sight, and how often it was drawn away from its position then.
    entered: u32,
    slid: u32,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        let mut server = World::new(Mode::Crowd, seed, 36_000);
        let slots = (0..OTHERS).chain([ME.0]).map(Slot);
        let joins: Vec<_> = slots.map(|slot| Command::Join { slot, team: 0 }).collect();
        server.step(&joins);
        let mut client = Match::default();
        client.welcome(Some(ME));
        Self {
            server,
            encoder: CrowdEncoder::new(),
            viewer: ClientView::new(),
            client,
            down: VecDeque::new(),
            up: VecDeque::new(),
            filed: BTreeMap::new(),
            unsent: Default::default(),
            now: 0,
            seen: Vec::new(),
            entered: 0,
            slid: 0,
        }
    }

    fn tick(&mut self) {
        self.now += 1;
        while let Some((_, first, inputs)) = self.up.pop_front_if(|(at, ..)| *at <= self.now) {
            let ticks = (first.0..).zip(inputs);
            self.filed.extend(ticks);
        }
        self.tick_server();
        let time = f64::from(self.now);
        while let Some((_, bytes)) = self.down.pop_front_if(|(at, _)| *at <= self.now) {
            self.client.receive(&bytes, time).expect("frames follow");
        }
        if self.now % 29 == 1 {
            self.client.round_trip(f64::from(2 * DELAY));
        }
        for message in self.client.advance(time, |world| think(world, ME)) {
            let ClientMessage::Inputs { first, inputs } = message else { continue };
            self.up.push_back((self.now + DELAY, first, inputs.to_vec()));
        }
        self.client.take_events();
        self.look();
    }

    fn tick_server(&mut self) {
        let mut commands: Vec<_> = (0..OTHERS)
            .map(|slot| Command::Input { slot: Slot(slot), input: think(&self.server, Slot(slot)) })
            .collect();
        let own = self.filed.remove(&self.server.tick.0);
        commands.extend(own.map(|input| Command::Input { slot: ME, input }));
        let events = self.server.step(&commands);
        let (ticks, happened) = &mut self.unsent;
        ticks.push(commands);
        happened.extend(events);
        if self.now.is_multiple_of(2) {
            self.encoder.snapshot(ticks, happened, &self.server);
            ticks.clear();
            happened.clear();
            let frame = self.viewer.encode(&self.encoder, &self.server, ME, SNAPSHOT_BYTES);
            self.down.push_back((self.now + DELAY, frame));
        }
    }

    /// Draws a frame: a disc that comes into sight is at its position, and does not slide there.
    fn look(&mut self) {
        let Some(moment) = self.client.present(1.0 / 60.0) else { return };
        let offset_of = |slot| moment.offset_of(slot);
        let (earlier, later) = (moment.earlier, moment.later);
        let scene = SceneWorld::interpolate_with(earlier, later, moment.part, offset_of);
        for disc in scene.discs.iter().filter(|disc| !self.seen.contains(&disc.slot)) {
            let position = later.disc(disc.slot).map(|disc| scene_from_world(disc.position));
            self.entered += 1;
            let away = |position: Vec2| position.distance(disc.position) > AT_ONCE_UNITS;
            self.slid += u32::from(position.is_none_or(away));
        }
        self.seen = scene.discs.iter().map(|disc| disc.slot).collect();
    }
}

fn think(world: &World, slot: Slot) -> Input {
    world.disc(slot).map_or_else(Input::default, |_| bot::think(world, slot, BotStrength::Keen))
}

#[test]
fn in_a_crowd_the_own_disc_responds_at_once_and_discs_appear_at_their_positions() {
    for seed in [1, 2] {
        let mut crowd = Crowd::new(seed);

        (0..1_800).for_each(|_| crowd.tick());

        let report = crowd.client.statistics().report();
        assert_eq!((crowd.client.diverged(), crowd.client.desynced_at()), (0, None));
        assert!(report.snapshots > 600, "{report:?}");
        assert!(report.correction_p50_radii < 0.05, "{report:?}");
        assert!(report.correction_p99_radii < 2.0, "{report:?}");
        assert!(report.others_error_p50_radii < 0.2, "{report:?}");
        assert!(crowd.entered > 40, "{} came into sight", crowd.entered);
        assert_eq!(crowd.slid, 0, "of {}", crowd.entered);
        let ahead = crowd.client.predicted_world().expect("a world").tick.since(crowd.server.tick);
        assert!((0..=12).contains(&ahead), "{ahead} ticks ahead");
    }
}
