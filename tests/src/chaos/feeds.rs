//! Readers of both shared feeds on all five transports, who go on elsewhere whenever a connection ends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shared::api::{RoomClosed, RoomList};
use shared::feed::{Cursor, KIND_RESET, KIND_SNAPSHOT, SnapshotPage};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::call::{Answered, request, send};
use super::ledger::{Follower, Ledger};
use super::world::{NODES, World};
use crate::feed::{AnyEnvelope, FeedReader, Transport};

const FEEDS: [&str; 2] = ["rooms", "scoreboard"];
/// A connection that brings nothing for so long is given up, as clients do. Heartbeats are not counted here, so that a quiet
/// feed is read over another connection now and then.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// The pause after a connection that could not be opened.
const PAUSE: Duration = Duration::from_millis(100);
/// Nodes agree, and readers have everything, within this time after everything was healed.
const AGREED_WITHIN: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(250);

const NODES_AGREE: &str = "all nodes have the same feed in the end";
const READERS_ARRIVE: &str = "every reader gets the whole feed in the end";
const GOES_ON: &str = "a reader that comes back goes on where it was";
const STATE_ADDS_UP: &str = "a reader's rooms are those of the nodes";

/// With fewer events than a node keeps of a feed, no reader is sent a whole state a second time.
const EVENTS_KEPT: usize = 1_024;

/// A reader as it is seen from outside.
struct Reader {
    feed: &'static str,
    name: String,
    seen: watch::Receiver<Seen>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    cursor: Option<Cursor>,
    /// For the feed of the rooms.
    rooms: RoomList,
}

/// All readers.
pub(super) struct Readers {
    readers: Vec<Reader>,
    ledgers: Vec<Arc<Ledger>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Readers {
    /// Two for each feed and transport, each beginning at another node.
    pub(super) fn start(world: &World) -> Self {
        let (mut readers, mut tasks) = (Vec::new(), JoinSet::new());
        let mut ledgers = Vec::new();
        let stop = CancellationToken::new();
        for feed in FEEDS {
            let ledger = Arc::new(Ledger::default());
            ledgers.push(ledger.clone());
            for (number, transport) in Transport::ALL.into_iter().cycle().take(10).enumerate() {
                let (publish, seen) = watch::channel(Seen::default());
                let name = format!("{feed} by {} ({number})", transport.name());
                readers.push(Reader { feed, name: name.clone(), seen });
                let reading =
                    read(world.clone(), (feed, transport, number), ledger.clone(), name, publish);
                let stop = stop.clone();
                tasks.spawn(async move {
                    stop.run_until_cancelled(reading).await;
                });
            }
        }
        Self { readers, ledgers, tasks, stop }
    }

    /// Waits until all nodes agree and every reader has everything, and checks it.
    pub(super) async fn end(mut self, world: &World) {
        for (feed, ledger) in FEEDS.into_iter().zip(&self.ledgers) {
            world.findings.count("events of feeds", ledger.len());
            if ledger.len() < EVENTS_KEPT && ledger.resets() > 0 {
                let detail = format!("{feed}: {} resets, {} events", ledger.resets(), ledger.len());
                world.findings.broke(GOES_ON, &detail);
            }
            let mut pages = Vec::new();
            let agreeing = async {
                loop {
                    pages = page_of_each(world, feed).await;
                    let is_agreed = pages.len() == NODES.len()
                        && pages.windows(2).all(|pair| pair[0].cursor == pair[1].cursor);
                    if is_agreed && self.have(feed, pages[0].cursor) {
                        return;
                    }
                    sleep(LOOK_EVERY).await;
                }
            };
            if timeout(AGREED_WITHIN, agreeing).await.is_err() {
                let at: Vec<_> = pages.iter().map(|page| page.cursor.to_string()).collect();
                let is_agreed = at.len() == NODES.len() && at.windows(2).all(|p| p[0] == p[1]);
                let behind = self.behind(feed, pages.first().map(|page| page.cursor));
                let detail = format!("{feed}: nodes at {at:?}, readers elsewhere: {behind:?}");
                let promise = if is_agreed { READERS_ARRIVE } else { NODES_AGREE };
                world.findings.broke(promise, &detail);
                continue;
            }
            self.compare(world, feed, &pages);
        }
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    fn have(&self, feed: &str, cursor: Cursor) -> bool {
        self.behind(feed, Some(cursor)).is_empty()
    }

    fn behind(&self, feed: &str, cursor: Option<Cursor>) -> Vec<String> {
        let of_feed = self.readers.iter().filter(|reader| reader.feed == feed);
        let elsewhere = of_feed.filter(|reader| reader.seen.borrow().cursor != cursor);
        elsewhere
            .map(|reader| format!("{} at {:?}", reader.name, reader.seen.borrow().cursor))
            .collect()
    }

    /// Compares the states of the nodes with each other, and those of the readers with them.
    fn compare(&self, world: &World, feed: &str, pages: &[SnapshotPage<Value>]) {
        for (name, page) in NODES.iter().zip(pages).skip(1) {
            if sorted(&page.snapshot) != sorted(&pages[0].snapshot) {
                let detail =
                    format!("{feed}: a has {}, {name} has {}", pages[0].snapshot, page.snapshot);
                world.findings.broke(NODES_AGREE, &detail);
            }
        }
        if feed != "rooms" {
            return;
        }
        let wanted = sorted(&pages[0].snapshot);
        for reader in self.readers.iter().filter(|reader| reader.feed == feed) {
            let rooms = serde_json::to_value(&reader.seen.borrow().rooms).unwrap_or_default();
            if sorted(&rooms) != wanted {
                let detail = format!("{} has {rooms}, a has {}", reader.name, pages[0].snapshot);
                world.findings.broke(STATE_ADDS_UP, &detail);
            }
        }
    }
}

/// The elements of the only list in a state, in one order.
fn sorted(state: &Value) -> Vec<String> {
    let lists = state.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array());
    let mut texts: Vec<_> = lists.flatten().map(Value::to_string).collect();
    texts.sort();
    texts
}

async fn page_of_each(world: &World, feed: &str) -> Vec<SnapshotPage<Value>> {
    let mut pages = Vec::new();
    for node in &world.nodes {
        let path = format!("/api/feeds/{feed}");
        if let Ok(Answered::Done(page)) = send(request(node, reqwest::Method::GET, &path, "")).await
        {
            pages.push(page);
        }
    }
    pages
}

async fn read(
    world: World,
    (feed, transport, number): (&'static str, Transport, usize),
    ledger: Arc<Ledger>,
    name: String,
    publish: watch::Sender<Seen>,
) {
    let mut follower = Follower::default();
    // One place in four is the balancer.
    let sites: Vec<_> = world.nodes.iter().chain([&world.lobby]).cloned().collect();
    for turn in number.. {
        let opening = transport.open(&sites[turn % sites.len()], feed, follower.cursor);
        let Ok(Ok(mut reader)) = timeout(SILENCE_MAX, opening).await else {
            sleep(PAUSE).await;
            continue;
        };
        world.findings.count("subscriptions", 1);
        while let Some(envelope) = next(&mut *reader).await {
            if let Err((promise, detail)) = follower.take(&envelope, &ledger) {
                world.findings.broke(promise, &format!("{name}: {detail}"));
            }
            publish.send_modify(|seen| seen.take(feed, &envelope));
        }
        sleep(PAUSE).await;
    }
}

/// The next envelope. `None` when the connection has ended, or brings nothing.
async fn next(reader: &mut dyn FeedReader) -> Option<AnyEnvelope> {
    timeout(SILENCE_MAX, reader.next()).await.ok()?.ok()
}

impl Seen {
    fn take(&mut self, feed: &str, envelope: &AnyEnvelope) {
        self.cursor = Some(envelope.id);
        if feed != "rooms" {
            return;
        }
        let data = envelope.data.clone();
        match envelope.kind.as_str() {
            // A message that is not understood shows in the comparison at the end.
            KIND_SNAPSHOT | KIND_RESET => {
                self.rooms = serde_json::from_value(data).unwrap_or_default();
            }
            RoomList::EVENT_ROOM => {
                if let Ok(room) = serde_json::from_value(data) {
                    self.rooms.upsert(room);
                }
            }
            RoomList::EVENT_CLOSED => {
                if let Ok(RoomClosed { id }) = serde_json::from_value(data) {
                    self.rooms.close(id);
                }
            }
            _ => {}
        }
    }
}
