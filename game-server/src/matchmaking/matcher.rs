//! Matches those who wait: the work of one node, the steward.
//!
//! Each seat is reserved before its ticket says so, and each ticket is changed by compare-and-set. So a steward may end at any
//! moment, or be two for a moment, and no ticket leads to two seats at once. What was reserved for nothing lapses.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use shared::id::{PlayerId, RoomId};
use tokio::time::{MissedTickBehavior, interval};

use super::board::{Board, Straggler, Waiter};
use super::queue::{Group, TicketNumber, match_up};
use super::seats::{NoSeat, Offers, Seats};
use super::tickets::{Changed, Queue, Seat, SeenTicket, TicketEnd, TicketRow, change};
use crate::cluster::request::Asker;
use crate::cluster::steward::Steward;
use crate::cluster::table::Expect;
use crate::node::NodeName;
use crate::sync::lock;
use crate::tasks::Tasks;

/// The interval at which the queue is matched.
pub(super) const MATCH_EVERY: Duration = Duration::from_millis(250);
/// Groups that are seated at the same time.
const GROUPS_AT_ONCE: usize = 8;
/// Tickets that a beat ends, sets back or forgets: the rest follows in the next one, so that those who wait are matched meanwhile.
const CHANGES_MAX: usize = 256;
/// Tickets that are changed at the same time.
const CHANGES_AT_ONCE: usize = 16;
/// Rows of ended tickets that stay, to answer 410 instead of 404. The oldest are removed first.
const ENDED_MAX: usize = 1_024;

/// Matches tickets.
pub(super) struct Matcher {
    pub(super) queue: Queue,
    pub(super) board: std::sync::Arc<Board>,
    pub(super) seats: Seats,
    pub(super) bots_fill_after: Duration,
}

/// The time, which goes on during a beat: one in which nodes do not answer takes seconds.
#[derive(Debug, Clone, Copy)]
struct Clock {
    start: Instant,
    begun: Instant,
}

impl Clock {
    fn starting_at(start: Instant) -> Self {
        Self { start, begun: Instant::now() }
    }

    fn now(self) -> Instant {
        self.start + self.begun.elapsed()
    }
}

/// The matching of one beat.
struct Beat {
    offers: Offers,
    waiters: HashMap<TicketNumber, Waiter>,
    /// Those for whom there is no seat anywhere.
    full: Mutex<HashSet<TicketNumber>>,
    clock: Clock,
}

impl Matcher {
    /// Matches while this node is the steward and there are tickets.
    pub(super) async fn run(self, tasks: Tasks, steward: Steward) {
        let (mut roles, mut tickets) = (steward.changes(), self.board.has_tickets());
        let mut matching = interval(MATCH_EVERY);
        matching.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let beat = async {
                // Their senders live as long as this does.
                roles.wait_for(|held| *held).await.ok();
                tickets.wait_for(|has| *has).await.ok();
                matching.tick().await;
                if steward.is_held() {
                    self.beat(Instant::now()).await;
                }
            };
            tokio::select! {
                () = tasks.stopping() => return,
                () = beat => {}
            }
        }
    }

    /// Ends, sets back and matches what is to be.
    pub(super) async fn beat(&self, now: Instant) {
        let clock = Clock::starting_at(now);
        self.set_back(clock).await;
        self.end_those_over(clock).await;
        self.forget_ended().await;
        self.match_waiting(clock).await;
    }

    /// Changes a ticket that was seen, and notes it.
    async fn change(
        &self,
        player: PlayerId,
        row: SeenTicket,
        clock: Clock,
        allowed: impl Fn(&TicketRow) -> Option<TicketRow> + Send,
    ) -> Changed {
        let changed = change(&*self.queue, player, row, allowed).await;
        self.board.look_at(player, clock.now());
        changed
    }

    /// Those whose room is gone wait again.
    async fn set_back(&self, clock: Clock) {
        let lost = stream::iter(self.board.lost(clock.now()).into_iter().take(CHANGES_MAX));
        let set_back = |(player, row)| self.set_back_one(player, row, clock);
        lost.for_each_concurrent(CHANGES_AT_ONCE, set_back).await;
    }

    async fn set_back_one(&self, player: PlayerId, row: SeenTicket, clock: Clock) {
        let Some(seat) = row.value.seat().cloned() else { return };
        if !self.seats.is_lost(&seat, player).await {
            return self.board.doubt(player);
        }
        let allowed = |row: &TicketRow| (row.seat() == Some(&seat)).then(|| row.set_back());
        let changed = self.change(player, row, clock, allowed).await;
        tracing::info!(%player, room = %seat.room, ?changed, "the room of a match is gone");
    }

    async fn end_those_over(&self, clock: Clock) {
        let over = stream::iter(self.board.over(clock.now()).into_iter().take(CHANGES_MAX));
        let end = async |(player, row, why): (PlayerId, SeenTicket, TicketEnd)| {
            let before = row.clone();
            let counts = |row: &TicketRow| (row.asked, row.changes);
            let is_same = |other: &TicketRow| {
                other.ticket == before.value.ticket && counts(other) == counts(&before.value)
            };
            let allowed = |other: &TicketRow| is_same(other).then(|| other.ended(why));
            self.change(player, row, clock, allowed).await;
        };
        over.for_each_concurrent(CHANGES_AT_ONCE, end).await;
    }

    async fn forget_ended(&self) {
        if self.board.ended() <= ENDED_MAX {
            return;
        }
        let mut ended = self.queue.rows();
        ended.retain(|(_, row)| !row.value.is_live());
        ended.sort_by_key(|(_, row)| row.revision);
        let too_many = ended.len().saturating_sub(ENDED_MAX).min(CHANGES_MAX);
        let oldest = stream::iter(ended.into_iter().take(too_many));
        let forget = async |(key, row): (String, SeenTicket)| {
            // It stays when its player looks for a match again, or NATS is away.
            self.queue.remove(&key, Expect::Revision(row.revision)).await.ok();
        };
        oldest.for_each_concurrent(CHANGES_AT_ONCE, forget).await;
    }

    async fn match_waiting(&self, clock: Clock) {
        let Some(first) = self.board.waiters().into_iter().next() else { return };
        // Nothing is reserved while nothing can be written.
        if self.queue.read(&first.player.to_string()).await.is_err() {
            tracing::debug!("nobody is matched while the queue does not answer");
            return;
        }
        let stragglers = stream::iter(self.board.stragglers());
        let seated = |straggler| self.seat_straggler(straggler, clock);
        stragglers.for_each_concurrent(GROUPS_AT_ONCE, seated).await;
        let offers = self.seats.offers().await;
        let waiters = self.board.waiters();
        let mut queue: Vec<_> = waiters.iter().map(|waiter| waiter.waiting.clone()).collect();
        let groups = match_up(&mut queue, offers.candidates(), self.bots_fill_after, clock.now());
        let waiters = waiters.into_iter().map(|waiter| (waiter.waiting.number, waiter)).collect();
        let beat = Beat { offers, waiters, full: Mutex::default(), clock };
        let seated = stream::iter(groups);
        seated.for_each_concurrent(GROUPS_AT_ONCE, |group| self.seat_group(&beat, group)).await;
        self.note_full(beat).await;
    }

    /// The steward before has matched the others of the group only.
    async fn seat_straggler(&self, straggler: Straggler, clock: Clock) {
        let Straggler { player, row, seat } = straggler;
        // One that is dead may take long not to answer.
        if self.seats.is_dead(&seat.node)
            || self.seats.reserve_at(&seat.node, seat.room, vec![player]).await.is_err()
        {
            return;
        }
        let seat = Seat::new(seat.room, seat.node, seat.full, seat.group);
        let ticket = row.value.ticket.clone();
        let changed = self.change(player, row, clock, |row| matched(row, &ticket, &seat)).await;
        tracing::info!(room = %seat.room, ?changed, "matched with those who have their seats");
    }

    async fn seat_group(&self, beat: &Beat, group: Group) {
        let mut members: Vec<_> =
            group.members.iter().filter_map(|number| beat.waiters.get(number)).collect();
        // Two stewards change them in the same order, so that one of them has the whole group.
        members.sort_by_key(|waiter| waiter.player);
        let askers: Vec<_> = members
            .iter()
            .map(|waiter| Asker { player: waiter.player, address: waiter.row.value.address })
            .collect();
        let seated = match group.room {
            Some(room) => {
                let players = askers.iter().map(|asker| asker.player).collect();
                let reserved = self.seats.reserve(&beat.offers, room, players).await;
                reserved.map(|node| (node, room))
            }
            None => self.seats.open(&beat.offers, group.mode, &askers).await,
        };
        match seated {
            Ok((node, room)) => self.matched(beat, &members, node, room, false).await,
            Err(NoSeat::Full) => self.seat_anywhere(beat, &members, &group).await,
            Err(NoSeat::Later) => tracing::debug!("a match found no room"),
        }
    }

    /// No room can be opened: each player gets a seat in a room that is there, or waits for one.
    async fn seat_anywhere(&self, beat: &Beat, members: &[&Waiter], group: &Group) {
        for waiter in members {
            let found = self.seats.reserve_anywhere(&beat.offers, group.mode, waiter.player).await;
            match found {
                Ok((node, room)) => self.matched(beat, &[*waiter], node, room, true).await,
                Err(NoSeat::Full) => drop(lock(&beat.full).insert(waiter.waiting.number)),
                Err(NoSeat::Later) => {}
            }
        }
    }

    async fn matched(
        &self,
        beat: &Beat,
        members: &[&Waiter],
        node: NodeName,
        room: RoomId,
        full: bool,
    ) {
        let group: Vec<_> = members.iter().map(|waiter| waiter.row.value.ticket.clone()).collect();
        let seat = Seat::new(room, node, full, group);
        let mut people = 0;
        for (place, waiter) in members.iter().enumerate() {
            let ticket = &waiter.row.value.ticket;
            let allowed = |row: &TicketRow| matched(row, ticket, &seat);
            let changed = self.change(waiter.player, waiter.row.clone(), beat.clock, allowed).await;
            match changed {
                Changed::Done => people += 1,
                Changed::Refused(row) => {
                    let is_elsewhere = row.is_some_and(|row| row.value.seat().is_some());
                    let is_alone = people == 0 && place + 2 == members.len();
                    // Another steward has them, or the only other one has cancelled.
                    if (is_elsewhere && people == 0) || is_alone {
                        break;
                    }
                }
                // It may be matched. The others follow in another beat.
                Changed::Away => break,
            }
        }
        if people > 0 {
            tracing::info!(%room, node = %seat.node, people, full, "matched");
        }
    }

    /// Tells those who wait whether everything is full.
    async fn note_full(&self, beat: Beat) {
        let full = beat.full.into_inner().unwrap_or_default();
        let is_news = |(number, waiter): &(TicketNumber, Waiter)| {
            let row = &waiter.row.value;
            row.with_full(full.contains(number)).state != row.state
        };
        let news = stream::iter(beat.waiters.into_iter().filter(is_news).take(CHANGES_MAX));
        let note = async |(number, Waiter { player, row, .. }): (TicketNumber, Waiter)| {
            let (ticket, full) = (row.value.ticket.clone(), full.contains(&number));
            let is_same = |other: &TicketRow| other.ticket == ticket && other.is_waiting();
            let allowed = |other: &TicketRow| is_same(other).then(|| other.with_full(full));
            self.change(player, row, beat.clock, allowed).await;
        };
        news.for_each_concurrent(CHANGES_AT_ONCE, note).await;
    }
}

/// The ticket of this name with a seat, if it can still be matched.
fn matched(row: &TicketRow, ticket: &str, seat: &Seat) -> Option<TicketRow> {
    (row.ticket == ticket && row.can_be_matched()).then(|| row.matched(seat.clone()))
}
