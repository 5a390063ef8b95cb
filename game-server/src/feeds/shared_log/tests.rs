//! The promise of a shared log: every node has the same events under the same numbers, whatever happens to NATS.

use std::sync::Arc;
use std::time::Duration;

use shared::feed::Cursor;
use test_nats::Nats as Server;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Checkpoint, Pace, SharedFeed, publish, stream_config};
use crate::clock::now_ms;
use crate::cluster::kv_table::{KvTable, TableName};
use crate::cluster::nats::Nats;
use crate::cluster::table::Table as _;
use crate::feeds::feed::{Feed, FeedLimits, Source as _};
use crate::feeds::numbers::Numbers;
use crate::feeds::outbox::{Outbox, Waiting};
use crate::feeds::reader::{Next, Reader, Start};
use crate::limits::Rate;
use crate::metrics::Engines;
use crate::tasks::Tasks;

const PATIENCE: Duration = Duration::from_secs(30);
/// What a stop may take at most. Nothing here needs a tenth of it.
const STOP_WITHIN: Duration = Duration::from_secs(5);
const TABLE: TableName = TableName { table: "feeds", task: "table feeds" };

/// A node that has one feed.
struct Node {
    feed: Arc<Feed<Numbers>>,
    outbox: Arc<Outbox>,
    renewed: Arc<Notify>,
    checkpoints: Arc<KvTable<Checkpoint>>,
    is_current: watch::Receiver<bool>,
    tasks: Tasks,
    nats: Nats,
}

impl Node {
    async fn start(server: &Server, name: &str) -> Self {
        Self::start_at(&server.url(), name, None).await
    }

    async fn start_at(url: &str, name: &str, pace: Pace) -> Self {
        let tasks = Tasks::new(CancellationToken::new(), STOP_WITHIN);
        let (url, engine) = (url.parse().unwrap(), Engines::default().nats);
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
            publish(tasks.clone(), nats.clone(), engine, "numbers", boot, pace, outbox.clone());
        tasks.spawn_vital("publish numbers", publishing);
        let mut node = Self { feed, outbox, renewed, checkpoints, is_current, tasks, nats };
        node.becomes_current().await;
        node
    }

    async fn becomes_current(&mut self) {
        let is_current = self.is_current.wait_for(|is_current| *is_current);
        timeout(PATIENCE, is_current).await.expect("a log that is followed").unwrap();
    }

    /// Publishes a number. Each is its own key, so that none replaces another.
    fn say(&self, number: u64) {
        self.say_of(number, number);
    }

    fn say_of(&self, key: u64, number: u64) {
        let (kind, data) = ("number", number.to_string());
        self.outbox.put(key, Waiting { kind, data, is_end: false });
    }

    /// Waits until this node is in another epoch than this one. Returns that.
    async fn leaves_epoch(&self, epoch: u64) -> u64 {
        let mut changes = self.feed.changes();
        let is_new = async {
            loop {
                let here = self.feed.position().epoch;
                if here != epoch {
                    return here;
                }
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, is_new).await.expect("another epoch")
    }

    /// Waits for this many numbers in the state.
    async fn has(&self, count: usize) -> Vec<u64> {
        self.until(|numbers| numbers.len() >= count).await
    }

    /// Waits until the state is as wanted, and returns it.
    async fn until(&self, is_wanted: impl Fn(&[u64]) -> bool) -> Vec<u64> {
        let mut changes = self.feed.changes();
        let becomes = async {
            loop {
                let numbers = self.feed.with_state(|state| state.0.clone());
                if is_wanted(&numbers) {
                    return numbers;
                }
                changes.changed().await.unwrap();
            }
        };
        let found = timeout(PATIENCE, becomes).await;
        found.unwrap_or_else(|_| panic!("{:?}", self.feed.with_state(Clone::clone)))
    }

    async fn stop(self) {
        self.outbox.close();
        self.tasks.stop();
        self.tasks.finish().await;
    }
}

/// All that a reader gets from there on, up to this event.
fn read_after(node: &Node, cursor: Cursor, until: u64) -> Vec<String> {
    let mut reader = Reader::open(node.feed.clone(), Start::After(cursor));
    let mut next = || reader.next_ready().expect("an event").text().to_string();
    (cursor.sequence..until).map(|_| next()).collect()
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

    assert_eq!(sorted(node.has(50).await), (1..=50).collect::<Vec<_>>(), "each once");
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
        node.leaves_epoch(before.epoch).await;
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

#[tokio::test]
async fn the_newest_event_of_a_key_comes_last_whatever_has_to_be_sent_again() {
    let mut server = Server::start();
    let node = Node::start(&server, "a").await;
    for round in 0..4 {
        for number in 0..200 {
            node.say_of(number % 20, round * 1_000 + number);
            tokio::task::yield_now().await;
        }
        server.kill();
        server.restart();
    }
    let newest = |numbers: &[u64], key| numbers.iter().rfind(|number| *number % 20 == key).copied();
    let has_all = |numbers: &[u64]| (0..20).all(|key| newest(numbers, key) == Some(3_180 + key));

    let numbers = node.until(has_all).await;

    for key in 0..20 {
        let of_key: Vec<_> = numbers.iter().filter(|number| *number % 20 == key).collect();
        assert!(of_key.is_sorted_by(|one, next| one < next), "{of_key:?}");
    }
    node.stop().await;
}

#[tokio::test]
async fn an_epoch_without_an_event_outlives_a_lost_connection() {
    let mut server = Server::start();
    let mut node = Node::start(&server, "a").await;
    node.say(1);
    node.has(1).await;
    let before = node.feed.position().epoch;
    server.restart_empty();
    let epoch = node.leaves_epoch(before).await;
    node.becomes_current().await;

    server.restart();
    node.say(7);

    assert_eq!(node.has(1).await, [7]);
    node.say(8);
    assert_eq!((node.has(2).await, node.feed.position().epoch), (vec![7, 8], epoch));
    node.stop().await;
}

#[tokio::test]
async fn a_nats_that_has_lost_its_last_events_begins_an_epoch_even_if_more_have_come() {
    let mut server = Server::start();
    let (url, way) = way_to(&server).await;
    let node = Node::start_at(&url, "a", None).await;
    node.say(1);
    node.has(1).await;
    let old = server.kill_and_copy();
    server.restart();
    for number in 2..=10 {
        node.say(number);
    }
    node.has(10).await;
    let before = node.feed.position();

    way.send_replace(Way::Closed);
    server.restart_with(&old);
    // More than were lost are there before this node has a connection again.
    let other = Node::start(&server, "b").await;
    for number in 11..=30 {
        other.say(number);
    }
    other.has(21).await;
    way.send_replace(Way::Open);

    let epoch = node.leaves_epoch(before.epoch).await;
    assert_eq!(other.leaves_epoch(before.epoch).await, epoch);
    assert!(node.feed.after(before, 9).is_err(), "a reader of before gets a reset");
    node.say(0);
    let has_last = |numbers: &[u64]| numbers.contains(&0);
    assert_eq!(node.until(has_last).await, other.until(has_last).await);
    for node in [node, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_log_that_has_lost_an_event_in_its_middle_begins_an_epoch() {
    let server = Server::start();
    let node = Node::start(&server, "a").await;
    let before = node.feed.position();
    for number in 1..=5 {
        node.say(number);
    }
    node.has(5).await;
    let log = node.nats.jetstream().get_stream(stream_config("numbers").name).await.unwrap();
    assert!(log.delete_message(before.sequence + 3).await.unwrap());

    // It can neither go on over the hole, nor know what was there.
    let late = Node::start(&server, "b").await;

    let epoch = late.feed.position().epoch;
    assert_eq!(node.leaves_epoch(before.epoch).await, epoch);
    node.say(6);
    assert_eq!((node.has(1).await, late.has(1).await), (vec![6], vec![6]));
    let here = late.feed.position();
    let texts = read_after(&late, Cursor { sequence: before.sequence + 3, ..here }, here.sequence);
    assert!(texts[0].contains(r#""data":4}"#), "what follows the hole can be read: {texts:?}");
    let hole = Cursor { sequence: before.sequence + 2, ..here };
    assert!(late.feed.after(hole, 9).is_err(), "nothing leads over it");
    for node in [node, late] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_publishes_no_faster_than_it_may() {
    let server = Server::start();
    let rate = Rate { burst: 5, refill: Duration::from_millis(100) };
    let node = Node::start_at(&server.url(), "a", Some(rate)).await;
    let began = Instant::now();
    for number in 0..15 {
        node.say(number);
    }

    node.has(15).await;

    assert!(began.elapsed() >= rate.refill * 10, "{:?}", began.elapsed());
    node.stop().await;
}

/// What a way to the server lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// No new connection.
    Closed,
    /// Nothing passes: requests are neither refused nor answered.
    Held,
}

async fn way_to(server: &Server) -> (String, watch::Sender<Way>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let ((way, is), port) = (watch::channel(Way::Open), server.port());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut is = is.clone();
            tokio::spawn(async move {
                is.wait_for(|way| *way == Way::Open).await.unwrap();
                // A connection to a server that is away ends at once.
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => return,
                    _ = is.wait_for(|way| *way == Way::Held) => {}
                }
                std::future::pending::<()>().await;
            });
        }
    });
    (url, way)
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_nats_that_is_away() {
    let mut server = Server::start();
    let (url, way) = way_to(&server).await;
    let (one, other) = (Node::start(&server, "a").await, Node::start_at(&url, "b", None).await);
    for node in [&one, &other] {
        node.say(1);
    }
    one.has(2).await;

    way.send_replace(Way::Held);
    server.kill();
    for node in [one, other] {
        node.say(2);
        let began = Instant::now();
        node.stop().await;
        assert!(began.elapsed() < STOP_WITHIN / 2, "{:?}", began.elapsed());
    }
}
