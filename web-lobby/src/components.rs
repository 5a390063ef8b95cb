//! The parts that pages are made of: functions of data, without a request and without a clock.

pub mod badge;
pub mod chat;
pub mod copy;
pub mod header;
pub mod icon;
pub mod live_stage;
pub mod name_dialog;
pub mod quick_play;
pub mod rating_curve;
pub mod replay_list;
pub mod rooms;
pub mod scoreboard;
pub mod stage;
pub mod tab_bar;
pub mod timeline;
pub mod toast;
