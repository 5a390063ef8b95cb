//! The end-to-end stories: one real server, real sockets, a real browser, a real window.

#![allow(clippy::unwrap_used, reason = "all of it is tests, the helpers of the stories too")]

mod feeds;
mod recovery;

mod crowd;
mod play;

mod divergence;
mod handover;
mod inputs;
mod matchmaking;
mod player_metrics;

mod bucket;
mod cluster;
mod replays;

mod chat;
mod room_chat;

mod bad_messages;
mod bad_requests;
mod limits;

mod openapi;

mod draining;
mod restart;
mod stopping;

mod strangers;

mod far_client;
mod lobby;
mod slow_replay;
mod window;

mod tidy;
