//! The network between the server and the clients, and its quality.

use std::time::Duration;

use super::emulator::{Conditions, LinkEmulator};
use super::namespace::Namespace;
use crate::proxy::Proxy;

/// The network between the server and the clients.
pub(super) enum Network {
    /// Packets are delayed and lost.
    Packets { line: LinkEmulator, near: Namespace, far: Namespace },
    /// Bytes are delayed.
    Bytes(Proxy),
}

impl Network {
    /// Changes the conditions. A proxy loses no bytes.
    pub(super) fn set(&self, conditions: Conditions) {
        match self {
            Self::Packets { line, .. } => line.set(conditions),
            Self::Bytes(proxy) => {
                let ms = |ms| Duration::from_millis(u64::from(ms));
                proxy.delay(ms(conditions.rtt_ms) / 2, ms(conditions.jitter_ms));
            }
        }
    }

    /// Cuts the network or restores it. During a cut, packets are lost and bytes wait.
    pub(super) fn cut(&self, is_cut: bool) {
        match self {
            Self::Packets { line, .. } => line.cut(is_cut),
            Self::Bytes(proxy) => proxy.hold(is_cut),
        }
    }
}
