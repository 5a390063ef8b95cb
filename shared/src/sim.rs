//! The game: a match is a pure function of its seed and its commands.
//!
//! It uses integers, ticks, its own random numbers and ordered collections only. The server steps a [`World`] to decide,
//! the client steps a copy to predict, and each decoder steps one to follow. The same [`Command`]s applied to the same
//! world give the same world, bit for bit, on every machine.
//!
//! Deliberately absent: names, ratings, time of day, chat. The core knows seats, not players.

pub mod fixed;
pub mod grid;
pub mod rng;

pub mod command;
pub mod event;
pub mod mode;

pub mod collision;
pub mod disc;
pub mod movement;
pub mod pickup;
pub mod platform;
pub mod pulse;
pub mod push;
pub mod scoring;

pub mod bot;
pub mod checksum;
pub mod dead_reckoning;
pub mod determinism;
pub mod world;

pub use bot::BotStrength;
pub use command::{Buttons, Command, Input, Slot, Thrust};
pub use disc::{Disc, Stance};
pub use event::{Event, PickupKind, PulseId, PushKind};
pub use fixed::{Angle, Vec2};
pub use mode::Mode;
pub use pickup::Pickup;
pub use pulse::Pulse;
pub use world::World;
