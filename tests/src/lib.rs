//! The vocabulary of the end-to-end stories: servers, guests, players, readers of feeds, browsers and windows.
//!
//! These helpers are the only code of the tests that knows the API, so a refactoring touches them and not a hundred
//! stories. They panic where a story cannot go on, and they wait for messages and conditions with a deadline; no
//! helper sleeps for a fixed time. A module adds calls to the types of the modules below it: `guest` gives a [`Site`]
//! its sign-in, `player` gives a [`Guest`] its seat.

pub mod wait;

pub mod answer;
pub mod raw;

pub mod process;
pub mod server;
pub mod site;

pub mod bucket;
pub mod database;

pub mod guest;

pub mod socket;

pub mod player;

pub mod chat;

pub mod feed;

pub mod scores;

pub mod proxy;

pub mod cluster;
pub mod ratings;
pub mod rounds;

pub mod browser;
pub mod client;
pub mod screen;
pub mod window;

pub mod chaos;
pub mod fuzz;
pub mod swarm;

pub use answer::Answer;
pub use cluster::TestCluster;
pub use guest::Guest;
pub use player::Player;
pub use server::{ServerProcess, TestServer};
pub use site::Site;
pub use wait::{eventually, within};
