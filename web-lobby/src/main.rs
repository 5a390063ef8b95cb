//! The lobby: a page that runs in the browser and talks to the server that it came from.

// While being split up: see app.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "tests use the pure parts alone"))]

mod show;
mod transport_bar;
mod words;

fn main() {}
