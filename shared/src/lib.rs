//! The common core of the server and its clients: the rules, the messages and the file formats.
//!
//! It has no task, clock, file, socket or float. Everything here is a function from values to values, so the server, the
//! native client and the browser run the same code.

#![deny(clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

pub mod id;
pub mod invitation;
pub mod text;
pub mod tick;

pub mod sim;

pub mod snapshot;

pub mod replay;

pub mod protocol;

pub mod feed;

pub mod api;

#[cfg(feature = "openapi")]
mod openapi;
