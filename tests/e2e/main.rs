//! The end-to-end stories: one real server, real sockets, a real browser, a real window.

mod feeds;
mod recovery;

mod chat;

mod bad_requests;
mod limits;

mod stopping;

mod tidy;
