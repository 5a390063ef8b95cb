//! The times of the nodes and of the steward.

use std::time::Duration;

/// How often nodes write, and what their silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How often a node writes its row, and a steward that of its role.
    pub beat_every: Duration,
    /// The longest time between two acknowledgements of one's own writes without a break.
    pub acknowledged_within: Duration,
    /// The silence after which a node is dead, or its role free.
    pub dead_after: Duration,
    /// The silence after which a node that starts takes over the row of its name.
    pub claim_after: Duration,
    /// The time for NATS to answer at the start.
    pub start_within: Duration,
    /// The time without success after which a steward gives its role up, and a node takes into account that others take it for
    /// dead. Shorter than `dead_after`, so that there are not two stewards.
    pub give_up_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            beat_every: Duration::from_secs(2),
            acknowledged_within: Duration::from_secs(4),
            dead_after: Duration::from_secs(12),
            claim_after: Duration::from_secs(5),
            start_within: Duration::from_secs(60),
            give_up_after: Duration::from_secs(8),
        }
    }
}

impl Timing {
    /// How often it is looked who is silent.
    pub(in crate::cluster) fn look_every(&self) -> Duration {
        self.beat_every / 4
    }
}

#[cfg(test)]
mod tests {
    use super::Timing;

    #[test]
    fn a_steward_gives_up_before_another_one_begins() {
        let Timing {
            beat_every, acknowledged_within, dead_after, claim_after, give_up_after, ..
        } = Timing::default();
        assert!(give_up_after + beat_every < dead_after);
        assert!(acknowledged_within + beat_every < give_up_after);
        assert!(claim_after > beat_every * 2);
    }
}
