//! Who may speak, how often, and who hears it.

mod writing;

use std::sync::Arc;

use futures_util::FutureExt as _;
use shared::id::{PlayerId, PlayerName, RoomId};
use shared::protocol::chat::{
    ChatChannel, ChatLine, ChatRefusal, ChatServerMessage, HISTORY_LINES, LINE_CHARS_MAX,
    LINES_BURST_MAX,
};
use tokio::sync::oneshot;

use super::{Hub, ROOMS_MAX};
use crate::chat::archive::{Archive, Kept, MISSED_LINES_MAX, Read};
use crate::chat::request::{ConnectionId, Joined, Request};
use crate::chat::send_queue::{QUEUED_MESSAGES_MAX, QueuedMessages};
use crate::cluster::post::{Alone, Post};
use crate::player::Player;
use crate::presence::{Presence, TeamSeat};
use crate::storage::{ChatLog as _, DatabaseUrl, Players as _, SqlStore};
use crate::token::hash_token;

const TEAM_0: Option<TeamSeat> = Some(TeamSeat { team: 0, since_ms: 0 });

struct Chat {
    hub: Hub,
    presence: Arc<Presence>,
    store: Arc<SqlStore>,
    _folder: tempfile::TempDir,
}

struct Guest {
    id: PlayerId,
    connection: ConnectionId,
    messages: QueuedMessages,
}

impl Chat {
    async fn open() -> Self {
        Self::open_with(Arc::new(Alone::default())).await
    }

    async fn open_with(post: Arc<dyn Post>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&folder.path().join("chat.sqlite"));
        let store = Arc::new(SqlStore::open(&url).await.unwrap());
        let presence = Arc::new(Presence::default());
        let archive = Archive::new(store.clone(), store.clone(), presence.clone(), post, 0);
        let hub = Hub::new(archive, presence.clone(), 0);
        Self { hub, presence, store, _folder: folder }
    }

    async fn join(&mut self, id: u64, after: Option<u64>) -> (Guest, Vec<ChatLine>) {
        let (guest, lines, _) = self.join_and_ask_for_gap(id, after).await;
        (guest, lines)
    }

    async fn join_and_ask_for_gap(
        &mut self,
        id: u64,
        after: Option<u64>,
    ) -> (Guest, Vec<ChatLine>, bool) {
        let name = PlayerName::parse(&format!("guest {id}")).unwrap();
        let player = Player { id: PlayerId::from_bits(id), name };
        if self.store.player(player.id).await.unwrap().is_none() {
            let token = hash_token(player.name.as_str());
            self.store.add_guest(player.clone(), token, 0).await.unwrap();
        }
        let history = self.hub.archive().missed(player.id, after).await;
        self.let_in(player, history).await
    }

    async fn let_in(&mut self, player: Player, history: Read) -> (Guest, Vec<ChatLine>, bool) {
        let (reply, joined) = oneshot::channel();
        self.hub.answer(Request::Join { player: player.clone(), history, reply });
        let Joined { connection, messages } = joined.await.unwrap();
        let mut guest = Guest { id: player.id, connection, messages };
        match guest.heard() {
            Some(ChatServerMessage::Hello { lines, gap, .. }) => (guest, lines, gap),
            other => panic!("no hello but {other:?}"),
        }
    }

    /// So many lines were said before anybody came.
    async fn fill(&mut self, count: u64, channel: ChatChannel, text: &str) {
        for _ in 0..count {
            self.hub.sequence += 1;
            self.store.add_lines(vec![line(self.hub.sequence, channel, text)]).await.unwrap();
        }
        self.hub.archive().note_published(self.hub.sequence);
        self.hub.recent_after = self.hub.sequence;
    }

    async fn enter(&mut self, guest: &Guest, room: RoomId) {
        let history = self.hub.archive().room(guest.id, room).await;
        self.hub.answer(Request::Enter { from: guest.connection, room, history });
    }

    /// The line is said and not written yet.
    async fn begin_to_say(&mut self, guest: &Guest, channel: ChatChannel, text: &str) {
        let receiver = match channel {
            ChatChannel::Direct { player } => self.hub.archive().knows(player).await,
            _ => Ok(()),
        };
        let (from, text) = (guest.connection, text.to_owned());
        self.hub.answer(Request::Say { from, channel, text, nonce: 7, receiver });
    }

    async fn say(&mut self, guest: &Guest, channel: ChatChannel, text: &str) {
        self.begin_to_say(guest, channel, text).await;
        self.work().await;
    }

    /// What the task does beside the hub, until nothing is left to do.
    async fn work(&mut self) {
        loop {
            if let Some((after, pause)) = self.hub.next_read() {
                let read = self.hub.archive().read_on(after, pause).await;
                self.hub.note_read(read);
                continue;
            }
            let lines = self.hub.next_lines();
            if lines.is_empty() {
                return;
            }
            let kept = self.hub.archive().keep(lines).await;
            self.hub.note_kept(kept);
        }
    }
}

impl Guest {
    fn heard(&mut self) -> Option<ChatServerMessage> {
        let text = self.messages.next().now_or_never().flatten()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    fn heard_line(&mut self) -> Option<ChatLine> {
        match self.heard()? {
            ChatServerMessage::Line(line) => Some(line),
            other => panic!("no line but {other:?}"),
        }
    }

    fn refusal(&mut self) -> Option<ChatRefusal> {
        match self.heard()? {
            ChatServerMessage::Refused { nonce: 7, reason, .. } => Some(reason),
            other => panic!("no refusal but {other:?}"),
        }
    }
}

fn line(sequence: u64, channel: ChatChannel, text: &str) -> ChatLine {
    let (from, name) = (PlayerId::from_bits(99), PlayerName::parse("Somebody").unwrap());
    ChatLine { sequence, at_ms: 5, channel, from, name, text: text.to_owned(), nonce: None }
}

#[tokio::test]
async fn everyone_hears_the_lobby_and_the_sender_its_nonce() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;

    chat.say(&ada, ChatChannel::Lobby, " hello\nthere ").await;

    let heard = bob.heard_line().unwrap();
    assert_eq!((heard.text.as_str(), heard.from, heard.nonce), ("hello there", ada.id, None));
    assert_eq!(ada.heard_line().unwrap(), ChatLine { nonce: Some(7), ..heard });
}

#[tokio::test]
async fn a_team_hears_its_own_lines_only() {
    let mut chat = Chat::open().await;
    let room = RoomId::from_bits(9);
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;
    let (mut eve, _) = chat.join(3, None).await;
    let _present = [
        chat.presence.enter(ada.id, room, TEAM_0),
        chat.presence.enter(bob.id, room, TEAM_0),
        chat.presence.enter(eve.id, room, Some(TeamSeat { team: 1, since_ms: 0 })),
    ];
    for guest in [&ada, &bob, &eve] {
        chat.enter(guest, room).await;
    }
    for guest in [&mut ada, &mut bob, &mut eve] {
        assert!(matches!(guest.heard(), Some(ChatServerMessage::Entered { .. })));
    }

    chat.say(&ada, ChatChannel::Team { room, team: 0 }, "left side").await;
    chat.say(&ada, ChatChannel::Team { room, team: 1 }, "spying").await;
    chat.say(&ada, ChatChannel::Room { room: RoomId::from_bits(8) }, "elsewhere").await;

    assert_eq!(bob.heard_line().unwrap().text, "left side");
    assert_eq!(eve.heard(), None);
    assert_eq!(ada.heard_line().unwrap().text, "left side");
    assert_eq!(ada.refusal(), Some(ChatRefusal::NotThere));
    assert_eq!(ada.refusal(), Some(ChatRefusal::NotThere));
}

#[tokio::test]
async fn a_direct_line_names_the_other_one() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;
    let (mut eve, _) = chat.join(3, None).await;

    chat.say(&ada, ChatChannel::Direct { player: bob.id }, "psst").await;
    chat.say(&ada, ChatChannel::Direct { player: PlayerId::from_bits(99) }, "anyone?").await;

    assert_eq!(ada.heard_line().unwrap().channel, ChatChannel::Direct { player: bob.id });
    assert_eq!(ada.refusal(), Some(ChatRefusal::Unknown));
    assert_eq!(bob.heard_line().unwrap().channel, ChatChannel::Direct { player: ada.id });
    assert_eq!(eve.heard(), None);
}

#[tokio::test]
async fn speech_is_limited_in_length_and_rate() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;

    for nothing in [" \u{202e} ", "\u{200b}\u{200d}", "\u{3164}", "\u{2028}"] {
        chat.say(&ada, ChatChannel::Lobby, nothing).await;
        assert_eq!(ada.refusal(), Some(ChatRefusal::Empty), "{nothing:?}");
    }
    chat.say(&ada, ChatChannel::Lobby, &"é".repeat(LINE_CHARS_MAX + 1)).await;
    assert_eq!(ada.refusal(), Some(ChatRefusal::TooLong));

    for _ in 0..LINES_BURST_MAX {
        chat.say(&ada, ChatChannel::Lobby, &"é".repeat(LINE_CHARS_MAX)).await;
        assert!(ada.heard_line().is_some());
    }
    chat.say(&ada, ChatChannel::Lobby, "one more").await;
    match ada.heard() {
        Some(ChatServerMessage::Refused { reason: ChatRefusal::TooFast, retry_in_ms, .. }) => {
            assert!(retry_in_ms.is_some_and(|wait| (1..=1_500).contains(&wait)));
        }
        other => panic!("no refusal but {other:?}"),
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    chat.say(&ada, ChatChannel::Lobby, "one").await;
    let seen = ada.heard_line().unwrap().sequence;
    chat.hub.answer(Request::Leave { connection: ada.connection });

    let (bob, history) = chat.join(2, None).await;
    assert_eq!(history.len(), 1);
    chat.say(&bob, ChatChannel::Lobby, "two").await;
    chat.say(&bob, ChatChannel::Direct { player: ada.id }, "three").await;

    let (_, missed) = chat.join(1, Some(seen)).await;
    assert_eq!(missed.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["two", "three"]);
    assert_eq!(missed[1].channel, ChatChannel::Direct { player: bob.id });
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_nobody_else_notices() {
    let mut chat = Chat::open().await;
    let (slow, _) = chat.join(1, None).await;
    let (mut quick, _) = chat.join(2, None).await;

    for _ in 0..=QUEUED_MESSAGES_MAX {
        // Out of the rate's reach: a refusal fills the queue as well as a line.
        chat.say(&slow, ChatChannel::Lobby, "").await;
    }
    chat.say(&quick, ChatChannel::Lobby, "still here").await;

    assert!(!chat.hub.listeners.contains_key(&slow.connection));
    assert_eq!(quick.heard_line().unwrap().text, "still here");
}

#[tokio::test]
async fn who_missed_more_than_fits_is_told_of_the_gap() {
    let mut chat = Chat::open().await;
    let missed = MISSED_LINES_MAX as u64;
    chat.fill(missed + 1, ChatChannel::Lobby, "hello").await;

    let (_, lines, gap) = chat.join_and_ask_for_gap(1, Some(1)).await;
    assert_eq!((lines.len(), lines[0].sequence, gap), (MISSED_LINES_MAX, 2, false));
    let (_, lines, gap) = chat.join_and_ask_for_gap(1, Some(0)).await;
    assert_eq!((lines.len(), lines[0].sequence, gap), (MISSED_LINES_MAX, 2, true));
    let (_, lines, gap) = chat.join_and_ask_for_gap(1, None).await;
    assert_eq!((lines.len(), gap), (HISTORY_LINES, false));

    // As many lines, and more bytes than go into a message.
    chat.fill(missed, ChatChannel::Lobby, &"語".repeat(LINE_CHARS_MAX)).await;
    let (_, lines, gap) = chat.join_and_ask_for_gap(1, Some(missed + 1)).await;
    assert!(lines.len() < MISSED_LINES_MAX && gap);
}

#[tokio::test]
async fn a_place_that_this_log_has_not_reached_is_a_gap() {
    let mut chat = Chat::open().await;
    chat.fill(3, ChatChannel::Lobby, "hello").await;

    let (_, lines, gap) = chat.join_and_ask_for_gap(1, Some(4)).await;
    assert_eq!((lines.len(), gap), (3, true));

    let (_, lines, gap) = chat.join_and_ask_for_gap(1, Some(3)).await;
    assert_eq!((lines.len(), gap), (0, false));
}

#[tokio::test]
async fn a_room_with_a_longer_history_says_so() {
    let mut chat = Chat::open().await;
    let room = RoomId::from_bits(9);
    let (mut ada, _) = chat.join(1, None).await;
    let _present = chat.presence.enter(ada.id, room, None);

    for is_longer in [false, true] {
        let count = if is_longer { 1 } else { HISTORY_LINES as u64 };
        chat.fill(count, ChatChannel::Room { room }, "hello").await;
        chat.enter(&ada, room).await;
        match ada.heard() {
            Some(ChatServerMessage::Entered { lines, gap, .. }) => {
                assert_eq!((lines.len(), gap), (HISTORY_LINES, is_longer));
            }
            other => panic!("not let in but {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_newcomer_to_a_team_reads_what_it_says_from_then_on() {
    let mut chat = Chat::open().await;
    let room = RoomId::from_bits(9);
    let team = ChatChannel::Team { room, team: 0 };
    // `fill` writes lines of the year 1970, five milliseconds in.
    chat.fill(1, team, "the old plan").await;
    chat.fill(1, ChatChannel::Room { room }, "hello all").await;
    let (mut ada, _) = chat.join(1, None).await;
    let early = chat.presence.enter(ada.id, room, Some(TeamSeat { team: 0, since_ms: 5 }));

    let entered = async |chat: &mut Chat, guest: &mut Guest| -> Vec<String> {
        chat.enter(guest, room).await;
        match guest.heard() {
            Some(ChatServerMessage::Entered { lines, .. }) => {
                lines.into_iter().map(|line| line.text).collect()
            }
            other => panic!("not let in but {other:?}"),
        }
    };
    assert_eq!(entered(&mut chat, &mut ada).await, ["the old plan", "hello all"]);
    drop(early);
    let _late = chat.presence.enter(ada.id, room, Some(TeamSeat { team: 0, since_ms: 6 }));

    assert_eq!(entered(&mut chat, &mut ada).await, ["hello all"]);
    let (_, lines) = chat.join(1, Some(0)).await;
    assert_eq!(lines.len(), 1, "and when the chat is opened again");
}

#[tokio::test]
async fn one_room_more_than_a_connection_follows_leaves_the_one_entered_first() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (bob, _) = chat.join(2, None).await;
    // The ids fall, so that the first one is not the smallest.
    let rooms: Vec<_> = (0..=ROOMS_MAX as u64).map(|n| RoomId::from_bits(100 - n)).collect();
    let mut present = Vec::new();
    for room in &rooms {
        present.extend([ada.id, bob.id].map(|id| chat.presence.enter(id, *room, None)));
    }

    for room in &rooms[..ROOMS_MAX] {
        chat.enter(&ada, *room).await;
    }
    // Entered again: it is now the newest, and no other one is left for it.
    chat.enter(&ada, rooms[0]).await;
    chat.enter(&ada, rooms[ROOMS_MAX]).await;
    while ada.heard().is_some() {}

    for (number, room) in rooms.iter().enumerate() {
        chat.hub.speakers.clear();
        chat.say(&bob, ChatChannel::Room { room: *room }, "hello").await;
        assert_eq!(ada.heard().is_some(), number != 1, "room {number}");
    }
}

#[tokio::test]
async fn a_new_name_stands_on_the_next_line() {
    let mut chat = Chat::open().await;
    let (ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;

    let player = Player { id: ada.id, name: PlayerName::parse("Countess").unwrap() };
    chat.hub.answer(Request::Rename { player });
    chat.say(&ada, ChatChannel::Lobby, "it is me").await;

    assert_eq!(bob.heard_line().unwrap().name.as_str(), "Countess");
}

#[tokio::test]
async fn lines_that_are_sent_while_somebody_reads_the_history_come_once() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    chat.say(&ada, ChatChannel::Lobby, "before").await;
    let (bob, _) = chat.join(2, None).await;
    let player = Player { id: bob.id, name: PlayerName::parse("guest 2").unwrap() };

    // Sent between the reading and the joining …
    let early = chat.hub.archive().missed(bob.id, Some(0)).await;
    chat.say(&ada, ChatChannel::Lobby, "meanwhile").await;
    chat.say(&ada, ChatChannel::Direct { player: PlayerId::from_bits(1) }, "not for Bob").await;
    let (_, lines, gap) = chat.let_in(player.clone(), early).await;
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!((texts, gap), (vec!["before", "meanwhile"], false));

    // … and written before the reading, but sent after the joining.
    chat.begin_to_say(&ada, ChatChannel::Lobby, "afterwards").await;
    let lines = chat.hub.next_lines();
    chat.store.add_lines(lines).await.unwrap();
    let late = chat.hub.archive().missed(bob.id, Some(2)).await;
    assert_eq!(late.lines.len(), 1);
    let (mut bob, lines, _) = chat.let_in(player, late).await;
    assert_eq!(lines, []);
    chat.hub.note_kept(Kept::Yes);
    assert_eq!(bob.heard_line().unwrap().text, "afterwards");
    assert_eq!(ada.heard_line().unwrap().text, "before");
}

#[tokio::test]
async fn a_line_that_is_sent_again_over_a_new_connection_is_said_once() {
    let mut chat = Chat::open().await;
    let (mut bob, _) = chat.join(2, None).await;
    for is_written_first in [true, false] {
        let (ada, _) = chat.join(1, None).await;
        let text = format!("hello {is_written_first}");
        if is_written_first {
            chat.say(&ada, ChatChannel::Lobby, &text).await;
        } else {
            chat.begin_to_say(&ada, ChatChannel::Lobby, &text).await;
        }
        chat.hub.answer(Request::Leave { connection: ada.connection });

        let (mut again, _) = chat.join(1, None).await;
        chat.say(&again, ChatChannel::Lobby, &text).await;

        let answer = again.heard_line().unwrap();
        assert_eq!((answer.text.as_str(), answer.nonce), (text.as_str(), Some(7)));
        assert!(again.heard().is_none());
        assert_eq!(bob.heard_line().unwrap(), ChatLine { nonce: None, ..answer });
        assert!(bob.heard().is_none(), "it is said once");
        // Over one connection the same words are another line.
        chat.say(&again, ChatChannel::Lobby, &text).await;
        assert!(bob.heard_line().is_some());
    }
}
