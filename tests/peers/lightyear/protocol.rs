//! The protocol: the two components of a disc, the one message of a player, and their rates.
//!
//! As short as a careful user of lightyear would make it: whole numbers of two bytes, written as they are rather
//! than with a length, and everything that changes all the time in one component, because each component that
//! changed costs a byte for its name.

use std::time::Duration;

use aeronet_websocket::tungstenite::protocol::WebSocketConfig;
use bevy::prelude::{App, Component};
use lightyear::prelude::{
    AppChannelExt as _, AppComponentExt as _, AppMessageExt as _, ChannelMode, ChannelSettings,
    NetworkDirection,
};
use serde::{Deserialize, Serialize};

use crate::discs::{Disc, TICK_RATE_HZ};

/// From one tick to the next.
pub(crate) const TICK: Duration = Duration::from_nanos(1_000_000_000 / TICK_RATE_HZ as u64);
/// From one snapshot to the next, and from one input message to the next.
pub(crate) const BEAT: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// Most bytes that a socket reads at once. The default of 128 KiB is zeroed for every read, which takes a seventh of the
/// server's CPU.
const READ_BYTES: usize = 4 << 10;

/// Position, velocity and aim of a disc, which change all the time.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[u8; 10]", from = "[u8; 10]")]
pub(crate) struct Motion {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) vx: i16,
    pub(crate) vy: i16,
    pub(crate) angle: u16,
}

/// The values of a disc that change rarely.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) strain: u8,
    pub(crate) points: i16,
}

/// Two inputs, as ours has: the tick of the first, then for each the aim and the thrust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs([u8; 10]);

/// The channel of [`Inputs`]. Late inputs have no effect, so none is sent again.
pub(crate) struct InputChannel;

/// Registers all of it, the same on both sides.
pub(crate) fn register(app: &mut App) {
    app.component::<Motion>().replicate();
    app.component::<Standing>().replicate();
    app.register_message::<Inputs>().add_direction(NetworkDirection::ClientToServer);
    app.add_channel::<InputChannel>(ChannelSettings {
        mode: ChannelMode::UnorderedUnreliable,
        ..ChannelSettings::default()
    })
    .add_direction(NetworkDirection::ClientToServer);
}

/// The settings of both ends' WebSockets.
pub(crate) fn socket() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ_BYTES)
}

impl Motion {
    /// Of a disc. Rules keep all of it within two bytes.
    pub(crate) fn of(disc: &Disc) -> Self {
        let [x, y, vx, vy] = [disc.x, disc.y, disc.vx, disc.vy].map(|number| number as i16);
        Self { x, y, vx, vy, angle: disc.angle }
    }
}

impl Standing {
    /// Of a disc.
    pub(crate) fn of(disc: &Disc) -> Self {
        Self { strain: disc.strain as u8, points: disc.points as i16 }
    }
}

impl Inputs {
    /// The same for two ticks.
    pub(crate) fn held(first: u32, angle: u16, thrust: u8) -> Self {
        let ([a, b, c, d], [low, high]) = (first.to_le_bytes(), angle.to_le_bytes());
        Self([a, b, c, d, low, high, thrust, low, high, thrust])
    }

    /// The aim and the thrust of the newer one.
    pub(crate) fn newer(&self) -> (u16, u8) {
        let [.., low, high, thrust] = self.0;
        (u16::from_le_bytes([low, high]), thrust)
    }
}

impl From<Motion> for [u8; 10] {
    fn from(motion: Motion) -> Self {
        let Motion { x, y, vx, vy, angle } = motion;
        let mut bytes = [0; 10];
        for (place, number) in bytes.chunks_exact_mut(2).zip([x, y, vx, vy, angle as i16]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

impl From<[u8; 10]> for Motion {
    fn from(bytes: [u8; 10]) -> Self {
        let number = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
        Self { x: number(0), y: number(2), vx: number(4), vy: number(6), angle: number(8) as u16 }
    }
}
