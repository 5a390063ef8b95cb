//! What a room leaves behind when it closes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use shared::id::RoomId;
use shared::protocol::close;
use shared::sim::Mode;
use tokio::sync::mpsc;

use crate::bots::Company;
use crate::bus::{Bus, Delivery, Notice};
use crate::room::outbox::Outbox;
use crate::room::running::{Room, Stage};
use crate::room::{Request, RoomServices, RoomSpec};
use crate::socket::Closing;
use crate::storage::ReplayFilter;
use crate::testing::Bench;

const CLOSING: Closing = (close::ROOM_ENDED, "nobody was there for a minute");

/// A room in which bots play a round that counts, and where its requests would come from.
fn playing_room(with: RoomServices) -> (Room, mpsc::Sender<Request>) {
    let spec = RoomSpec {
        id: RoomId::from_bits(7),
        mode: Mode::Brawl,
        private: false,
        company: Company::Mixed,
        always: true,
    };
    let (requests, inbox) = mpsc::channel(1);
    let (mut room, _) = Room::new(spec, with, Outbox::new(), inbox);
    room.change_seats(Instant::now());
    assert!(matches!(&room.stage, Stage::Round(round) if round.counts()));
    (room, requests)
}

#[tokio::test]
async fn a_room_that_closes_before_its_result_is_known_waits_for_it() {
    let bench = Bench::start().await;
    let (mut room, _requests) = playing_room(bench.room_services().await);

    room.end_round(Instant::now());
    assert!(matches!(room.stage, Stage::Summary(_)));
    room.close(CLOSING).await;
    bench.stop().await;

    let filter = ReplayFilter { limit: 9, ..ReplayFilter::default() };
    let replays = bench.app.store.replays(filter).await.unwrap().replays;
    assert_eq!(replays.iter().map(|replay| replay.complete).collect::<Vec<_>>(), [true]);
}

/// Counts how often the room is listed, before its end and after.
#[derive(Default)]
struct Listings {
    requests: OnceLock<mpsc::Sender<Request>>,
    before: AtomicUsize,
    after: AtomicUsize,
}

impl Bus for Listings {
    fn publish(&self, notice: Notice) {
        let has_ended = self.requests.get().is_some_and(mpsc::Sender::is_closed);
        if matches!(notice, Notice::Room(_)) {
            let count = if has_ended { &self.after } else { &self.before };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subscribe(&self) -> BoxStream<'static, Delivery> {
        stream::pending().boxed()
    }
}

#[tokio::test]
async fn a_room_that_has_ended_is_not_listed_again() {
    let bench = Bench::start().await;
    let bus = Arc::new(Listings::default());
    let services = RoomServices { bus: bus.clone(), ..bench.room_services().await };
    let (room, requests) = playing_room(services);
    bus.requests.set(requests).unwrap();

    room.close(CLOSING).await;

    assert!(bus.before.load(Ordering::Relaxed) > 0);
    assert_eq!(bus.after.load(Ordering::Relaxed), 0);
    bench.stop().await;
}
