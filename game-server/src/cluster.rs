//! What the nodes of one lobby share beside the database and the bucket: hints and requests ([`post`], [`request`]), small tables ([`table`]), who of
//! them lives ([`nodes`]), which one does what only one may do ([`steward`]), where each room is ([`directory`]), and the connection
//! to NATS that carries all of that ([`nats`]).
//!
//! A server that runs alone has the same parts in its memory.

pub mod directory;
#[cfg(test)]
pub(crate) mod exchange;
pub mod kv_table;
pub mod memory_table;
pub mod nats;
pub mod nats_post;
pub mod nodes;
pub mod post;
pub mod request;
pub mod steward;
pub mod streams;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
