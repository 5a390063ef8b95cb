//! The promise of a shared log: every node has the same events under the same numbers, whatever happens to NATS.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::feed::Cursor;
use test_nats::Nats as Server;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Checkpoint, SharedFeed, SharedState, publish};
use crate::clock::now_ms;
use crate::cluster::kv_table::{KvTable, TableName};
use crate::cluster::nats::Nats;
use crate::cluster::table::Table as _;
use crate::feeds::feed::{Feed, FeedLimits, FeedState, Source as _};
use crate::feeds::outbox::{Outbox, Waiting};
use crate::feeds::reader::{Next, Reader, Start};
use crate::metrics::Engines;
use crate::tasks::Tasks;

const PATIENCE: Duration = Duration::from_secs(30);
const TABLE: TableName = TableName { table: "feeds", task: "table feeds" };

/// Every number that was published, in order.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Numbers(Vec<u64>);

impl FeedState for Numbers {
    type Event = u64;

    fn kind(_: &u64) -> &'static str {
        "number"
    }

    fn apply(&mut self, number: u64) {
        self.0.push(number);
    }
}

impl SharedState for Numbers {
    fn event(kind: &str, data: &str) -> Option<u64> {
        if kind == "number" { data.parse().ok() } else { None }
    }
}

/// A node that has one feed.
struct Node {
    feed: Arc<Feed<Numbers>>,
    outbox: Arc<Outbox>,
    renewed: Arc<Notify>,
    checkpoints: Arc<KvTable<Checkpoint>>,
    is_current: watch::Receiver<bool>,
    tasks: Tasks,
}

impl Node {
    async fn start(server: &Server, name: &str) -> Self {
        let tasks = Tasks::new(CancellationToken::new(), Duration::from_secs(1));
        let (url, engine) = (server.url().parse().unwrap(), Engines::default().nats);
        let node = name.parse().unwrap();
        let nats = Nats::connect(&url, None, node, engine.clone(), PATIENCE).await.unwrap();
        let checkpoints = KvTable::open(&tasks, &nats, TABLE, PATIENCE).await.unwrap();
        let limits = FeedLimits::default();
        let feed = Arc::new(Feed::new("numbers", Numbers::default(), limits));
        let (outbox, renewed) = (Arc::new(Outbox::new(false)), Arc::new(Notify::new()));
        let shared = SharedFeed {
            feed: feed.clone(),
            name: "numbers",
            nats: nats.clone(),
            engine: engine.clone(),
            checkpoints: checkpoints.clone(),
            fresh: Arc::new(|| Box::pin(async { Ok(Numbers::default()) })),
            renewed: renewed.clone(),
        };
        let is_current = shared.follow(&tasks, "feed numbers");
        let boot = rand::random();
        let publishing =
            publish(tasks.clone(), nats, engine, "numbers", boot, None, outbox.clone());
        tasks.spawn_vital("publish numbers", publishing);
        let mut node = Self { feed, outbox, renewed, checkpoints, is_current, tasks };
        node.becomes_current().await;
        node
    }

    async fn becomes_current(&mut self) {
        let is_current = self.is_current.wait_for(|is_current| *is_current);
        timeout(PATIENCE, is_current).await.expect("a log that is followed").unwrap();
    }

    /// Publishes a number. Each is its own key, so that none replaces another.
    fn say(&self, number: u64) {
        let (kind, data) = ("number", number.to_string());
        self.outbox.put(number, Waiting { kind, data, is_end: false });
    }

    /// Waits for this many numbers in the state.
    async fn has(&self, count: usize) -> Vec<u64> {
        let mut changes = self.feed.changes();
        let has_all = async {
            loop {
                let numbers = self.feed.with_state(|state| state.0.clone());
                if numbers.len() >= count {
                    return numbers;
                }
                changes.changed().await.unwrap();
            }
        };
        let found = timeout(PATIENCE, has_all).await;
        found.unwrap_or_else(|_| panic!("{:?}", self.feed.with_state(Clone::clone)))
    }

    async fn stop(self) {
        self.tasks.stop();
        self.tasks.finish().await;
    }
}

/// What a reader gets from there on, up to this event.
fn read_after(node: &Node, cursor: Cursor, until: u64) -> Vec<String> {
    let start = Start::After(cursor);
    let mut reader = Reader::open(node.feed.clone(), start);
    let mut texts = Vec::new();
    while reader.cursor().sequence < until {
        texts.push(reader.next_ready().expect("an event").text().to_string());
    }
    texts
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn every_node_has_the_same_events_under_the_same_numbers() {
    let server = Server::start();
    let (one, other) = tokio::join!(Node::start(&server, "a"), Node::start(&server, "b"));
    let begin = one.feed.position();
    assert_eq!(begin, other.feed.position());

    for number in 0..100 {
        if number % 2 == 0 { one.say(number) } else { other.say(number) }
    }
    let numbers = one.has(100).await;
    assert_eq!(other.has(100).await, numbers);
    assert_eq!(sorted(numbers), (0..100).collect::<Vec<_>>());
    let end = one.feed.position();
    assert_eq!(end, other.feed.position());
    assert_eq!(read_after(&one, begin, end.sequence), read_after(&other, begin, end.sequence));

    // A node that comes later has the log of before, too.
    let late = Node::start(&server, "c").await;
    assert_eq!(late.feed.position(), end);
    assert_eq!(read_after(&late, begin, end.sequence), read_after(&one, begin, end.sequence));
    for node in [one, other, late] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_reader_from_a_node_that_is_ahead_gets_nothing_twice() {
    let server = Server::start();
    let node = Node::start(&server, "a").await;
    node.say(1);
    node.has(1).await;
    let here = node.feed.position();

    let ahead = Cursor { sequence: here.sequence + 2, ..here };
    let mut reader = Reader::open(node.feed.clone(), Start::After(ahead));
    for number in 2..=4 {
        node.say(number);
    }
    let next = timeout(PATIENCE, reader.next()).await.unwrap();

    let Some(Next::Event(next)) = next else { panic!("{next:?}") };
    assert_eq!(next.cursor, Cursor { sequence: here.sequence + 3, ..here });
    let far = Cursor { sequence: here.sequence + 5_000, ..here };
    assert!(node.feed.after(far, 9).is_err(), "nobody is ahead that far");
    node.stop().await;
}

#[tokio::test]
async fn a_nats_that_comes_back_with_its_data_goes_on_where_it_was() {
    let mut server = Server::start();
    let mut node = Node::start(&server, "a").await;
    let begin = node.feed.position();
    node.say(1);
    node.has(1).await;

    server.kill();
    for number in 2..=50 {
        node.say(number);
    }
    server.restart();

    assert_eq!(node.has(50).await, (1..=50).collect::<Vec<_>>(), "each once, in order");
    node.becomes_current().await;
    assert_eq!(node.feed.position(), Cursor { sequence: begin.sequence + 50, ..begin });
    node.stop().await;
}

#[tokio::test]
async fn readers_are_told_since_when_the_log_is_late_and_when_it_is_not_any_more() {
    let mut server = Server::start();
    let node = Node::start(&server, "a").await;
    let began = now_ms();
    node.say(1);
    node.has(1).await;
    let mut reader = Reader::open(node.feed.clone(), Start::After(node.feed.position()));
    assert_eq!(reader.late_since_ms(), None);

    server.kill();
    let next = timeout(PATIENCE, reader.next()).await.expect("lateness");
    assert!(matches!(next, Some(Next::Lateness)), "{next:?}");
    let since_ms = reader.late_since_ms().expect("a time");
    assert!((began..=now_ms()).contains(&since_ms), "{since_ms}");

    server.restart();
    let next = timeout(PATIENCE, reader.next()).await.expect("its end");
    assert!(matches!(next, Some(Next::Lateness)), "{next:?}");
    assert_eq!(reader.late_since_ms(), None);
    node.stop().await;
}

#[tokio::test]
async fn a_nats_that_has_lost_its_data_begins_an_epoch_and_says_so() {
    let mut server = Server::start();
    let (one, other) = tokio::join!(Node::start(&server, "a"), Node::start(&server, "b"));
    // The first epoch is news, too.
    for node in [&one, &other] {
        timeout(PATIENCE, node.renewed.notified()).await.unwrap();
    }
    one.say(1);
    one.has(1).await;
    let before = one.feed.position();

    server.restart_empty();

    for node in [&one, &other] {
        timeout(PATIENCE, node.renewed.notified()).await.expect("another epoch");
        let mut changes = node.feed.changes();
        let is_new = async {
            while node.feed.position().epoch == before.epoch {
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, is_new).await.unwrap();
    }
    assert!(one.feed.after(before, 9).is_err(), "a reader of before gets a reset");
    one.say(7);
    assert_eq!((one.has(1).await, other.has(1).await), (vec![7], vec![7]));
    assert_eq!(one.feed.position(), other.feed.position());
    for node in [one, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn the_state_is_kept_now_and_then_so_that_a_node_can_begin_when_the_log_has_moved_on() {
    let server = Server::start();
    let node = Node::start(&server, "a").await;
    let kept = || node.checkpoints.get("numbers").map_or(0, |row| row.value.sequence);
    for number in 0..1_500 {
        node.say(number);
    }
    node.has(1_500).await;
    let mut changes = node.checkpoints.changes();
    let is_kept = async {
        while kept() == 0 {
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, is_kept).await.expect("a checkpoint");

    let late = Node::start(&server, "b").await;
    assert_eq!(late.has(1_500).await, node.has(1_500).await);
    for node in [node, late] {
        node.stop().await;
    }
}
