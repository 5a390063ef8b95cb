//! One room: a place with seats where round after round is played.
//!
//! A room is a task that owns its game, its stream and its connections; no other task can reach them. Routes send
//! requests to its [`RoomHandle`], and complete the handshake with the socket.
//!
//! ```text
//! task      at each tick that tick_timer says is due:
//!   network.receive   reads the sockets: messages of each connection → inputs of each seat
//!   game.step         inputs → the world's next tick → actions
//!   effects.perform   actions → broadcast log, recording, ladder, the room's view
//!   network.flush     broadcast log and, in a crowd, interest of each player → the sockets
//! ```
//!
//! **Invariant:** the world changes only in `Game::step`, and a tick never waits.

// In reading order: the loop, the game, the connections, and what is received and sent.
mod task;

mod game;

mod network;

mod connections;

mod connection;

mod inputs;

mod broadcast;

mod interest;

// What a game's actions change.
mod effects;
mod seat_reports;
mod settlement;
mod view;

// How others reach a room, and what it is given.
mod handle;
mod live_stream;
mod parts;
mod readers;
mod seeds;
mod settings;
mod tick_timer;

#[cfg(test)]
pub(crate) use connection::echo::echo;
pub use connection::fuzz::fuzz_websocket_frames;
pub use connection::handshake::Handshake;
pub use connection::socket::Socket;
pub use game::seats::RESERVATION_KEPT;
pub use handle::{EnterError, Entrant, RoomHandle};
pub use live_stream::{follow_file, follow_stream};
pub use parts::RoomParts;
pub(crate) use readers::ReaderGuard;
pub use seeds::Seeds;
pub use settings::{MADE_ROOM_EMPTY_MAX, MATCHED_ROOM_EMPTY_MAX, Opener, RoomSettings, RoomSpec};
pub use task::open;
pub use tick_timer::TickScheduler;
pub use view::RoomView;
