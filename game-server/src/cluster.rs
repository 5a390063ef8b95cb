//! What the nodes of one lobby share beside the database and the bucket: hints ([`post`]), small tables ([`table`]) and the
//! connection to NATS that carries them ([`nats`]).
//!
//! A server that runs alone has the same parts in its memory.

pub mod nats;
pub mod nats_post;
pub mod post;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
