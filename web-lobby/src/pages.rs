//! One file for each page. A page reads its URL, takes signals from [`crate::api`] and lays out components.

pub mod determinism;
pub mod home;
pub mod invite;
pub mod not_found;
pub mod player;
pub mod replay;
pub mod replays;
pub mod watch;
