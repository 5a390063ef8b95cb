//! Who sits where. People take seats, bots fill what is free and give way.

use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use shared::id::PlayerId;
use shared::sim::{BotStrength, Command, Mode, Slot};
use shared::snapshot::{Roster, RosterEntry};

use super::line::Line;
use crate::bots::Company;
use crate::player::Player;

/// A player whose connection was lost keeps the seat for so long.
pub(super) const SEAT_KEPT: Duration = Duration::from_secs(30);
/// Seats promised by the matchmaker are kept for so long.
const PROMISE_KEPT: Duration = Duration::from_secs(30);

/// Every seat of the room is taken by a person or promised to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// The seats of one room.
pub(super) struct Seats {
    mode: Mode,
    company: Company,
    /// In the order of the slots.
    taken: Vec<Seat>,
    promised: Vec<(PlayerId, Instant)>,
}

/// One that is taken.
pub(super) struct Seat {
    pub(super) slot: Slot,
    pub(super) player: Player,
    /// 0 or 1 in Teams; 0 otherwise.
    pub(super) team: u8,
    pub(super) occupant: Occupant,
}

pub(super) enum Occupant {
    Bot(BotStrength),
    Person {
        line: Box<Line>,
        rating: i32,
        /// The connection is gone since then.
        lost: Option<Instant>,
    },
}

impl Seat {
    pub(super) fn is_bot(&self) -> bool {
        self.bot().is_some()
    }

    /// How strong a bot. Nothing: a person.
    pub(super) fn bot(&self) -> Option<BotStrength> {
        match self.occupant {
            Occupant::Bot(strength) => Some(strength),
            Occupant::Person { .. } => None,
        }
    }

    pub(super) fn is_reconnecting(&self) -> bool {
        matches!(self.occupant, Occupant::Person { lost: Some(_), .. })
    }

    pub(super) fn line_mut(&mut self) -> Option<&mut Line> {
        match &mut self.occupant {
            Occupant::Person { line, .. } => Some(line),
            Occupant::Bot(_) => None,
        }
    }

    pub(super) fn line(&self) -> Option<&Line> {
        match &self.occupant {
            Occupant::Person { line, .. } => Some(line),
            Occupant::Bot(_) => None,
        }
    }
}

impl Seats {
    pub(super) fn new(mode: Mode, company: Company) -> Self {
        Self { mode, company, taken: Vec::new(), promised: Vec::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.taken.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.taken.iter_mut()
    }

    /// Seats with somebody or something in them.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn people(&self) -> usize {
        self.taken.iter().filter(|seat| !seat.is_bot()).count()
    }

    pub(super) fn of(&mut self, player: PlayerId) -> Option<&mut Seat> {
        self.taken.iter_mut().find(|seat| !seat.is_bot() && seat.player.id == player)
    }

    /// The mean rating of the people who sit here.
    pub(super) fn rating(&self) -> Option<i32> {
        let ratings = self.taken.iter().filter_map(|seat| match seat.occupant {
            Occupant::Person { rating, .. } => Some(rating),
            Occupant::Bot(_) => None,
        });
        let (count, sum) = ratings.fold((0, 0), |(count, sum), rating| (count + 1, sum + rating));
        (count > 0).then(|| sum / count)
    }

    /// Seats that a person could have, those of bots included.
    pub(super) fn open(&self, now: Instant) -> usize {
        self.mode.seats().saturating_sub(self.people() + self.promises(now, None))
    }

    /// Those for whom seats are kept.
    pub(super) fn promised(&self, now: Instant) -> Vec<PlayerId> {
        let kept = self.promised.iter().filter(|(_, until)| *until > now);
        kept.map(|(player, _)| *player).collect()
    }

    /// Keeps seats for these for a while.
    pub(super) fn promise(&mut self, players: &[PlayerId], now: Instant) -> Result<(), Full> {
        self.promised.retain(|(player, until)| *until > now && !players.contains(player));
        let new =
            players.iter().filter(|id| !self.taken.iter().any(|s| s.player.id == **id)).count();
        if new > self.open(now) {
            return Err(Full);
        }
        self.promised.extend(players.iter().map(|player| (*player, now + PROMISE_KEPT)));
        Ok(())
    }

    /// Gives a person a seat, when there is one; a bot may have to go. Tells the world what changed.
    pub(super) fn sit(
        &mut self,
        player: Player,
        rating: i32,
        line: Box<Line>,
        now: Instant,
    ) -> Result<Vec<Command>, Full> {
        if self.people() + self.promises(now, Some(player.id)) >= self.mode.seats() {
            return Err(Full);
        }
        self.promised.retain(|(promised, _)| *promised != player.id);
        let mut changes = Vec::new();
        let team = self.team_for_person();
        let others = self.people() + self.promises(now, None);
        let bots_left = self.bots_wanted(others + 1);
        let mut freed = None;
        if self.bots() > bots_left
            && let Some(bot) = self.bot_to_go(Some(team))
        {
            freed = Some(bot);
            changes.extend(self.free(bot));
        }
        let slot = self.free_slot(freed).ok_or(Full)?;
        let occupant = Occupant::Person { line, rating, lost: None };
        changes.push(self.take(Seat { slot, player, team, occupant }));
        Ok(changes)
    }

    /// Frees a seat.
    pub(super) fn free(&mut self, slot: Slot) -> Option<Command> {
        let place = self.taken.iter().position(|seat| seat.slot == slot)?;
        self.taken.remove(place);
        Some(Command::Leave { slot })
    }

    /// Lets as many bots in or out as the room wants, and evens out the teams. `bots_play` is false while nobody
    /// is there to play with.
    pub(super) fn settle_bots(&mut self, bots_play: bool, now: Instant) -> Vec<Command> {
        let mut changes = Vec::new();
        let others = self.people() + self.promises(now, None);
        let wanted = if bots_play { self.bots_wanted(others) } else { 0 };
        while self.bots() > wanted
            && let Some(bot) = self.bot_to_go(None)
        {
            changes.extend(self.free(bot));
        }
        while self.bots() < wanted
            && let Some(joined) = self.add_bot(None)
        {
            changes.push(joined);
        }
        while self.mode.has_teams()
            && let [first, second] = self.team_sizes(|_| true)
            && first.abs_diff(second) > 1
            && let Some(bot) = self.bot_to_go(Some(u8::from(second > first)))
            && self.taken.iter().any(|s| s.slot == bot && s.team == u8::from(second > first))
        {
            changes.extend(self.free(bot));
            changes.extend(self.add_bot(Some(bot)));
        }
        changes
    }

    /// The seats as the stream tells them.
    pub(super) fn roster(&self) -> Roster {
        let entry = |seat: &Seat| RosterEntry {
            slot: seat.slot,
            player: seat.player.id,
            name: seat.player.name.clone(),
            bot: seat.bot(),
            team: seat.team,
            reconnecting: seat.is_reconnecting(),
        };
        Roster { entries: self.taken.iter().map(entry).collect() }
    }

    /// For a new world: everybody takes the seat again.
    pub(super) fn joins(&self) -> Vec<Command> {
        self.taken.iter().map(|seat| Command::Join { slot: seat.slot, team: seat.team }).collect()
    }

    pub(super) fn bots(&self) -> usize {
        self.taken.len() - self.people()
    }

    /// Promises to those who have not come yet, `but` one.
    fn promises(&self, now: Instant, but: Option<PlayerId>) -> usize {
        let waits = |player: &PlayerId| {
            Some(*player) != but
                && !self.taken.iter().any(|seat| !seat.is_bot() && seat.player.id == *player)
        };
        self.promised.iter().filter(|(player, until)| *until > now && waits(player)).count()
    }

    fn bots_wanted(&self, people: usize) -> usize {
        match self.company {
            Company::Nobody => 0,
            Company::Of(_) | Company::Mixed => self.mode.bot_fill().saturating_sub(people),
        }
    }

    fn team_sizes(&self, counts: impl Fn(&Seat) -> bool) -> [usize; 2] {
        [0, 1].map(|team| self.taken.iter().filter(|s| s.team == team && counts(s)).count())
    }

    /// The team with fewer people; among equals the one with fewer discs.
    fn team_for_person(&self) -> u8 {
        if !self.mode.has_teams() {
            return 0;
        }
        let (people, discs) = (self.team_sizes(|seat| !seat.is_bot()), self.team_sizes(|_| true));
        u8::from((people[1], discs[1]) < (people[0], discs[0]))
    }

    /// The bot that came last, if possible of this team; without a team, of the larger one.
    fn bot_to_go(&self, team: Option<u8>) -> Option<Slot> {
        let [first, second] = self.team_sizes(|_| true);
        let team = team.unwrap_or(u8::from(second > first));
        let bots = || self.taken.iter().filter(|seat| seat.is_bot());
        bots().rfind(|seat| seat.team == team).or_else(|| bots().next_back()).map(|seat| seat.slot)
    }

    fn add_bot(&mut self, not_in: Option<Slot>) -> Option<Command> {
        let mut idle = self.company.members();
        idle.retain(|bot| !self.taken.iter().any(|seat| seat.player.id == bot.player.id));
        let bot = idle.choose(&mut rand::rng())?.clone();
        let slot = self.free_slot(not_in)?;
        let [first, second] = self.team_sizes(|_| true);
        let team = u8::from(self.mode.has_teams() && second < first);
        let occupant = Occupant::Bot(bot.strength);
        Some(self.take(Seat { slot, player: bot.player, team, occupant }))
    }

    /// The lowest that is free, another than `not_in` when there is a choice: pushes of whoever sat there
    /// still count.
    fn free_slot(&self, not_in: Option<Slot>) -> Option<Slot> {
        let seats = u16::try_from(self.mode.seats()).unwrap_or(u16::MAX);
        let is_free = |slot: &Slot| self.taken.binary_search_by_key(slot, |s| s.slot).is_err();
        let free = || (0..seats).map(Slot).filter(is_free);
        free().find(|slot| Some(*slot) != not_in).or_else(|| free().next())
    }

    fn take(&mut self, seat: Seat) -> Command {
        let command = Command::Join { slot: seat.slot, team: seat.team };
        let place = self.taken.partition_point(|known| known.slot < seat.slot);
        self.taken.insert(place, seat);
        command
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shared::id::{PlayerId, PlayerName};
    use shared::sim::Mode;
    use shared::tick::Tick;

    use super::super::line::Line;
    use super::{Full, PROMISE_KEPT, Seats};
    use crate::bots::Company;
    use crate::player::Player;

    fn person(number: u64) -> Player {
        Player { id: PlayerId::from_bits(number), name: PlayerName::parse("Ada").unwrap() }
    }

    fn sit(seats: &mut Seats, number: u64) -> Result<(), Full> {
        let (line, _connection) = Line::new(Tick(0));
        seats.sit(person(number), 1_500, line, Instant::now()).map(|_| ())
    }

    #[test]
    fn bots_fill_and_give_way() {
        let mut seats = Seats::new(Mode::Brawl, Company::Mixed);
        seats.settle_bots(true, Instant::now());
        assert_eq!((seats.people(), seats.bots()), (0, 8));

        for number in 1..=16 {
            sit(&mut seats, number).unwrap();
            assert_eq!(seats.len(), 8.max(seats.people()));
        }

        assert_eq!(sit(&mut seats, 17), Err(Full));
        assert_eq!((seats.people(), seats.bots(), seats.open(Instant::now())), (16, 0, 0));
    }

    #[test]
    fn teams_stay_even() {
        let mut seats = Seats::new(Mode::Teams, Company::Mixed);
        for number in 1..=5 {
            sit(&mut seats, number).unwrap();
            seats.settle_bots(true, Instant::now());
            assert_eq!(seats.team_sizes(|_| true), [4, 4], "{number}");
        }
        assert_eq!(seats.team_sizes(|seat| !seat.is_bot()), [3, 2]);

        let of_first: Vec<_> = seats.iter().filter(|s| s.team == 0).map(|s| s.slot).collect();
        of_first.into_iter().for_each(|slot| assert!(seats.free(slot).is_some()));
        seats.settle_bots(true, Instant::now());

        assert_eq!(seats.team_sizes(|_| true), [4, 4]);
    }

    #[test]
    fn a_promised_seat_is_kept_for_a_while() {
        let now = Instant::now();
        let mut seats = Seats::new(Mode::Duel, Company::Mixed);
        assert_eq!(seats.promise(&[person(1).id, person(2).id], now), Ok(()));
        assert_eq!(seats.settle_bots(true, now).len(), 0);

        assert_eq!(sit(&mut seats, 3), Err(Full));
        assert_eq!(sit(&mut seats, 1), Ok(()));
        assert_eq!(seats.promise(&[person(3).id], now), Err(Full));

        let later = now + PROMISE_KEPT + Duration::from_secs(1);
        assert_eq!(seats.open(later), 1);
        assert_eq!(seats.promise(&[person(3).id], later), Ok(()));
    }
}
