//! Strangers' bad days: machines, networks, disks, browsers and habits that are not ours.

mod client;
mod client_window;
mod end_of_session;
mod few_files;
mod full_disk;
mod lost_log;
mod names;
mod odd_flags;
mod open_rooms;
mod own_past;
mod panics;
mod said;
mod windows;
