//! One room: a place with seats where round after round is played.
//!
//! A room is a task that owns its game, its stream and its connections; no other task can reach them. Routes send
//! requests to its [`RoomHandle`], and complete the handshake with the socket.
//!
//! ```text
//!                   ┌──────────────────── task: the loop ────────────────────┐
//! tick_timer ──due──▶ network.receive → game.step → effects.perform → network.flush
//!                     │ connections      │ seats       │ broadcast log    │ broadcast, interest
//!                     │ inputs           │ round       │ recording        │ connections
//!                                        │ summary     │ ladder, view
//! ```
//!
//! - `game` decides: seats, rounds and results. It is synchronous, and returns what is to be done.
//! - `network` moves bytes: `connections` are a table, `connection` is the life of one of them.
//! - `inputs` keeps what a player will hold, `broadcast` what all connections are sent, `interest` what one player of
//!   a crowd is sent.
//!
//! **Invariant:** the world changes only in the room's own tick, and a tick never waits.

mod settings;
mod tick_timer;

mod broadcast;
mod connection;
mod connections;
mod inputs;
mod interest;

mod game;
mod network;

mod effects;
mod parts;
mod seat_reports;
mod settlement;
mod view;

mod handle;
mod live_stream;
mod task;

#[cfg(test)]
pub(crate) use connection::echo::echo;
pub use connection::handshake::Handshake;
pub use connection::socket::Socket;
pub use game::seeds::Seeds;
pub use handle::{EnterError, RoomHandle};
pub use live_stream::{follow_file, follow_stream};
pub use parts::RoomParts;
pub use settings::{RoomSettings, RoomSpec, SPECTATORS_MAX};
pub use task::open;
pub use tick_timer::TickScheduler;
pub use view::RoomView;
