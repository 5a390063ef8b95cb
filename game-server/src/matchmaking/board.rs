//! What one node knows of the tickets, and shows of them: its copy of the table with the times at which it saw things, on its
//! own clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::api::MatchTicket;
use shared::id::PlayerId;
use shared::sim::Mode;
use tokio::sync::watch;

use super::queue::{TicketNumber, Waiting};
use super::tickets::{Queue, Seat, SeenTicket, TicketEnd, TicketRow, since};
use crate::room::RESERVATION_KEPT;
use crate::sync::lock;

/// A ticket ends this long after the last request for it that was noted.
pub(super) const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// The least time between two notes that a ticket is still asked for.
pub(super) const NOTED_EVERY: Duration = Duration::from_secs(15);
/// Tickets of which it is noted at once. The rest follows in the next beat.
const NOTES_MAX: usize = 256;
/// A room that is unknown for this long is gone. A new one is known a moment later than the ticket that leads to it.
const GONE_AFTER: Duration = Duration::from_secs(2);

/// The state of a ticket, now and after each change. The ticket has ended when the sender is gone.
pub type TicketUpdates = watch::Receiver<MatchTicket>;

/// The board of one node.
pub(super) struct Board {
    queue: Queue,
    bots_fill_after: Duration,
    state: Mutex<State>,
    /// Whether there is any ticket that has not ended.
    has_tickets: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// The tickets that have not ended. Bounded by those that the table has.
    known: HashMap<PlayerId, Known>,
    names: HashMap<String, PlayerId>,
    /// Those that can be matched.
    in_queue: BTreeMap<Mode, usize>,
    next_number: TicketNumber,
    /// When the table was last looked at as a whole.
    looked: Option<Instant>,
    ended: usize,
    is_closed: bool,
}

struct Known {
    /// In the order in which this node came to know them.
    number: TicketNumber,
    row: SeenTicket,
    /// Since when it waits.
    since: Instant,
    /// When its state became what it is.
    changed: Instant,
    /// When it was last noted that it is asked for.
    noted: Instant,
    /// When it was last asked for here.
    asked: Instant,
    shown: watch::Sender<MatchTicket>,
    /// Whether the player has come to the seat.
    has_come: bool,
    /// Since when the room is unknown.
    unknown: Option<Instant>,
}

/// What is to be seen of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The player has taken it.
    Taken,
    /// The room is there.
    Kept,
    /// The room is not known.
    Unknown,
    /// Its node is dead.
    Dead,
}

/// A look at rows.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Whether this node was told of every change until now.
    is_told: bool,
    bots_fill_after: Duration,
    now: Instant,
}

/// A ticket that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiter {
    pub(super) waiting: Waiting,
    pub(super) player: PlayerId,
    pub(super) row: SeenTicket,
}

/// A ticket that waits although those it is matched with have their seats.
#[derive(Debug)]
pub(super) struct Straggler {
    pub(super) player: PlayerId,
    pub(super) row: SeenTicket,
    pub(super) seat: Seat,
}

impl Known {
    fn is_followed(&self) -> bool {
        self.shown.receiver_count() > 0
    }

    /// Changes what is shown, and the version with it, unless it is the same.
    fn show(&self, in_queue: usize, bots_fill_after: Duration, now: Instant) {
        let waited = now.saturating_duration_since(self.since);
        let state = self.row.value.shown(waited, in_queue, bots_fill_after);
        let version = self.row.value.version(waited);
        self.shown.send_if_modified(|shown| {
            let changes = shown.state != state;
            if changes {
                shown.version = version.max(shown.version + 1);
                shown.state = state;
            }
            changes
        });
    }

    fn is_lost(&self, now: Instant) -> bool {
        let is_gone = self.unknown.is_some_and(|since| now >= since + GONE_AFTER);
        is_gone && !self.has_come && self.row.value.seat().is_some()
    }

    /// Whether the ticket is over. Silence counts from `heard_since` on.
    fn end(&self, heard_since: Instant, now: Instant) -> Option<TicketEnd> {
        if self.row.value.seat().is_some() {
            return (now >= self.changed + RESERVATION_KEPT).then_some(TicketEnd::SeatGone);
        }
        let last = self.noted.max(self.asked).max(heard_since);
        (!self.is_followed() && now >= last + ABANDONED_AFTER).then_some(TicketEnd::Abandoned)
    }
}

impl Board {
    pub(super) fn new(queue: Queue, bots_fill_after: Duration) -> Self {
        let (state, has_tickets) = (Mutex::default(), watch::Sender::new(false));
        Self { queue, bots_fill_after, state, has_tickets }
    }

    /// Whether there is any ticket, and each change of that.
    pub(super) fn has_tickets(&self) -> watch::Receiver<bool> {
        self.has_tickets.subscribe()
    }

    /// Looks at the whole table.
    pub(super) fn look(&self, now: Instant) {
        let mut state = lock(&self.state);
        // Under the lock, so that no older state follows a newer one.
        let (rows, current_since) = (self.queue.rows(), self.queue.current_since());
        let is_told = current_since.zip(state.looked).is_some_and(|(since, last)| since <= last);
        let look = self.look_with(is_told, now);
        let (mut seen, mut new) = (HashSet::new(), Vec::new());
        state.ended = 0;
        for (key, row) in rows {
            let Ok(player) = key.parse::<PlayerId>() else { continue };
            if !row.value.is_live() {
                state.ended += 1;
                continue;
            }
            seen.insert(player);
            match state.known.contains_key(&player) {
                true => state.apply(player, row, look),
                false => new.push((row.value.since_ms, player, row)),
            }
        }
        let gone = state.known.keys().filter(|player| !seen.contains(player));
        let gone: Vec<_> = gone.copied().collect();
        gone.into_iter().for_each(|player| state.remove(player));
        new.sort_by_key(|(since_ms, player, _)| (*since_ms, *player));
        for (_, player, row) in new {
            state.apply(player, row, look);
        }
        state.looked = Some(now);
        self.tell(&state);
    }

    /// Looks at the row of one player, which was just written or read.
    pub(super) fn look_at(&self, player: PlayerId, now: Instant) {
        let mut state = lock(&self.state);
        if state.is_closed {
            return;
        }
        match self.queue.get(&player.to_string()) {
            Some(row) if row.value.is_live() => {
                state.apply(player, row, self.look_with(true, now));
            }
            _ => state.remove(player),
        }
        self.tell(&state);
    }

    fn look_with(&self, is_told: bool, now: Instant) -> Look {
        Look { is_told, bots_fill_after: self.bots_fill_after, now }
    }

    fn tell(&self, state: &State) {
        let has = !state.known.is_empty();
        self.has_tickets.send_if_modified(|had| std::mem::replace(had, has) != has);
    }

    /// Follows a ticket. `None` when this node does not know it.
    pub(super) fn follow(
        &self,
        player: PlayerId,
        ticket: &str,
        now: Instant,
    ) -> Option<TicketUpdates> {
        self.look_at(player, now);
        let mut state = lock(&self.state);
        let State { known, in_queue, .. } = &mut *state;
        let known = known.get_mut(&player).filter(|known| known.row.value.ticket == ticket)?;
        known.asked = now;
        known.show(of(in_queue, known.row.value.mode), self.bots_fill_after, now);
        Some(known.shown.subscribe())
    }

    /// Publishes how long each player has waited, and looks whether the seats that were found are there.
    pub(super) fn beat(&self, look: impl Fn(PlayerId, &Seat) -> Sight, now: Instant) {
        let mut state = lock(&self.state);
        let State { known, in_queue, .. } = &mut *state;
        for (player, known) in known {
            if let Some(seat) = known.row.value.seat() {
                match look(*player, seat) {
                    Sight::Taken => known.has_come = true,
                    Sight::Kept => known.unknown = None,
                    Sight::Unknown => drop(known.unknown.get_or_insert(now)),
                    Sight::Dead => known.unknown = now.checked_sub(GONE_AFTER),
                }
            } else if known.is_followed() {
                known.asked = now;
                known.show(of(in_queue, known.row.value.mode), self.bots_fill_after, now);
            }
        }
    }

    /// Tickets of which it is to be noted that they are asked for. One that is matched only then does not wait for it.
    pub(super) fn to_be_noted(&self, now: Instant) -> Vec<(PlayerId, SeenTicket)> {
        let state = lock(&self.state);
        let is_due = |known: &&Known| {
            known.row.value.is_waiting()
                && known.asked > known.noted
                && (known.row.value.is_unasked() || now >= known.noted + NOTED_EVERY)
        };
        let due = state.known.iter().filter(|(_, known)| is_due(known)).take(NOTES_MAX);
        due.map(|(player, known)| (*player, known.row.clone())).collect()
    }

    /// Those that can be matched, in order.
    pub(super) fn waiters(&self) -> Vec<Waiter> {
        let state = lock(&self.state);
        let waiting = state.known.iter().filter(|(_, known)| known.row.value.can_be_matched());
        let waiter = |(player, known): (&PlayerId, &Known)| {
            let TicketRow { mode, rating, .. } = known.row.value;
            let waiting = Waiting { number: known.number, mode, rating, since: known.since };
            Waiter { waiting, player: *player, row: known.row.clone() }
        };
        let mut waiters: Vec<_> = waiting.map(waiter).collect();
        waiters.sort_unstable_by_key(|waiter| waiter.waiting.number);
        waiters
    }

    /// Those that wait although others of their group have a seat: the node that matched them came no further.
    pub(super) fn stragglers(&self) -> Vec<Straggler> {
        let state = lock(&self.state);
        let mut stragglers = Vec::new();
        for seat in state.known.values().filter_map(|known| known.row.value.seat()) {
            for ticket in &seat.group {
                let Some(player) = state.names.get(ticket) else { continue };
                let Some(known) = state.known.get(player) else { continue };
                if known.row.value.can_be_matched() {
                    let (player, row, seat) = (*player, known.row.clone(), seat.clone());
                    stragglers.push(Straggler { player, row, seat });
                }
            }
        }
        stragglers
    }

    /// The room of a seat may be there after all: it is looked for anew.
    pub(super) fn doubt(&self, player: PlayerId) {
        if let Some(known) = lock(&self.state).known.get_mut(&player) {
            known.unknown = None;
        }
    }

    /// Those whose seat seems to be lost, before the player came.
    pub(super) fn lost(&self, now: Instant) -> Vec<(PlayerId, SeenTicket)> {
        let state = lock(&self.state);
        let lost = state.known.iter().filter(|(_, known)| known.is_lost(now));
        lost.map(|(player, known)| (*player, known.row.clone())).collect()
    }

    /// Those that nobody asks for, and those whose seat is no longer reserved.
    pub(super) fn over(&self, now: Instant) -> Vec<(PlayerId, SeenTicket, TicketEnd)> {
        let Some(heard_since) = self.queue.current_since() else { return Vec::new() };
        let state = lock(&self.state);
        let over = state.known.iter().filter_map(|(player, known)| {
            Some((*player, known.row.clone(), known.end(heard_since, now)?))
        });
        over.collect()
    }

    /// Of the tickets that nobody follows, the one that was not asked for longest, and at least for this long.
    pub(super) fn longest_unasked(
        &self,
        least: Duration,
        now: Instant,
    ) -> Option<(PlayerId, SeenTicket)> {
        let state = lock(&self.state);
        let last = |known: &Known| known.asked.max(known.noted);
        let unasked = state.known.iter().filter(|(_, known)| {
            !known.is_followed() && now.saturating_duration_since(last(known)) >= least
        });
        let (player, known) = unasked.min_by_key(|(_, known)| (last(known), known.number))?;
        Some((*player, known.row.clone()))
    }

    /// Tickets that have not ended.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).known.len()
    }

    /// Rows of tickets that have ended, when the table was last looked at as a whole.
    pub(super) fn ended(&self) -> usize {
        lock(&self.state).ended
    }

    /// Whose ticket it is.
    pub(super) fn owner(&self, ticket: &str) -> Option<PlayerId> {
        lock(&self.state).names.get(ticket).copied()
    }

    /// Forgets everything, for good.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        *state = State { is_closed: true, ..State::default() };
        self.tell(&state);
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).is_closed
    }
}

fn of(in_queue: &BTreeMap<Mode, usize>, mode: Mode) -> usize {
    in_queue.get(&mode).copied().unwrap_or_default()
}

impl State {
    /// Notes a ticket that has not ended.
    fn apply(&mut self, player: PlayerId, row: SeenTicket, look: Look) {
        let is_known = |known: &Known| known.row.value.ticket == row.value.ticket;
        if !self.known.get(&player).is_some_and(is_known) {
            self.remove(player);
            return self.insert(player, row, look);
        }
        let Look { bots_fill_after, now, .. } = look;
        let Some(known) = self.known.get_mut(&player) else { return };
        if known.row.revision == row.revision {
            return;
        }
        let before = std::mem::replace(&mut known.row, row);
        let (before, row) = (&before.value, &known.row.value);
        if before.asked != row.asked {
            known.noted = now;
        }
        let count = self.in_queue.entry(row.mode).or_default();
        match (before.can_be_matched(), row.can_be_matched()) {
            (true, false) => *count = count.saturating_sub(1),
            (false, true) => *count += 1,
            _ => {}
        }
        if before.changes != row.changes {
            (known.changed, known.has_come, known.unknown) = (now, false, None);
            known.show(*count, bots_fill_after, now);
        }
    }

    fn insert(&mut self, player: PlayerId, row: SeenTicket, look: Look) {
        let Look { is_told, bots_fill_after, now } = look;
        let ticket = &row.value;
        let since = since(ticket, is_told, now);
        let waited = now.saturating_duration_since(since);
        let count = self.in_queue.entry(ticket.mode).or_default();
        *count += usize::from(ticket.can_be_matched());
        let shown = MatchTicket {
            ticket: ticket.ticket.clone(),
            version: ticket.version(waited),
            state: ticket.shown(waited, *count, bots_fill_after),
        };
        self.names.insert(ticket.ticket.clone(), player);
        let known = Known {
            number: self.next_number,
            row,
            since,
            changed: now,
            noted: now,
            asked: now,
            shown: watch::Sender::new(shown),
            has_come: false,
            unknown: None,
        };
        self.next_number += 1;
        self.known.insert(player, known);
    }

    fn remove(&mut self, player: PlayerId) {
        let Some(Known { row, .. }) = self.known.remove(&player) else { return };
        self.names.remove(&row.value.ticket);
        if row.value.can_be_matched()
            && let Some(count) = self.in_queue.get_mut(&row.value.mode)
        {
            *count = count.saturating_sub(1);
        }
    }
}
