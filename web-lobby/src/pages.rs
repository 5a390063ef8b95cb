//! One file for each page. A page reads its address, takes signals from [`crate::api`] and lays out
//! components.

pub(crate) mod determinism;
pub(crate) mod home;
pub(crate) mod invite;
pub(crate) mod not_found;
pub(crate) mod player;
pub(crate) mod replay;
pub(crate) mod replays;
pub(crate) mod watch;
