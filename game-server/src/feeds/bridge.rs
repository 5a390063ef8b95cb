//! The bridge from the bus to the feeds, and the clock of the `lab` feed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{MissedTickBehavior, interval};

use super::{Feeds, LabSample, RoomEvent};
use crate::bus::{Bus, Delivery, Notice};
use crate::clock::now_ms;
use crate::tasks::Tasks;

/// Starts the task. It publishes a sample in the `lab` feed every `lab_interval`, and closes all feeds when the
/// server stops.
pub fn start(tasks: &Tasks, bus: Arc<dyn Bus>, feeds: Arc<Feeds>, lab_interval: Duration) {
    // Subscribed before anything can be published.
    let mut deliveries = bus.subscribe();
    let stop = tasks.clone();
    tasks.spawn(async move {
        let mut sampling = interval(lab_interval);
        // No burst after a stall: it would measure the stall and not the network.
        sampling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut samples = 0;
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                Some(delivery) = deliveries.next() => match delivery {
                    Delivery::Notice(notice) => publish(&feeds, notice),
                    Delivery::Missed(count) => {
                        tracing::warn!(count, "feeds missed notices and ask for all again");
                        bus.publish(Notice::Resend);
                    }
                },
                _ = sampling.tick() => {
                    samples += 1;
                    feeds.lab.publish(LabSample { n: samples, at_ms: now_ms() });
                }
            }
        }
        feeds.close();
    });
}

fn publish(feeds: &Arc<Feeds>, notice: Notice) {
    match notice {
        Notice::Score(row) => feeds.scoreboard.publish(row),
        Notice::Room(room) => feeds.rooms.publish(RoomEvent::Room(room)),
        Notice::RoomClosed(closed) => feeds.rooms.publish(RoomEvent::Closed(closed)),
        Notice::Scores(scoreboard) => feeds.scoreboard.replace(scoreboard),
        Notice::Rooms(rooms) => feeds.rooms.replace(rooms),
        Notice::Resend => return,
    };
}
