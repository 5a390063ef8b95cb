//! The Pushback server as a library: [`run`] and its modules.
//!
//! Imports point one way: `main → http → {chat, matchmaking, feeds} → rooms → room → {ladder, recordings} → storage →
//! shared`. The private module `wiring` connects the parts, and no module imports it. Every task is spawned through
//! [`tasks::Tasks`], so that stopping can wait for all of them.

mod wiring;

pub mod config;
pub mod log;

pub mod http;
pub mod serve;
pub mod socket;

pub mod feeds;
pub mod lobby_upkeep;

pub mod matchmaking;
pub mod remote_changes;
pub mod renames;
pub mod rooms;

pub mod bots;
pub mod ladder;
pub mod recordings;
pub mod room;

pub mod chat;
pub mod keepalive;
pub mod presence;

pub mod device_links;
pub mod limits;
pub mod sessions;
pub mod tickets;

pub mod bus;
pub mod cluster;
pub mod data_dir_lock;
pub mod storage;

mod blocking;
pub mod data_disk;
pub mod drain;
pub mod readiness;

pub mod player;
pub mod rating;
pub mod token;

pub mod client_address;
pub mod connections;
pub mod node;
pub mod open_files;
pub mod tasks;

pub mod clock;
pub mod etag;
#[doc(hidden)]
pub mod fuzz;
pub mod metrics;
mod plain_page;
mod sync;
#[cfg(test)]
mod testing;

pub use config::Config;
pub use wiring::run;

/// Whether the lobby was built in. Without it the server shows a page that says how to get the lobby.
pub const HAS_LOBBY: bool = matches!(env!("PUSHBACK_HAS_LOBBY").as_bytes(), b"true");
