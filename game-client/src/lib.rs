//! The native client: Bevy draws and reads input, `shared` has the rules, one thread talks to the server.
//!
//! One plugin a file. In a frame data flows one way: network → input → prediction → render state → scene, panels and sound.

#![allow(clippy::too_many_arguments, clippy::type_complexity, reason = "Bevy systems")]

pub mod address;
pub mod args;
pub mod invite;
mod log;
pub mod settings;
pub mod start;

pub mod net;

pub mod chat;
pub mod lobby;
pub mod room;

pub mod frame;
pub mod world_to_scene;

pub mod autopilot;
pub mod input;
pub mod prediction;

pub mod audio;
pub mod backdrop;
pub mod pace;
pub mod replay;
pub mod replay_list;
pub mod scene;

pub mod screens;
pub mod ui;

pub mod dev_tools;
pub mod shots;
