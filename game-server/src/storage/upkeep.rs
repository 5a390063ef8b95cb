//! What a database needs from time to time: SQLite's log is emptied.
//!
//! SQLite appends what is new to a log beside the database, and copies it into the database after each thousand pages. The
//! file of the log keeps the greatest length that it ever had, and it grows for as long as a reader of any process holds a
//! state that is in the log. Nothing can prevent that growth but refusing to write; this task gives the space back
//! within `EMPTY_EVERY` after the last such reader has ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Store;
use crate::tasks::Tasks;

/// The interval at which the log is emptied.
const EMPTY_EVERY: Duration = Duration::from_secs(10);
/// A log with more pages, of 4 KiB each, is worth a warning: 64 MiB.
const PAGES_WORTH_A_WARNING: u64 = 16_384;

/// Starts the task.
pub fn start(tasks: &Tasks, store: Arc<dyn Store>) {
    tasks.spawn_vital("database upkeep", run(tasks.clone(), store));
}

async fn run(tasks: Tasks, store: Arc<dyn Store>) {
    let mut emptying = interval(EMPTY_EVERY);
    emptying.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_warned = false;
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            _ = emptying.tick() => {}
        }
        match store.empty_log().await {
            Ok(pages) => {
                let is_long = pages > PAGES_WORTH_A_WARNING;
                if is_long && !has_warned {
                    tracing::warn!(
                        pages,
                        "the database's log is long: another process has been reading for long"
                    );
                }
                has_warned = is_long;
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the database's log could not be emptied");
            }
        }
    }
}
