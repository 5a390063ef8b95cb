//! A crowd as its players are told of it: everybody in sight is exactly as in the world, whatever else happens.

use std::collections::BTreeSet;

use shared::sim::fixed::units;
use shared::sim::rng::Rng;
use shared::sim::{BotStrength, Command, Disc, Event, Mode, Pickup, Pulse, Slot, Vec2, World, bot};
use shared::snapshot::crowd::{ClientView, CrowdEncoder, INTEREST_ENTER, INTEREST_LEAVE};
use shared::snapshot::{Applied, FRAME_BYTES_MAX, StreamDecoder, StreamEncoder, records};
use shared::tick::TICK_RATE_HZ;

const DISCS: u16 = 300;
const ROUND_TICKS: u32 = 1_800;
const SEED: u64 = 11;
/// Of small crowds.
const SEEDS: u64 = 16;

/// A crowd that fights, and comes and goes.
struct Crowd {
    world: World,
    encoder: CrowdEncoder,
    chance: Rng,
    /// Seats that are taken or free by turns.
    seats: u32,
}

/// One who follows it.
struct Follower {
    slot: Slot,
    viewer: ClientView,
    decoder: StreamDecoder,
    events: Vec<Event>,
    bytes: Vec<usize>,
}

impl Crowd {
    fn new() -> Self {
        let mut crowd = Self::of(DISCS, SEED, ROUND_TICKS);
        // Closer together than chance puts them.
        crowd.world.discs.iter_mut().for_each(|disc| disc.position = disc.position.scale(1, 3));
        crowd
    }

    /// So few that they all see each other: in the middle, or at the edge, where some fall at once.
    fn together(seed: u64) -> Self {
        // Some rounds end between two snapshots.
        let round_ticks = [540, 541, 543, 544][(seed % 4) as usize];
        let mut crowd = Self::of(40, seed, round_ticks);
        crowd.seats = 150;
        let centre = Vec2::new(units(if seed.is_multiple_of(3) { 2_950 } else { 0 }), 0);
        for disc in &mut crowd.world.discs {
            disc.position = disc.position.scale(1, 6) + centre;
        }
        crowd
    }

    fn of(discs: u16, seed: u64, round_ticks: u32) -> Self {
        let mut world = World::new(Mode::Crowd, seed, round_ticks);
        let joins: Vec<_> =
            (0..discs).map(|slot| Command::Join { slot: Slot(slot * 3), team: 0 }).collect();
        world.step(&joins);
        Self { world, encoder: CrowdEncoder::new(), chance: Rng(seed), seats: 1_000 }
    }

    fn commands(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for disc in &self.world.discs {
            let input = bot::think(&self.world, disc.slot, BotStrength::Fierce);
            // People also let go of what they hold, and look on: some keys change while others stay.
            let input = if self.chance.below(4) == 0 { input.idle() } else { input };
            if input != disc.input {
                commands.push(Command::Input { slot: disc.slot, input });
            }
        }
        if self.chance.below(10) == 0 {
            let slot = Slot(u16::try_from(20 + self.chance.below(self.seats)).unwrap_or(20));
            commands.push(match self.world.disc(slot) {
                Some(_) => Command::Leave { slot },
                None => Command::Join { slot, team: 0 },
            });
        }
        commands
    }

    /// Two ticks, and what happened in them.
    fn snapshot(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut ticks = Vec::new();
        while ticks.len() < 2 && !self.world.is_over() {
            let commands = self.commands();
            events.extend(self.world.step(&commands));
            ticks.push(commands);
        }
        self.encoder.snapshot(&ticks, &events, &self.world);
        events
    }
}

impl Follower {
    fn new(slot: u16) -> Self {
        Self {
            slot: Slot(slot),
            viewer: ClientView::new(),
            decoder: StreamDecoder::for_player(),
            events: Vec::new(),
            bytes: Vec::new(),
        }
    }

    fn look(&mut self, crowd: &Crowd, bytes_max: usize) -> Vec<u8> {
        let record = self.viewer.encode(&crowd.encoder, &crowd.world, self.slot, bytes_max);
        self.bytes.push(record.len());
        for frame in records(&record) {
            if let Applied::Delta(events) =
                self.decoder.apply(frame.expect("whole records")).expect("frames that follow")
            {
                self.events.extend(events.into_iter().map(|(_, event)| event));
            }
        }
        record
    }

    fn part(&self) -> &World {
        self.decoder.world().expect("a world")
    }
}

fn told(disc: &Disc) -> Disc {
    Disc { last_push: None, ..disc.clone() }
}

fn is_within(place: Vec2, centre: Vec2, reach: Vec2) -> bool {
    let way = place - centre;
    way.x.abs() <= reach.x && way.y.abs() <= reach.y
}

/// Also of one of whom the other is out of sight.
fn bumps_are_where_somebody_is(events: &[Event], part: &World) {
    for event in events {
        let Event::Bump { a, b, at, .. } = event else { continue };
        let standing = [a, b].map(|slot| part.disc(*slot).filter(|disc| disc.is_standing()));
        for disc in standing.into_iter().flatten() {
            let away = (disc.position - *at).length();
            assert!(away < units(100), "{event:?}, {away} away, at {}", part.tick);
        }
    }
}

/// Those in sight are told of, and stay so a little longer: how many are farther away than newcomers would be told of.
fn pickups_left_behind(part: &World, world: &World, centre: Vec2) -> usize {
    assert!(part.pickups.iter().all(|pickup| world.pickups.contains(pickup)));
    let is_near = |pickup: &&Pickup| is_within(pickup.position, centre, INTEREST_ENTER);
    for pickup in world.pickups.iter().filter(is_near) {
        assert!(part.pickups.contains(pickup), "{pickup:?} at {}", world.tick);
    }
    assert!(part.pickups.iter().all(|pickup| is_within(pickup.position, centre, INTEREST_LEAVE)));
    part.pickups.iter().filter(|pickup| !is_near(pickup)).count()
}

#[test]
fn everybody_in_sight_is_as_in_the_world() {
    let mut crowd = Crowd::new();
    let mut followers = [Follower::new(0), Follower::new(6), Follower::new(9)];
    let (mut seen, mut falls, mut lingering) = (0, 0, 0);
    while !crowd.world.is_over() {
        let events = crowd.snapshot();
        falls += events.iter().filter(|e| matches!(e, Event::KnockOut { .. })).count();
        for follower in &mut followers {
            let slot = follower.slot;
            let centre = crowd.world.disc(slot).unwrap().position;
            let told_before = follower.events.len();
            follower.look(&crowd, usize::MAX);
            let part = follower.part();
            assert!(part.is_partial());
            assert_eq!(part.tick, crowd.world.tick);
            let slots: BTreeSet<_> = part.discs.iter().map(|disc| disc.slot).collect();
            for disc in &crowd.world.discs {
                if is_within(disc.position, centre, INTEREST_ENTER) {
                    assert!(slots.contains(&disc.slot), "{:?} is in sight of {slot:?}", disc.slot);
                }
            }
            for disc in &part.discs {
                let real = crowd.world.disc(disc.slot).expect("nobody who has left is seen");
                assert_eq!(*disc, told(real), "seed {SEED}, tick {}", part.tick);
                assert!(is_within(disc.position, centre, INTEREST_LEAVE));
            }
            for pulse in &part.pulses {
                assert!(crowd.world.pulses.contains(pulse), "{pulse:?} at {}", part.tick);
            }
            lingering += pickups_left_behind(part, &crowd.world, centre);
            seen += part.discs.len();
            bumps_are_where_somebody_is(&follower.events[told_before..], part);
        }
    }
    assert!(followers.iter().all(|follower| follower.decoder.diverged() == 0));
    assert!(falls > 20 && seen > 20_000, "a lively crowd: {falls} falls, {seen} seen");
    assert!(lingering > 20, "pickups that were left behind: {lingering}");
    let count = |wanted: fn(&Event) -> bool| {
        followers[0].events.iter().filter(|event| wanted(event)).count()
    };
    assert!(count(|event| matches!(event, Event::PulseHit { .. })) > 10);
    assert!(count(|event| matches!(event, Event::Bump { .. })) > 10);
    assert!(count(|event| matches!(event, Event::PulseFired { .. })) > 10);
    assert_eq!(count(|event| matches!(event, Event::RoundOver)), 1);
}

#[test]
fn a_tight_frame_tells_of_what_is_near_and_the_rest_in_time() {
    const BYTES_MAX: usize = 120;
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    for _ in 0..600 {
        crowd.snapshot();
        let own = crowd.world.disc(Slot(0)).cloned();
        follower.look(&crowd, BYTES_MAX);
        let part = follower.part();
        assert_eq!(part.disc(Slot(0)).cloned(), own.as_ref().map(told), "the own disc is exact");
    }
    assert_eq!(follower.decoder.diverged(), 0);
    let most = follower.bytes.iter().max().copied().unwrap_or_default();
    assert!(most <= BYTES_MAX + 16, "{most} bytes");
    assert!(follower.part().discs.len() > 10);

    // With room again, everybody is exact at once.
    crowd.snapshot();
    follower.look(&crowd, usize::MAX);
    let part = follower.part();
    for disc in &part.discs {
        assert_eq!(*disc, told(crowd.world.disc(disc.slot).unwrap()));
    }
}

#[test]
fn a_tight_frame_tells_of_the_nearest_pulses_and_of_every_knock_out() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    let (mut hidden, mut knock_outs) = (0, 0);
    while !crowd.world.is_over() {
        let events = crowd.snapshot();
        follower.events.clear();
        follower.look(&crowd, 120);

        let part = follower.part();
        let centre = crowd.world.disc(Slot(0)).unwrap().position;
        let distance = |pulse: &&Pulse| (pulse.position - centre).length_squared();
        // All of them are new to everybody, so that each takes the same room.
        let is_new = |pulse: &&Pulse| {
            crowd.world.tick.since(pulse.id.tick) <= 2
                && is_within(pulse.position, centre, INTEREST_ENTER)
        };
        let new = crowd.world.pulses.iter().filter(is_new);
        let (told, untold): (Vec<_>, Vec<_>) = new.partition(|pulse| part.pulses.contains(pulse));
        hidden += untold.len();
        if let Some(nearest) = untold.iter().map(distance).min() {
            assert!(told.iter().all(|pulse| distance(pulse) <= nearest), "tick {}", part.tick);
        }
        for event in events {
            let Event::KnockOut { slot, .. } = event else { continue };
            let is_it = |e: &Event| matches!(e, Event::KnockOut { slot: of, .. } if *of == slot);
            if part.disc(slot).is_some() {
                assert!(follower.events.iter().any(is_it), "{slot:?} at {}", part.tick);
                knock_outs += 1;
            }
        }
    }
    assert!(hidden > 20 && knock_outs > 20, "{hidden} pulses hidden, {knock_outs} knock-outs");
}

#[test]
fn who_missed_a_snapshot_begins_anew() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(3);
    for missed in [false, false, true, false, true, false, false] {
        crowd.snapshot();
        if !missed {
            follower.look(&crowd, usize::MAX);
            let part = follower.part();
            assert!(part.discs.iter().all(|d| *d == told(crowd.world.disc(d.slot).unwrap())));
        }
    }
    assert_eq!(follower.decoder.diverged(), 0);
}

/// How many a player knows exactly, as the viewer has it, and how many not. With the former the player agrees.
fn agrees_with_what_was_promised(follower: &Follower, world: &World, seed: u64) -> (usize, usize) {
    let part = follower.part();
    let when = format!("seed {seed}, tick {}", part.tick);
    let is_exact = |disc: &&Disc| follower.viewer.is_exact(disc.slot);
    let (exact, vague): (Vec<_>, Vec<_>) = part.discs.iter().partition(is_exact);
    for disc in &exact {
        let real = world.disc(disc.slot).expect("nobody who has left is exact");
        assert_eq!(**disc, told(real), "{when}");
    }
    assert!(part.pulses.iter().all(|pulse| world.pulses.contains(pulse)), "{when}");
    (exact.len(), vague.len())
}

/// A frame of the usual size does not hold forty that are new, but two do. A smaller one never holds all.
#[test]
fn who_begins_anew_among_forty_knows_those_exactly_of_whom_that_is_promised() {
    const USUAL_BYTES: usize = 376;
    let (mut exact, mut vague) = (0, 0);
    for seed in 0..SEEDS {
        let mut crowd = Crowd::together(seed);
        let mut followers = [0, 6, 9].map(Follower::new);
        let mut began = [true; 3];
        while !crowd.world.is_over() {
            crowd.snapshot();
            let frames = [USUAL_BYTES, 160, 64].into_iter().zip(&mut began);
            for (follower, (bytes_max, began)) in followers.iter_mut().zip(frames) {
                // A client that has lost the thread.
                let begins = crowd.chance.below(40) == 0;
                if begins {
                    follower.viewer = ClientView::new();
                }
                follower.look(&crowd, bytes_max);
                let seen = agrees_with_what_was_promised(follower, &crowd.world, seed);
                (exact, vague) = (exact + seen.0, vague + seen.1);
                assert!(follower.viewer.is_exact(follower.slot), "seed {seed}: the own disc");
                let has_settled = !core::mem::replace(began, begins) && !begins;
                if bytes_max == USUAL_BYTES && has_settled {
                    let centre = crowd.world.disc(follower.slot).unwrap().position;
                    let near = crowd.world.discs.iter();
                    let mut near =
                        near.filter(|disc| is_within(disc.position, centre, INTEREST_ENTER));
                    assert!(near.all(|disc| follower.viewer.is_exact(disc.slot)), "seed {seed}");
                }
            }
        }
        assert!(followers.iter().all(|follower| follower.decoder.diverged() == 0), "seed {seed}");
    }
    assert!(exact > 10 * vague && vague > 1_000, "{exact} exact, {vague} not");
}

/// What the player was promised to know exactly, of what somebody has who was told the same.
fn promised(follower: &Follower, decoder: &StreamDecoder) -> World {
    let mut world = decoder.world().expect("a world").clone();
    world.discs.retain(|disc| follower.viewer.is_exact(disc.slot));
    world
}

/// Every bit of some frames, flipped: whatever it is of, the next check sees that somebody went elsewhere.
#[test]
fn who_reads_one_bit_wrong_notices_it_within_a_second() {
    let (mut noticed, mut missed) = (0, 0);
    let (mut neighbours, mut pulses, mut pickups) = (0, 0, 0);
    for bytes_max in [usize::MAX, 90] {
        let mut crowd = Crowd::new();
        let mut follower = Follower::new(0);
        let mut misled: Vec<StreamDecoder> = Vec::new();
        for _ in 0..330 {
            crowd.snapshot();
            let before = follower.decoder.clone();
            let record = follower.look(&crowd, bytes_max);
            let frame = records(&record).next().unwrap().unwrap();
            misled.retain_mut(|other| other.apply(frame).is_ok());
            let is_checked = crowd.world.tick.0 % TICK_RATE_HZ < 2;
            if is_checked {
                let right = promised(&follower, &follower.decoder);
                for other in misled.drain(..) {
                    let wrong = promised(&follower, &other);
                    if wrong == right {
                        continue;
                    }
                    *if other.diverged() > 0 { &mut noticed } else { &mut missed } += 1;
                    let own = |world: &World| world.disc(follower.slot).cloned();
                    let is_own = own(&wrong) != own(&right);
                    neighbours += u32::from(!is_own && wrong.discs != right.discs);
                    pulses += u32::from(wrong.pulses != right.pulses);
                    pickups += u32::from(wrong.pickups != right.pickups);
                }
            } else if crowd.world.tick.0 % TICK_RATE_HZ > 55 {
                for bit in 0..frame.len() * 8 {
                    let (mut broken, mut other) = (frame.to_vec(), before.clone());
                    broken[bit / 8] ^= 1 << (bit % 8);
                    misled.extend(other.apply(&broken).is_ok().then_some(other));
                }
            }
        }
        assert_eq!(follower.decoder.diverged(), 0);
    }
    assert!(neighbours > 1_000 && pulses > 100 && pickups > 0, "{neighbours} {pulses} {pickups}");
    // Of so many, fifteen bits agree by chance now and then.
    assert!(noticed > 1_000 * missed, "{noticed} noticed, {missed} not");
}

#[test]
fn broken_frames_are_refused_and_change_nothing() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    let mut chance = Rng(5);
    for _ in 0..120 {
        crowd.snapshot();
        let record = follower.viewer.encode(&crowd.encoder, &crowd.world, Slot(0), usize::MAX);
        let frame = records(&record).next().unwrap().unwrap();
        let mut broken = frame.to_vec();
        let place = chance.below(u32::try_from(broken.len()).unwrap()) as usize;
        broken[place] ^= 1 << chance.below(8);
        let cut = &frame[..place];
        for bad in [&broken[..], cut] {
            // Whatever they say, they do not bring it down, and what comes of them can be stepped.
            let mut decoder = follower.decoder.clone();
            if decoder.apply(bad).is_ok() {
                decoder.world().cloned().unwrap().step(&[]);
            } else {
                assert_eq!(decoder.world(), follower.decoder.world());
            }
        }
        follower.decoder.apply(frame).unwrap();
    }
}

#[test]
fn who_watches_follows_the_whole_of_it() {
    let mut crowd = Crowd::new();
    let mut encoder = StreamEncoder::new();
    let mut decoder = StreamDecoder::new();
    let mut stream = encoder.keyframe(&crowd.world);
    while crowd.world.elapsed() < 400 {
        let mut ticks = Vec::new();
        for _ in 0..2 {
            let commands = crowd.commands();
            crowd.world.step(&commands);
            ticks.push(commands);
        }
        stream.extend(encoder.delta(&ticks, &crowd.world));
        if crowd.world.elapsed() % 60 < 2 {
            let keyframe = encoder.keyframe(&crowd.world);
            assert!(keyframe.len() < FRAME_BYTES_MAX, "{} bytes", keyframe.len());
            stream.extend(keyframe);
        }
        for frame in records(&core::mem::take(&mut stream)) {
            decoder.apply(frame.unwrap()).unwrap();
        }
        assert_eq!(decoder.world(), Some(&crowd.world), "seed {SEED}, tick {}", crowd.world.tick);
    }
    assert_eq!(decoder.diverged(), 0);
    assert!(decoder.world().is_some_and(|world| !world.is_partial() && world.discs.len() > 250));
}
