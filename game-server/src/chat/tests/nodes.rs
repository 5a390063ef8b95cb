//! Nodes with hubs over one PostgreSQL database, and clients of them.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use shared::id::{PlayerId, PlayerName};
use shared::protocol::chat::{
    ChatChannel, ChatClientMessage, ChatLine, ChatRefusal, ChatServerMessage,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::chat::request::Joined;
use crate::chat::{ChatHandle, start_comparing};
use crate::cluster::exchange::Exchange;
use crate::player::Player;
use crate::presence::Presence;
use crate::storage::{ChatLog, DatabaseUrl, LogPart, Readable, SqlStore, StoreError, StoreFuture};
use crate::tasks::Tasks;

/// A message that does not come within this time never comes.
const WITHIN: Duration = Duration::from_secs(20);

/// The database, and what carries hints.
pub(super) struct Nodes {
    url: DatabaseUrl,
    pub(super) exchange: Exchange,
    /// Of no node.
    pub(super) store: SqlStore,
}

/// One node, with connections of its own to the database.
pub(super) struct Node {
    chat: ChatHandle,
    tasks: Tasks,
}

/// A connection to the chat of a node.
pub(super) struct Client {
    chat: ChatHandle,
    player: Player,
    joined: Joined,
    greeting: Option<(Vec<ChatLine>, bool)>,
}

/// Whether the store answers when it was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    Given,
    /// Each line is written, and the first answer for it is lost.
    Lost,
    /// Some lines are written and some are not, and the answer is lost.
    LostNowAndThen,
    /// The first lines are written and the first reading is done, and no answer comes.
    NoneAtFirst,
}

pub(super) fn player(id: u64) -> Player {
    Player { id: PlayerId::from_bits(id), name: PlayerName::parse(&format!("guest {id}")).unwrap() }
}

impl Nodes {
    pub(super) async fn new() -> Self {
        Self::on(&test_postgres::empty_database()).await
    }

    pub(super) async fn on(database: &str) -> Self {
        let url = DatabaseUrl::from(database);
        let store = SqlStore::open(&url).await.unwrap();
        Self { url, exchange: Exchange::new(), store }
    }

    pub(super) async fn open(&self, compare_every: Duration) -> Node {
        self.open_with(compare_every, Answers::Given).await
    }

    pub(super) async fn open_with(&self, compare_every: Duration, answers: Answers) -> Node {
        let store = Arc::new(SqlStore::open(&self.url).await.unwrap());
        let log = Arc::new(BrokenLog {
            store: store.clone(),
            answers,
            writes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        });
        let tasks = Tasks::new(CancellationToken::new(), Duration::from_secs(1));
        let presence = Arc::new(Presence::default());
        let post = self.exchange.post();
        let chat = start_comparing(compare_every, &tasks, log, store, presence, post);
        let node = Node { chat: chat.await.unwrap(), tasks };
        // The first comparison comes at the start. A node that has answered has made it.
        drop(node.join(8_999, None).await);
        node
    }
}

impl Node {
    pub(super) async fn join(&self, id: u64, after: Option<u64>) -> Client {
        let (chat, player) = (self.chat.clone(), player(id));
        let joined = chat.join(player.clone(), after).await.unwrap();
        let mut client = Client { chat, player, joined, greeting: None };
        match client.next().await {
            ChatServerMessage::Hello { lines, gap, .. } => client.greeting = Some((lines, gap)),
            other => panic!("no greeting but {other:?}"),
        }
        client
    }

    pub(super) async fn stop(self) {
        self.tasks.stop();
        self.tasks.finish().await;
        assert_eq!(self.tasks.outcome(), Ok(()));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Client {
    pub(super) fn greeting(&mut self) -> (Vec<ChatLine>, bool) {
        self.greeting.take().unwrap()
    }

    pub(super) async fn next(&mut self) -> ChatServerMessage {
        let next = timeout(WITHIN, self.joined.messages.next()).await;
        serde_json::from_str(&next.expect("a message in time").expect("an open chat")).unwrap()
    }

    /// The next line, which comes from another connection.
    pub(super) async fn line(&mut self) -> ChatLine {
        match self.next().await {
            ChatServerMessage::Line(line) => line,
            other => panic!("no line but {other:?}"),
        }
    }

    pub(super) fn heard_now(&mut self) -> Option<String> {
        self.joined.messages.next().now_or_never().flatten().map(|text| text.to_string())
    }

    pub(super) async fn send(&self, channel: ChatChannel, text: &str, nonce: u32) {
        let say = ChatClientMessage::Say { channel, text: text.to_owned(), nonce };
        self.chat.send(self.joined.connection, &self.player, say).await;
    }

    /// The answer to the line of this nonce. What others say meanwhile is passed over.
    pub(super) async fn answer(&mut self, nonce: u32) -> Result<ChatLine, ChatRefusal> {
        loop {
            match self.next().await {
                ChatServerMessage::Line(line) if line.nonce == Some(nonce) => return Ok(line),
                ChatServerMessage::Refused { nonce: of, reason, .. } if of == nonce => {
                    return Err(reason);
                }
                ChatServerMessage::Line(line) if line.nonce.is_none() => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    pub(super) async fn say(&mut self, channel: ChatChannel, text: &str, nonce: u32) -> ChatLine {
        self.send(channel, text, nonce).await;
        self.answer(nonce).await.unwrap()
    }
}

/// The log, over a connection that breaks.
struct BrokenLog {
    store: Arc<SqlStore>,
    answers: Answers,
    writes: AtomicU64,
    reads: AtomicU64,
}

impl ChatLog for BrokenLog {
    fn add_lines(&self, lines: Vec<ChatLine>) -> StoreFuture<'_, ()> {
        let broken = || StoreError::from(sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()));
        let attempt = self.writes.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match (self.answers, attempt % 31) {
                (Answers::LostNowAndThen, 2) => Err(broken()),
                (Answers::NoneAtFirst, 0) => {
                    self.store.add_lines(lines).await?;
                    pending().await
                }
                (Answers::LostNowAndThen, 5) | (Answers::Lost, _) => {
                    self.store.add_lines(lines).await?;
                    Err(broken())
                }
                _ => self.store.add_lines(lines).await,
            }
        })
    }

    fn lines(&self, of: Readable, after: u64, limit: u32) -> StoreFuture<'_, Vec<ChatLine>> {
        self.store.lines(of, after, limit)
    }

    fn lines_after(&self, after: u64, limit: u32) -> StoreFuture<'_, LogPart> {
        // The first reading is that of the start.
        if self.answers == Answers::NoneAtFirst && self.reads.fetch_add(1, Ordering::Relaxed) == 1 {
            return Box::pin(pending());
        }
        self.store.lines_after(after, limit)
    }

    fn last_sequence(&self) -> StoreFuture<'_, u64> {
        self.store.last_sequence()
    }
}
