//! Strangers' bad days: machines, networks, disks, browsers and habits that are not ours.

mod client;
mod client_window;
mod costly_reads;
mod end_of_session;
mod few_files;
mod full_disk;
mod held_database;
mod lost_log;
mod names;
mod odd_flags;
mod open_rooms;
mod own_past;
mod panics;
mod ratings;
mod said;
mod windows;
