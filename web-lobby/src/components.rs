//! The parts of the pages: functions of data, without requests and clocks.

pub mod banner;
pub mod footer;
pub mod header;
pub mod tab_bar;

pub mod chat;
pub mod invitation;
pub mod mode_choice;
pub mod name_dialog;
pub mod private_room;
pub mod quick_play;
pub mod rating_curve;
pub mod replay_list;
pub mod rooms;
pub mod scoreboard;
pub mod thumbnail;

pub mod live_match;
pub mod match_canvas;
pub mod timeline;

pub mod badge;
pub mod copy;
pub mod dialog;
pub mod icon;
mod in_view;
pub mod notice;
pub mod signals;
pub mod title;
