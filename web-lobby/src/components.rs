//! The parts that pages are made of: functions of data, without a request and without a clock.

pub mod banner;
pub mod footer;
pub mod header;
pub mod tab_bar;

pub mod chat;
pub mod invitation;
pub mod name_dialog;
pub mod private_room;
pub mod quick_play;
pub mod rating_curve;
pub mod replay_list;
pub mod rooms;
pub mod scoreboard;
pub mod thumbnail;

pub mod live_stage;
pub mod stage;
pub mod timeline;

pub mod badge;
pub mod copy;
pub mod dialog;
pub mod icon;
mod in_view;
pub mod notice;
