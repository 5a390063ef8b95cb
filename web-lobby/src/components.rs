//! The parts that pages are made of: functions of data, without a request and without a clock.

pub(crate) mod banner;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod tab_bar;

pub(crate) mod chat;
pub(crate) mod invitation;
pub(crate) mod name_dialog;
pub(crate) mod private_room;
pub(crate) mod quick_play;
pub(crate) mod rating_curve;
pub(crate) mod replay_list;
pub(crate) mod rooms;
pub(crate) mod scoreboard;

pub(crate) mod live_stage;
pub(crate) mod stage;
pub(crate) mod timeline;

pub(crate) mod badge;
pub(crate) mod copy;
pub(crate) mod dialog;
pub(crate) mod icon;
pub(crate) mod notice;
