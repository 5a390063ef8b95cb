//! Brings what parts publish on the bus into the feeds, and beats the `lab` feed.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::time::{MissedTickBehavior, interval};

use super::{Beat, Feeds, RoomEvent};
use crate::app::Services;
use crate::bus::{Delivery, Notice};
use crate::clock::now_ms;

/// Starts the task. It closes the feeds when the server stops.
pub fn start(services: &Services) {
    let services_of_task = services.clone();
    // Subscribed before anything can be published.
    let mut deliveries = services.bus.subscribe();
    services.tasks.spawn(async move {
        let Services { config, shutdown, bus, feeds, .. } = services_of_task;
        let mut beat = interval(config.lab_interval);
        // After a stall the lab measures the network again, not the stall.
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = 0;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(delivery) = deliveries.next() => match delivery {
                    Delivery::Notice(notice) => publish(&feeds, notice),
                    Delivery::Missed(count) => {
                        tracing::warn!(count, "feeds missed notices and ask for all again");
                        bus.publish(Notice::Resend);
                    }
                },
                _ = beat.tick() => {
                    beats += 1;
                    feeds.lab.publish(Beat { n: beats, at_ms: now_ms() });
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
