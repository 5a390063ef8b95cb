//! The bridge from the bus to the feeds, and the clock of the `lab` feed.
//!
//! A notice that the bridge missed is never final: it asks the owners of the ladder and of the rooms for their whole state,
//! and again each second until it has received it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::time::{MissedTickBehavior, interval};

use super::{Feeds, LabSample, RoomEvent};
use crate::bus::{Delivery, Notice, StateOwner};
use crate::clock::now_ms;
use crate::tasks::Tasks;

/// Time between two requests for a state that has not arrived.
const REPEAT_EVERY: Duration = Duration::from_secs(1);

/// The owners of the states that feeds show. Cheap to clone.
#[derive(Clone)]
pub struct Owners {
    /// Publishes [`Notice::Scores`].
    pub ladder: Arc<dyn StateOwner>,
    /// Publishes [`Notice::Rooms`].
    pub rooms: Arc<dyn StateOwner>,
}

/// Starts the task. It publishes a sample in the `lab` feed every `lab_interval`, and closes all feeds when the server
/// stops. `deliveries` begin before anything is published.
pub fn start(
    tasks: &Tasks,
    deliveries: BoxStream<'static, Delivery>,
    owners: Owners,
    feeds: Arc<Feeds>,
    lab_interval: Duration,
) {
    let bridge = Bridge { feeds, owners, lacks_ladder: false, lacks_rooms: false };
    tasks.spawn_vital("feeds", bridge.run(tasks.clone(), deliveries, lab_interval));
}

struct Bridge {
    feeds: Arc<Feeds>,
    owners: Owners,
    /// Notices were missed, and the whole ladder has not arrived since.
    lacks_ladder: bool,
    /// The same for the rooms.
    lacks_rooms: bool,
}

impl Bridge {
    async fn run(
        mut self,
        tasks: Tasks,
        mut deliveries: BoxStream<'static, Delivery>,
        lab_interval: Duration,
    ) {
        let mut sampling = interval(lab_interval);
        // No burst after a stall: it would measure the stall and not the network.
        sampling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut repeating = interval(REPEAT_EVERY);
        repeating.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut samples = 0;
        loop {
            tokio::select! {
                () = tasks.stopping() => break,
                Some(delivery) = deliveries.next() => match delivery {
                    Delivery::Notice(notice) => self.publish(notice),
                    Delivery::Missed(count) => {
                        tracing::warn!(count, "the feeds missed notices and ask for the whole state");
                        (self.lacks_ladder, self.lacks_rooms) = (true, true);
                        self.ask();
                        repeating.reset();
                    }
                },
                _ = repeating.tick() => self.ask(),
                _ = sampling.tick() => {
                    samples += 1;
                    self.feeds.lab.publish(LabSample { n: samples, at_ms: now_ms() });
                }
            }
        }
        self.feeds.close();
    }

    /// Asks for each state that is lacking.
    fn ask(&self) {
        if self.lacks_ladder {
            self.owners.ladder.republish();
        }
        if self.lacks_rooms {
            self.owners.rooms.republish();
        }
    }

    fn publish(&mut self, notice: Notice) {
        let feeds = &self.feeds;
        match notice {
            Notice::Score(row) => feeds.scoreboard.publish(row),
            Notice::Room(room) => feeds.rooms.publish(RoomEvent::Room(room)),
            Notice::RoomClosed(closed) => feeds.rooms.publish(RoomEvent::Closed(closed)),
            Notice::Scores(scoreboard) => {
                self.lacks_ladder = false;
                feeds.scoreboard.replace(scoreboard)
            }
            Notice::Rooms(rooms) => {
                self.lacks_rooms = false;
                feeds.rooms.replace(rooms)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use futures_util::stream;
    use shared::api::{RoomList, Scoreboard};
    use tokio::sync::mpsc;
    use tokio_stream::wrappers::ReceiverStream;
    use tokio_util::sync::CancellationToken;

    use super::{Owners, start};
    use crate::bus::{Delivery, Notice, StateOwner};
    use crate::feeds::Feeds;
    use crate::feeds::feed::Source as _;
    use crate::tasks::Tasks;

    /// Fails at the first request.
    struct FailsOnce {
        notice: Notice,
        bus: mpsc::Sender<Delivery>,
        requests: AtomicU32,
    }

    impl StateOwner for FailsOnce {
        fn republish(&self) {
            if self.requests.fetch_add(1, Ordering::Relaxed) > 0 {
                self.bus.try_send(Delivery::Notice(self.notice.clone())).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_missed_notice_is_not_final_even_if_an_owner_fails_at_first() {
        let (bus, later) = mpsc::channel(8);
        let owner =
            |notice| Arc::new(FailsOnce { notice, bus: bus.clone(), requests: AtomicU32::new(0) });
        let (ladder, rooms) = (
            owner(Notice::Scores(Scoreboard::default())),
            owner(Notice::Rooms(RoomList::default())),
        );
        let feeds = Arc::new(Feeds::new(Duration::from_secs(3_600)));
        let tasks = Tasks::new(CancellationToken::new(), Duration::from_secs(1));
        let mut changes = [feeds.scoreboard.changes(), feeds.rooms.changes()];

        let deliveries =
            stream::iter([Delivery::Missed(3)]).chain(ReceiverStream::new(later)).boxed();
        let owners = Owners { ladder: ladder.clone(), rooms: rooms.clone() };
        start(&tasks, deliveries, owners, feeds, Duration::from_secs(3_600));

        for change in &mut changes {
            change.wait_for(|head| head.sequence == 1).await.unwrap();
        }
        for owner in [ladder, rooms] {
            assert_eq!(owner.requests.load(Ordering::Relaxed), 2);
        }
        tasks.stop();
        tasks.finish().await;
    }
}
