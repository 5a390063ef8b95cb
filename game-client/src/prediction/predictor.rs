//! The world as it will be: everyone, stepped ahead of the server with the inputs that are known.
//!
//! Own inputs are known, and so are those of bots, who think the same here as at the server. Other people hold what the
//! server has announced of them, and after that, like everybody in a crowd, are taken to go on as before. That is mostly
//! right, because discs are heavy and the ice is smooth, and it makes pushes and bumps answer at once. When the server's
//! word comes, it is compared bit for bit with what was predicted for that tick; when they differ, or something new was
//! announced, the ticks after it are stepped again.
//!
//! Pure: no clock, no drawing.

use std::collections::VecDeque;

use shared::protocol::INPUT_REPEAT_TICKS_MAX;
use shared::sim::fixed::Vec2;
use shared::sim::{BotStrength, Command, Event, Input, Slot, World, bot};
use shared::snapshot::Roster;
use shared::snapshot::relay::RelayedInput;
use shared::tick::Tick;

/// Predicted ticks that are kept to be compared: two seconds. Older ones were confirmed, or never will be.
const HISTORY_MAX: usize = 120;
/// Announcements that are kept: half a second of fifteen people who press something new with each tick. When full, the
/// oldest goes: its tick comes first.
const ANNOUNCED_MAX: usize = 512;

/// What the server's word changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Correction {
    /// The word was predicted bit for bit. What was announced with it may move the present all the same.
    pub(super) exact: bool,
    /// How far each disc's place in the present moved: old minus new, in sub-units.
    pub(super) moved: Vec<(Slot, Vec2)>,
    /// What happens in the ticks that were stepped again. Mostly the same as the first time.
    pub(super) events: Vec<(Tick, Event)>,
}

/// The world of one round, ahead of the server.
#[derive(Debug, Clone)]
pub(super) struct Predictor {
    seat: Slot,
    /// Bots and their strengths: what they do follows from the world.
    bots: Vec<(Slot, BotStrength)>,
    /// What the server last said.
    base: World,
    /// The worlds after `base`, one a tick, the newest last.
    ahead: VecDeque<World>,
    /// Own inputs as they were pressed, in the order of their ticks. Of those before `base`'s tick, the newest: what
    /// stands in for a missing input depends on how long ago that was.
    inputs: VecDeque<(Tick, Input)>,
    /// What other people will hold, in the order in which it was told.
    announced: VecDeque<RelayedInput>,
    /// Something was announced since the ticks ahead were stepped.
    has_news: bool,
}

impl Predictor {
    /// Begins at the server's word.
    #[must_use]
    pub(super) fn new(seat: Slot, base: World) -> Self {
        Self {
            seat,
            bots: Vec::new(),
            base,
            ahead: VecDeque::new(),
            inputs: VecDeque::new(),
            announced: VecDeque::new(),
            has_news: false,
        }
    }

    /// Who is a bot, from the next step on. In a crowd nobody is foreseen: a bot may be after somebody who is not told
    /// of here.
    pub(super) fn know(&mut self, roster: &Roster) {
        if self.base.is_partial() {
            self.bots.clear();
            return;
        }
        let bots = roster.entries.iter().filter_map(|entry| Some((entry.slot, entry.bot?)));
        self.bots = bots.collect();
    }

    /// What people will hold in ticks to come. Counts from the next step on, and from the next word on for those that
    /// were stepped before.
    pub(super) fn hear(&mut self, announced: impl Iterator<Item = RelayedInput>) {
        for news in announced.filter(|news| news.slot != self.seat) {
            if self.announced.len() == ANNOUNCED_MAX {
                self.announced.pop_front();
            }
            self.announced.push_back(news);
            self.has_news |= self.world().tick.is_after(news.tick);
        }
    }

    /// The newest predicted world.
    #[must_use]
    pub(super) fn world(&self) -> &World {
        self.ahead.back().unwrap_or(&self.base)
    }

    /// The world one tick earlier.
    #[must_use]
    pub(super) fn previous(&self) -> &World {
        let before = self.ahead.len().checked_sub(2).and_then(|place| self.ahead.get(place));
        before.unwrap_or(&self.base)
    }

    /// What was pressed for a tick, if anything was.
    #[must_use]
    pub(super) fn pressed(&self, tick: Tick) -> Option<Input> {
        let there = self.inputs.get(self.place_of(tick));
        there.filter(|(then, _)| *then == tick).map(|(_, input)| *input)
    }

    /// Where an input of this tick is, or would be.
    fn place_of(&self, tick: Tick) -> usize {
        self.inputs.partition_point(|(then, _)| tick.is_after(*then))
    }

    /// One tick ahead with this input. What was pressed for that tick before stands.
    pub(super) fn advance(&mut self, input: Input) -> Vec<(Tick, Event)> {
        let tick = self.world().tick;
        if self.pressed(tick).is_none() {
            self.inputs.insert(self.place_of(tick), (tick, input));
        }
        while self.inputs.len() > HISTORY_MAX {
            self.inputs.pop_front();
        }
        self.step_on()
    }

    /// Ahead to a tick, with what was pressed for those before it, and for most of them nothing was.
    pub(super) fn skip_to(&mut self, tick: Tick) {
        // A world that is over stands still: its tick is never reached.
        while tick.is_after(self.world().tick) && !self.world().is_over() {
            let ahead = tick.since(self.world().tick).unsigned_abs();
            if usize::try_from(ahead).is_ok_and(|ahead| ahead > HISTORY_MAX) {
                return;
            }
            self.step_on();
        }
    }

    fn step_on(&mut self) -> Vec<(Tick, Event)> {
        let mut world = self.world().clone();
        let events = self.step(&mut world);
        self.ahead.push_back(world);
        if self.ahead.len() > HISTORY_MAX {
            self.ahead.pop_front();
        }
        events
    }

    /// Back to a tick. What was pressed for those after it stands: the server may hold it.
    pub(super) fn go_back_to(&mut self, tick: Tick) {
        while self.ahead.back().is_some_and(|world| world.tick.is_after(tick)) {
            self.ahead.pop_back();
        }
    }

    /// What was pressed for this tick and later ones never got to the server.
    pub(super) fn forget_from(&mut self, tick: Tick) {
        self.inputs.truncate(self.place_of(tick));
        self.go_back_to(tick);
    }

    /// Begins again at the server's word, from beyond the own present: nothing can be compared.
    pub(super) fn begin_again(&mut self, word: World, roster: &Roster) {
        self.forget_before(word.tick);
        self.ahead.clear();
        self.base = word;
        self.has_news = false;
        self.know(roster);
    }

    fn forget_before(&mut self, tick: Tick) {
        while self.inputs.get(1).is_some_and(|(then, _)| !then.is_after(tick)) {
            self.inputs.pop_front();
        }
        self.announced.retain(|news| !tick.is_after(news.tick));
    }

    /// Takes the server's word for a tick that was predicted before.
    pub(super) fn reconcile(&mut self, word: &World) -> Correction {
        let now = self.world().tick;
        let predicted = self.ahead.iter().position(|world| world.tick == word.tick);
        self.forget_before(word.tick);
        let exact = predicted.is_some_and(|place| self.ahead[place] == *word);
        let has_news = core::mem::take(&mut self.has_news);
        if let (Some(place), true, false) = (predicted, exact, has_news) {
            self.ahead.drain(..=place);
            self.base = word.clone();
            return Correction { exact, ..Correction::default() };
        }
        let before: Vec<(Slot, Vec2)> =
            self.world().discs.iter().map(|disc| (disc.slot, disc.position)).collect();
        let events = self.step_again(word, now);
        let after = self.world();
        let moved = before.into_iter().filter_map(|(slot, position)| {
            let way = position - after.disc(slot)?.position;
            (way != Vec2::ZERO).then_some((slot, way))
        });
        Correction { exact, moved: moved.collect(), events }
    }

    fn step_again(&mut self, word: &World, until: Tick) -> Vec<(Tick, Event)> {
        self.base = word.clone();
        self.ahead.clear();
        let mut events = Vec::new();
        let mut world = word.clone();
        while until.is_after(world.tick) && !world.is_over() {
            events.extend(self.step(&mut world));
            self.ahead.push_back(world.clone());
        }
        events
    }

    /// What the server will take for the own seat: what was pressed for the world's tick, or what stands in for it.
    fn own(&self, world: &World) -> Input {
        if let Some(input) = self.pressed(world.tick) {
            return input;
        }
        let held = world.disc(self.seat).map(|disc| disc.input).unwrap_or_default();
        let last =
            self.place_of(world.tick).checked_sub(1).and_then(|place| self.inputs.get(place));
        let missing = last.map_or(0, |(tick, _)| world.tick.since(*tick).unsigned_abs());
        if missing <= INPUT_REPEAT_TICKS_MAX { held.without_actions() } else { held.idle() }
    }

    /// One tick, as the server would do it if nobody else changed what is held.
    fn step(&self, world: &mut World) -> Vec<(Tick, Event)> {
        let own = self.own(world);
        let think = |(slot, strength): &(Slot, BotStrength)| Command::Input {
            slot: *slot,
            input: bot::think(world, *slot, *strength),
        };
        let mut commands: Vec<Command> = self.bots.iter().map(think).collect();
        let counts = |news: &&RelayedInput| news.tick == world.tick;
        commands.extend(
            self.announced
                .iter()
                .filter(counts)
                .map(|news| Command::Input { slot: news.slot, input: news.input }),
        );
        commands.push(Command::Input { slot: self.seat, input: own });
        let events = world.step(&commands);
        if events.is_empty() && world.is_over() {
            // A world that is over stands still, its tick too.
            return Vec::new();
        }
        let tick = world.tick;
        events.into_iter().map(|event| (tick, event)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::protocol::INPUT_REPEAT_TICKS_MAX;
    use shared::sim::{Angle, Buttons, Command, Input, Mode, Slot, Thrust, World, bot};
    use shared::snapshot::relay::RelayedInput;
    use shared::tick::Tick;

    use super::Predictor;

    const ME: Slot = Slot(0);

    fn world_of(discs: u16) -> World {
        let mut world = World::new(Mode::Brawl, 3, 3_600);
        let joins: Vec<Command> =
            (0..discs).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
        world.step(&joins);
        while world.is_counting_down() {
            world.step(&[]);
        }
        world
    }

    fn input_of(tick: u32) -> Input {
        let aim = Angle::from_steps(u16::try_from(tick * 5 % 1_024).expect("small"));
        let buttons = if tick.is_multiple_of(31) { Buttons::PULSE } else { Buttons::NONE };
        Input { thrust: Thrust::towards(aim), aim, buttons }
    }

    #[test]
    fn alone_every_prediction_is_exact_and_the_own_pulse_is_there_at_once() {
        let mut server = world_of(1);
        let mut predictor = Predictor::new(ME, server.clone());
        let began = server.tick;
        (0..6).for_each(|n| drop(predictor.advance(input_of(began.0 + n))));

        for _ in 0..300 {
            let input = input_of(server.tick.0);
            server.step(&[Command::Input { slot: ME, input }]);
            let next = predictor.world().tick;
            predictor.advance(input_of(next.0));
            let correction = predictor.reconcile(&server);

            assert!(correction.exact);
            assert_eq!(predictor.world().tick.since(server.tick), 6);
            for pulse in &server.pulses {
                let alive = pulse.ticks_left > 6;
                assert!(!alive || predictor.world().pulses.iter().any(|p| p.id == pulse.id));
            }
        }
    }

    #[test]
    fn others_who_turn_are_corrected_and_the_present_agrees_with_the_server() {
        let mut server = world_of(6);
        let mut predictor = Predictor::new(ME, server.clone());
        (0..8).for_each(|_| drop(predictor.advance(input_of(predictor.world().tick.0))));
        let mut corrected = 0;

        for _ in 0..600 {
            let mut commands = vec![Command::Input { slot: ME, input: input_of(server.tick.0) }];
            commands.extend((1..6).map(|slot| {
                let slot = Slot(slot);
                let input = bot::think(&server, slot, bot::BotStrength::Keen);
                Command::Input { slot, input }
            }));
            server.step(&commands);
            predictor.advance(input_of(predictor.world().tick.0));
            let correction = predictor.reconcile(&server);
            corrected += u32::from(!correction.exact);

            assert_eq!(predictor.base, server);
            assert_eq!(predictor.world().tick.since(server.tick), 8);
        }

        assert!(corrected > 10, "the bots never turned");
    }

    #[test]
    fn people_whose_inputs_are_announced_are_foreseen() {
        let mut server = world_of(3);
        let mut predictor = Predictor::new(ME, server.clone());
        let others = [Slot(1), Slot(2)];
        let held = |slot: Slot, tick: Tick| {
            let turns = (tick.0 + u32::from(slot.0) * 7) / 9;
            Input {
                thrust: Thrust::from_code((turns * 5 % 17).to_le_bytes()[0]).unwrap_or_default(),
                ..Input::default()
            }
        };
        let (ahead, announced_before) = (9, 6);
        (0..ahead).for_each(|_| drop(predictor.advance(input_of(predictor.world().tick.0))));
        let (mut wrong_present, mut compared) = (0, 0);

        for _ in 0..600 {
            let tick = server.tick;
            let mut commands = vec![Command::Input { slot: ME, input: input_of(tick.0) }];
            commands.extend(others.map(|slot| Command::Input { slot, input: held(slot, tick) }));
            server.step(&commands);
            predictor.advance(input_of(predictor.world().tick.0));
            let known = server.tick.plus(announced_before - 1);
            let news = |slot: Slot| RelayedInput { slot, tick: known, input: held(slot, known) };
            predictor.hear(others.map(news).into_iter());
            predictor.reconcile(&server);

            // What is known of was stepped with: the worlds up to there are what the server will come to.
            let mut truth = server.clone();
            while known.next().is_after(truth.tick) {
                let tick = truth.tick;
                let mut commands: Vec<_> = others
                    .iter()
                    .map(|slot| Command::Input { slot: *slot, input: held(*slot, tick) })
                    .collect();
                commands.push(Command::Input { slot: ME, input: input_of(tick.0) });
                truth.step(&commands);
            }
            let foreseen = predictor.ahead.iter().find(|world| world.tick == truth.tick);
            compared += u32::from(foreseen.is_some());
            wrong_present += u32::from(foreseen != Some(&truth));
        }

        assert_eq!(compared, 600);
        assert!(wrong_present <= announced_before, "only before the first was announced in time");
    }

    #[test]
    fn pulses_of_bots_are_there_before_the_server_says_so_and_by_the_same_id() {
        let mut server = world_of(4);
        let mut predictor = Predictor::new(ME, server.clone());
        let bots = [1, 2, 3].map(|slot| (Slot(slot), bot::BotStrength::Fierce));
        predictor.bots = bots.to_vec();
        let (mut foreseen, mut fired) = (BTreeSet::new(), 0);

        for _ in 0..1_200 {
            while predictor.world().tick.since(server.tick) < 6 {
                predictor.advance(input_of(predictor.world().tick.0));
                foreseen.extend(predictor.world().pulses.iter().map(|pulse| named(pulse.id)));
            }
            let mut commands = vec![Command::Input { slot: ME, input: input_of(server.tick.0) }];
            commands.extend(bots.map(|(slot, strength)| Command::Input {
                slot,
                input: bot::think(&server, slot, strength),
            }));
            server.step(&commands);
            for pulse in server.pulses.iter().filter(|pulse| pulse.id.slot != ME) {
                assert!(foreseen.contains(&named(pulse.id)), "{pulse:?} came as a surprise");
                fired += 1;
            }
            assert!(predictor.reconcile(&server).exact);
        }

        assert!(fired > 100, "the bots fired too seldom");
    }

    fn named(id: shared::sim::PulseId) -> (Slot, u32) {
        (id.slot, id.tick.0)
    }

    #[test]
    fn a_skipped_stretch_repeats_the_last_input_without_its_actions_and_then_idles() {
        let mut server = world_of(1);
        let mut predictor = Predictor::new(ME, server.clone());
        let firing = Input { buttons: Buttons::PULSE, ..input_of(1) };
        predictor.advance(firing);

        predictor.skip_to(predictor.world().tick.plus(40));

        server.step(&[Command::Input { slot: ME, input: firing }]);
        for missing in 1..=40 {
            let repeats = missing <= INPUT_REPEAT_TICKS_MAX;
            let input = if repeats { firing.without_actions() } else { firing.idle() };
            server.step(&[Command::Input { slot: ME, input }]);
            if missing % 2 == 0 {
                let correction = predictor.reconcile(&server);
                assert!(correction.exact, "after {missing} missing inputs");
            }
        }
        let far = Tick(predictor.world().tick.0 + 100_000);
        predictor.skip_to(far);
        assert!(far.is_after(predictor.world().tick));
    }

    #[test]
    fn what_was_pressed_stands_when_time_goes_back_and_what_never_left_does_not() {
        let mut server = world_of(1);
        let mut predictor = Predictor::new(ME, server.clone());
        let began = server.tick;
        (0..20).for_each(|n| drop(predictor.advance(input_of(began.0 + n))));
        let before = predictor.world().clone();

        predictor.go_back_to(began.plus(5));
        assert_eq!(predictor.world().tick, began.plus(5));
        assert_eq!(predictor.pressed(began.plus(6)), Some(input_of(began.0 + 6)));
        (5..20).for_each(|_| drop(predictor.advance(Input::default())));
        assert_eq!(predictor.world(), &before);

        predictor.forget_from(began.plus(12));
        assert_eq!(predictor.pressed(began.plus(12)), None);
        predictor.skip_to(began.plus(20));
        for n in 0..20_u32 {
            let last = input_of(began.0 + n.min(11));
            let input = if n < 12 { last } else { last.without_actions() };
            server.step(&[Command::Input { slot: ME, input }]);
        }
        assert_eq!(predictor.world(), &server);
    }

    #[test]
    fn a_stretch_that_is_skipped_ends_with_the_round() {
        let mut world = World::new(Mode::Brawl, 3, 120);
        world.step(&[Command::Join { slot: ME, team: 0 }]);
        while world.remaining() > 5 {
            world.step(&[]);
        }
        let mut predictor = Predictor::new(ME, world);

        predictor.skip_to(predictor.world().tick.plus(30));

        assert!(predictor.world().is_over());
    }
}
