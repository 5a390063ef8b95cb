//! Single-use tickets for WebSockets, so that no session token stands in a URL.
//!
//! A ticket is bound to its player and to one scope, is valid for [`TICKET_SECONDS`] and no longer than the session that
//! asked for it, and works once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::api::{Role, WebSocketTicket};
use shared::id::{PlayerId, RoomId};

use crate::player::Player;
use crate::sessions::SignedIn;
use crate::sessions::life::SessionLife;
use crate::sync::lock;
use crate::token::random_token;

/// How long a ticket is valid, in seconds.
pub const TICKET_SECONDS: u32 = 30;
/// Valid tickets at once. One more replaces the oldest: most tickets are used within a second, so what is old and unused is
/// hardly missed, and whoever fills the table keeps nobody out.
const TICKETS_MAX: usize = 10_000;
/// Valid tickets of one player at once. One more replaces the oldest.
const TICKETS_PER_PLAYER_MAX: usize = 8;

/// The WebSocket that a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketScope {
    /// A room, to play or to watch.
    Room(RoomId, Role),
    /// The chat.
    Chat,
}

impl TicketScope {
    fn path(self) -> String {
        match self {
            Self::Room(room, _) => format!("/ws/rooms/{room}"),
            Self::Chat => "/ws/chat".to_owned(),
        }
    }
}

/// A ticket was not accepted: it is unknown, used, expired, for another scope, or of a session that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ticket was used, has expired, or is for something else: ask for a new one")]
pub struct InvalidTicket;

struct Ticket {
    key: String,
    holder: Holder,
    scope: TicketScope,
    expires: Instant,
}

/// The player of a ticket, and the life of the session that asked for it.
#[derive(Clone)]
pub struct Holder {
    /// The player, under the newest name.
    pub player: Player,
    /// Ends with the session.
    pub session: SessionLife,
}

impl From<SignedIn> for Holder {
    fn from(SignedIn { player, life, .. }: SignedIn) -> Self {
        Self { player, session: life }
    }
}

/// The tickets that are issued and not used.
pub struct Tickets {
    prefix: String,
    waiting: Mutex<Waiting>,
}

/// The tickets in the order of issue, which is the order of expiry.
#[derive(Default)]
struct Waiting {
    next: u64,
    tickets: BTreeMap<u64, Ticket>,
    numbers: HashMap<String, u64>,
    /// The oldest first.
    of_player: HashMap<PlayerId, VecDeque<u64>>,
}

impl Tickets {
    /// No tickets, for addresses that begin with `prefix`: a ticket is valid on the node that has issued it.
    #[must_use]
    pub fn new(prefix: String) -> Self {
        Self { prefix, waiting: Mutex::default() }
    }

    /// Issues a ticket, with the URL that it is for.
    pub fn issue(&self, holder: impl Into<Holder>, scope: TicketScope) -> WebSocketTicket {
        self.issue_at(holder.into(), scope, Instant::now())
    }

    /// Redeems a ticket for a room. Returns its holder and role.
    ///
    /// # Errors
    /// [`InvalidTicket`]. A ticket for another scope stays valid for that one.
    pub fn redeem_room(&self, ticket: &str, room: RoomId) -> Result<(Holder, Role), InvalidTicket> {
        let fits = |scope| match scope {
            TicketScope::Room(id, role) if id == room => Some(role),
            TicketScope::Room(..) | TicketScope::Chat => None,
        };
        self.redeem_at(ticket, fits, Instant::now())
    }

    /// Redeems a ticket for the chat. Returns its holder.
    ///
    /// # Errors
    /// [`InvalidTicket`]. A ticket for another scope stays valid for that one.
    pub fn redeem_chat(&self, ticket: &str) -> Result<Holder, InvalidTicket> {
        let fits = |scope| match scope {
            TicketScope::Chat => Some(()),
            TicketScope::Room(..) => None,
        };
        self.redeem_at(ticket, fits, Instant::now()).map(|(holder, ())| holder)
    }

    /// A player has another name: tickets that wait carry it too.
    pub fn rename(&self, player: &Player) {
        let mut waiting = lock(&self.waiting);
        let Waiting { tickets, of_player, .. } = &mut *waiting;
        for number in of_player.get(&player.id).into_iter().flatten() {
            if let Some(ticket) = tickets.get_mut(number) {
                ticket.holder.player.name.clone_from(&player.name);
            }
        }
    }

    fn issue_at(&self, holder: Holder, scope: TicketScope, now: Instant) -> WebSocketTicket {
        let mut waiting = lock(&self.waiting);
        waiting.forget_expired(now);
        waiting.make_room_for(holder.player.id);
        if waiting.tickets.len() >= TICKETS_MAX
            && let Some((&oldest, _)) = waiting.tickets.first_key_value()
        {
            waiting.remove(oldest);
        }
        let key = random_token();
        let expires = now + Duration::from_secs(TICKET_SECONDS.into());
        waiting.add(Ticket { key: key.clone(), holder, scope, expires });
        WebSocketTicket {
            url: format!("{}{}?ticket={key}", self.prefix, scope.path()),
            ticket: key,
            expires_in_s: TICKET_SECONDS,
        }
    }

    fn redeem_at<T>(
        &self,
        key: &str,
        fits: impl FnOnce(TicketScope) -> Option<T>,
        now: Instant,
    ) -> Result<(Holder, T), InvalidTicket> {
        let mut waiting = lock(&self.waiting);
        let number = waiting.numbers.get(key).copied().ok_or(InvalidTicket)?;
        let redeemed = waiting.tickets.get(&number).and_then(|ticket| fits(ticket.scope));
        let redeemed = redeemed.ok_or(InvalidTicket)?;
        let ticket = waiting.remove(number).ok_or(InvalidTicket)?;
        if ticket.expires <= now || ticket.holder.session.has_ended() {
            return Err(InvalidTicket);
        }
        Ok((ticket.holder, redeemed))
    }
}

impl Waiting {
    fn add(&mut self, ticket: Ticket) {
        let number = self.next;
        self.next += 1;
        self.numbers.insert(ticket.key.clone(), number);
        self.of_player.entry(ticket.holder.player.id).or_default().push_back(number);
        self.tickets.insert(number, ticket);
    }

    fn remove(&mut self, number: u64) -> Option<Ticket> {
        let ticket = self.tickets.remove(&number)?;
        self.numbers.remove(&ticket.key);
        let player = ticket.holder.player.id;
        if let Some(own) = self.of_player.get_mut(&player) {
            own.retain(|known| *known != number);
            if own.is_empty() {
                self.of_player.remove(&player);
            }
        }
        Some(ticket)
    }

    fn forget_expired(&mut self, now: Instant) {
        while let Some((&number, _)) =
            self.tickets.first_key_value().filter(|(_, ticket)| ticket.expires <= now)
        {
            self.remove(number);
        }
    }

    /// A client that asks for many tickets uses only the newest ones.
    fn make_room_for(&mut self, player: PlayerId) {
        let Some(own) = self.of_player.get(&player) else { return };
        if own.len() >= TICKETS_PER_PLAYER_MAX
            && let Some(&oldest) = own.front()
        {
            self.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shared::api::Role;
    use shared::id::{PlayerId, PlayerName, RoomId};

    use super::{
        Holder, InvalidTicket, TICKET_SECONDS, TICKETS_MAX, TICKETS_PER_PLAYER_MAX, TicketScope,
        Tickets,
    };
    use crate::player::Player;
    use crate::sessions::life::{Lives, SessionLife};
    use crate::token::hash_token;

    fn guest(id: u64) -> Holder {
        let name = PlayerName::parse("Ada").unwrap();
        Holder {
            player: Player { id: PlayerId::from_bits(id), name },
            session: SessionLife::default(),
        }
    }

    fn ada() -> Holder {
        guest(7)
    }

    /// The players behind the results of redeeming.
    fn player<T>(redeemed: Result<(Holder, T), InvalidTicket>) -> Result<Player, InvalidTicket> {
        redeemed.map(|(holder, _)| holder.player)
    }

    #[test]
    fn a_ticket_works_once_and_for_its_own_scope() {
        let tickets = Tickets::new(String::new());
        let (room, other) = (RoomId::from_bits(1), RoomId::from_bits(2));

        let key = tickets.issue(ada(), TicketScope::Room(room, Role::Player)).ticket;

        assert!(tickets.redeem_chat(&key).is_err());
        assert!(tickets.redeem_room(&key, other).is_err());
        assert_eq!(player(tickets.redeem_room(&key, room)), Ok(ada().player));
        assert_eq!(player(tickets.redeem_room(&key, room)), Err(InvalidTicket));
    }

    #[test]
    fn a_ticket_ends_with_the_session_that_asked_for_it() {
        let (tickets, lives) = (Tickets::new(String::new()), Lives::default());
        let session = lives.of(hash_token("a"));
        let key = tickets.issue(Holder { session, ..ada() }, TicketScope::Chat).ticket;
        let other = tickets.issue(ada(), TicketScope::Chat).ticket;

        lives.end(hash_token("a"));

        assert!(tickets.redeem_chat(&key).is_err());
        assert!(tickets.redeem_chat(&other).is_ok(), "another session of the same player");
    }

    #[test]
    fn a_ticket_carries_the_newest_name() {
        let tickets = Tickets::new(String::new());
        let key = tickets.issue(ada(), TicketScope::Chat).ticket;
        let renamed = Player { name: PlayerName::parse("Eve").unwrap(), ..ada().player };

        tickets.rename(&renamed);

        assert_eq!(tickets.redeem_chat(&key).map(|holder| holder.player), Ok(renamed));
    }

    #[test]
    fn a_ticket_expires() {
        let (tickets, now) = (Tickets::new(String::new()), Instant::now());
        let later = now + Duration::from_secs(TICKET_SECONDS.into());
        let key = tickets.issue_at(ada(), TicketScope::Chat, now).ticket;

        assert!(tickets.redeem_at(&key, |_| Some(()), later).is_err());
    }

    #[test]
    fn a_full_table_refuses_nobody() {
        let tickets = Tickets::new(String::new());
        let keys: Vec<_> = (0..=TICKETS_MAX as u64)
            .map(|id| tickets.issue(guest(id), TicketScope::Chat).ticket)
            .collect();

        assert_eq!(tickets.waiting.lock().unwrap().tickets.len(), TICKETS_MAX);
        assert!(tickets.redeem_chat(&keys[0]).is_err(), "the oldest made room");
        assert!(
            tickets.redeem_chat(&keys[1]).is_ok()
                && tickets.redeem_chat(&keys[TICKETS_MAX]).is_ok()
        );
    }

    #[test]
    fn one_player_s_tickets_take_nobody_else_s_place() {
        let tickets = Tickets::new(String::new());
        let of_bob = tickets.issue(guest(1), TicketScope::Chat).ticket;

        let keys: Vec<_> =
            (0..2 * TICKETS_MAX).map(|_| tickets.issue(ada(), TicketScope::Chat).ticket).collect();

        let good = keys.iter().filter(|key| tickets.redeem_chat(key).is_ok()).count();
        assert_eq!(good, TICKETS_PER_PLAYER_MAX);
        assert!(tickets.redeem_chat(&of_bob).is_ok());
        assert!(tickets.waiting.lock().unwrap().of_player.is_empty());
    }
}
