//! A whole room without sockets: its task's steps, one by one.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use shared::id::{PlayerId, RoomId};
use shared::invitation::InvitationSecret;
use shared::protocol::close;
use shared::sim::Mode;

use super::Room;
use crate::bots::BotPolicy;
use crate::bus::{Bus, Notice};
use crate::clock::Now;
use crate::room::game::Stage;
use crate::room::{MADE_ROOM_EMPTY_MAX, RoomHandle, RoomParts, RoomSpec};
use crate::socket::Closing;
use crate::storage::ReplayFilter;
use crate::testing::Bench;

const CLOSING: Closing = (close::ROOM_ENDED, "nobody was there for too long");

/// A room in which bots play a round that counts, and its address.
fn playing_room(parts: &RoomParts) -> (Room, RoomHandle) {
    let spec = RoomSpec {
        id: RoomId::from_bits(7),
        mode: Mode::Brawl,
        private: false,
        secret: InvitationSecret::from_bits(8),
        opener: None,
        bots: BotPolicy::Mixed,
        permanent: true,
        empty_max: MADE_ROOM_EMPTY_MAX,
    };
    let (mut room, handle) = Room::new(spec, parts);
    room.start(Now::read());
    assert!(room.game.round().is_some_and(|round| round.counts()));
    (room, handle)
}

#[tokio::test]
async fn a_room_that_closes_before_its_result_is_known_waits_for_it() {
    let bench = Bench::start().await;
    let (mut room, _handle) = playing_room(&bench.room_parts().await);

    let actions = room.game.end_round(Now::read());
    room.perform(actions, Now::read());
    assert!(matches!(room.game.stage(), Stage::Summary(_)));
    room.close(CLOSING).await;
    bench.stop().await;

    let filter = ReplayFilter { limit: 9, ..ReplayFilter::default() };
    let replays = bench.app.store.replays(filter).await.unwrap().replays;
    assert_eq!(replays.iter().map(|replay| replay.complete).collect::<Vec<_>>(), [true]);
}

#[tokio::test]
async fn a_made_room_waits_for_friends_and_for_as_long_as_somebody_reads_its_stream() {
    let bench = Bench::start().await;
    let spec = RoomSpec {
        id: RoomId::from_bits(7),
        mode: Mode::Brawl,
        private: true,
        secret: InvitationSecret::from_bits(8),
        opener: None,
        bots: BotPolicy::None,
        permanent: false,
        empty_max: MADE_ROOM_EMPTY_MAX,
    };
    let (room, handle) = Room::new(spec, &bench.room_parts().await);
    let opened = Instant::now();
    let closes_at = |now| room.deserted_at(now).unwrap();
    assert!(closes_at(opened) <= opened + MADE_ROOM_EMPTY_MAX);

    let reading = handle.read_stream(None);
    let late = opened + 2 * MADE_ROOM_EMPTY_MAX;
    assert!(closes_at(late) > late, "the page is open");
    drop(reading);
    let left = Instant::now();
    assert!(closes_at(late) < late && closes_at(late) >= left);

    handle.note_interest();
    assert!(closes_at(late) >= left + MADE_ROOM_EMPTY_MAX, "somebody asked for the room");
    bench.stop().await;
}

/// Counts how often the room is listed, before its end and after it.
#[derive(Default)]
struct Listings {
    room: OnceLock<RoomHandle>,
    before: AtomicUsize,
    after: AtomicUsize,
}

impl Bus for Listings {
    fn publish(&self, notice: Notice) {
        let has_ended = self.room.get().is_some_and(RoomHandle::has_ended);
        if matches!(notice, Notice::Room(_)) {
            let count = if has_ended { &self.after } else { &self.before };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn a_room_that_has_ended_is_not_listed_again() {
    let bench = Bench::start().await;
    let bus = Arc::new(Listings::default());
    let parts = RoomParts { bus: bus.clone(), ..bench.room_parts().await };
    let (room, handle) = playing_room(&parts);
    assert!(bus.room.set(handle).is_ok());

    room.close(CLOSING).await;

    assert!(bus.before.load(Ordering::Relaxed) > 0);
    assert_eq!(bus.after.load(Ordering::Relaxed), 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_room_without_people_closes_at_once_when_the_server_drains_and_its_round_counts_as_it_stands()
 {
    let bench = Bench::start().await;
    let parts = bench.room_parts().await;
    let (room, handle) = playing_room(&parts);
    let living = tokio::spawn(room.live());
    assert!(handle.reserve(vec![PlayerId::from_bits(1)]).await.is_ok());

    parts.drain.begin();

    living.await.unwrap();
    assert!(handle.has_ended());
    bench.stop().await;
    let filter = ReplayFilter { limit: 9, ..ReplayFilter::default() };
    let replays = bench.app.store.replays(filter).await.unwrap().replays;
    assert_eq!(replays.iter().map(|replay| replay.complete).collect::<Vec<_>>(), [true]);
}
