//! The seats of a room. People take them, and bots fill free ones until people need them.

use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::sim::rng::Rng;
use shared::sim::{Command, Mode, Slot};
use shared::snapshot::{Roster, RosterEntry};
use shared::tick::Tick;

use super::seat::{Occupant, Person, Seat};
use crate::bots::BotPolicy;
use crate::player::Player;

/// A reserved seat is kept for this long.
pub const RESERVATION_KEPT: Duration = Duration::from_secs(30);

/// Every seat of the room is taken by a person or reserved for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) struct Full;

/// The seats of one room.
pub(in crate::room) struct Seats {
    mode: Mode,
    bot_policy: BotPolicy,
    /// Chooses the bots.
    choices: Rng,
    /// In the order of the slots.
    taken: Vec<Seat>,
    reserved: Vec<(PlayerId, Instant)>,
}

impl Seats {
    pub(super) fn new(mode: Mode, bot_policy: BotPolicy, choices: Rng) -> Self {
        Self { mode, bot_policy, choices, taken: Vec::new(), reserved: Vec::new() }
    }

    /// The seats that are taken, in the order of the slots.
    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.taken.iter()
    }

    pub(in crate::room) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.taken.iter_mut()
    }

    /// How many are taken, by people and bots.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(in crate::room) fn people(&self) -> usize {
        self.taken.iter().filter(|seat| !seat.is_bot()).count()
    }

    /// The seat of a person.
    pub(super) fn of(&mut self, player: PlayerId) -> Option<&mut Seat> {
        self.taken.iter_mut().find(|seat| !seat.is_bot() && seat.player.id == player)
    }

    /// The mean rating of the people. `None` without any.
    pub(in crate::room) fn rating(&self) -> Option<i32> {
        let ratings = self.taken.iter().filter_map(Seat::person).map(|person| person.rating);
        let (count, sum) = ratings.fold((0, 0), |(count, sum), rating| (count + 1, sum + rating));
        (count > 0).then(|| sum / count)
    }

    /// Whether there are people, and all of them want another round.
    pub(super) fn all_want_rematch(&self) -> bool {
        let mut people = self.taken.iter().filter_map(Seat::person).peekable();
        people.peek().is_some() && people.all(|person| person.wants_rematch == Some(true))
    }

    /// How many seats a person could take, including those of bots.
    pub(in crate::room) fn open(&self, now: Instant) -> usize {
        self.mode.seats().saturating_sub(self.people() + self.reservations(now, None))
    }

    /// The players whose seats are reserved.
    pub(in crate::room) fn reserved(&self, now: Instant) -> Vec<PlayerId> {
        let kept = self.reserved.iter().filter(|(_, until)| *until > now);
        kept.map(|(player, _)| *player).collect()
    }

    /// Reserves seats for half a minute.
    ///
    /// # Errors
    /// When there are not enough for all of them: then none is reserved.
    pub(super) fn reserve(&mut self, players: &[PlayerId], now: Instant) -> Result<(), Full> {
        self.reserved.retain(|(player, until)| *until > now && !players.contains(player));
        let new =
            players.iter().filter(|id| !self.taken.iter().any(|s| s.player.id == **id)).count();
        if new > self.open(now) {
            return Err(Full);
        }
        self.reserved.extend(players.iter().map(|player| (*player, now + RESERVATION_KEPT)));
        Ok(())
    }

    /// Gives a person a seat; a bot may have to leave. Returns the commands for the world.
    ///
    /// # Errors
    /// When no seat is free.
    pub(super) fn sit(
        &mut self,
        player: Player,
        person: Person,
        now: Instant,
    ) -> Result<Vec<Command>, Full> {
        if self.people() + self.reservations(now, Some(player.id)) >= self.mode.seats() {
            return Err(Full);
        }
        self.reserved.retain(|(reserved, _)| *reserved != player.id);
        let mut changes = Vec::new();
        let team = self.team_for_person();
        let others = self.people() + self.reservations(now, None);
        let bots_left = self.bots_wanted(others + 1);
        let mut freed = None;
        if self.bots() > bots_left
            && let Some(bot) = self.bot_to_remove(Some(team))
        {
            freed = Some(bot);
            changes.extend(self.free(bot));
        }
        let slot = self.free_slot(freed).ok_or(Full)?;
        let occupant = Occupant::Person(person);
        changes.push(self.take(Seat { slot, player, team, occupant }));
        Ok(changes)
    }

    /// Frees a seat. Returns the command for the world.
    pub(super) fn free(&mut self, slot: Slot) -> Option<Command> {
        let place = self.taken.iter().position(|seat| seat.slot == slot)?;
        self.taken.remove(place);
        Some(Command::Leave { slot })
    }

    /// Adds or removes bots as the policy wants, and evens out the teams. `bots_play` is false while there are no
    /// people to play with. Returns the commands for the world.
    pub(super) fn settle_bots(&mut self, bots_play: bool, now: Instant) -> Vec<Command> {
        let mut changes = Vec::new();
        let others = self.people() + self.reservations(now, None);
        let wanted = if bots_play { self.bots_wanted(others) } else { 0 };
        while self.bots() > wanted
            && let Some(bot) = self.bot_to_remove(None)
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
            && let Some(bot) = self.bot_to_remove(Some(u8::from(second > first)))
            && self.taken.iter().any(|s| s.slot == bot && s.team == u8::from(second > first))
        {
            changes.extend(self.free(bot));
            changes.extend(self.add_bot(Some(bot)));
        }
        changes
    }

    /// The seats as the stream carries them.
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

    /// The commands that put every player into a new world.
    pub(super) fn joins(&self) -> Vec<Command> {
        self.taken.iter().map(|seat| Command::Join { slot: seat.slot, team: seat.team }).collect()
    }

    /// A world begins whose next step is `next`: earlier inputs and answers are gone.
    pub(super) fn restart(&mut self, next: Tick) {
        for person in self.taken.iter_mut().filter_map(Seat::person_mut) {
            person.inputs.restart(next);
            person.wants_rematch = None;
        }
    }

    pub(in crate::room) fn bots(&self) -> usize {
        self.taken.len() - self.people()
    }

    /// Reservations for players who have not come yet, without the one for `but`.
    fn reservations(&self, now: Instant, but: Option<PlayerId>) -> usize {
        let waits = |player: &PlayerId| {
            Some(*player) != but
                && !self.taken.iter().any(|seat| !seat.is_bot() && seat.player.id == *player)
        };
        self.reserved.iter().filter(|(player, until)| *until > now && waits(player)).count()
    }

    fn bots_wanted(&self, people: usize) -> usize {
        match self.bot_policy {
            BotPolicy::None => 0,
            BotPolicy::Only(_) | BotPolicy::Mixed => self.mode.bot_fill().saturating_sub(people),
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

    /// The bot that came last, if possible in this team; without a team given, in the larger one.
    fn bot_to_remove(&self, team: Option<u8>) -> Option<Slot> {
        let [first, second] = self.team_sizes(|_| true);
        let team = team.unwrap_or(u8::from(second > first));
        let bots = || self.taken.iter().filter(|seat| seat.is_bot());
        bots().rfind(|seat| seat.team == team).or_else(|| bots().next_back()).map(|seat| seat.slot)
    }

    fn add_bot(&mut self, not_in: Option<Slot>) -> Option<Command> {
        let mut idle = self.bot_policy.bots();
        idle.retain(|bot| !self.taken.iter().any(|seat| seat.player.id == bot.player.id));
        let count = u32::try_from(idle.len()).unwrap_or(u32::MAX);
        let choice = usize::try_from(self.choices.below(count)).unwrap_or_default();
        let bot = idle.get(choice)?.clone();
        let slot = self.free_slot(not_in)?;
        let [first, second] = self.team_sizes(|_| true);
        let team = u8::from(self.mode.has_teams() && second < first);
        let occupant = Occupant::Bot(bot.strength);
        Some(self.take(Seat { slot, player: bot.player, team, occupant }))
    }

    /// The lowest free slot, but not `not_in` if there is another one: pushes of the last player there still
    /// count.
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
mod tests;
