//! The views of a crowd: all discs in sight are exactly as in the world, whatever else happens.

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
/// Number of small crowds.
const SEEDS: u64 = 16;

/// A crowd of bots that fight, join and leave.
struct Crowd {
    world: World,
    encoder: CrowdEncoder,
    rng: Rng,
    /// The number of seats in which players join and leave.
    seats: u32,
}

/// A player of the crowd with its client.
struct Follower {
    slot: Slot,
    view: ClientView,
    decoder: StreamDecoder,
    events: Vec<Event>,
    bytes: Vec<usize>,
}

impl Crowd {
    fn new() -> Self {
        let mut crowd = Self::of(DISCS, SEED, ROUND_TICKS);
        // Closer together than they spawned.
        crowd.world.discs.iter_mut().for_each(|disc| disc.position = disc.position.scale(1, 3));
        crowd
    }

    /// A crowd so small that all players see each other: in the middle, or at the edge, where some fall at once.
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
        Self { world, encoder: CrowdEncoder::new(), rng: Rng(seed), seats: 1_000 }
    }

    fn commands(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for disc in &self.world.discs {
            let input = bot::think(&self.world, disc.slot, BotStrength::Fierce);
            // Humans also release what they hold and go on aiming: a part of the input changes, and others stay.
            let input = if self.rng.below(4) == 0 { input.idle() } else { input };
            if input != disc.input {
                commands.push(Command::Input { slot: disc.slot, input });
            }
        }
        if self.rng.below(10) == 0 {
            let slot = Slot(u16::try_from(20 + self.rng.below(self.seats)).unwrap_or(20));
            commands.push(match self.world.disc(slot) {
                Some(_) => Command::Leave { slot },
                None => Command::Join { slot, team: 0 },
            });
        }
        commands
    }

    /// Two ticks, and their events.
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
            view: ClientView::new(),
            decoder: StreamDecoder::for_player(),
            events: Vec::new(),
            bytes: Vec::new(),
        }
    }

    fn receive(&mut self, crowd: &Crowd, bytes_max: usize) -> Vec<u8> {
        let record = self.view.encode(&crowd.encoder, &crowd.world, self.slot, bytes_max);
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

fn visible(disc: &Disc) -> Disc {
    Disc { last_push: None, ..disc.clone() }
}

fn is_within(position: Vec2, centre: Vec2, reach: Vec2) -> bool {
    let offset = position - centre;
    offset.x.abs() <= reach.x && offset.y.abs() <= reach.y
}

/// Also when only one of the two discs is in sight.
fn assert_bumps_are_near_their_discs(events: &[Event], part: &World) {
    for event in events {
        let Event::Bump { a, b, at, .. } = event else { continue };
        let standing = [a, b].map(|slot| part.disc(*slot).filter(|disc| disc.is_standing()));
        for disc in standing.into_iter().flatten() {
            let away = (disc.position - *at).length();
            assert!(away < units(100), "{event:?}, {away} away, at {}", part.tick);
        }
    }
}

/// Checks the pickups of a view. Returns the number of those between the two borders of the interest area.
fn pickups_between_the_borders(part: &World, world: &World, centre: Vec2) -> usize {
    assert!(part.pickups.iter().all(|pickup| world.pickups.contains(pickup)));
    let is_near = |pickup: &&Pickup| is_within(pickup.position, centre, INTEREST_ENTER);
    for pickup in world.pickups.iter().filter(is_near) {
        assert!(part.pickups.contains(pickup), "{pickup:?} at {}", world.tick);
    }
    assert!(part.pickups.iter().all(|pickup| is_within(pickup.position, centre, INTEREST_LEAVE)));
    part.pickups.iter().filter(|pickup| !is_near(pickup)).count()
}

#[test]
fn every_disc_in_sight_is_as_in_the_world() {
    let mut crowd = Crowd::new();
    let mut followers = [Follower::new(0), Follower::new(6), Follower::new(9)];
    let (mut seen, mut falls, mut lingering) = (0, 0, 0);
    while !crowd.world.is_over() {
        let events = crowd.snapshot();
        falls += events.iter().filter(|e| matches!(e, Event::KnockOut { .. })).count();
        for follower in &mut followers {
            let slot = follower.slot;
            let centre = crowd.world.disc(slot).unwrap().position;
            let events_before = follower.events.len();
            follower.receive(&crowd, usize::MAX);
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
                let real = crowd.world.disc(disc.slot).expect("a disc that has left is not seen");
                assert_eq!(*disc, visible(real), "seed {SEED}, tick {}", part.tick);
                assert!(is_within(disc.position, centre, INTEREST_LEAVE));
            }
            for pulse in &part.pulses {
                assert!(crowd.world.pulses.contains(pulse), "{pulse:?} at {}", part.tick);
            }
            lingering += pickups_between_the_borders(part, &crowd.world, centre);
            seen += part.discs.len();
            assert_bumps_are_near_their_discs(&follower.events[events_before..], part);
        }
    }
    assert!(followers.iter().all(|follower| follower.decoder.diverged() == 0));
    assert!(falls > 20 && seen > 20_000, "a lively crowd: {falls} falls, {seen} seen");
    assert!(lingering > 20, "pickups between the borders: {lingering}");
    let count = |wanted: fn(&Event) -> bool| {
        followers[0].events.iter().filter(|event| wanted(event)).count()
    };
    assert!(count(|event| matches!(event, Event::PulseHit { .. })) > 10);
    assert!(count(|event| matches!(event, Event::Bump { .. })) > 10);
    assert!(count(|event| matches!(event, Event::PulseFired { .. })) > 10);
    assert_eq!(count(|event| matches!(event, Event::RoundOver)), 1);
}

#[test]
fn a_small_view_carries_the_nearest_discs_and_the_rest_later() {
    const BYTES_MAX: usize = 120;
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    for _ in 0..600 {
        crowd.snapshot();
        let own = crowd.world.disc(Slot(0)).cloned();
        follower.receive(&crowd, BYTES_MAX);
        let part = follower.part();
        assert_eq!(part.disc(Slot(0)).cloned(), own.as_ref().map(visible), "the own disc is exact");
    }
    assert_eq!(follower.decoder.diverged(), 0);
    let most = follower.bytes.iter().max().copied().unwrap_or_default();
    assert!(most <= BYTES_MAX + 16, "{most} bytes");
    assert!(follower.part().discs.len() > 10);

    // With room again, each disc is exact at once.
    crowd.snapshot();
    follower.receive(&crowd, usize::MAX);
    let part = follower.part();
    for disc in &part.discs {
        assert_eq!(*disc, visible(crowd.world.disc(disc.slot).unwrap()));
    }
}

#[test]
fn a_small_view_carries_the_nearest_pulses_and_each_knock_out() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    let (mut hidden, mut knock_outs) = (0, 0);
    while !crowd.world.is_over() {
        let events = crowd.snapshot();
        follower.events.clear();
        follower.receive(&crowd, 120);

        let part = follower.part();
        let centre = crowd.world.disc(Slot(0)).unwrap().position;
        let distance = |pulse: &&Pulse| (pulse.position - centre).length_squared();
        // Only pulses that are new to all players, so that each takes the same room.
        let is_new = |pulse: &&Pulse| {
            crowd.world.tick.since(pulse.id.tick) <= 2
                && is_within(pulse.position, centre, INTEREST_ENTER)
        };
        let new = crowd.world.pulses.iter().filter(is_new);
        let (sent, missing): (Vec<_>, Vec<_>) = new.partition(|pulse| part.pulses.contains(pulse));
        hidden += missing.len();
        if let Some(nearest) = missing.iter().map(distance).min() {
            assert!(sent.iter().all(|pulse| distance(pulse) <= nearest), "tick {}", part.tick);
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
fn a_client_that_missed_a_snapshot_begins_anew() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(3);
    for missed in [false, false, true, false, true, false, false] {
        crowd.snapshot();
        if !missed {
            follower.receive(&crowd, usize::MAX);
            let part = follower.part();
            assert!(part.discs.iter().all(|d| *d == visible(crowd.world.disc(d.slot).unwrap())));
        }
    }
    assert_eq!(follower.decoder.diverged(), 0);
}

/// Checks that the discs which a client knows exactly, as the view has it, are right. Returns how many it knows exactly,
/// and how many are stale.
fn assert_exact_discs_are_right(follower: &Follower, world: &World, seed: u64) -> (usize, usize) {
    let part = follower.part();
    let when = format!("seed {seed}, tick {}", part.tick);
    let is_exact = |disc: &&Disc| follower.view.is_exact(disc.slot);
    let (exact, stale): (Vec<_>, Vec<_>) = part.discs.iter().partition(is_exact);
    for disc in &exact {
        let real = world.disc(disc.slot).expect("a disc that has left is not exact");
        assert_eq!(**disc, visible(real), "{when}");
    }
    assert!(part.pulses.iter().all(|pulse| world.pulses.contains(pulse)), "{when}");
    (exact.len(), stale.len())
}

/// A view of the usual size does not hold forty new discs, but two views do. Smaller ones never hold all.
#[test]
fn a_client_that_begins_anew_among_forty_discs_knows_exactly_those_it_should() {
    const USUAL_BYTES: usize = 376;
    let (mut exact, mut stale) = (0, 0);
    for seed in 0..SEEDS {
        let mut crowd = Crowd::together(seed);
        let mut followers = [0, 6, 9].map(Follower::new);
        let mut began = [true; 3];
        while !crowd.world.is_over() {
            crowd.snapshot();
            let frames = [USUAL_BYTES, 160, 64].into_iter().zip(&mut began);
            for (follower, (bytes_max, began)) in followers.iter_mut().zip(frames) {
                // A desynced client.
                let begins = crowd.rng.below(40) == 0;
                if begins {
                    follower.view = ClientView::new();
                }
                follower.receive(&crowd, bytes_max);
                let seen = assert_exact_discs_are_right(follower, &crowd.world, seed);
                (exact, stale) = (exact + seen.0, stale + seen.1);
                assert!(follower.view.is_exact(follower.slot), "seed {seed}: the own disc");
                let has_settled = !core::mem::replace(began, begins) && !begins;
                if bytes_max == USUAL_BYTES && has_settled {
                    let centre = crowd.world.disc(follower.slot).unwrap().position;
                    let near = crowd.world.discs.iter();
                    let mut near =
                        near.filter(|disc| is_within(disc.position, centre, INTEREST_ENTER));
                    assert!(near.all(|disc| follower.view.is_exact(disc.slot)), "seed {seed}");
                }
            }
        }
        assert!(followers.iter().all(|follower| follower.decoder.diverged() == 0), "seed {seed}");
    }
    assert!(exact > 10 * stale && stale > 1_000, "{exact} exact, {stale} stale");
}

/// The world of a decoder that got the same frames, with only the discs that the follower knows exactly.
fn exact_part(follower: &Follower, decoder: &StreamDecoder) -> World {
    let mut world = decoder.world().expect("a world").clone();
    world.discs.retain(|disc| follower.view.is_exact(disc.slot));
    world
}

/// Flips each bit of some frames: whatever the bit means, the next check sees the difference.
#[test]
fn a_client_that_reads_one_bit_wrong_notices_it_within_a_second() {
    let (mut noticed, mut missed) = (0, 0);
    let (mut neighbours, mut pulses, mut pickups) = (0, 0, 0);
    for bytes_max in [usize::MAX, 90] {
        let mut crowd = Crowd::new();
        let mut follower = Follower::new(0);
        let mut misreading: Vec<StreamDecoder> = Vec::new();
        for _ in 0..330 {
            crowd.snapshot();
            let before = follower.decoder.clone();
            let record = follower.receive(&crowd, bytes_max);
            let frame = records(&record).next().unwrap().unwrap();
            misreading.retain_mut(|other| other.apply(frame).is_ok());
            let is_checked = crowd.world.tick.0 % TICK_RATE_HZ < 2;
            if is_checked {
                let right = exact_part(&follower, &follower.decoder);
                for other in misreading.drain(..) {
                    let wrong = exact_part(&follower, &other);
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
                    misreading.extend(other.apply(&broken).is_ok().then_some(other));
                }
            }
        }
        assert_eq!(follower.decoder.diverged(), 0);
    }
    assert!(neighbours > 1_000 && pulses > 100 && pickups > 0, "{neighbours} {pulses} {pickups}");
    // A sum of fifteen bits agrees by chance now and then.
    assert!(noticed > 1_000 * missed, "{noticed} noticed, {missed} not");
}

#[test]
fn broken_frames_are_refused_and_change_nothing() {
    let mut crowd = Crowd::new();
    let mut follower = Follower::new(0);
    let mut rng = Rng(5);
    for _ in 0..120 {
        crowd.snapshot();
        let record = follower.view.encode(&crowd.encoder, &crowd.world, Slot(0), usize::MAX);
        let frame = records(&record).next().unwrap().unwrap();
        let mut broken = frame.to_vec();
        let place = rng.below(u32::try_from(broken.len()).unwrap()) as usize;
        broken[place] ^= 1 << rng.below(8);
        let cut = &frame[..place];
        for bad in [&broken[..], cut] {
            // The decoder does not panic, and any world that it accepts can be stepped.
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
fn a_spectator_follows_the_whole_crowd() {
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
