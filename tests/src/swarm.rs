//! The load generator and the measurements: many players over real sockets, beside a bare epoll loop that
//! does the same reads and writes, in one run.
//!
//! An absolute time says little about another machine; the ratio to the bare loop does.

pub mod abuse;
pub mod cluster;
pub mod codec;
pub mod colyseus;
pub mod cores;
pub mod crowd;
pub mod floor;
pub mod lightyear;
pub mod link;
pub mod load;
pub mod players;
pub mod process_cost;
pub mod report;
mod seeds;
pub mod soak;
pub mod subscribers;
pub mod tick;
pub mod usage;

pub use report::Report;
