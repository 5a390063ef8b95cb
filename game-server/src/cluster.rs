//! What the nodes of one lobby share beside the database and the bucket: hints ([`post`]), small tables ([`table`]), the
//! directory of rooms ([`directory`]), and the connection to NATS that carries them ([`nats`]).
//! What the nodes of one lobby share beside the database and the bucket: hints ([`post`]), small tables ([`table`]), who of
//! them lives ([`nodes`]), which one does what only one may do ([`steward`]), and the connection to NATS that carries all of that
//! ([`nats`]).
//!
//! A server that runs alone has the same parts in its memory.

pub mod directory;
pub mod kv_table;
pub mod memory_table;
pub mod nats;
pub mod nats_post;
pub mod nodes;
pub mod post;
pub mod streams;
pub mod steward;
pub mod table;
#[cfg(test)]
mod testing;
