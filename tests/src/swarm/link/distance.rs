//! What lies between the server and the clients, and how it is made worse.

use std::time::Duration;

use super::line::{Conditions, Line};
use super::place::Place;
use crate::proxy::Proxy;

/// What lies between the server and the clients.
pub(super) enum Distance {
    /// Packets are delayed and lost.
    Packets { line: Line, near: Place, far: Place },
    /// Bytes are delayed.
    Bytes(Proxy),
}

impl Distance {
    /// From now on it is so good. Bytes are not lost.
    pub(super) fn set(&self, conditions: Conditions) {
        match self {
            Self::Packets { line, .. } => line.set(conditions),
            Self::Bytes(proxy) => {
                let ms = |ms| Duration::from_millis(u64::from(ms));
                proxy.delay(ms(conditions.rtt_ms) / 2, ms(conditions.jitter_ms));
            }
        }
    }

    /// While it is cut, packets are lost, and bytes wait.
    pub(super) fn cut(&self, is_cut: bool) {
        match self {
            Self::Packets { line, .. } => line.cut(is_cut),
            Self::Bytes(proxy) => proxy.hold(is_cut),
        }
    }
}
