//! Who may speak, how often, and who hears it.

use std::sync::Arc;

use shared::id::{PlayerId, PlayerName, RoomId};
use shared::protocol::chat::{
    Channel, ChatClientMessage, ChatLine, ChatServerMessage, LINE_CHARS_MAX, LINES_BURST_MAX,
    Refusal,
};
use tokio::sync::{mpsc, oneshot};

use super::{Desk, INBOX_LINES_MAX, tidy};
use crate::chat::{ConnectionId, Joined, Request};
use crate::presence::Presence;
use crate::sessions::{Player, hash_token};
use crate::store::{Players as _, SqlStore};

struct Chat {
    desk: Desk,
    presence: Arc<Presence>,
    store: Arc<SqlStore>,
    _folder: tempfile::TempDir,
}

struct Guest {
    id: PlayerId,
    connection: ConnectionId,
    inbox: mpsc::Receiver<axum::extract::ws::Utf8Bytes>,
}

impl Chat {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("chat.sqlite").display());
        let store = Arc::new(SqlStore::open(&url).await.unwrap());
        let presence = Arc::new(Presence::default());
        let desk = Desk::new(store.clone(), presence.clone(), 0);
        Self { desk, presence, store, _folder: folder }
    }

    async fn join(&mut self, id: u64, after: Option<u64>) -> (Guest, Vec<ChatLine>) {
        let name = PlayerName::parse(&format!("guest {id}")).unwrap();
        let player = Player { id: PlayerId::from_bits(id), name };
        if self.store.player(player.id).await.unwrap().is_none() {
            let token = hash_token(player.name.as_str());
            self.store.add_guest(player.clone(), token, 0).await.unwrap();
        }
        let (reply, joined) = oneshot::channel();
        self.desk.answer(Request::Join { player: player.clone(), after, reply }).await;
        let Joined { connection, inbox } = joined.await.unwrap();
        let mut guest = Guest { id: player.id, connection, inbox };
        match guest.heard() {
            Some(ChatServerMessage::Hello { lines, .. }) => (guest, lines),
            other => panic!("no hello but {other:?}"),
        }
    }

    async fn tell(&mut self, guest: &Guest, message: ChatClientMessage) {
        self.desk.answer(Request::Message { from: guest.connection, message }).await;
    }

    async fn say(&mut self, guest: &Guest, channel: Channel, text: &str) {
        let text = text.to_owned();
        self.tell(guest, ChatClientMessage::Say { channel, text, nonce: 7 }).await;
    }
}

impl Guest {
    fn heard(&mut self) -> Option<ChatServerMessage> {
        self.inbox.try_recv().ok().map(|text| serde_json::from_str(&text).unwrap())
    }

    fn heard_line(&mut self) -> Option<ChatLine> {
        match self.heard()? {
            ChatServerMessage::Line(line) => Some(line),
            other => panic!("no line but {other:?}"),
        }
    }

    fn refusal(&mut self) -> Option<Refusal> {
        match self.heard()? {
            ChatServerMessage::Refused { nonce: 7, reason, .. } => Some(reason),
            other => panic!("no refusal but {other:?}"),
        }
    }
}

#[tokio::test]
async fn everyone_hears_the_lobby_and_the_sender_its_nonce() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;

    chat.say(&ada, Channel::Lobby, " hello\nthere ").await;

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
        chat.presence.enter(ada.id, room, Some(0)),
        chat.presence.enter(bob.id, room, Some(0)),
        chat.presence.enter(eve.id, room, Some(1)),
    ];
    for guest in [&ada, &bob, &eve] {
        chat.tell(guest, ChatClientMessage::Enter { room }).await;
    }
    for guest in [&mut ada, &mut bob, &mut eve] {
        assert!(matches!(guest.heard(), Some(ChatServerMessage::Entered { .. })));
    }

    chat.say(&ada, Channel::Team { room, team: 0 }, "left side").await;
    chat.say(&ada, Channel::Team { room, team: 1 }, "spying").await;
    chat.say(&ada, Channel::Room { room: RoomId::from_bits(8) }, "elsewhere").await;

    assert_eq!(bob.heard_line().unwrap().text, "left side");
    assert_eq!(eve.heard(), None);
    assert_eq!(ada.heard_line().unwrap().text, "left side");
    assert_eq!(ada.refusal(), Some(Refusal::NotThere));
    assert_eq!(ada.refusal(), Some(Refusal::NotThere));
}

#[tokio::test]
async fn a_direct_line_names_the_other_one() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    let (mut bob, _) = chat.join(2, None).await;
    let (mut eve, _) = chat.join(3, None).await;

    chat.say(&ada, Channel::Direct { player: bob.id }, "psst").await;
    chat.say(&ada, Channel::Direct { player: PlayerId::from_bits(99) }, "anyone?").await;

    assert_eq!(ada.heard_line().unwrap().channel, Channel::Direct { player: bob.id });
    assert_eq!(ada.refusal(), Some(Refusal::Unknown));
    assert_eq!(bob.heard_line().unwrap().channel, Channel::Direct { player: ada.id });
    assert_eq!(eve.heard(), None);
}

#[tokio::test]
async fn speech_is_limited_in_length_and_rate() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;

    chat.say(&ada, Channel::Lobby, " \u{202e} ").await;
    assert_eq!(ada.refusal(), Some(Refusal::Empty));
    chat.say(&ada, Channel::Lobby, &"é".repeat(LINE_CHARS_MAX + 1)).await;
    assert_eq!(ada.refusal(), Some(Refusal::TooLong));

    for _ in 0..LINES_BURST_MAX {
        chat.say(&ada, Channel::Lobby, &"é".repeat(LINE_CHARS_MAX)).await;
        assert!(ada.heard_line().is_some());
    }
    chat.say(&ada, Channel::Lobby, "one more").await;
    match ada.heard() {
        Some(ChatServerMessage::Refused { reason: Refusal::TooFast, retry_in_ms, .. }) => {
            assert!(retry_in_ms.is_some_and(|wait| (1..=1_500).contains(&wait)));
        }
        other => panic!("no refusal but {other:?}"),
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let mut chat = Chat::open().await;
    let (mut ada, _) = chat.join(1, None).await;
    chat.say(&ada, Channel::Lobby, "one").await;
    let seen = ada.heard_line().unwrap().sequence;
    chat.desk.answer(Request::Leave { connection: ada.connection }).await;

    let (bob, history) = chat.join(2, None).await;
    assert_eq!(history.len(), 1);
    chat.say(&bob, Channel::Lobby, "two").await;
    chat.say(&bob, Channel::Direct { player: ada.id }, "three").await;

    let (_, missed) = chat.join(1, Some(seen)).await;
    assert_eq!(missed.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["two", "three"]);
    assert_eq!(missed[1].channel, Channel::Direct { player: bob.id });
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_nobody_else_notices() {
    let mut chat = Chat::open().await;
    let (slow, _) = chat.join(1, None).await;
    let (mut quick, _) = chat.join(2, None).await;

    for _ in 0..=INBOX_LINES_MAX {
        // Out of the rate's reach: a refusal fills an inbox as well as a line.
        chat.say(&slow, Channel::Lobby, "").await;
    }
    chat.say(&quick, Channel::Lobby, "still here").await;

    assert!(!chat.desk.listeners.contains_key(&slow.connection));
    assert_eq!(quick.heard_line().unwrap().text, "still here");
}

#[test]
fn nothing_hides_in_a_line() {
    assert_eq!(tidy("\u{7}a\u{202e}b\r\nc "), "a b  c");
}
