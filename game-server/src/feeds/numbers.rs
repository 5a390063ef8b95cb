//! A state for tests: every number that was published, in order. A snapshot must hold exactly the events up to its cursor.

use serde::{Deserialize, Serialize};

use super::feed::FeedState;
use super::shared_log::SharedState;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Numbers(pub(super) Vec<u64>);

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
